"""Assembling: a config and its table become a model, and the rows that it learns from.

What only the data can decide is resolved first, then the network is built, then the rows are encoded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bptrain.arrays import Streams
from bptrain.code import load_codes
from bptrain.columns.columns import Columns
from bptrain.config import Config, load
from bptrain.config.load import place_errors
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.model.encoded_rows import Rows
from bptrain.model.encoding import describe_duplicates, digest_rows, encode_splits
from bptrain.model.model import Model, batch_rows, build_model
from bptrain.model.read import Tables
from bptrain.model.resolve import resolve
from bptrain.optim import LineSearch
from bptrain.registry import name_of
from bptrain.tables.table import Selection, Table


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
    splits: dict[str, Rows]
    fingerprint: str
    table: Table
    selections: dict[str, Selection]
    notes: tuple[str, ...] = ()
    duplicates: dict[str, int] = field(default_factory=dict)


def assemble(config: Config, table: Table, *, fitted: Columns | None = None) -> Assembly:
    """Build the model of a config on a table, and encode the rows of each split; no file is opened.

    Args:
        config: of which the source plays no part.
        table: as `read` gives it, or made in memory; it stays as it is, and can be assembled again.
        fitted: the columns of a run that an earlier version trained on a table larger than data.memory, whose rows are
            then split and stored as that version did.

    Raises:
        ConfigError: something in the config does not fit the data or the rest, with its place.
        InputError: the data cannot be used.
    """
    with place_errors(config):
        return assemble_experiment(config, table, fitted)


def assemble_experiment(config: Config, table: Table, fitted: Columns | None) -> Assembly:
    """Do what `assemble` does; mistakes have no places yet.

    Raises:
        InputError: as there; an `OptionError` where the field says what is wrong.
    """
    experiment = config.experiment
    if len(table) == 1 and not table.written:
        raise InputError(f"{table.where(0)}: this is the only row, from which nothing can be learned; add more")
    streams = Streams(experiment.seed)
    resolved = resolve(experiment, table, streams, fitted)
    splits = resolved.splits
    model = build_model(resolved.experiment, resolved.columns, streams, rows=splits.counts["train"])
    check_trainable(model, splits.counts)
    encoded = encode_splits(model, splits.rows, in_file=fitted is not None)
    rows, notes = encoded.rows, (*splits.notes, *encoded.notes)
    if encoded.duplicates:
        notes = (*notes, describe_duplicates(encoded.duplicates, rows))
    return Assembly(config, model, rows, digest_rows(rows), table, splits.rows, notes, encoded.duplicates)


def assemble_file(
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


def check_trainable(model: Model, rows: Mapping[str, int]) -> None:
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
