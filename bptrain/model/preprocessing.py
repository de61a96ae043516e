"""Preprocessing: decide from the config and the training rows how each column is encoded, and fit the columns."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from bptrain.columns.column_errors import build_text_error
from bptrain.columns.columns import Columns, Weighting, fit
from bptrain.columns.dates.forms import STATED, find_forms, write_forms
from bptrain.columns.encodings import Plain
from bptrain.columns.imputers import Drop, Refuse
from bptrain.columns.kinds import KEPT_CATEGORIES, MOST_MARKS, InferredKind, find_odd_texts, infer_kind
from bptrain.columns.options import ColumnOptions, Kind, Treatment
from bptrain.columns.scalers import Unscaled
from bptrain.columns.targets import MOST_INTEGER_CLASSES, Classes, Inputs, balance_weights, check_varied, find_classes
from bptrain.config import Data
from bptrain.config.document.dump import to_inline_yaml
from bptrain.errors import Mistake, OptionError
from bptrain.model.date_columns import describe_dates, require_dates
from bptrain.model.roles import Roles, advise_exclusion, get_feature_field
from bptrain.model.splits import Splits, encode_classes
from bptrain.nn import Loss
from bptrain.registry import name_of
from bptrain.tables.number_signs import advise_on_signs
from bptrain.tables.table import Selection, Table, quote
from bptrain.tables.values import find_missing, find_non_number
from bptrain.text import suggest_word


def fit_columns(data: Data, loss: Loss | Literal["auto"], roles: Roles, splits: Splits) -> Columns:
    """Fit the columns on the training rows.

    Args:
        data: with target and task resolved.
        loss: the common loss, if the targets have none of their own.
        roles: the roles of the columns.
        splits: the rows of each split.

    Raises:
        InputError: a column cannot be used; an `OptionError` if its options do not fit.
    """
    train, targets = splits.rows["train"], roles.targets
    table = train.table
    if data.task == "multi_task":
        # In the order of the table, since a checkpoint does not keep the order of the mapping `data.target`.
        targets = tuple(name for name in table.columns if name in targets)
    features = choose_treatments(data, train, roles.features)
    numeric = {name: data.get_target_treatment(name) for name in targets}
    check_target_options(numeric)
    if data.task == "classification":
        classes = splits.classes or find_classes(train, targets[0])
        classes = replace(classes, missing=numeric[targets[0]].missing)
        weighting = Weighting(compute_class_weights(data, train, classes), data.sample_weight)
        return fit(table, train.numbers, features, classes, weighting)
    if data.class_weight is not None:
        raise OptionError(Mistake("data.class_weight", f"is for classes, but the task is {data.task}; remove it"))
    weighting = Weighting(None, data.sample_weight)
    if data.task == "autoencoder":
        return fit(table, train.numbers, features, Inputs(), weighting)
    found: dict[str, Classes | Treatment] = {}
    for name, one in numeric.items():
        if name in data.class_targets:
            found[name] = find_classes(train, name, one.missing)
        elif data.task == "multi_label":
            found[name] = replace(one, kind=find_label_kind(train, name), scaling=Unscaled())
        else:
            check_varied(train, name)
            own = data.target[name].loss if isinstance(data.target, dict) else loss
            raw = own != "auto" and own.raw_targets
            found[name] = replace(one, kind="numeric", scaling=Unscaled() if raw else one.scaling)
    return fit(table, train.numbers, features, found, weighting, several=data.task == "multi_task")


def find_label_kind(train: Selection, name: str) -> Kind:
    """Return the kind of a column of labels: numeric, or boolean.

    Raises:
        OptionError: it is text other than yes and no.
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
    what = f"{quote(name)} is not a label, which must be 0 or 1, or yes or no ({got})"
    raise OptionError(Mistake("data.target", f"{what}; for classes write task: multi_task", "BP122"))


