"""Predictions: what a model says of rows, beside what is true of them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bptrain.arrays import Array
from bptrain.data import Classes
from bptrain.metrics import Kind, predicted_codes
from bptrain.metrics.probability import class_probabilities
from bptrain.training import Model, Rows
from bptrain.training.model import kind_of, scoring_rows
from bptrain.training.scoring import forward
from bptrain.training.threads import threads_for


@dataclass(frozen=True)
class Predictions:
    """Outputs and targets of rows, as metrics take them: see `bptrain.metrics.contract`.

    `names` are the columns that are predicted, and `labels` the classes where there are some.
    """

    kind: Kind
    names: tuple[str, ...]
    labels: tuple[str | int, ...]
    outputs: Array
    targets: Array

    def __len__(self) -> int:
        return len(self.outputs)

    @cached_property
    def probabilities(self) -> Array:
        """Of every class or label, `(n, classes)` float64; only scores where the loss knows no probabilities."""
        return class_probabilities(self.outputs) if self.kind == "classes" else self.outputs.astype(np.float64)

    @cached_property
    def codes(self) -> Array:
        """The class that is predicted, `(n,)`."""
        return predicted_codes(self.outputs)

    @cached_property
    def are_probabilities(self) -> bool:
        """Whether the outputs are what they are taken for: from 0 to 1, and for classes 1 together."""
        if self.kind == "numbers" or not len(self) or not np.isfinite(self.outputs).all():
            return False
        inside = bool((self.outputs >= 0).all() and (self.outputs <= 1).all())
        together = self.kind == "labels" or self.outputs.shape[1] == 1
        return inside and (together or bool(np.allclose(self.probabilities.sum(axis=1), 1, atol=1e-3)))

    def rows(self, chosen: Array) -> "Predictions":
        """Some of the rows, which may be chosen more than once."""
        return Predictions(self.kind, self.names, self.labels, self.outputs[chosen], self.targets[chosen])


def predictions(model: Model, rows: Rows) -> Predictions:
    """What the model says of rows, in the portions in which it is scored."""
    target, outputs, targets = model.columns.target, [], []
    portion = scoring_rows(model.experiment)
    with threads_for(model.network, portion), np.errstate(all="ignore"):
        for start in range(0, len(rows), portion):
            _, said, true = forward(model, rows, np.arange(start, min(start + portion, len(rows))))
            outputs.append(said.copy())
            targets.append(true.copy())
    classes = isinstance(target, Classes)
    names = (target.name,) if isinstance(target, Classes) else tuple(column.name for column in target)
    labels = target.labels if isinstance(target, Classes) else ()
    kind: Kind = "classes" if classes else kind_of(model.experiment)
    return Predictions(kind, names, labels, np.concatenate(outputs), np.concatenate(targets))
