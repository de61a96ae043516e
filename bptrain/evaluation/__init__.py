"""Evaluation: how good a trained model is on rows of its own data or on new ones."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from bptrain.code import load_codes
from bptrain.data import Classes, read_table
from bptrain.errors import InputError
from bptrain.metrics import Figure
from bptrain.training import Model, Rows, score
from bptrain.training.assemble import load_table, split_rows
from bptrain.training.checkpoint import load

SplitName = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Evaluation:
    """Loss and metrics on `rows` rows of a split, or of new `data`; metrics are None where undefined."""

    split: str
    rows: int
    loss: float
    metrics: dict[str, Figure]

    def to_json(self) -> dict[str, Any]:
        """What `bptrain evaluate --json` prints."""
        return asdict(self)


def evaluate(
    checkpoint: str | Path,
    *,
    data: str | Path | None = None,
    split: SplitName | None = None,
    code: Sequence[str | Path] = (),
) -> Evaluation:
    """Score the model of a checkpoint, which alone is enough: neither the config file nor the run directory is read.

    Args:
        checkpoint: a checkpoint file, or a run directory for its best one.
        data: a file with the columns of the training data, scored whole, its format known by its suffix; it is read
            with the options of the run's own source if it is of the same kind. None: the data of the training run.
        split: which part of the run's own data; default: test, or else validation, or else train.
        code: Python files that register the components which the checkpoint says that it needs.

    Raises:
        InputError: there is no checkpoint, no such split, code is missing or of no use, or the data does not fit the
            model.
        StorageError: the checkpoint cannot be read.

    Warns:
        BptrainWarning: a file of code has changed since the checkpoint was written.
    """
    load_codes(code)
    model, stored = load(checkpoint)
    if data is not None:
        if split is not None:
            raise InputError("--split names a part of the training data; it does not go with --data")
        name, rows = "data", model.rows(read_table(data, like=model.experiment.data.source))
        if objection := model.objection(rows):
            raise InputError(f"{data}: {objection}")
    else:
        name, rows = own_rows(model, stored, split)
    result = score(model, rows)
    return Evaluation(name, len(rows), result.loss, result.metrics)


def own_rows(model: Model, stored: dict[str, Any], split: SplitName | None) -> tuple[str, Rows]:
    """A part of the data that the model was trained from, split again as it was then; `stored` is of the checkpoint.

    Raises:
        InputError: the split has no rows, or the data is no longer the same.
    """
    counts = stored["rows"]
    name: str = split or next(part for part in ("test", "validation", "train") if part in counts)
    if name not in counts:
        raise InputError(f"the run has no {name} rows (it has {', '.join(counts)}); choose one of those with --split")
    table = load_table(model.experiment.data)
    if len(table) != sum(counts.values()):
        what = f"{table.origin} has {len(table)} rows, and had {sum(counts.values())} when the model was trained"
        raise InputError(f"{what}; the split cannot be repeated, use --data FILE")
    classes = model.columns.target if isinstance(model.columns.target, Classes) else None
    part = split_rows(model.experiment, table, classes, model.streams)[name]
    every = model.rows(table)
    if every.fingerprint() != stored["data"]:
        what = f"{table.origin} has changed since the model was trained"
        raise InputError(f"{what}; its test rows may be others now, use --data FILE to score all rows of a file")
    return name, Rows(every.inputs[part], every.targets[part])
