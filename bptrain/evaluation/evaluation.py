"""Evaluation: how good a trained model is on rows of its own data or on new ones."""

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Streams
from bptrain.columns.chunked_draws import split_by_chunks
from bptrain.errors import BptrainNote, BptrainWarning, InputError
from bptrain.evaluation.bootstrap import CONFIDENCE, Interval, Watch, intervals
from bptrain.evaluation.fitting import fitting_measures
from bptrain.evaluation.predictions import Predictions, in_own_units, score_and_predict
from bptrain.evaluation.targets import Target, targets
from bptrain.metrics import Figure
from bptrain.model.encoding import describe_ignored, describe_unseen, encode_splits, has_digest
from bptrain.model.model import Model, Rows
from bptrain.model.read import get_reading
from bptrain.model.roles import Roles
from bptrain.model.splits import describe_dropped, split_table
from bptrain.tables.guess import read_table
from bptrain.tables.table import Table

SplitName = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Evaluation:
    """Loss and metrics on `rows` rows of a split, or of new `data`; metrics are None where undefined.

    `metrics` are those of the config, then all others that fit the task; where each target has a loss of its own, those
    of one after the other, as `price.rmse`. `targets` says more of each column that is predicted, and of an autoencoder
    of each input that is a number. `intervals` are those of the metrics that are single numbers, from `bootstrap`
    samples; None: not asked for. `predictions` are what all of it was made from, of each such target by itself.
    """

    split: str
    rows: int
    loss: float
    metrics: dict[str, Figure]
    targets: tuple[Target, ...]
    bootstrap: int | None
    intervals: dict[str, Interval | None] | None
    predictions: tuple[Predictions, ...] = field(repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """What `bptrain evaluate --json` prints."""
        document: dict[str, Any] = {
            **{key: getattr(self, key) for key in ("split", "rows", "loss", "metrics")},
            "targets": [one.to_json() for one in self.targets],
        }
        if self.intervals is not None:
            ranges = {name: one and asdict(one) for name, one in self.intervals.items()}
            document["bootstrap"] = {"samples": self.bootstrap, "confidence": CONFIDENCE, "intervals": ranges}
        return document


def evaluate_rows(
    model: Model, name: str, rows: Rows, bootstrap: int | None = None, watch: Watch | None = None
) -> Evaluation:
    """Score a model on rows that have a name; see `evaluate`."""
    result, found = score_and_predict(model, rows)
    judged = [one for said in found for one in fitting_measures(model.metrics, said)]
    values = {}
    with np.errstate(all="ignore"):
        for one in judged:
            known = one.name in result.metrics
            values[one.name] = result.metrics[one.name] if known else one.value(one.predictions)
    singles = [one for one in judged if not isinstance(values[one.name], list)]
    ranges = None if bootstrap is None else intervals(singles, bootstrap, watch)
    each = tuple(target for said in found for target in targets(in_own_units(model.columns, said)))
    return Evaluation(name, len(rows), result.loss, values, each, bootstrap, ranges, found)


def choose_rows(
    model: Model, stored: dict[str, Any], data: str | Path | None, split: SplitName | None
) -> tuple[str, Rows]:
    """Return the rows to score, and what they are called: a part of the run's own, or `data`.

    Raises:
        InputError: they cannot be had, or do not fit the model.
    """
    if data is None:
        return own_rows(model, stored, split)
    if split is not None:
        raise InputError("--split names a part of the training data; it does not go with --data")
    rows = new_rows(model, read_table(data, like=model.experiment.data.source, text=model.columns.text_names))
    if problem := model.find_problem(rows, strict=False):
        raise InputError(f"{data}: {problem[1]}")
    return "data", rows


def own_rows(model: Model, stored: dict[str, Any], split: SplitName | None) -> tuple[str, Rows]:
    """A part of the data that the model was trained from, split again as it was then; `stored` is of the checkpoint.

    Raises:
        InputError: the split has no rows, or the data is no longer the same.
    """
    counts = stored["rows"]
    name: str = split or next(part for part in ("test", "validation", "train") if part in counts)
    if name not in counts:
        raise InputError(f"the run has no {name} rows (it has {', '.join(counts)}); choose one of those with --split")
    table = get_reading(model.experiment.data).load()
    roles = Roles(model.columns.target_names, tuple(feature.name for feature in model.columns.features))
    splits = split_table(model.experiment.data, roles, table, model.streams.split)
    now, then = sum(splits.counts.values()), sum(counts.values())
    if now != then:
        what = f"{table.origin} has {now} rows, and had {then} when the model was trained"
        raise InputError(f"{what}; the split cannot be repeated, use --data FILE")
    parts: Mapping[str, Rows] = {}
    if splits.counts == counts:
        parts = encode_splits(model, splits.rows).rows
    if (not parts or not has_digest(parts, stored["data"])) and table.is_mapped:
        rng = Streams(model.experiment.seed).split
        splits = split_table(model.experiment.data, roles, table, rng, split_by_chunks)
        parts = encode_splits(model, splits.rows, in_file=True).rows
    if not parts or not has_digest(parts, stored["data"]):
        what = f"{table.origin} has changed since the model was trained"
        raise InputError(f"{what}; its {name} rows may be others now, use --data FILE to score all rows of a file")
    return name, parts[name]


def new_rows(model: Model, table: Table) -> Rows:
    """A table of its own as the model reads it.

    Raises:
        InputError: a column is missing, or has values that cannot be used; or no row is complete.

    Warns:
        BptrainWarning: rows are dropped, or values are ignored.
        BptrainNote: columns are ignored.
    """
    model.columns.require_columns(table)
    if others := model.columns.find_extra(table):
        warnings.warn(f"{table.origin}: {describe_ignored(others)}", BptrainNote, stacklevel=2)
    kept, holes = model.columns.find_complete(table)
    if kept is not None:
        warnings.warn(describe_dropped(table, kept, holes), BptrainWarning, stacklevel=2)
        if not len(kept):
            raise InputError(f"{table.origin}: no row is complete; there is nothing to score")
    unseen: Counter[str] = Counter()
    rows = model.encode(table, kept, unseen)
    if unseen:
        warnings.warn(f"{table.origin}: {describe_unseen(unseen)}", BptrainWarning, stacklevel=2)
    return rows