def check_target_options(targets: dict[str, Treatment]) -> None:
    """Check that no missing target would be filled in, and that none is encoded as several numbers.

    Raises:
        OptionError: one would be.
    """
    mistakes = [
        Mistake(f"data.columns.{name}.missing", f"{name_of(one.missing)} would invent targets; use drop or error")
        for name, one in targets.items()
        if one.missing.fills
    ]
    mistakes += [
        Mistake(f"data.columns.{name}.encoding", "is for features, and this column is a target; remove it")
        for name, one in targets.items()
        if not isinstance(one.encoding, Plain)
    ]
    mistakes += [
        Mistake(
            f"data.columns.{name}.kind", "a date is a feature, and this column is the target; predict a number of days"
        )
        for name, one in targets.items()
        if one.kind == "date"
    ]
    if mistakes:
        raise OptionError(*mistakes)


def compute_class_weights(data: Data, train: Selection, classes: Classes) -> tuple[float, ...] | None:
    """Return the weight of each class, in the order of the classes; None if the config has no class weights.

    Raises:
        OptionError: a label is not one of the classes, or all weights are 0.
    """
    given = data.class_weight
    if given is None:
        return None
    if given == "balanced":
        return balance_weights(encode_classes(classes, train), len(classes.labels))
    assert isinstance(given, dict)
    labels = {str(label): label for label in classes.labels}
    mistakes = [
        Mistake(
            f"data.class_weight.{label}",
            f"{data.target} has no class {quote(label)}; {suggest_word(label, labels)}",
        )
        for label in given
        if label not in labels
    ]
    weights = tuple(given.get(label, 1.0) for label in labels)
    if not mistakes and max(weights) < 1e-6:
        mistakes.append(Mistake("data.class_weight", "all weights are 0; give a class a positive weight"))
    if mistakes:
        raise OptionError(*mistakes)
    return weights


def choose_treatments(data: Data, train: Selection, names: Sequence[str]) -> dict[str, tuple[Kind, Treatment]]:
    """Choose the kind of each feature, as the config says or by the values in the training rows, and how it is encoded.

    Raises:
        InputError: a numeric column has text; an `OptionError` names all columns that are empty or have too many
            distinct texts, and all options that do not fit the kind.
    """
    mistakes: list[Mistake] = []
    found = {name: choose_treatment(data, train, name, mistakes) for name in names}
    if mistakes:
        raise OptionError(*mistakes)
    return {name: one for name, one in found.items() if one}


def choose_treatment(data: Data, train: Selection, name: str, mistakes: list[Mistake]) -> tuple[Kind, Treatment] | None:
    """Choose the kind of one feature and how it is encoded; add the options that do not fit it to the mistakes.

    Raises:
        InputError: it is numeric, and has text.
    """
    values, treatment = train.column(name), data.get_treatment(name)
    kind = treatment.kind
    if kind == "auto":
        inferred = infer_kind(values, train.decimal)
        if inferred.kind == "text" and (treatment.rare or treatment.categories):
            inferred = InferredKind("categorical", inferred.distinct)
        if inferred.kind in ("text", "date", "empty"):
            what = describe_unusable(data, train, name, inferred)
            mistakes.append(Mistake(get_feature_field(data, name), what))
            return None
        kind = "numeric" if inferred.kind == "mixed" else inferred.kind  # type: ignore[assignment]
    assert kind != "auto"
    treatment = replace(treatment, missing=data.choose_imputer(name, kind))
    if kind == "numeric" and values.dtype == object:
        require_numbers(data, train, name)
    if kind == "date":
        treatment = replace(treatment, format=require_dates(data, train, name).text)
    mistakes += find_wrong_options(data, name, kind, treatment, has_missing=bool(find_missing(values).any()))
    if kind not in ("numeric", "date") and treatment.missing.of_numbers:
        treatment = replace(treatment, missing=Refuse())
    return kind, treatment


def require_numbers(data: Data, rows: Selection, name: str, *, target: bool = False) -> None:
    """Require that a column has no text among its numbers.

    Raises:
        InputError: it has some; the message lists the texts of the whole table with their rows, and what to write.
    """
    values = rows.column(name)
    if values.dtype == object and find_non_number(values, rows.decimal) is not None:
        whole = Selection(rows.table)
        raise build_text_error(whole, name, whole.column(name), advise_on_text(data, rows.table, name, target=target))


