"""Predictions: the outputs of a model beside the targets of the same rows, and the metrics that fit them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.columns import Columns
from bptrain.columns.targets import Classes, Inputs
from bptrain.metrics import Figure, Kind, Metric, list_metrics, predict_codes
from bptrain.metrics.probability_metrics import expand_probabilities
from bptrain.model.heads import Head
from bptrain.model.model import Model, Rows
from bptrain.model.scoring import Pair, Score, score
from bptrain.registry import name_of


@dataclass(frozen=True)
class Predictions:
    """Outputs and targets of rows, in the form that metrics take; see `bptrain.metrics.metric`.

    `names` are the target columns, and `labels` the classes if there are any. `head` goes before the names of metrics;
    it is empty unless each target has a loss of its own.
    """

    kind: Kind
    names: tuple[str, ...]
    labels: tuple[str | int, ...]
    outputs: Array
    targets: Array
    head: str = ""

    def __len__(self) -> int:
        return len(self.outputs)

    @cached_property
    def probabilities(self) -> Array:
        """The probability of every class or label, `(n, classes)` float64; only scores if the loss does not
        give probabilities."""
        return expand_probabilities(self.outputs) if self.kind == "classes" else self.outputs.astype(np.float64)

    @cached_property
    def codes(self) -> Array:
        """The predicted class of each row, `(n,)`."""
        return predict_codes(self.outputs)

    @cached_property
    def are_probabilities(self) -> bool:
        """Whether the outputs can be probabilities: from 0 to 1, and with a sum of 1 over classes."""
        if self.kind == "numbers" or not len(self) or not np.isfinite(self.outputs).all():
            return False
        inside = bool((self.outputs >= 0).all() and (self.outputs <= 1).all())
        needs_no_sum = self.kind == "labels" or self.outputs.shape[1] == 1
        return inside and (needs_no_sum or bool(np.allclose(self.probabilities.sum(axis=1), 1, atol=1e-3)))

    def select_rows(self, rows: Array) -> "Predictions":
        """Return some of the rows, which may repeat."""
        return replace(self, outputs=self.outputs[rows], targets=self.targets[rows])


def score_and_predict(model: Model, rows: Rows) -> tuple[Score, tuple[Predictions, ...]]:
    """Return loss and metrics of the model on rows, and the predictions of each head, in one pass."""
    found: dict[str, list[Pair]] = {head.name: [] for head in model.heads}

    def keep(pairs: Mapping[str, Pair]) -> None:
        for name, (outputs, targets) in pairs.items():
            found[name].append((outputs.copy(), targets.copy()))

    result = score(model, rows, keep=keep)
    return result, tuple(join_chunks(head, model.columns, found[head.name]) for head in model.heads)


def join_chunks(head: Head, columns: Columns, pairs: Sequence[Pair]) -> Predictions:
    """Return the predictions of a head from those of chunks of rows."""
    outputs, targets = (np.concatenate([pair[k] for pair in pairs]) for k in (0, 1))
    names: tuple[str, ...]
    labels: tuple[str | int, ...] = ()
    if isinstance(head.target, Classes):
        names, labels = (head.target.name,), head.target.labels
    elif isinstance(head.target, Inputs):
        names = columns.input_names
    else:
        names = tuple(column.name for column in head.target)
    return Predictions(head.kind, names, labels, outputs, targets, head.name)


def restore_units(columns: Columns, found: Predictions) -> Predictions:
    """Return the predictions of an autoencoder in the units of the data, only for inputs that are numbers; those of any
    other model unchanged."""
    if not isinstance(columns.target, Inputs):
        return found
    names, outputs = columns.decode_numbers(found.outputs)
    return replace(found, names=names, outputs=outputs, targets=columns.decode_numbers(found.targets)[1])


@dataclass(frozen=True)
class Measure:
    """A metric with its name, such as `rmse` or `price.rmse`, and the predictions that it applies to."""

    name: str
    metric: Metric
    predictions: Predictions

    def compute(self, predictions: Predictions) -> Figure:
        """Return the metric of these predictions, or of some of their rows."""
        return self.metric.finish(self.metric.tally(predictions.outputs, predictions.targets))


def list_measures(metrics: tuple[Metric, ...], found: Predictions) -> list[Measure]:
    """Return the metrics to report for a head: first those of the config, then all others that fit it."""
    own = tuple(metric for metric in metrics if found.kind in metric.kinds)
    prefix = f"{found.head}." if found.head else ""
    return [Measure(prefix + name_of(metric), metric, found) for metric in add_metrics(own, found)]


def add_metrics(chosen: tuple[Metric, ...], found: Predictions) -> tuple[Metric, ...]:
    """Return the chosen metrics, then all others that are defined for such a target, with default options.

    Left out are the confusion matrix, which has a table of its own; metrics of probabilities if the outputs are not
    probabilities; and top_k if every prediction would be correct.
    """
    names = {name_of(metric) for metric in chosen}
    others = (metric for metric in list_metrics(found.kind) if name_of(metric) not in names)
    return (*chosen, *(metric for metric in others if is_informative(metric, found)))


def is_informative(metric: Metric, found: Predictions) -> bool:
    """Return whether a metric says anything about such predictions."""
    is_table = metric.perfect is None
    applies = found.are_probabilities or not metric.of_probabilities
    return not is_table and applies and metric.tells_apart(len(found.labels))
