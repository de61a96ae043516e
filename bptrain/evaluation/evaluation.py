"""Evaluation: how good a trained model is on rows of its own data or on new ones.

Bootstrap intervals tell how much a metric would vary with other held-out rows: rows are drawn with replacement, as many
as there are, and the metric is computed again, many times; the interval holds the middle 95 % of the values (the
percentile method). Reference: Efron, 1979.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array, Streams
from bptrain.columns.splits.chunked_draws import split_by_chunks
from bptrain.errors import BptrainNote, BptrainWarning, InputError
from bptrain.evaluation.baselines import Baseline, baselines_to_json, score_baselines
from bptrain.evaluation.predictions import Measure, Predictions, list_measures, restore_units, score_and_predict
from bptrain.evaluation.target_results import TargetResult, evaluate_targets
from bptrain.metrics import Figure
from bptrain.model.encoding import describe_ignored, describe_unseen, encode_splits, has_digest
from bptrain.model.model import Model, Rows
from bptrain.model.read import get_reading
from bptrain.model.roles import Roles
from bptrain.model.splits import describe_dropped, split_table
from bptrain.tables.guess import read_table
from bptrain.tables.names import rename_columns
from bptrain.tables.table import Table

CONFIDENCE = 0.95
SEED = 0
"""The seed of the bootstrap, so that intervals are reproducible."""

FEWEST_SAMPLES, MOST_SAMPLES = 10, 1_000_000
"""The least and the largest number of bootstrap samples that can be asked for."""

SplitName = Literal["train", "validation", "test"]
Watch = Callable[[int, int], None]
"""Called with the number of samples done so far, and the number of all samples."""


@dataclass(frozen=True)
class Interval:
    """The range of a metric in the middle 95 % of the samples; `undefined` counts those in which it was undefined."""

    low: float
    high: float
    undefined: int


@dataclass(frozen=True)
class Evaluation:
    """Loss and metrics on `rows` rows of a split, or of new `data`; metrics are None where undefined.

    `metrics` are those of the config, then all others that fit the task; if each target has a loss of its own, their
    names are like `price.rmse`. `targets` has more on each target column, and for an autoencoder on each numeric input.
    `intervals` has one for each metric that is a single number, from `bootstrap` samples; None: not asked for.
    `predictions` are those that everything was computed from, for each head. `baselines` are scores of guessing and of
    a linear model on the same rows; there are none for training rows and new data.
    """

    split: str
    rows: int
    loss: float
    metrics: dict[str, Figure]
    targets: tuple[TargetResult, ...]
    bootstrap: int | None
    intervals: dict[str, Interval | None] | None
    predictions: tuple[Predictions, ...] = field(repr=False, compare=False)
    baselines: tuple[Baseline, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what `bptrain evaluate --json` prints."""
        document: dict[str, Any] = {
            **{key: getattr(self, key) for key in ("split", "rows", "loss", "metrics")},
            "targets": [one.to_json() for one in self.targets],
        }
        if self.baselines:
            document["baselines"] = baselines_to_json(self.baselines)
        if self.intervals is not None:
            ranges = {name: one and asdict(one) for name, one in self.intervals.items()}
            document["bootstrap"] = {"samples": self.bootstrap, "confidence": CONFIDENCE, "intervals": ranges}
        return document


def evaluate_rows(
    model: Model, name: str, splits: Mapping[str, Rows], bootstrap: int | None = None, watch: Watch | None = None
) -> Evaluation:
    """Score a model on the rows of this name in `splits`; `bootstrap` is the number of samples. If there are training
    rows too, baselines are scored on the same rows."""
    rows = splits[name]
    result, predictions = score_and_predict(model, rows)
    measures = [measure for found in predictions for measure in list_measures(model.metrics, found)]
    values: dict[str, Figure] = {}
    with np.errstate(all="ignore"):
        for one in measures:
            is_known = one.name in result.metrics
            values[one.name] = result.metrics[one.name] if is_known else one.compute(one.predictions)
    singles = [one for one in measures if not isinstance(values[one.name], list)]
    intervals = None if bootstrap is None else compute_intervals(singles, bootstrap, watch)
    targets = tuple(one for found in predictions for one in evaluate_targets(restore_units(model.columns, found)))
    baselines: tuple[Baseline, ...] = ()
    if "train" in splits and name != "train":
        triples = [(one.name, one.metric, one.predictions.head) for one in measures]
        training = model.experiment.training
        if name == "test" and "validation" in splits and (training.refit or training.folds):
            splits = {"train": splits["train"].join(splits["validation"], one_table=False), "test": rows}
        baselines = score_baselines(model, triples, splits, name)
    return Evaluation(name, len(rows), result.loss, values, targets, bootstrap, intervals, predictions, baselines)


