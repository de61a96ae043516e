"""Roles: what each column of a table is for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bptrain.columns.options import FeatureChoice
from bptrain.config import Data
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.tables.table import Table
from bptrain.text import find_closest


@dataclass(frozen=True)
class Roles:
    """The columns to predict, none for an autoencoder, and those to predict from, in order."""

    targets: tuple[str, ...]
    features: tuple[str, ...]


def find_roles(data: Data, table: Table) -> Roles:
    """Return the roles of the columns of a table.

    Raises:
        OptionError: a column that the config names is not there, or is named for two roles; or one that is needed is
            not named.
    """
    targets = find_targets(data, table)
    return Roles(targets, find_features(data, table, targets))


def find_targets(data: Data, table: Table) -> tuple[str, ...]:
    """Return the columns to predict; none for an autoencoder.

    Raises:
        OptionError: none is named, or there is none of that name.
    """
    if is_autoencoder(data, table):
        return ()
    names = (data.target,) if isinstance(data.target, str) else tuple(data.target or table.target)
    if not names or data.target == {}:
        some = ", ".join(list(table.columns)[:20])
        raise OptionError(Mistake("data.target", f"is missing; name the column to predict, one of {some}"))
    if absent := [name for name in names if name not in table.columns]:
        raise OptionError(*(describe_absent(data, table, name) for name in absent))
    check_once(names, "data.target")
    return names


def is_autoencoder(data: Data, table: Table) -> bool:
    """Tell whether the inputs themselves are to be predicted, as `target: inputs` says.

    Raises:
        OptionError: there is a column of that name, or another target for an autoencoder.
    """
    if data.task == "autoencoder":
        if data.target not in (None, "inputs"):
            what = "an autoencoder predicts what it reads; write target: inputs, or take task: autoencoder out"
            raise OptionError(Mistake("data.target", what))
        return True
    if data.task != "auto" or data.target != "inputs":
        return False
    if "inputs" in table.columns:
        what = "is the word for the inputs themselves, and there is a column of that name"
        advice = "write [inputs] for the column, or task: autoencoder for the inputs"
        raise OptionError(Mistake("data.target", f"{what}; {advice}"))
    return True


def describe_absent(data: Data, table: Table, name: str) -> Mistake:
    """Describe a target that the table does not have."""
    there = ", ".join(map(repr, list(table.columns)[:20])) + (", ..." if len(table.columns) > 20 else "")
    near = find_closest(name, table.columns)
    advice = f"did you mean {near!r}? It has {there}" if near else f"choose from {there}"
    field = f"data.target.{name}" if isinstance(data.target, dict) else "data.target"
    return Mistake(field, f"{table.origin} has no column {name!r}; {advice}")


def check_names(table: Table, named: dict[str, Sequence[str]]) -> None:
    """Refuse columns that are not there, as mistakes in the fields that name them.

    Raises:
        OptionError: with a mistake for each.
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


def check_once(names: Sequence[str], field: str) -> None:
    """Refuse a column that is named twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise OptionError(Mistake(field, f"names the column {name!r} twice; take one out"))
        seen.add(name)


def other_roles(data: Data) -> dict[str, str]:
    """Return the columns with another use than that of a feature, each with the field that says so."""
    named = {"data.split.column": data.split.column, "data.sample_weight": data.sample_weight, "data.id": data.id}
    return {name: field for field, name in named.items() if name is not None}


def find_features(data: Data, table: Table, targets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns to predict from: those named, or all that are neither targets nor of other use, less
    those excluded.

    Raises:
        OptionError: a name is unknown, or is a target or a weight; or there are no features.
    """
    check_names(table, {field: (name,) for name, field in other_roles(data).items()})
    check_names(table, {f"data.columns.{name}": (name,) for name in data.columns or ()})
    field, names = listed_features(data)
    excluded: Collection[str] = ()
    if isinstance(data.features, FeatureChoice) and data.features.exclude is not None:
        field, excluded, names = "data.features.exclude", data.features.exclude, None
        check_names(table, {field: data.features.exclude})
    if names is None:
        # What the source is there to predict is no input that goes without saying.
        others = {*(targets or table.target), *other_roles(data), *excluded}
        names = tuple(name for name in table.columns if name not in others)
    check_names(table, {field: names})
    for name in names:
        if name in targets:
            what = f"the target {name!r} is among the features; take it out"
            raise OptionError(Mistake(feature_field(data, name), what, "BP123"))
    check_once(names, field)
    if not names:
        raise OptionError(Mistake("data.features", "there is nothing to predict from; name at least one column"))
    return names


def listed_features(data: Data) -> tuple[str, tuple[str, ...] | None]:
    """Return the field that lists features, and what it lists, if anything."""
    if isinstance(data.features, FeatureChoice):
        return "data.features.include", data.features.include
    return "data.features", data.features


def feature_field(data: Data, name: str) -> str:
    """Return the field in which a feature is named, or would be."""
    field, names = listed_features(data)
    return "data.features" if names is None else f"{field}.{names.index(name)}"
