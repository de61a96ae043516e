"""Baselines: what guessing and a linear model score on the same rows as a network, and what that says about it.

Guessing predicts for every row the shares of the classes in training, so that its class is the most frequent one, or
the mean of the training targets. Where the rows are split by time and stand in its order, another baseline predicts the
target of the row before. The linear model reads the same encoded inputs as the network.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.targets import Inputs, unscale_targets
from bptrain.evaluation.linear_models import LinearModel, fit_linear_model
from bptrain.metrics import Figure, Metric
from bptrain.model.heads import Head
from bptrain.model.model import CHUNK_ROWS, Model, Rows

MOST_ROWS = 20_000
MOST_VALUES = 4_000_000
"""A linear model is fitted on at most this many training rows, and this many inputs times outputs over all rows."""

MOST_WEIGHTS = 500_000
"""No linear model is fitted that would have more weights."""

Predict = Callable[[Rows, int], Array]
"""Returns the outputs for a chunk of rows, given the number of its first row."""


@dataclass(frozen=True)
class Baseline:
    """The scores of a baseline: its `name`, what it does in words, and its metrics by their names in the evaluation.

    `name` is `guess`, `row_before` or `linear`.
    """

    name: str
    method: str
    metrics: dict[str, Figure]

    def to_json(self) -> dict[str, Any]:
        """Return the baseline as it is stored, and as `--json` prints it."""
        return {"method": self.method, "metrics": self.metrics}


def baselines_to_json(baselines: Sequence[Baseline]) -> dict[str, Any]:
    """Return baselines as they are stored, by name."""
    return {one.name: one.to_json() for one in baselines}


def score_baselines(
    model: Model, measures: Sequence[tuple[str, Metric, str]], splits: Mapping[str, Rows], name: str
) -> tuple[Baseline, ...]:
    """Score the baselines on the rows of a split.

    Args:
        model: gives the targets their meaning.
        measures: the metrics, each with its name in the result before it and the name of its head after it.
        splits: all rows of the run.
        name: the split to score.
    """
    rows, train = splits[name], splits["train"]
    heads = {head.name: head for head in model.heads}
    found = []
    with np.errstate(all="ignore"):
        guesses = {key: guess_constant(head, train) for key, head in heads.items()}
        found.append(Baseline("guess", describe_guess(model.heads), score_outputs(heads, measures, rows, guesses)))
        if before := find_row_before(model, splits, name):
            found.append(Baseline("row_before", "the row before", score_outputs(heads, measures, rows, before)))
        sample = sample_rows(model, train)
        if sample is not None and np.isfinite(sample.inputs).all():
            linear = {key: fit_head(head, sample) for key, head in heads.items()}
            method = "linear model" if len(sample) == len(train) else f"linear model of {len(sample):,} training rows"
            found.append(Baseline("linear", method, score_outputs(heads, measures, rows, linear)))
    return tuple(found)


def score_outputs(
    heads: Mapping[str, Head],
    measures: Sequence[tuple[str, Metric, str]],
    rows: Rows,
    predict: Mapping[str, Predict],
) -> dict[str, Figure]:
    """Return the metrics of predictions for each head, of all rows, a chunk of rows at a time."""
    sums: list[Array] = []
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = read_rows(rows, np.arange(start, min(start + CHUNK_ROWS, len(rows))))
        pairs = {key: (predict[key](chunk, start), head.decode_targets(chunk.targets)) for key, head in heads.items()}
        tallies = [metric.tally(*pairs[head]) for _, metric, head in measures]
        merged = zip(measures, sums or tallies, tallies, strict=True)
        sums = [metric.merge(before, here) for (_, metric, _), before, here in merged] if sums else tallies
    return {name: metric.finish(one) for (name, metric, _), one in zip(measures, sums, strict=True)}


def describe_guess(heads: Sequence[Head]) -> str:
    """Return what guessing means for the targets."""
    names = [
        "the most frequent class"
        if head.kind == "classes"
        else "the most frequent value"
        if head.kind == "labels"
        else "the mean"
        for head in heads
    ]
    return " or ".join(dict.fromkeys(names))


def guess_constant(head: Head, train: Rows) -> Predict:
    """Return the guess for a head: the shares of its classes or labels in training, or the mean of its numbers."""
    total: Any = 0.0
    for chunk in train.chunks():
        total = total + encode_known(head, head.decode_targets(chunk.targets)).sum(axis=0)
    guess = np.asarray(total / len(train))
    return lambda rows, start: np.broadcast_to(guess, (len(rows), len(guess)))


def encode_known(head: Head, known: Array) -> Array:
    """Return decoded targets as outputs that are certain of them, `(n, outputs)` float64."""
    if head.kind == "classes":
        return np.asarray(known[:, None] == np.arange(head.classes or 0), np.float64)
    return known.astype(np.float64)


def fit_head(head: Head, train: Rows) -> Predict:
    """Return the predictions of a linear model of a head, which is fitted to its encoded targets."""
    known = head.select_targets(train.targets) if head.kind == "numbers" else head.decode_targets(train.targets)
    model: LinearModel = fit_linear_model(head.kind, train.inputs, encode_known(head, known))
    units = head.target if isinstance(head.target, tuple) and head.kind == "numbers" else None

    def predict(rows: Rows, start: int) -> Array:
        outputs = model.predict(rows.inputs)
        return outputs if units is None else unscale_targets(units, outputs)

    return predict


def find_row_before(model: Model, splits: Mapping[str, Rows], name: str) -> dict[str, Predict] | None:
    """Return the predictions that repeat the target of the row before, for rows that are split by time; None if they
    are not in its order, or are too many to hold."""
    earlier = [one for one in ("train", "validation", "test") if one in splits]
    earlier = earlier[: earlier.index(name)]
    parts = [splits[one] for one in (*earlier, name)]
    if model.experiment.data.split.method != "time" or not earlier or any(one.mapped for one in parts):
        return None
    numbers = [one.numbers for one in parts]
    if any(one is None for one in numbers) or (np.diff(np.concatenate(numbers)) <= 0).any():  # type: ignore[arg-type]
        return None

    def repeat(head: Head) -> Predict:
        last = head.decode_targets(parts[-2].targets[-1:])
        known = encode_known(head, np.concatenate([last, head.decode_targets(parts[-1].targets)[:-1]]))
        return lambda rows, start: known[start : start + len(rows)]

    return {head.name: repeat(head) for head in model.heads}


def sample_rows(model: Model, train: Rows) -> Rows | None:
    """Return the training rows for a linear model, or evenly spaced ones if they are many; None where no linear model
    is fitted: for an autoencoder, and for very many inputs."""
    inputs = train.inputs.shape[1]
    outputs = sum(head.classes or head.width for head in model.heads)
    if isinstance(model.columns.target, Inputs) or inputs * outputs > MOST_WEIGHTS or not inputs:
        return None
    most = max(min(MOST_ROWS, MOST_VALUES // (inputs * outputs)), 100)
    if len(train) <= most:
        return read_rows(train, np.arange(len(train)))
    return read_rows(train, np.arange(most) * len(train) // most)


def read_rows(rows: Rows, chosen: Array) -> Rows:
    """Return the chosen rows in memory, without weights; `chosen` ascends."""
    if rows.mapped is None:
        inputs = rows.inputs[chosen]
        return Rows(inputs, inputs if rows.targets is rows.inputs else rows.targets[chosen])
    found = rows.mapped.take(chosen)
    return Rows.from_arrays({key: found[key] for key in ("inputs", "targets") if key in (found.dtype.names or ())})
