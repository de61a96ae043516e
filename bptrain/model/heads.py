"""Heads: a head is the scores of the network for one target, or for several targets with one loss, and that loss."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.columns import Columns
from bptrain.columns.targets import Classes, Inputs, Several, Value, unscale_targets
from bptrain.config import Experiment
from bptrain.errors import Mistake, OptionError
from bptrain.metrics import Kind, Metric, list_default_metrics, list_metrics, predict_codes
from bptrain.model.task import get_default_loss
from bptrain.nn import Loss
from bptrain.nn.losses import MultiTask, Part
from bptrain.registry import name_of


@dataclass(frozen=True)
class Head:
    """Some columns of the scores, with the target that they predict and its loss.

    `name` is the prefix of its metrics, empty if there is only one head. `widths` are the numbers of columns that the
    loss accepts, the usual one first. `scores` and `targets` are its columns in the scores and in the encoded targets
    (None: all of them), and `weight` is the factor of its loss in the sum.
    """

    name: str
    kind: Kind
    target: Classes | tuple[Value, ...] | Inputs
    loss: Loss
    widths: tuple[int, ...]
    scores: slice | None = None
    targets: slice | None = None
    weight: float = 1.0

    @property
    def width(self) -> int:
        """The usual number of scores."""
        return self.widths[0]

    @property
    def classes(self) -> int | None:
        """The number of classes, None if the target is not a class."""
        return len(self.target.labels) if isinstance(self.target, Classes) else None

    def select_targets(self, targets: Array) -> Array:
        """Return the columns of encoded targets that belong to this head, as its loss takes them."""
        if self.targets is None:
            return targets
        own = targets[:, self.targets]
        return own[:, 0].astype(np.int64) if self.loss.encoding == "codes" else own

    def decode_outputs(self, outputs: Array) -> Array:
        """Return the outputs of the network `(n, width)` that belong to this head, as metrics take them: probabilities,
        or numbers in their own units; the inputs of an autoencoder stay encoded."""
        own = outputs if self.scores is None else outputs[:, self.scores]
        return unscale_targets(self.target, own) if isinstance(self.target, tuple) else own

    def decode_targets(self, targets: Array) -> Array:
        """Return the encoded targets that belong to this head, as metrics take them: class numbers `(n,)`, labels, or
        numbers in their own units; the inputs of an autoencoder stay encoded."""
        own = self.select_targets(targets)
        if isinstance(self.target, Classes):
            return own if own.ndim == 1 else predict_codes(own)
        return unscale_targets(self.target, own) if isinstance(self.target, tuple) else own

    def encode(self, values: Array) -> Array:
        """Encode class numbers `(rows,)` or other targets `(rows, columns)` as the loss takes them."""
        if self.loss.encoding == "values" and isinstance(self.target, Classes):
            return values[:, None] == np.arange(self.width) if self.width > 1 else values[:, None]
        return values

    def find_problem(self, targets: Array) -> str | None:
        """Return why the task or the loss cannot take these encoded targets; None if they can."""
        own = self.select_targets(targets)
        if self.kind == "labels" and not np.isin(own, (0, 1)).all():
            return "a label must be 0 or 1; for shares and other numbers use task: regression"
        problem = self.loss.objection(own, self.classes)
        return problem and f"{name_of(self.loss)}: {problem}"


def build_heads(experiment: Experiment, columns: Columns) -> tuple[Head, ...]:
    """Return the heads for fitted columns, in the order of the scores.

    Raises:
        OptionError: a loss cannot take its target.
    """
    target, data = columns.target, experiment.data
    if not isinstance(target, Several):
        assert experiment.loss != "auto"
        count = len(columns.input_names) if isinstance(target, Inputs) else len(columns.target_columns)
        widths = find_widths(experiment.loss, columns.classes, count, "loss")
        kinds: dict[str, Kind] = {"classification": "classes", "multi_label": "labels"}
        return (Head("", kinds.get(data.task, "numbers"), target, experiment.loss, widths),)
    assert isinstance(data.target, dict)
    heads: list[Head] = []
    score, column = 0, 0
    for one in target.targets:
        options = data.target[one.name]
        loss, classes = options.loss, len(one.labels) if isinstance(one, Classes) else None
        assert loss != "auto"
        widths = find_widths(loss, classes, 1, f"data.target.{one.name}.loss")
        own = 1 if loss.encoding == "codes" or classes is None else widths[0]
        kind: Kind = "numbers" if classes is None else "classes"
        values = one if isinstance(one, Classes) else (one,)
        scores, targets = slice(score, score + widths[0]), slice(column, column + own)
        heads.append(Head(one.name, kind, values, loss, widths, scores, targets, options.weight))
        score, column = scores.stop, targets.stop
    return tuple(heads)


def find_widths(loss: Loss, classes: int | None, columns: int, field: str) -> tuple[int, ...]:
    """Return the numbers of scores that suit a loss on a target of some classes, or of numeric columns.

    Raises:
        OptionError: the loss, which is written in the field, cannot take such a target.
    """
    widths = loss.widths(classes, columns)
    if not widths:
        what = f"{name_of(loss)} does not fit a target of {describe_target_kind(classes, columns)}"
        raise OptionError(Mistake(field, f"{what}; use {name_of(get_default_loss(classes))}", "BP121"))
    return widths


def describe_target_kind(classes: int | None, columns: int) -> str:
    """Describe a target of classes, or of numeric columns."""
    return f"{classes} classes" if classes else f"{columns} numeric column{'s' * (columns > 1)}"


def find_output_widths(heads: Sequence[Head]) -> tuple[int, ...]:
    """Return the numbers of outputs that the network may have, the usual one first."""
    return (sum(head.width for head in heads),) if heads[0].name else heads[0].widths


def describe_outputs(heads: Sequence[Head]) -> str:
    """Describe how many outputs the network needs, and for what."""
    if heads[0].name:
        each = ", ".join(f"{head.name} {head.width}" for head in heads)
        return f"the targets together need {find_output_widths(heads)[0]} ({each})"
    (head,) = heads
    what = f"{head.width} inputs"
    if not isinstance(head.target, Inputs):
        what = describe_target_kind(head.classes, len(head.target) if isinstance(head.target, tuple) else 1)
    return f"{name_of(head.loss)} on {what} needs {' or '.join(map(str, head.widths))}"


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


@dataclass(frozen=True)
class Measure:
    """A metric of a head: `accuracy`, or `sold.accuracy` if there are several heads."""

    name: str
    metric: Metric
    head: Head


def build_measures(heads: Sequence[Head], metrics: Sequence[Metric]) -> tuple[Measure, ...]:
    """Return every metric of every head that it is defined for, head by head."""
    return tuple(
        Measure(f"{head.name}.{name_of(metric)}" if head.name else name_of(metric), metric, head)
        for head in heads
        for metric in metrics
        if head.kind in metric.kinds
    )


def get_metric_name(measure: str) -> str:
    """Return the name of the metric in the name of a measure: `accuracy` of `sold.accuracy`."""
    return measure.rpartition(".")[2]


def choose_metrics(experiment: Experiment, heads: Sequence[Head]) -> tuple[Metric, ...]:
    """Return the metrics that the config names, or else the usual ones. For an autoencoder those are errors only, since
    R² is undefined if any input is constant.

    Raises:
        OptionError: a metric is named twice, or is not defined for the target.
    """
    kinds = list(dict.fromkeys(head.kind for head in heads))
    if experiment.metrics == "auto":
        if experiment.data.task == "autoencoder":
            return tuple(metric for metric in list_default_metrics("numbers") if metric.perfect == 0)
        return tuple(metric for kind in kinds for metric in list_default_metrics(kind))
    names = [name_of(metric) for metric in experiment.metrics]
    fitting = ", ".join(dict.fromkeys(name_of(metric) for kind in kinds for metric in list_metrics(kind)))
    mistakes = []
    for k, (name, metric) in enumerate(zip(names, experiment.metrics, strict=True)):
        if name in names[:k]:
            mistakes.append(Mistake(f"metrics.{k}", f"{name} is listed twice; remove one"))
        if not set(kinds) & set(metric.kinds):
            what = f"{name} is not defined for {' or '.join(kinds)}; choose from {fitting}"
            mistakes.append(Mistake(f"metrics.{k}", what, "BP125"))
        most = max([head.classes for head in heads if head.classes and head.kind in metric.kinds], default=0)
        if most and not metric.tells_apart(most):
            what = f"{name} is always 1 here, since there are {most} classes"
            advice = f"write {name}: {most - 1}" if most > 2 else "write accuracy"
            mistakes.append(Mistake(f"metrics.{k}", f"{what}; {advice}, or remove it", "BP125"))
    if mistakes:
        raise OptionError(*mistakes)
    return experiment.metrics
