"""Roles: which columns of a table are targets, and which are features."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bptrain.columns.options import FeatureChoice
from bptrain.config import Data
from bptrain.config.document.dump import to_inline_yaml
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.tables.table import Table
from bptrain.text import find_closest

MAX_NAMED = 20
"""How many columns of a table a message names."""


@dataclass(frozen=True)
class Roles:
    """The target columns, none for an autoencoder, and the feature columns, in order."""

    targets: tuple[str, ...]
    features: tuple[str, ...]


def find_targets(data: Data, table: Table) -> tuple[str, ...]:
    """Return the target columns; none for an autoencoder.

    Raises:
        OptionError: no target is named, or the table has no such column.
    """
    if is_autoencoder(data, table):
        return ()
    names = (data.target,) if isinstance(data.target, str) else tuple(data.target or table.target)
    if not names or data.target == {}:
        some = ", ".join(list(table.columns)[:MAX_NAMED])
        raise OptionError(Mistake("data.target", f"is missing; name the column to predict, one of {some}"))
    if absent := [name for name in names if name not in table.columns]:
        raise OptionError(*(describe_absent(data, table, name) for name in absent))
    check_unique(names, "data.target")
    return names


def is_autoencoder(data: Data, table: Table) -> bool:
    """Return whether the target is the inputs themselves, as `target: inputs` says.

    Raises:
        OptionError: the table has a column of that name, or an autoencoder has another target.
    """
    if data.task == "autoencoder":
        if data.target not in (None, "inputs"):
            what = "an autoencoder predicts its own inputs; write target: inputs, or remove task: autoencoder"
            raise OptionError(Mistake("data.target", what))
        return True
    if data.task != "auto" or data.target != "inputs":
        return False
    if "inputs" in table.columns:
        what = "inputs means the inputs themselves, but there is also a column of that name"
        advice = "write [inputs] for the column, or task: autoencoder for the inputs"
        raise OptionError(Mistake("data.target", f"{what}; {advice}"))
    return True


def describe_absent(data: Data, table: Table, name: str) -> Mistake:
    """Describe a target that the table does not have."""
    columns = list(table.columns)
    known = ", ".join(map(repr, columns[:MAX_NAMED])) + ", ..." * (len(columns) > MAX_NAMED)
    near = find_closest(name, columns)
    advice = f"did you mean {near!r}? The columns are {known}" if near else f"choose from {known}"
    field = f"data.target.{name}" if isinstance(data.target, dict) else "data.target"
    return Mistake(field, f"{table.origin} has no column {name!r}; {advice}")


def check_columns(table: Table, named: Mapping[str, Sequence[str]]) -> None:
    """Check that a table has all columns that are named; `named` has them by field.

    Raises:
        OptionError: with a mistake for each column that it lacks.
    """
    mistakes = []
    for field, names in named.items():
        for name in names:
            try:
                table.require_column(name)
            except InputError as error:
                mistakes.append(Mistake(field, str(error)))
    if mistakes:
        raise OptionError(*mistakes)


def check_unique(names: Sequence[str], field: str) -> None:
    """Check that no column is named twice.

    Raises:
        OptionError: one is.
    """
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise OptionError(Mistake(field, f"names the column {twice!r} twice; remove one"))


def find_other_roles(data: Data) -> dict[str, str]:
    """Return the columns with another role, such as `data.id`, each with the field that names it."""
    named = {"data.split.column": data.split.column, "data.sample_weight": data.sample_weight, "data.id": data.id}
    return {name: field for field, name in named.items() if name is not None}


def list_named_columns(data: Data) -> dict[str, tuple[str, ...]]:
    """Return the columns that a config names beside its targets, by the fields that name them."""
    single = {"data.split.column": data.split.column, "data.sample_weight": data.sample_weight, "data.id": data.id}
    named: dict[str, tuple[str, ...]] = {field: (name,) for field, name in single.items() if name is not None}
    named |= {f"data.columns.{name}": (name,) for name in data.columns or ()}
    named |= {field: (name,) for name, field in data.feature_fields.items()}
    if isinstance(data.features, FeatureChoice):
        named |= {f"data.features.exclude.{k}": (name,) for k, name in enumerate(data.features.exclude or ())}
    return named


def find_features(data: Data, table: Table, targets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the feature columns: those that are named, or all that have no other role, without those excluded.

    Raises:
        OptionError: a name is unknown, or is a target; or there are no features.
    """
    check_columns(table, list_named_columns(data))
    field, names = find_listed_features(data)
    excluded: Collection[str] = ()
    if isinstance(data.features, FeatureChoice) and data.features.exclude is not None:
        field, excluded, names = "data.features.exclude", data.features.exclude, None
    if names is None:
        # The usual target of a source is a feature only if it is named as one.
        others = {*(targets or table.target), *find_other_roles(data), *excluded}
        names = tuple(name for name in table.columns if name not in others)
    for name in names:
        if name in targets:
            what = f"the target {name!r} is among the features; remove it"
            raise OptionError(Mistake(get_feature_field(data, name), what, "BP123"))
    check_unique(names, field)
    if not names:
        raise OptionError(Mistake("data.features", "there are no features; name at least one column"))
    return names


def find_listed_features(data: Data) -> tuple[str, tuple[str, ...] | None]:
    """Return the field that lists features, and what it lists, if anything."""
    if isinstance(data.features, FeatureChoice):
        return "data.features.include", data.features.include
    return "data.features", data.features


def get_feature_field(data: Data, name: str) -> str:
    """Return the field that names a feature, or that would name it."""
    return data.feature_fields.get(name, "data.features")


def advise_exclusion(data: Data, names: Sequence[str]) -> str:
    """Return how to leave columns out of the features."""
    it = "it" if len(names) == 1 else "them"
    if isinstance(data.features, FeatureChoice) and data.features.exclude is not None:
        return f"add {it} to features.exclude"
    if data.features is None:
        return f"leave {it} out with features: {to_inline_yaml({'exclude': list(names)})}"
    return f"leave {it} out"
