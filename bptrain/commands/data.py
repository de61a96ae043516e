"""`bptrain data`"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from bptrain.arrays import Array, Streams
from bptrain.code import load_codes
from bptrain.columns.features import Feature
from bptrain.columns.fit import fit_feature
from bptrain.columns.kinds import ColumnKind
from bptrain.columns.options import FeatureChoice
from bptrain.columns.profile.leaks import read_target
from bptrain.columns.profile.profile import ColumnProblem, ColumnProfile, Spread, TableProfile
from bptrain.columns.profile.split_profile import SplitDescription, count_classes, describe_splits
from bptrain.columns.targets import Classes, check_varied, find_classes, select_present
from bptrain.config import Data, Experiment, load
from bptrain.config.load import place_errors
from bptrain.errors import InputError, OptionError
from bptrain.model.assemble import resolve_data
from bptrain.model.preprocessing import choose_treatments, compute_class_weights, require_numbers
from bptrain.model.read import Reading, get_reading
from bptrain.model.roles import (
    Roles,
    find_features,
    find_listed_features,
    find_other_roles,
    find_targets,
    is_autoencoder,
)
from bptrain.model.splits import split_table
from bptrain.model.task import check_classes, choose_task
from bptrain.tables.table import Selection, Table

__all__ = ["ColumnDescription", "ColumnProblem", "DataDescription", "SplitDescription", "Spread", "describe_data"]

Found = TypeVar("Found")
Use = Literal["feature", "target", "id", "weight", "split", "unused"]


@dataclass(frozen=True)
class ColumnDescription:
    """A column of the data.

    Attributes:
        name: of the column.
        use: what it is for.
        kind: of its values; `mixed` has text among numbers, `text` too many different values for categories.
        missing: the number of rows without a value.
        distinct: the number of different values.
        spread: the range of its numbers; None for other kinds.
        most: the most frequent values with their number of rows; empty for numbers.
        treatment: what the network reads of a feature, in words; empty if that is unknown.
        objections: warnings about the column, and errors that would stop training.
    """

    name: str
    use: Use
    kind: ColumnKind
    missing: int
    distinct: int
    spread: Spread | None
    most: tuple[tuple[str, int], ...]
    treatment: str = ""
    objections: tuple[ColumnProblem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the keys that scripts may rely on."""
        most = [{"value": value, "rows": rows} for value, rows in self.most]
        return asdict(self) | {"most": most, "objections": [asdict(one) for one in self.objections]}


