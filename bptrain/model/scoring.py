"""Scoring: the loss and the metrics of a model on rows, outside training."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import StoppedError
from bptrain.interruption import Interruption
from bptrain.metrics import Figure
from bptrain.model.model import Model, Rows, count_scoring_rows
from bptrain.model.objective import Batch
from bptrain.nn.losses import Value
from bptrain.nn.network import limit_threads


@dataclass(frozen=True)
class Score:
    """The mean loss over all rows, without penalty, and the metrics by name; None if one is undefined."""

    loss: float
    metrics: dict[str, Figure]

    @property
    def numbers(self) -> dict[str, float | None]:
        """The metrics that are single numbers, without tables."""
        return {name: value for name, value in self.metrics.items() if not isinstance(value, list)}

    def to_json(self) -> dict[str, Any]:
        """Return the keys `loss` and `metrics`."""
        return {"loss": self.loss, "metrics": self.metrics}


Pair = tuple[Array, Array]
"""Outputs and targets as metrics take them."""


def score(
    model: Model,
    rows: Rows,
    interruption: Interruption | None = None,
    keep: Callable[[Mapping[str, Pair]], None] | None = None,
) -> Score:
    """Return the loss and the metrics of a model on rows. The loss is a sum over rows divided by their weight, in
    float64; in the metrics every row counts the same.

    Args:
        model: is scored with its present weights.
        rows: encoded.
        interruption: is checked between two chunks of rows.
        keep: is called with outputs and targets of each head, by its name, for each chunk of rows; the next chunk
            overwrites the arrays.

    Raises:
        StoppedError: it was interrupted.
    """
    total, weights = 0.0, 0.0
    sums: list[Array] = []
    chunk_rows = count_scoring_rows(model.experiment)
    with limit_threads(model.network, chunk_rows), np.errstate(all="ignore"):
        for start in range(0, len(rows), chunk_rows):
            if interruption is not None and interruption.signal is not None:
                raise StoppedError(interruption.signal)
            chosen = np.arange(start, min(start + chunk_rows, len(rows)))
            (value, weight), pairs = score_batch(model, rows, chosen)
            if keep is not None:
                keep(pairs)
            total += value * weight
            weights += weight
            tallies = [one.metric.tally(*pairs[one.head.name]) for one in model.measures]
            merged = zip(model.measures, sums or tallies, tallies, strict=True)
            sums = [one.metric.merge(before, here) for one, before, here in merged] if sums else tallies
    metrics = {one.name: one.metric.finish(s) for one, s in zip(model.measures, sums, strict=True)}
    return Score(total / (weights or 1.0), metrics)


def score_batch(model: Model, rows: Rows, chosen: Array) -> tuple[Value, dict[str, Pair]]:
    """Return the mean loss of some rows with their weight, and outputs and targets of each head by its name."""
    objective = model.objective
    batch = objective.batch(len(chosen))
    rows.fill(batch, chosen)
    forward(model, batch)
    value = objective.compute_loss(batch)
    outputs = objective.loss.outputs(batch.frame.scores, batch.frame.dscores)
    pairs = {one.name: (one.decode_outputs(outputs), one.decode_targets(batch.targets)) for one in model.heads}
    return value, pairs


def forward(model: Model, batch: Batch) -> None:
    """Compute the scores of a batch outside training; those of an ensemble are scores that have the mean of the outputs
    of its networks."""
    frame, network, loss = batch.frame, model.network, model.objective.loss
    if not model.members:
        frame.forward(training=False)
        return
    theta, state = network.theta.copy(), network.state.copy()
    total = np.zeros(frame.scores.shape)
    for one in model.members:
        network.theta[...], network.state[...] = one.theta, one.state
        frame.forward(training=False)
        total += loss.outputs(frame.scores, frame.dscores)
    network.theta[...], network.state[...] = theta, state
    total /= len(model.members)
    loss.invert(total, frame.scores)


def predict_rows(model: Model, inputs: Array) -> Iterator[Array]:
    """Yield the outputs of the network for rows `(rows, inputs)`, in the chunks in which rows are scored; each chunk
    overwrites the array of the last."""
    chunk_rows = count_scoring_rows(model.experiment)
    with limit_threads(model.network, chunk_rows), np.errstate(all="ignore"):
        for start in range(0, len(inputs), chunk_rows):
            chunk = inputs[start : start + chunk_rows]
            batch = model.objective.batch(len(chunk))
            np.copyto(batch.input, chunk)
            forward(model, batch)
            yield model.objective.loss.outputs(batch.frame.scores, batch.frame.dscores)
