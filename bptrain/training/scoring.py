"""Scoring: the loss and the metrics of a model on rows, outside training."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import StoppedError
from bptrain.interruption import Interruption
from bptrain.metrics import Figure, predicted_codes
from bptrain.nn.losses import Value
from bptrain.registry import name_of
from bptrain.training.model import Model, Rows, scoring_rows
from bptrain.training.objective import Batch
from bptrain.training.threads import threads_for


@dataclass(frozen=True)
class Score:
    """The mean loss over all rows, without penalty, and the metrics by name; None where one is undefined."""

    loss: float
    metrics: dict[str, Figure]

    @property
    def numbers(self) -> dict[str, float | None]:
        """The metrics that are single numbers, without tables."""
        return {name: value for name, value in self.metrics.items() if not isinstance(value, list)}

    def to_json(self) -> dict[str, Any]:
        """The keys `loss` and `metrics`."""
        return {"loss": self.loss, "metrics": self.metrics}


def score(model: Model, rows: Rows, interruption: Interruption | None = None) -> Score:
    """Loss and metrics of the model as it stands. The loss is a sum over rows divided by their weight, in float64; in
    the metrics every row counts the same.

    Raises:
        StoppedError: it was interrupted.
    """
    total, weights = 0.0, 0.0
    sums: list[Array] = []
    portion = scoring_rows(model.experiment)
    with threads_for(model.network, portion), np.errstate(all="ignore"):
        for start in range(0, len(rows), portion):
            if interruption is not None and interruption.signal is not None:
                raise StoppedError(interruption.signal)
            part = np.arange(start, min(start + portion, len(rows)))
            (value, weight), outputs, targets = forward(model, rows, part)
            total += value * weight
            weights += weight
            tallies = [metric.tally(outputs, targets) for metric in model.metrics]
            merged = zip(model.metrics, sums or tallies, tallies, strict=True)
            sums = [metric.merge(one, other) for metric, one, other in merged] if sums else tallies
    metrics = {name_of(metric): metric.finish(s) for metric, s in zip(model.metrics, sums, strict=True)}
    return Score(total / (weights or 1.0), metrics)


def forward(model: Model, rows: Rows, part: Array) -> tuple[Value, Array, Array]:
    """The mean loss of some rows with their weight, their outputs and their targets, as metrics take them."""
    objective, columns = model.objective, model.columns
    batch = objective.batch(len(part))
    batch.fill(rows.inputs, rows.targets, part, rows.weights)
    value = objective.loss_value(batch, training=False)
    outputs = read_off(model, batch)
    if columns.classes is None:
        return value, outputs, columns.unscaled(batch.targets)
    return value, outputs, batch.targets if batch.targets.ndim == 1 else predicted_codes(batch.targets)


def predicted(model: Model, inputs: Array) -> Iterator[Array]:
    """The outputs of the model for rows `(rows, inputs)` as metrics take them, in the portions in which they are
    scored; each is overwritten by the next."""
    portion = scoring_rows(model.experiment)
    with threads_for(model.network, portion), np.errstate(all="ignore"):
        for start in range(0, len(inputs), portion):
            part = inputs[start : start + portion]
            batch = model.objective.batch(len(part))
            np.copyto(batch.input, part)
            batch.frame.forward(training=False)
            yield read_off(model, batch)


def read_off(model: Model, batch: Batch) -> Array:
    """The outputs of a batch that went forward: probabilities, or values in their own units."""
    outputs = model.objective.loss.outputs(batch.frame.scores, batch.frame.dscores)
    return outputs if model.columns.classes is not None else model.columns.unscaled(outputs)
