"""A model: a network with its loss, its metrics and its columns, ready to be used on a raw table."""

import hashlib
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from bptrain.arrays import Array, Streams
from bptrain.config import Experiment
from bptrain.data import Classes, Columns, Table
from bptrain.errors import Mistake, OptionError
from bptrain.metrics import Kind, Metric, all_metrics, default_metrics
from bptrain.nn import Activation, Loss, Network, completed
from bptrain.nn.layers import Dense
from bptrain.nn.losses import BinaryCrossEntropy, Mse, SoftmaxCrossEntropy
from bptrain.registry import name_of
from bptrain.training.objective import Objective


@dataclass(frozen=True)
class Rows:
    """Rows as the network reads them: inputs `(rows, inputs)`, targets in the encoding of the loss, their numbers in
    the table that they come from, if that is known, and what each weighs in the loss, if not all the same."""

    inputs: Array
    targets: Array
    numbers: Array | None = None
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def first(self, count: int) -> "Rows":
        """The first so many of them."""
        numbers, weights = (None if array is None else array[:count] for array in (self.numbers, self.weights))
        return Rows(self.inputs[:count], self.targets[:count], numbers, weights)

    def fingerprint(self) -> str:
        """A digest that tells whether rows are still the same, in the same order and at the same places."""
        total = hashlib.sha256()
        for array in (self.inputs, self.targets, self.numbers, self.weights):
            if array is not None:
                total.update(np.ascontiguousarray(array).view(np.uint8).data)
        return total.hexdigest()


@dataclass(frozen=True)
class Model:
    """A network with all that is needed to use it on a raw table.

    `experiment` has no `auto` left; `metrics` are those of the task.
    """

    experiment: Experiment
    columns: Columns
    streams: Streams
    objective: Objective
    metrics: tuple[Metric, ...]

    @property
    def network(self) -> Network:
        """The network itself."""
        return self.objective.network

    def rows(self, table: Table, rows: Array | None = None, unseen: Counter[str] | None = None) -> Rows:
        """A table as the network reads it.

        Args:
            table: with the columns by name.
            rows: their numbers, int64; None: all.
            unseen: counts the categories that are ignored, by column.

        Raises:
            InputError: a column is missing or has values that cannot be used.
        """
        self.columns.refuse_absent(table)
        targets = self.columns.targets(table, rows)
        weights = self.columns.weights(table, rows, targets if self.columns.classes is not None else None)
        loss, width = self.objective.loss, self.network.output_shape[0]
        if loss.encoding == "values" and self.columns.classes is not None:
            targets = targets[:, None] == np.arange(width) if width > 1 else targets[:, None]
        dtype = np.int64 if loss.encoding == "codes" else self.network.dtype
        inputs = self.columns.inputs(table, rows, dtype=self.network.dtype, unseen=unseen)
        if weights is not None:
            weights = weights.astype(self.network.dtype)
        return Rows(inputs, np.ascontiguousarray(targets, dtype=dtype), rows, weights)

    def objection(self, rows: Rows) -> str | None:
        """What is wrong with the targets of rows for the task and the loss, if anything."""
        if self.experiment.data.task == "multi_label" and not np.isin(rows.targets, (0, 1)).all():
            return "a label must be 0 or 1; for shares and other numbers use task: regression"
        loss = self.objective.loss
        objection = loss.objection(rows.targets, self.columns.classes)
        return objection and f"{name_of(loss)}: {objection}"


