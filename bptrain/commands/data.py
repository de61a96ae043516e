"""`bptrain data`"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Streams
from bptrain.code import load_codes
from bptrain.columns.dates.calendar import Calendar, describe_calendar
from bptrain.columns.dates.forms import Form
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

Use = Literal["feature", "target", "id", "weight", "split", "unused"]


@dataclass(frozen=True)
class ColumnDescription:
    """A column of the data.

    Attributes:
        name: of the column.
        use: what it is for.
        kind: of its values; `mixed` is numbers and text, `text` has too many different values for categories.
        missing: the number of rows without a value.
        distinct: the number of different values.
        spread: the range of its numbers; None for other kinds.
        most: the most frequent values with their number of rows; empty for numbers.
        treatment: how a feature is encoded, in words; empty if that is unknown.
        objections: warnings about the column, and errors that would stop training.
        calendar: the first and the last date, the step between dates, and gaps; None for other kinds.
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
    calendar: Calendar | None = None

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
        columns: a description of each column.
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
    data, errors = experiment.data, list[str]()
    targets: Sequence[str] = ()
    features: tuple[str, ...] | None = None
    autoencoder, task = False, None
    with collect_errors(errors):
        targets = find_targets(data, table)
    with collect_errors(errors):
        features = find_features(data, table, targets)
    if features is None:
        features = guess_features(data, table, targets)
    with collect_errors(errors):
        autoencoder = is_autoencoder(data, table)
    if autoencoder:
        experiment = replace(experiment, data=replace(data, task="autoencoder"))
    if targets or autoencoder:
        with collect_errors(errors):
            task = choose_task(experiment, table, targets)
    classes, rows, notes = dict[str, Classes](), dict[str, Selection](), tuple[str, ...]()
    if task is not None:
        resolved = resolve_data(experiment, table, targets, task)
        classes = try_classes(experiment, resolved.class_targets, table, errors)
        roles, rng = Roles(targets, features), Streams(experiment.seed).split
        with collect_errors(errors):
            splits = split_table(resolved, roles, reading.add_splits(table), rng)
            rows, notes = splits.rows, splits.notes
            if len(classes) == 1 and task == "classification":
                compute_class_weights(resolved, rows["train"], *classes.values())
    each_split = tuple(rows.values()) or (Selection(table),)
    target_values = (read_target(table, name, classes=task == "multi_label" or name in classes) for name in targets)
    profile = TableProfile(table, features, tuple(one for one in target_values if one), each_split[0].rows)
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
        tuple(one for one in dict.fromkeys(errors) if not any(one.endswith(message) for message in known)),
        notes,
    )


@contextmanager
def collect_errors(errors: list[str]) -> Iterator[None]:
    """Add the messages of an `InputError` to a list instead of raising it."""
    try:
        yield
    except OptionError as error:
        errors.extend(error.lines)
    except InputError as error:
        errors.append(str(error))


def try_classes(experiment: Experiment, targets: Sequence[str], table: Table, errors: list[str]) -> dict[str, Classes]:
    """Return the classes of some targets; add to the errors why training does not accept a target."""
    classes: dict[str, Classes] = {}
    for name in targets:
        with collect_errors(errors):
            check_classes(experiment, table, name)
        with collect_errors(errors):
            classes[name] = find_classes(select_present(Selection(table), name), name)
    return classes


def guess_features(data: Data, table: Table, targets: Sequence[str]) -> tuple[str, ...]:
    """Guess the features where the config has a mistake in them: what it names, or else all without another role."""
    listed = find_listed_features(data)[1]
    named = None if listed is None else frozenset(listed)
    excluded = (data.features.exclude or ()) if isinstance(data.features, FeatureChoice) else ()
    others = {*targets, *find_other_roles(data), *excluded}
    return tuple(name for name in table.columns if name not in others and (named is None or name in named))


def describe_columns(
    data: Data,
    profile: TableProfile,
    splits: Sequence[Selection],
    targets: Sequence[str],
    classes: Mapping[str, Classes],
) -> Iterator[ColumnDescription]:
    """Yield a description of every column; the first split is the training rows, which decide the kinds of features."""
    for name in profile.table.columns:
        use = find_use(data, name, profile, targets)
        kind, treatment, messages = "", "", list[str]()
        if use == "feature":
            kind, treatment, messages = try_feature(data, splits, name)
        elif name in classes:
            kind = "categorical"
        elif (own := data.get_column_options(name)) and own.kind != "auto":
            kind = own.kind
        column = profile.column(name, kind or None)  # type: ignore[arg-type]
        if use == "target":
            messages = try_target(data, splits[0], column, classes=name in classes)
        errors = (ColumnProblem("error", shorten(message, profile.table.origin, name)) for message in messages)
        objections = (*errors, *(column.warnings if use == "feature" else ()))
        yield describe_column(column, use, treatment, objections, data.get_treatment(name).format)


def describe_column(
    column: ColumnProfile, use: Use, treatment: str, objections: tuple[ColumnProblem, ...], form: str | None = None
) -> ColumnDescription:
    """Return the description of a column from its profile; `form` is how its dates are written, if that is given."""
    facts = (column.kind, column.missing, column.distinct, column.spread, column.most)
    return ColumnDescription(column.name, use, *facts, treatment, objections, find_calendar(column, form))


def find_calendar(column: ColumnProfile, form: str | None) -> Calendar | None:
    """Return the calendar of a column of dates whose form is given or certain; else None."""
    forms = column.forms if form is None else (Form(form),)
    return describe_calendar(column.values, forms[0]) if column.kind == "date" and len(forms) == 1 else None


def find_use(data: Data, name: str, profile: TableProfile, targets: Sequence[str]) -> Use:
    """Return what a column is for."""
    if name in targets:
        return "target"
    if name in profile.feature_names:
        return "feature"
    fields: dict[str, Use] = {"data.id": "id", "data.sample_weight": "weight", "data.split.column": "split"}
    return fields.get(find_other_roles(data).get(name, ""), "unused")


def try_feature(data: Data, splits: Sequence[Selection], name: str) -> tuple[str, str, list[str]]:
    """Return the kind of a feature, how it is encoded, and why training does not accept it; the first split is the
    training rows."""
    errors: list[str] = []
    kind = words = ""
    with collect_errors(errors):
        ((kind, treatment),) = choose_treatments(data, splits[0], [name]).values()
        feature = fit_feature(splits[0], name, kind, treatment)
        words = feature.words
        for rows in splits:
            with collect_errors(errors):
                feature.encode(rows, np.empty((len(rows), len(feature.input_names)), np.float32), Counter())
    return kind, words, errors


def shorten(message: str, origin: str, name: str) -> str:
    """Return a message without the field, file and column at its start; a line number is kept."""
    start = rf"(data\.[^:]*: )?{re.escape(origin)}(:(\d+))?: {re.escape(name)}: "
    if (found := re.match(start, message)) is None:
        return message
    return (f"line {found[3]}: " if found[3] else "") + message[found.end() :]


def try_target(data: Data, train: Selection, column: ColumnProfile, *, classes: bool) -> list[str]:
    """Return why training does not accept a target."""
    errors: list[str] = []
    if classes:
        with collect_errors(errors):
            find_classes(train, column.name)
        return errors
    if column.kind == "mixed":
        with collect_errors(errors):
            require_numbers(data, Selection(train.table), column.name, target=True)
    with collect_errors(errors):
        check_varied(train, column.name)
    return errors
