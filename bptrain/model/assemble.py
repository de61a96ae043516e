"""Assembling: a config and its table become a model, and the rows that it learns from.

Everything that only the data can tell is settled here: the task, the loss, the width of the output, the statistics of
the columns. What comes out has no `auto` left in it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from bptrain.arrays import Streams
from bptrain.code import load_codes
from bptrain.columns.duplicates import count_duplicates
from bptrain.columns.targets import Classes
from bptrain.config import Config, load
from bptrain.config.load import place_errors
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.model.heads import Head
from bptrain.model.model import Model, Rows, batch_rows, build_model
from bptrain.model.preprocessing import fitted
from bptrain.model.read import Tables
from bptrain.model.roles import Division, divided, feature_names, target_names
from bptrain.model.task import find_task, refuse_continuous, settled
from bptrain.optim import LineSearch
from bptrain.registry import name_of
from bptrain.tables import large
from bptrain.tables.selection import Selection
from bptrain.tables.table import Table, shown

if TYPE_CHECKING:
    from bptrain.model.large_division import LargeDivision


@dataclass(frozen=True)
class Assembly:
    """A fresh model and its data, split; empty parts are left out.

    `config` is what it was assembled from, as written, with the places of its values. `fingerprint` is that of all rows
    together, `table` what they were read from, but for parts with a source of their own; `selections` are the rows of
    each part in their table. `notes` say what became of the data that a person should know: rows dropped, categories
    ignored, rows that stand in several parts; `duplicates` counts the latter by part.
    """

    config: Config
    model: Model
    parts: dict[str, Rows]
    fingerprint: str
    table: Table
    selections: dict[str, Selection]
    notes: tuple[str, ...] = ()
    duplicates: dict[str, int] = field(default_factory=dict)


def assemble(config: Config, table: Table) -> Assembly:
    """Build the model of a config on a table, and encode the rows of each split; no file is opened.

    Args:
        config: of which the source plays no part.
        table: as `read` gives it, or made in memory; it stays as it is, and can be assembled again.

    Raises:
        ConfigError: something in the config does not fit the data or the rest, with its place.
        InputError: the data cannot be used.
    """
    # It needs what is below.
    from bptrain.model.large import assemble_large

    with place_errors(config):
        return assemble_large(config, table) if is_large(table) else assemble_small(config, table)


def is_large(table: Table) -> bool:
    """Whether a table, or that of a split, is not to be held in memory."""
    return any(large.is_mapped(one) for one in (table, *table.splits.values()))


def assemble_small(config: Config, table: Table) -> Assembly:
    """As `assemble`, for a table in memory.

    Raises:
        InputError: as there; an `OptionError` where the field says what is wrong.
    """
    experiment = config.experiment
    if len(table) == 1 and not table.written:
        raise InputError(f"{table.where(0)}: this is the only row, from which nothing can be learned; add more")
    names = target_names(experiment.data, table)
    feature_names(experiment.data, table, names)
    task = find_task(experiment, table, names)
    streams = Streams(experiment.seed)
    written, experiment = experiment, settled(experiment, names, task, table)
    for name in experiment.data.class_targets:
        refuse_continuous(written, table, name)
    division = divided(experiment, table, streams)
    columns = fitted(experiment, division.parts["train"])
    experiment = settled(written, names, task, table, columns)
    model = build_model(experiment, columns, streams, rows=len(division.parts["train"]))
    refuse_unfit(model, division.counts)
    parts, notes = encoded(model, division)
    for name, rows in parts.items():
        if objection := model.objection(rows, strict=name == "train"):
            raise OptionError(objected(model, *objection))
    duplicates = count_duplicates(
        {name: rows.inputs for name, rows in parts.items()}, {name: rows.targets for name, rows in parts.items()}
    )
    if duplicates:
        notes = (*notes, repeated(duplicates, parts))
    notes = (*division.notes, *notes)
    return Assembly(config, model, parts, fingerprint(parts), table, division.parts, notes, duplicates)


def split_again(model: Model, table: Table) -> "Division | LargeDivision":
    """Return the rows of each split, drawn as when the model was trained.

    Args:
        model: of a checkpoint, whose experiment has no `auto` left.
        table: as it was read then.

    Raises:
        InputError: the data cannot be used.
    """
    from bptrain.model.large_division import divided_large_again

    return divided_large_again(model, table) if is_large(table) else divided(model.experiment, table, model.streams)


def encode_again(model: Model, division: "Division | LargeDivision") -> Mapping[str, Rows]:
    """Return the rows of each split as the network reads them.

    Raises:
        InputError: a value cannot be used.
        StorageError: there is no room for them.
    """
    from bptrain.model.large import encoded_large

    return encoded(model, division)[0] if isinstance(division, Division) else encoded_large(model, division).parts


def prepare(
    config: str | Path,
    overrides: Sequence[str] = (),
    code: Sequence[str | Path] = (),
    *,
    tables: Tables | None = None,
) -> Assembly:
    """Return the model and the data of a config file, checked against each other, before any training.

    Args:
        config: a YAML file.
        overrides: `KEY=VALUE` each, put over the file.
        code: Python files that register components which the config names.
        tables: those that were read before.

    Raises:
        InputError: the code, the config or the data cannot be used; a `ConfigError` has the places of all mistakes.
        StorageError: a file is there and may not be read.
    """
    load_codes(code)
    loaded = load(config, overrides)
    return assemble(loaded, (tables or Tables()).read(loaded))


def encoded(model: Model, division: Division) -> tuple[dict[str, Rows], tuple[str, ...]]:
    """The rows of each part as the network reads them, and what is to be said of them.

    Raises:
        InputError: a value cannot be used; an `OptionError` where a part weighs nothing.
    """
    parts, notes = {}, []
    for name, selection in division.parts.items():
        unseen: Counter[str] = Counter()
        rows = parts[name] = model.rows(selection.table, selection.numbers, unseen)
        if rows.weights is not None and not rows.weights.any():
            raise weighs_nothing(model, name)
        if unseen:
            notes.append(f"{name}: {ignored_values(unseen)}")
    return parts, tuple(notes)


def ignored_columns(names: Sequence[str]) -> str:
    """What is said of columns that the model does not know."""
    some = ", ".join(map(shown, names[:10])) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")
    return f"ignored the column{'s' * (len(names) > 1)} {some}"


def weighs_nothing(model: Model, part: str) -> OptionError:
    """What is said of a part whose rows weigh nothing."""
    weighs = "class_weight" if model.columns.weighting.column is None else "sample_weight"
    return OptionError(Mistake(f"data.{weighs}", f"all rows of {part} weigh nothing; give some a positive weight"))


def ignored_values(unseen: Mapping[str, int]) -> str:
    """What is said of categories that training did not know."""
    where = ", ".join(f"{shown(name)} in {count:,} row{'s' * (count > 1)}" for name, count in unseen.items())
    return f"values unseen in training are ignored ({where})"


def repeated(duplicates: Mapping[str, int], parts: Mapping[str, Rows]) -> str:
    """What is said of rows that stand in several parts."""
    each = ", ".join(f"{count:,} of {len(parts[name]):,} {name} rows" for name, count in duplicates.items())
    return f"{each} also stand in a part that comes before, alike in features and target"


def fingerprint(parts: Mapping[str, Rows]) -> str:
    """A digest that tells whether all rows are still the same, and in the same parts."""
    return sha256("".join(f"{name} {rows.fingerprint()}\n" for name, rows in parts.items()).encode()).hexdigest()


def objected(model: Model, head: Head, objection: str) -> Mistake:
    """What a loss says against the targets as a mistake in the field that is to blame, and what to do about it."""
    data, loss, place = model.experiment.data, head.loss, "loss"
    if isinstance(data.target, dict):
        place = f"data.target.{head.name}.loss"
    if getattr(loss, "class_weights", None) is not None and isinstance(head.target, Classes):
        said = objection.removeprefix(f"{name_of(loss)}: class_weights ")
        some = ", ".join(map(str, head.target.labels[:20])) + (", ..." if len(head.target.labels) > 20 else "")
        return Mistake(f"{place}.{name_of(loss)}.class_weights", f"{said}; write one for each of {some}", "BP124")
    if data.task == "multi_label":
        return Mistake("data.target", objection, "BP122")
    if data.task == "autoencoder":
        what = f"{objection}, and the inputs are the target; write data.scaling: minmax, or use mse"
        return Mistake(place, what, "BP122")
    return Mistake(place, f"{objection}; choose another target, or a loss for such numbers, as mse", "BP122")


def refuse_unfit(model: Model, rows: Mapping[str, int]) -> None:
    """Refuse what cannot be trained on these rows.

    Raises:
        OptionError: with every mistake: batches too small for a layer, or not whole for an optimizer that needs that;
            early stopping with nothing to watch; a random loss for an optimizer that compares losses.
    """
    experiment, chain, training = model.experiment, model.network.chain, model.experiment.training
    count, optimizer = rows["train"], experiment.optimizer
    size = batch_rows(experiment, count)
    mistakes = []
    smallest, needed = count % size or size, chain.least_rows()
    if smallest < needed:
        last = f"the last one of {count} rows by {size} has {smallest}"
        what = f"batch_norm needs batches of {needed} rows or more ({last}); choose another size"
        mistakes.append(Mistake("training.batch_size", what, "BP140"))
    if optimizer.full_batch and size < count:
        what = f"{name_of(optimizer)} needs all {count} rows in every step (got {size}); write batch_size: full"
        mistakes.append(Mistake("training.batch_size", what, "BP141"))
    if isinstance(optimizer, LineSearch):
        if chain.is_random():
            what = f"{name_of(optimizer)} compares losses, which dropout and noise make random; take those layers out"
            mistakes.append(Mistake("optimizer", what, "BP142"))
        if experiment.augmentation:
            what = f"does not go with {name_of(optimizer)}, which compares losses from step to step; take it out"
            mistakes.append(Mistake("augmentation", what, "BP142"))
        if training.clipping:
            what = f"does not go with {name_of(optimizer)}, which chooses the length of its steps itself; take it out"
            mistakes.append(Mistake("training.clipping", what, "BP142"))
        if experiment.regularization.max_norm is not None:
            what = f"does not go with {name_of(optimizer)}, whose descent it would undo; use l2"
            mistakes.append(Mistake("regularization.max_norm", what, "BP142"))
        if training.average:
            what = f"does not go with {name_of(optimizer)}, whose few steps leave nothing to average; take it out"
            mistakes.append(Mistake("training.average", what, "BP142"))
    if training.early_stopping and not rows.get("validation"):
        what = "there are no validation rows to watch; hold some out with data.split.validation, or take it out"
        mistakes.append(Mistake("training.early_stopping", what, "BP143"))
    if mistakes:
        raise OptionError(*mistakes)
