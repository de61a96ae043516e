"""Predictions: what a model says of rows, beside what is true of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.columns import Columns
from bptrain.columns.features import Numeric
from bptrain.columns.targets import Classes, Inputs
from bptrain.metrics import Kind, predicted_codes
from bptrain.metrics.probability import class_probabilities
from bptrain.model.heads import Head
from bptrain.model.model import Model, Rows
from bptrain.model.scoring import Pair, Score, score


@dataclass(frozen=True)
class Predictions:
    """Outputs and targets of rows, as metrics take them: see `bptrain.metrics.metric`.

    `names` are the columns that are predicted, and `labels` the classes where there are some. `head` stands before the
    names of metrics; it is empty unless each target has a loss of its own.
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
        return replace(self, outputs=self.outputs[chosen], targets=self.targets[chosen])


def score_and_predict(model: Model, rows: Rows) -> tuple[Score, tuple[Predictions, ...]]:
    """Return loss and metrics of the model on rows, and what each of its heads says of them, in one pass."""
    found: dict[str, list[Pair]] = {head.name: [] for head in model.heads}

    def keep(pairs: Mapping[str, Pair]) -> None:
        for name, (said, true) in pairs.items():
            found[name].append((said.copy(), true.copy()))

    result = score(model, rows, keep=keep)
    return result, tuple(join_chunks(head, model.columns, found[head.name]) for head in model.heads)


def join_chunks(head: Head, columns: Columns, pairs: Sequence[Pair]) -> Predictions:
    """The predictions of a head from those of portions."""
    said, true = (np.concatenate([pair[k] for pair in pairs]) for k in (0, 1))
    return Predictions(head.kind, *names_of(head, columns), said, true, head.name)


def names_of(head: Head, columns: Columns) -> tuple[tuple[str, ...], tuple[str | int, ...]]:
    """The columns that a head predicts, and the classes if there are some."""
    if isinstance(head.target, Classes):
        return (head.target.name,), head.target.labels
    if isinstance(head.target, Inputs):
        return columns.outputs, ()
    return tuple(column.name for column in head.target), ()


def in_own_units(columns: Columns, found: Predictions) -> Predictions:
    """The predictions of an autoencoder in the units of the data, without the inputs that are no numbers; those of any
    other model as they are."""
    if not isinstance(columns.target, Inputs):
        return found
    numeric = {feature.name for feature in columns.features if isinstance(feature, Numeric)}
    kept = [k for k, name in enumerate(found.names) if name in numeric]
    outputs, true = (columns.unscale_inputs(values)[:, kept] for values in (found.outputs, found.targets))
    return replace(found, names=tuple(found.names[k] for k in kept), outputs=outputs, targets=true)