def advise_on_text(data: Data, table: Table, name: str, *, target: bool) -> str:
    """Return what to do about text among the numbers of a column."""
    values, called = table.column(name), to_inline_yaml(name)
    if not target:
        options = f"{{{called}: {{kind: categorical, unseen: ignore}}}}"
        advice = f"correct it, leave the column out, or write under data: columns: {options}"
    elif len(set(values.tolist())) <= MOST_INTEGER_CLASSES:
        task = "task: classification"
        advice = f"correct it, or write {f'target: {{{called}: {{{task}}}}}' if len(data.targets) > 1 else task}"
    else:
        advice = "correct it"
    odd = find_odd_texts(values, table.decimal)
    marks: tuple[str, ...] | None = getattr(data.source, "missing", None)
    if marks is None or len(odd) > MOST_MARKS or not all(one.is_mark for one in odd):
        return advice
    # `missing` replaces the marks of the source, so these are repeated if they are used.
    kept = marks if any(find_missing(column).any() for column in table.columns.values()) else ()
    texts = [one.text for one in odd]
    which = ", ".join(map(quote, texts)) + (" means" if len(texts) == 1 else " mean")
    written = to_inline_yaml([*kept, *texts])
    advice += f", or, if {which} a missing value, write missing: {written} in the options of the source"
    policy = data.get_target_treatment(name).missing if target else data.choose_imputer(name, "numeric")
    if policy.fills or isinstance(policy, Drop):
        return advice
    return f"{advice} and columns: {{{called}: {{missing: {'drop' if target else 'median'}}}}}"


def describe_unusable(data: Data, train: Selection, name: str, found: InferredKind) -> str:
    """Describe why a column cannot be a feature, and what to do."""
    place, advice = f"{train.table.origin}: {name}", advise_exclusion(data, [name])
    if found.kind == "empty":
        return f"{place}: the whole column is empty; {advice}"
    if found.kind == "date":
        return f"{place}: {describe_dates(train.table, name)}, or {advice}"
    what = f"text with {found.distinct:,} distinct values in {len(train):,} training rows, too many for categories"
    called, forms = to_inline_yaml(name), find_forms(train.table.column(name), STATED)
    if signs := advise_on_signs(train.column(name).tolist(), train.decimal):
        example = quote(next(value for value in train.column(name).tolist() if value is not None))
        return f"{place}: text such as {example}; if these are numbers, write {signs} in the options of the source"
    if forms:
        what, options = f"{what}, perhaps dates", write_forms(name, forms)
    else:
        options = f"columns: {{{called}: {{categories: {KEPT_CATEGORIES}}}}} to keep the most frequent"
    return f"{place}: {what}; {advice}, or write under data: {options}"


def find_wrong_options(data: Data, name: str, kind: Kind, treatment: Treatment, *, has_missing: bool) -> list[Mistake]:
    """Return the options of a column that do not fit its kind."""
    own, field, found = data.get_column_options(name) or ColumnOptions(), f"data.columns.{name}", []
    imputer = treatment.missing
    for option in ("scaling", "encoding"):
        if kind != "numeric" and getattr(own, option) is not None:
            what = f"is for numeric columns, but {name!r} is {kind}; remove it"
            found.append(Mistake(f"{field}.{option}", what))
    if kind not in ("numeric", "date") and imputer.of_numbers and (has_missing or own.missing is not None):
        what = f"{name_of(imputer)} is for numeric columns, but {name!r} is {kind}"
        advice = f"write under data: columns: {{{to_inline_yaml(name)}: {{missing: most_frequent}}}}, or constant"
        if own.missing is None:
            advice = f"write missing: {{numbers: {name_of(imputer)}, others: most_frequent}}"
        found.append(Mistake(data.find_field(name, "missing"), f"{what}; {advice}"))
    for option in ("unseen", "rare", "categories"):
        if kind != "categorical" and getattr(own, option) is not None:
            what = f"is for categorical columns, but {name!r} is {kind}; remove it"
            found.append(Mistake(f"{field}.{option}", what))
    if kind != "date" and own.format is not None:
        found.append(
            Mistake(f"{field}.format", f"is for dates, but {name!r} is {kind}; remove it, or write kind: date")
        )
    return found