def compute_intervals(
    measures: Sequence[Measure], samples: int, watch: Watch | None = None
) -> dict[str, Interval | None]:
    """Return a bootstrap interval for each metric that is a single number; None if it was undefined in every sample.

    Args:
        measures: metrics with their predictions, all of the same rows.
        samples: how often rows are drawn.
        watch: called after every sample.
    """
    generator = np.random.Generator(np.random.PCG64(SEED))
    values = np.full((samples, len(measures)), np.nan)
    heads = {one.predictions.head: one.predictions for one in measures}
    count = max(map(len, heads.values()), default=0)
    with np.errstate(all="ignore"):
        for k in range(samples):
            # Sorted, so that memory is read in order; the metrics do not depend on it.
            rows = np.sort(generator.integers(0, count, count))
            drawn = {name: found.select_rows(rows) for name, found in heads.items()}
            for column, one in enumerate(measures):
                value = one.compute(drawn[one.predictions.head])
                if isinstance(value, float):
                    values[k, column] = value
            if watch is not None:
                watch(k + 1, samples)
    return {one.name: compute_interval(values[:, column]) for column, one in enumerate(measures)}


def compute_interval(values: Array) -> Interval | None:
    """Return the range of the middle 95 % of the values that are not NaN; None if all are."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Interval(float(low), float(high), len(values) - len(defined))


def choose_rows(
    model: Model, stored: dict[str, Any], data: str | Path | None, split: SplitName | None
) -> tuple[str, Mapping[str, Rows]]:
    """Return the name of the rows to score, and rows by name: those of each split of the run's own data, or of `data`
    for new rows.

    Raises:
        InputError: they cannot be read, or do not fit the model.
    """
    if data is None:
        return read_own_rows(model, stored, split)
    if split is not None:
        raise InputError("--split chooses rows of the run's own data, and --data other rows; give only one of them")
    table = read_table(data, like=model.experiment.data.source, text=model.columns.text_names)
    rows = encode_new_rows(model, rename_columns(table, model.columns.names))
    if problem := model.find_problem(rows, strict=False):
        raise InputError(f"{data}: {problem[1]}")
    return "data", {"data": rows}


def read_own_rows(model: Model, stored: dict[str, Any], split: SplitName | None) -> tuple[str, Mapping[str, Rows]]:
    """Return the name of the split to score, and the data that the model was trained on, split again in the same way.

    Args:
        model: the trained model.
        stored: document of its checkpoint.
        split: name of the split; None: the last of train, validation and test that has rows.

    Raises:
        InputError: the split has no rows, or the data has changed.
    """
    counts = stored["rows"]
    name: str = split or next(one for one in ("test", "validation", "train") if one in counts)
    if name not in counts:
        raise InputError(f"the run has no {name} rows (it has {', '.join(counts)}); choose one of those with --split")
    table = get_reading(model.experiment.data).load()
    roles = Roles(model.columns.target_names, tuple(feature.name for feature in model.columns.features))
    splits = split_table(model.experiment.data, roles, table, model.streams.split)
    now, then = sum(splits.counts.values()), sum(counts.values())
    if now != then:
        what = f"{table.origin} has {now} rows, and had {then} when the model was trained"
        raise InputError(f"{what}; the split cannot be repeated, so score all rows of a file with --data FILE")
    rows: Mapping[str, Rows] = {}
    if splits.counts == counts:
        rows = encode_splits(model, splits.rows).rows
    if table.is_mapped and not (rows and has_digest(rows, stored["data"])):
        # An earlier version split tables larger than memory in another way.
        rng = Streams(model.experiment.seed).split
        splits = split_table(model.experiment.data, roles, table, rng, split_by_chunks)
        rows = encode_splits(model, splits.rows, in_file=True).rows
    if not rows or not has_digest(rows, stored["data"]):
        what = f"{table.origin} has changed since the model was trained; its {name} rows may be different now"
        raise InputError(f"{what}, so score all rows of a file with --data FILE")
    return name, rows


def encode_new_rows(model: Model, table: Table) -> Rows:
    """Return the rows of a new table as the model reads them.

    Raises:
        InputError: a column is missing, or has values that cannot be used; or no row is complete.

    Warns:
        BptrainWarning: rows are dropped, or values are ignored.
        BptrainNote: columns are ignored.
    """
    model.columns.require_columns(table)
    if extra := model.columns.find_extra(table):
        warnings.warn(f"{table.origin}: {describe_ignored(extra)}", BptrainNote, stacklevel=2)
    complete, missing = model.columns.find_complete(table)
    if complete is not None:
        warnings.warn(
            describe_dropped(table, complete, missing, model.columns.drop_values), BptrainWarning, stacklevel=2
        )
        if not len(complete):
            raise InputError(f"{table.origin}: every row has a missing value; there is nothing to score")
    unseen: Counter[str] = Counter()
    rows = model.encode(table, complete, unseen)
    if unseen:
        warnings.warn(f"{table.origin}: {describe_unseen(unseen)}", BptrainWarning, stacklevel=2)
    return rows