@dataclass(frozen=True)
class DataDescription:
    """The data of a config.

    Attributes:
        origin: the file or source of the table.
        rows: of the table.
        task: such as `classification`; empty if it cannot be decided.
        target: the columns to predict; empty if they cannot be decided.
        classes: of each target that has classes, the number of rows of each class.
        columns: a description of each.
        parts: a description of each split; empty if the rows cannot be split.
        objections: errors that would stop training and belong to no single column.
        notes: which rows are left out.
    """

    origin: str
    rows: int
    task: str
    target: tuple[str, ...]
    classes: dict[str, dict[str, int]]
    columns: tuple[ColumnDescription, ...]
    parts: tuple[SplitDescription, ...]
    objections: tuple[str, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the keys of `bptrain data --json`."""
        return asdict(self) | {
            "target": list(self.target),
            "columns": [column.to_json() for column in self.columns],
            "parts": [asdict(part) for part in self.parts],
            "objections": list(self.objections),
            "notes": list(self.notes),
        }


def describe_data(
    config: str | Path, overrides: Sequence[str] = (), *, code: Sequence[str | Path] = ()
) -> DataDescription:
    """Describe the data of a config: its columns, classes and splits, with everything that would stop training.

    A column that training does not accept is described with the reason. Only a file that cannot be read is an error.

    Args:
        config: path of a YAML file.
        overrides: `KEY=VALUE` each, such as `training.epochs=5`, applied over the file.
        code: Python files that register components which the config names.

    Returns:
        The description of the table, of each column and of each split.

    Raises:
        InputError: the code or the config cannot be used, or its data cannot be read.
        StorageError: a data file exists but may not be read.

    Example:
        >>> description = bptrain.describe_data("configs/iris.yaml")
        >>> [column.name for column in description.columns if column.missing]
        []
    """
    load_codes(code)
    loaded = load(config, overrides)
    with place_errors(loaded):
        reading = get_reading(loaded.experiment.data)
        table = reading.load_main()
    return describe_table(loaded.experiment, table, reading)


def describe_table(experiment: Experiment, table: Table, reading: Reading) -> DataDescription:
    """Describe the table of an experiment."""
    data, said = experiment.data, list[str]()
    targets = attempt(lambda: find_targets(data, table), said) or ()
    features = attempt(lambda: find_features(data, table, targets), said)
    if features is None:
        features = guess_features(data, table, targets)
    autoencoder = attempt(lambda: is_autoencoder(data, table), said)
    if autoencoder:
        experiment = replace(experiment, data=replace(data, task="autoencoder"))
    task = attempt(lambda: choose_task(experiment, table, targets), said) if targets or autoencoder else None
    rows, notes, classes = dict[str, Selection](), tuple[str, ...](), dict[str, Classes]()
    if task is not None:
        whole = resolve_data(experiment, table, targets, task)
        for name in whole.class_targets:
            answered = select_present(Selection(table), name)
            attempt(lambda name=name: check_classes(experiment, table, name), said)  # type: ignore[misc]
            if (found := attempt(lambda name=name, rows=answered: find_classes(rows, name), said)) is not None:  # type: ignore[misc]
                classes[name] = found
        roles, rng = Roles(targets, features), Streams(experiment.seed).split
        splits = attempt(lambda: split_table(whole, roles, reading.add_splits(table), rng), said)
        if splits is not None:
            rows, notes = splits.rows, splits.notes
            if len(classes) == 1 and task == "classification":
                (only,) = classes.values()
                attempt(lambda: compute_class_weights(whole, rows["train"], only), said)
    each_split = tuple(rows.values()) or (Selection(table),)
    labels = targets if task == "multi_label" else ()
    answers = (read_target(table, name, classes=name in classes or name in labels) for name in targets)
    profile = TableProfile(table, features, tuple(one for one in answers if one), each_split[0].rows)
    columns = tuple(describe_columns(data, profile, each_split, targets, classes))
    known = {one.message for column in columns for one in column.objections}
    return DataDescription(
        table.origin,
        len(table),
        task or "",
        tuple(targets),
        count_classes(Selection(table), classes),
        columns,
        describe_splits(rows, (*features, *targets), classes),
        tuple(one for one in dict.fromkeys(said) if not any(one.endswith(message) for message in known)),
        notes,
    )


def guess_features(data: Data, table: Table, targets: Sequence[str]) -> tuple[str, ...]:
    """Return the features that the config names, where one of them cannot be a feature."""
    listed = find_listed_features(data)[1]
    named = None if listed is None else frozenset(listed)
    excluded = (data.features.exclude or ()) if isinstance(data.features, FeatureChoice) else ()
    others = {*targets, *find_other_roles(data), *excluded}
    return tuple(name for name in table.columns if name not in others and (named is None or name in named))


def attempt(work: Callable[[], Found], said: list[str]) -> Found | None:
    """Return the result of some work; if it raises, add the messages to `said` and return None."""
    try:
        return work()
    except OptionError as error:
        said.extend(error.lines)
    except InputError as error:
        said.append(str(error))
    return None


def describe_columns(
    data: Data,
    profile: TableProfile,
    splits: Sequence[Selection],
    targets: Sequence[str],
    classes: Mapping[str, Classes],
) -> Iterator[ColumnDescription]:
    """Yield a description of every column; the first split, which trains, decides the kinds of features."""
    origin = profile.table.origin
    for name in profile.table.columns:
        use = find_use(data, name, profile, targets)
        kind, treatment, refusals = "", "", list[str]()
        if use == "feature":
            kind, treatment, refusals = try_feature(data, splits, name)
        elif name in classes:
            kind = "categorical"
        column = profile.column(name, kind or None)  # type: ignore[arg-type]
        if use == "target":
            refusals = try_target(data, splits[0], column, classes=name in classes)
        errors = (ColumnProblem("error", shorten(message, origin, name)) for message in refusals)
        objections = (*errors, *(column.warnings if use == "feature" else ()))
        yield describe_column(column, use, treatment, objections)


def describe_column(
    column: ColumnProfile, use: Use, treatment: str, objections: tuple[ColumnProblem, ...]
) -> ColumnDescription:
    """Return the description of a column from its profile."""
    facts = (column.kind, column.missing, column.distinct, column.spread, column.most)
    return ColumnDescription(column.name, use, *facts, treatment, objections)


def find_use(data: Data, name: str, profile: TableProfile, targets: Sequence[str]) -> Use:
    """Return what a column is for."""
    if name in targets:
        return "target"
    if name in profile.feature_names:
        return "feature"
    fields: dict[str, Use] = {"data.id": "id", "data.sample_weight": "weight", "data.split.column": "split"}
    return fields.get(find_other_roles(data).get(name, ""), "unused")


def try_feature(data: Data, splits: Sequence[Selection], name: str) -> tuple[str, str, list[str]]:
    """Return the kind of a feature, what a network reads of it, and why training does not accept it; the first split
    trains."""
    said: list[str] = []
    found = attempt(lambda: choose_treatments(data, splits[0], [name]), said)
    if found is None:
        return "", "", said
    ((kind, one),) = found.values()
    feature = attempt(lambda: fit_feature(splits[0], name, kind, one), said)
    if feature is None:
        return kind, "", said
    for rows in splits:
        attempt(lambda rows=rows: encode_feature(feature, rows), said)  # type: ignore[misc]
    return kind, feature.words, said


def encode_feature(feature: Feature, rows: Selection) -> Array:
    """Return a feature as the network reads it, `(rows, outputs)`.

    Raises:
        InputError: a value cannot be used.
    """
    out = np.empty((len(rows), len(feature.outputs)), np.float32)
    feature.encode(rows, out, Counter())
    return out


def shorten(message: str, origin: str, name: str) -> str:
    """Return a message without the field, source and column at its start; of a place only the line stays."""
    start = rf"(data\.[^:]*: )?{re.escape(origin)}(:(\d+))?: {re.escape(name)}: "
    found = re.match(start, message)
    if found is None:
        return message
    return (f"line {found[3]}: " if found[3] else "") + message[found.end() :]


def try_target(data: Data, train: Selection, column: ColumnProfile, *, classes: bool) -> list[str]:
    """Return why training does not accept a target."""
    said: list[str] = []
    if classes:
        attempt(lambda: find_classes(train, column.name), said)
        return said
    if column.kind == "mixed":
        attempt(lambda: require_numbers(data, Selection(train.table), column.name, target=True), said)
    attempt(lambda: check_varied(train, column.name), said)
    return said
