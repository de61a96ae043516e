"""Preprocessing: what is made of each column, by the rows that train and as the config has it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from bptrain.columns.column_errors import build_text_error
from bptrain.columns.columns import Columns, Weighting, fit
from bptrain.columns.imputers import Drop, Refuse
from bptrain.columns.kinds import MOST_MARKS, InferredKind, find_odd_texts, infer_kind
from bptrain.columns.options import ColumnOptions, Kind, Treatment
from bptrain.columns.scalers import Unscaled
from bptrain.columns.targets import MOST_INTEGER_CLASSES, Classes, Inputs, balance_weights, check_varied, find_classes
from bptrain.config import Data
from bptrain.config.dump import to_inline_yaml
from bptrain.errors import Mistake, OptionError
from bptrain.model.roles import Roles, feature_field
from bptrain.model.splits import Splits, class_codes
from bptrain.nn import Loss
from bptrain.registry import name_of
from bptrain.tables.table import Selection, Table, quote
from bptrain.tables.values import find_missing, find_non_number
from bptrain.text import suggest_word


def fit_columns(data: Data, loss: Loss | Literal["auto"], roles: Roles, splits: Splits) -> Columns:
    """Fit the columns on the rows that train.

    Args:
        data: with target and task resolved.
        loss: of all targets, where each has not its own.
        roles: of the columns.
        splits: of the rows.

    Raises:
        InputError: they cannot be learned from; an `OptionError` where what is to be made of them does not go.
    """
    train, targets = splits.rows["train"], roles.targets
    table = train.table
    if data.task == "multi_task":
        # Of a mapping, the order of which a checkpoint does not keep.
        targets = tuple(name for name in table.columns if name in targets)
    features = choose_treatments(data, train, roles.features)
    numeric = {name: data.target_treatment(name) for name in targets}
    check_filling(numeric)
    if data.task == "classification":
        classes = splits.classes or find_classes(train, targets[0])
        classes = replace(classes, missing=numeric[targets[0]].missing)
        weighting = Weighting(class_weights(data, train, classes), data.sample_weight)
        return fit(table, train.numbers, features, classes, weighting)
    if data.class_weight is not None:
        raise OptionError(Mistake("data.class_weight", f"weighs classes, and the task is {data.task}; take it out"))
    weighting = Weighting(None, data.sample_weight)
    if data.task == "autoencoder":
        return fit(table, train.numbers, features, Inputs(), weighting)
    found: dict[str, Classes | Treatment] = {}
    for name, one in numeric.items():
        if name in data.class_targets:
            found[name] = find_classes(train, name, one.missing)
        elif data.task == "multi_label":
            found[name] = replace(one, kind=label_kind(train, name), scaling=Unscaled())
        else:
            check_varied(train, name)
            own = data.target[name].loss if isinstance(data.target, dict) else loss
            raw = own != "auto" and own.raw_targets
            found[name] = replace(one, kind="numeric", scaling=Unscaled() if raw else one.scaling)
    return fit(table, train.numbers, features, found, weighting, several=data.task == "multi_task")


def label_kind(train: Selection, name: str) -> Kind:
    """Return whether a label is numbers, or text that says yes or no.

    Raises:
        OptionError: it is other text.
    """
    values = train.column(name)
    if values.dtype != object:
        return "numeric"
    inferred = infer_kind(values)
    if inferred.kind == "boolean":
        return "boolean"
    if inferred.kind == "mixed":
        return "numeric"
    present = values[~find_missing(values)]
    got = f"got {quote(present[0])}" if len(present) else "it is empty"
    what = f"{quote(name)} is no label: one is 0 or 1, or yes or no ({got}); for classes write task: multi_task"
    raise OptionError(Mistake("data.target", what, "BP122"))


def check_filling(targets: dict[str, Treatment]) -> None:
    """Refuse to make up answers where a target is missing.

    Raises:
        OptionError: something is to be put in the place of a missing target.
    """
    mistakes = [
        Mistake(f"data.columns.{name}.missing", f"{name_of(one.missing)} would make up answers; use drop, or error")
        for name, one in targets.items()
        if one.missing.fills
    ]
    if mistakes:
        raise OptionError(*mistakes)


def class_weights(data: Data, train: Selection, classes: Classes) -> tuple[float, ...] | None:
    """Return what each class weighs, in the order of the classes.

    Raises:
        OptionError: a label is none of the classes, or nothing weighs anything.
    """
    given = data.class_weight
    if given is None:
        return None
    if given == "balanced":
        return balance_weights(class_codes(classes, train), len(classes.labels))
    assert isinstance(given, dict)
    labels = {str(label): label for label in classes.labels}
    mistakes = [
        Mistake(
            f"data.class_weight.{label}",
            f"{quote(label)} is no class of {data.target}; {suggest_word(label, labels)}",
        )
        for label in given
        if label not in labels
    ]
    weights = tuple(given.get(label, 1.0) for label in labels)
    if not mistakes and max(weights) < 1e-6:
        mistakes.append(Mistake("data.class_weight", "no class weighs anything; give one a positive weight"))
    if mistakes:
        raise OptionError(*mistakes)
    return weights


def choose_treatments(data: Data, train: Selection, names: Sequence[str]) -> dict[str, tuple[Kind, Treatment]]:
    """Choose the kind of each feature, by the rows that train or as the config has it, and what is made of it.

    Raises:
        InputError: a column has text among its numbers; an `OptionError` names all that have too many different texts
            or are empty, and all options that do not go with the kind.
    """
    mistakes: list[Mistake] = []
    found = {name: choose_treatment(data, train, name, mistakes) for name in names}
    if mistakes:
        raise OptionError(*mistakes)
    return {name: one for name, one in found.items() if one}


def choose_treatment(data: Data, train: Selection, name: str, mistakes: list[Mistake]) -> tuple[Kind, Treatment] | None:
    """Choose the kind of one feature and what is made of it; what does not go is added to the mistakes.

    Raises:
        InputError: it has text among its numbers.
    """
    values, one = train.column(name), data.treatment(name)
    kind = one.kind
    if kind == "auto":
        inferred = infer_kind(values, train.decimal)
        if inferred.kind in ("text", "empty"):
            mistakes.append(Mistake(feature_field(data, name), describe_refusal(train, name, inferred)))
            return None
        kind = "numeric" if inferred.kind == "mixed" else inferred.kind  # type: ignore[assignment]
    assert kind != "auto"
    if kind == "numeric" and values.dtype == object:
        require_numbers(data, train, name)
    mistakes += find_misfits(data, name, kind, one, holes=bool(find_missing(values).any()))
    if kind != "numeric" and one.missing.of_numbers:
        one = replace(one, missing=Refuse())
    return kind, one


def require_numbers(data: Data, rows: Selection, name: str, *, target: bool = False) -> None:
    """Require that a column has no text among its numbers.

    Raises:
        InputError: it has; the message names the texts of the whole table and their rows, and what the config can say.
    """
    values = rows.column(name)
    if values.dtype == object and find_non_number(values, rows.decimal) is not None:
        whole = Selection(rows.table)
        raise build_text_error(whole, name, whole.column(name), advise_on_text(data, rows.table, name, target=target))


def advise_on_text(data: Data, table: Table, name: str, *, target: bool) -> str:
    """Return what to do about text among the numbers of a column: what is written then is trained."""
    values, called = table.column(name), to_inline_yaml(name)
    if not target:
        options = f"{{{called}: {{kind: categorical, unseen: ignore}}}}"
        advice = f"correct it, leave the column out, or write columns: {options}"
    elif len(set(values.tolist())) <= MOST_INTEGER_CLASSES:
        task = "task: classification"
        advice = f"correct it, or write {f'target: {{{called}: {{{task}}}}}' if len(data.targets) > 1 else task}"
    else:
        advice = "correct it"
    odd = find_odd_texts(values, table.decimal)
    marks: tuple[str, ...] | None = getattr(data.source, "missing", None)
    if marks is None or len(odd) > MOST_MARKS or not all(one.is_mark for one in odd):
        return advice
    # The texts that are marks already need not be repeated where nothing is missing.
    kept = marks if any(find_missing(column).any() for column in table.columns.values()) else ()
    texts = [one.text for one in odd]
    which = ", ".join(map(quote, texts)) + (" means" if len(texts) == 1 else " mean")
    written = to_inline_yaml([*kept, *texts])
    advice += f", or, if {which} a missing value, write missing: {written} in the options of the source"
    policy = (data.target_treatment(name) if target else data.treatment(name)).missing
    if policy.fills or isinstance(policy, Drop):
        return advice
    return f"{advice} and columns: {{{called}: {{missing: {'drop' if target else 'median'}}}}}"


def describe_refusal(train: Selection, name: str, found: InferredKind) -> str:
    """Describe why a column cannot be a feature, and what to do."""
    out = f"leave it out with features: {{exclude: [{name}]}}"
    if found.kind == "empty":
        return f"{train.table.origin}: {name}: the whole column is empty; {out}"
    what = f"text with {found.distinct:,} distinct values in {len(train):,} training rows, too many for categories"
    categories = f"columns: {{{name}: {{kind: categorical, unseen: ignore}}}}"
    return f"{train.table.origin}: {name}: {what}; {out}, or write {categories}"


def find_misfits(data: Data, name: str, kind: Kind, one: Treatment, *, holes: bool) -> list[Mistake]:
    """Return the options of a column that do not go with its kind; `holes`: whether anything is missing in it."""
    own = data.of_column(name) or ColumnOptions()
    found = []
    if kind != "numeric":
        if own.scaling is not None:
            found.append(
                Mistake(f"data.columns.{name}.scaling", f"is for numbers, and {name!r} is {kind}; take it out")
            )
        if one.missing.of_numbers and (holes or own.missing is not None):
            what = f"{name_of(one.missing)} is of numbers, and {name!r} is {kind}"
            advice = f"write columns: {{{name}: {{missing: most_frequent}}}}, or constant"
            found.append(Mistake(data.field(name, "missing"), f"{what}; {advice}"))
    if kind != "categorical" and own.unseen is not None:
        found.append(Mistake(f"data.columns.{name}.unseen", f"is for categories, and {name!r} is {kind}; take it out"))
    return found