def build_model(experiment: Experiment, columns: Columns, streams: Streams, *, rows: int = 0) -> Model:
    """A fresh model for fitted columns, its network allocated and initialised.

    Args:
        experiment: with a loss.
        columns: fitted.
        streams: draw the parameters, and later the masks.
        rows: that train; the network has room for their batches, and for scoring.

    Raises:
        OptionError: the loss does not fit the target, or the network's output does not fit the loss.
    """
    assert experiment.loss != "auto"
    loss, widths, kind = experiment.loss, *fitting_widths(experiment.loss, columns)
    try:
        layers = completed(experiment.layers, widths[0])
        batch = max(batch_rows(experiment, rows), scoring_rows(experiment))
        network = Network(layers, (len(columns.outputs),), batch=batch, dtype=experiment.dtype, rng=streams)
    except OptionError as error:
        raise error.under("network") from None
    outputs = network.output_shape[0]
    if outputs not in widths:
        last = max((k for k, layer in enumerate(layers) if isinstance(layer, Dense)), default=None)
        place = "network" if last is None else f"network.{last}.dense.units"
        what = f"the network ends in {outputs} outputs; {name_of(loss)} on {kind} needs {' or '.join(map(str, widths))}"
        # What ends in an activation most likely lacks its last layer.
        advice = "add - dense at the end" if isinstance(layers[-1], Activation) else "write units: auto"
        raise OptionError(Mistake(place, f"{what}; {advice}", "BP107"))
    metrics = chosen_metrics(experiment, kind_of(experiment))
    resolved = replace(experiment, network=layers, hidden=None, activation=None, metrics=metrics)
    objective = Objective(
        network,
        loss,
        experiment.regularization,
        weighted=bool(columns.weighting),
        augmentations=experiment.augmentation,
    )
    return Model(resolved, columns, streams, objective, metrics)


def kind_of(experiment: Experiment) -> Kind:
    """The kind of target as metrics see it."""
    kinds: dict[str, Kind] = {"classification": "classes", "multi_label": "labels"}
    return kinds.get(experiment.data.task, "numbers")


def chosen_metrics(experiment: Experiment, kind: Kind) -> tuple[Metric, ...]:
    """The metrics that the config names, or the usual ones.

    Raises:
        OptionError: one is named twice, or is not defined for such a target.
    """
    if experiment.metrics == "auto":
        return default_metrics(kind)
    names = [name_of(metric) for metric in experiment.metrics]
    fitting = ", ".join(name_of(metric) for metric in all_metrics(kind))
    mistakes = []
    for k, (name, metric) in enumerate(zip(names, experiment.metrics, strict=True)):
        if name in names[:k]:
            mistakes.append(Mistake(f"metrics.{k}", f"names {name} a second time; take it out"))
        if kind not in metric.kinds:
            what = f"{name} is not defined for {kind}; choose from {fitting}"
            mistakes.append(Mistake(f"metrics.{k}", what, "BP125"))
    if mistakes:
        raise OptionError(*mistakes)
    return experiment.metrics


def fitting_widths(loss: Loss, columns: Columns) -> tuple[tuple[int, ...], str]:
    """The numbers of scores that suit the loss on a target, and what the target is in words.

    Raises:
        OptionError: the loss cannot take such a target.
    """
    count = 1 if isinstance(columns.target, Classes) else len(columns.target)
    kind = f"{columns.classes} classes" if columns.classes else f"{count} numeric column{'s' * (count > 1)}"
    widths = loss.widths(columns.classes, count)
    if not widths:
        better = name_of(default_loss(columns.classes))
        what = f"{name_of(loss)} does not fit a target of {kind}; use {better}"
        raise OptionError(Mistake("loss", what, "BP121"))
    return widths, kind


def batch_rows(experiment: Experiment, rows: int) -> int:
    """How many of so many training rows go into one step."""
    size = experiment.training.batch_size
    return max(rows if size == "full" else min(size, rows), 1)


def scoring_rows(experiment: Experiment) -> int:
    """How many rows are scored at a time: always the same for an experiment, since other portions round otherwise."""
    size = experiment.training.batch_size
    return 256 if size == "full" else min(max(size, 256), 4096)


def default_loss(classes: int | None) -> Loss:
    """The loss for a target of so many classes, or for numbers."""
    if classes is None:
        return Mse()
    return BinaryCrossEntropy() if classes == 2 else SoftmaxCrossEntropy()
