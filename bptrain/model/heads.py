"""Heads: the columns of a network's scores that predict one target, or several alike, with their loss."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.columns import Columns
from bptrain.columns.targets import Classes, Inputs, Several, Value, unscale_targets
from bptrain.config import Experiment
from bptrain.errors import Mistake, OptionError
from bptrain.metrics import Kind, predicted_codes
from bptrain.model.task import default_loss
from bptrain.nn import Loss
from bptrain.nn.losses import MultiTask, Part
from bptrain.registry import name_of


@dataclass(frozen=True)
class Head:
    """What some columns of the scores predict.

    `name` stands before its metrics; it is empty where there is one head alone. `scores` and `targets` are its columns
    of the scores and of the encoded targets (None: all of them), and `weight` is how often its loss counts.
    """

    name: str
    kind: Kind
    target: Classes | tuple[Value, ...] | Inputs
    loss: Loss
    width: int
    scores: slice | None = None
    targets: slice | None = None
    weight: float = 1.0

    @property
    def classes(self) -> int | None:
        """The number of classes, None where it predicts anything else."""
        return len(self.target.labels) if isinstance(self.target, Classes) else None

    def own_targets(self, targets: Array) -> Array:
        """Return its own among the encoded targets of rows, as its loss takes them."""
        if self.targets is None:
            return targets
        own = targets[:, self.targets]
        return own[:, 0].astype(np.int64) if self.loss.encoding == "codes" else own

    def read_outputs(self, outputs: Array) -> Array:
        """Return its own among the outputs of the network `(n, width)`, as metrics take them: probabilities, or numbers
        in their own units; the inputs of an autoencoder as the network reads them."""
        own = outputs if self.scores is None else outputs[:, self.scores]
        return unscale_targets(self.target, own) if isinstance(self.target, tuple) else own

    def read_targets(self, targets: Array) -> Array:
        """Return its own among the encoded targets of rows, as metrics take them: class numbers `(n,)`, labels, or
        numbers in their own units; the inputs of an autoencoder as the network reads them."""
        own = self.own_targets(targets)
        if isinstance(self.target, Classes):
            return own if own.ndim == 1 else predicted_codes(own)
        return unscale_targets(self.target, own) if isinstance(self.target, tuple) else own

    def encode(self, values: Array) -> Array:
        """Return class numbers `(rows,)` or other targets `(rows, columns)` as the loss takes them, codes as they
        are."""
        if self.loss.encoding == "values" and isinstance(self.target, Classes):
            return values[:, None] == np.arange(self.width) if self.width > 1 else values[:, None]
        return values


def build_heads(experiment: Experiment, columns: Columns) -> tuple[Head, ...]:
    """Return the heads of a model for fitted columns, in the order of the scores. One alone may have other numbers of
    scores: its `width` is the usual one.

    Raises:
        OptionError: a loss cannot take its target.
    """
    target, data = columns.target, experiment.data
    if isinstance(target, Several):
        assert isinstance(data.target, dict)
        found: list[Head] = []
        score, known = 0, 0
        for one in target.targets:
            options = data.target[one.name]
            assert options.loss != "auto"
            classes = len(one.labels) if isinstance(one, Classes) else None
            width = require_widths(options.loss, classes, 1, f"data.target.{one.name}.loss")[0][0]
            own = 1 if options.loss.encoding == "codes" or classes is None else width
            kind: Kind = "numbers" if classes is None else "classes"
            mine = one if isinstance(one, Classes) else (one,)
            places = slice(score, score + width), slice(known, known + own)
            found.append(Head(one.name, kind, mine, options.loss, width, *places, options.weight))
            score, known = score + width, known + own
        return tuple(found)
    assert experiment.loss != "auto"
    count = len(columns.outputs) if isinstance(target, Inputs) else len(columns.singles)
    width = require_widths(experiment.loss, columns.classes, count, "loss")[0][0]
    kinds: dict[str, Kind] = {"classification": "classes", "multi_label": "labels"}
    return (Head("", kinds.get(data.task, "numbers"), target, experiment.loss, width),)


def join_losses(heads: Sequence[Head]) -> Loss:
    """Return the loss of all heads together."""
    if not heads[0].name:
        return heads[0].loss
    return MultiTask(
        tuple(
            Part(head.name, head.loss, head.width, head.targets.stop - head.targets.start, head.weight)
            for head in heads
            if head.targets
        )
    )


def require_widths(loss: Loss, classes: int | None, columns: int, place: str) -> tuple[tuple[int, ...], str]:
    """Return the numbers of scores that suit the loss on a target of so many classes or numeric columns, and what it is
    in words.

    Raises:
        OptionError: the loss, in the field `place`, cannot take such a target.
    """
    kind = f"{classes} classes" if classes else f"{columns} numeric column{'s' * (columns > 1)}"
    widths = loss.widths(classes, columns)
    if not widths:
        what = f"{name_of(loss)} does not fit a target of {kind}; use {name_of(default_loss(classes))}"
        raise OptionError(Mistake(place, what, "BP121"))
    return widths, kind


def find_widths(heads: tuple[Head, ...], columns: Columns) -> tuple[tuple[int, ...], str]:
    """Return the numbers of scores that the network may end in, and what for, in words."""
    if heads[0].name:
        return (sum(head.width for head in heads),), ", ".join(f"{head.name} {head.width}" for head in heads)
    count = heads[0].width if isinstance(columns.target, Inputs) else len(columns.singles)
    widths, kind = require_widths(heads[0].loss, heads[0].classes, count, "loss")
    return widths, f"{count} inputs" if isinstance(columns.target, Inputs) else kind


def find_objections(heads: Sequence[Head], targets: Array) -> Iterator[tuple[Head, str]]:
    """Yield what losses have against encoded targets, with the head that is to blame."""
    for head in heads:
        own = head.own_targets(targets)
        if head.kind == "labels" and not np.isin(own, (0, 1)).all():
            yield head, "a label must be 0 or 1; for shares and other numbers use task: regression"
        elif said := head.loss.objection(own, head.classes):
            yield head, f"{name_of(head.loss)}: {said}"
