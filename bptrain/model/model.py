"""A model: a network with its loss, its metrics and its columns, ready to be used on a raw table."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bptrain.arrays import Array, Streams
from bptrain.columns.columns import Columns
from bptrain.columns.target_columns import Inputs, Several
from bptrain.config import Experiment
from bptrain.errors import Mistake, OptionError
from bptrain.metrics import Metric
from bptrain.model.heads import Head, fitting_widths, heads_of, loss_of, objections
from bptrain.model.measures import Measure, chosen_metrics, measures_of
from bptrain.model.objective import Batch, Objective
from bptrain.nn import Activation, Network, resolve_layers
from bptrain.nn.layers import Dense
from bptrain.registry import name_of
from bptrain.tables.mapped import Records
from bptrain.tables.table import Table

PORTION = 1 << 16
"""Rows that are looked at together where all are more than memory holds."""


@dataclass(frozen=True)
class Rows:
    """Rows as the network reads them: inputs `(rows, inputs)`, targets in the encoding of the loss, their numbers in
    the table that they come from, if that is known, and what each weighs in the loss, if not all the same; `mapped` is
    the file in which they are, where that is larger than memory."""

    inputs: Array
    targets: Array
    numbers: Array | None = None
    weights: Array | None = None
    mapped: Records | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def fill(self, batch: Batch, chosen: Array) -> None:
        """Gather rows into a batch."""
        if self.mapped is None:
            batch.fill(self.inputs, self.targets, chosen, self.weights)
            return
        found = self.mapped.take(chosen)
        weights = None if self.weights is None else found["weights"]
        batch.fill(found["inputs"], found["targets"], np.arange(len(found)), weights)

    def portions(self) -> Iterator["Rows"]:
        """All of them, so many at a time as fit into memory."""
        most = len(self) if self.mapped is None else PORTION
        for start in range(0, len(self), most):
            part = slice(start, start + most)
            numbers, weights = (None if one is None else one[part] for one in (self.numbers, self.weights))
            yield Rows(self.inputs[part], self.targets[part], numbers, weights)
            if self.mapped is not None:
                self.mapped.release()

    def first(self, count: int) -> "Rows":
        """The first so many of them."""
        numbers, weights = (None if array is None else array[:count] for array in (self.numbers, self.weights))
        inputs = self.inputs[:count]
        return Rows(inputs, inputs if self.targets is self.inputs else self.targets[:count], numbers, weights)

    def fingerprint(self) -> str:
        """A digest that tells whether rows are still the same, in the same order and at the same places."""
        if self.mapped is not None:
            return self.mapped.digest
        total = hashlib.sha256()
        targets = None if self.targets is self.inputs else self.targets
        for array in (self.inputs, targets, self.numbers, self.weights):
            if array is not None:
                total.update(np.ascontiguousarray(array).view(np.uint8).data)
        return total.hexdigest()


@dataclass(frozen=True)
class Model:
    """A network with all that is needed to use it on a raw table.

    `experiment` has no `auto` left, but for the loss where each target has its own; `metrics` are those of the task,
    and `measures` say of which target. `heads` are what the scores predict.
    """

    experiment: Experiment
    columns: Columns
    streams: Streams
    objective: Objective
    metrics: tuple[Metric, ...]
    heads: tuple[Head, ...]
    measures: tuple[Measure, ...]

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
        dtype = self.network.dtype
        inputs = self.columns.inputs(table, rows, dtype=dtype, unseen=unseen)
        if isinstance(self.columns.target, Inputs):
            weights = self.columns.weights(table, rows)
            return Rows(inputs, inputs, rows, None if weights is None else weights.astype(dtype))
        known = self.columns.targets(table, rows)
        weights = self.columns.weights(table, rows, known if self.columns.classes is not None else None)
        if isinstance(self.columns.target, Several):
            # Class numbers as floats: those of float32 are exact up to 16,777,216.
            each = [head.encoded(known[:, k]) for k, head in enumerate(self.heads)]
            targets = np.concatenate([one if one.ndim > 1 else one[:, None] for one in each], axis=1, dtype=dtype)
        else:
            codes = self.objective.loss.encoding == "codes"
            targets = np.ascontiguousarray(self.heads[0].encoded(known), dtype=np.int64 if codes else dtype)
        return Rows(inputs, targets, rows, None if weights is None else weights.astype(dtype))

    def objection(self, rows: Rows, *, strict: bool = True) -> tuple[Head, str] | None:
        """What is wrong with the targets of rows for the task and the loss, if anything, and for which head.

        An autoencoder's inputs may lie beyond those that trained where it is not `strict`: the loss is defined there.
        """
        if isinstance(self.columns.target, Inputs) and not strict:
            return None
        return next(objections(self.heads, rows.targets), None)


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
    heads = heads_of(experiment, columns)
    loss = loss_of(heads)
    widths, kind = widths_of(heads, columns)
    try:
        layers = resolve_layers(experiment.layers, widths[0])
        batch = max(batch_rows(experiment, rows), scoring_rows(experiment))
        network = Network(layers, (len(columns.outputs),), batch=batch, dtype=experiment.dtype, rng=streams)
    except OptionError as error:
        raise error.under("network") from None
    outputs = network.output_shape[0]
    if outputs not in widths:
        last = max((k for k, layer in enumerate(layers) if isinstance(layer, Dense)), default=None)
        place = "network" if last is None else f"network.{last}.dense.units"
        needed = f"{name_of(loss)} on {kind} needs {' or '.join(map(str, widths))}"
        if heads[0].name:
            needed = f"the targets together need {widths[0]} ({kind})"
        what = f"the network ends in {outputs} outputs; {needed}"
        # What ends in an activation most likely lacks its last layer.
        advice = "add - dense at the end" if isinstance(layers[-1], Activation) else "write units: auto"
        raise OptionError(Mistake(place, f"{what}; {advice}", "BP107"))
    metrics = chosen_metrics(experiment, heads)
    resolved = replace(experiment, network=layers, hidden=None, activation=None, metrics=metrics)
    objective = Objective(
        network,
        loss,
        experiment.regularization,
        weighted=bool(columns.weighting),
        augmentations=experiment.augmentation,
    )
    return Model(resolved, columns, streams, objective, metrics, heads, measures_of(heads, metrics))


def widths_of(heads: tuple[Head, ...], columns: Columns) -> tuple[tuple[int, ...], str]:
    """The numbers of scores that the network may end in, and what for, in words."""
    if heads[0].name:
        return (sum(head.width for head in heads),), ", ".join(f"{head.name} {head.width}" for head in heads)
    count = heads[0].width if isinstance(columns.target, Inputs) else len(columns.singles)
    widths, kind = fitting_widths(heads[0].loss, heads[0].classes, count, "loss")
    return widths, f"{count} inputs" if isinstance(columns.target, Inputs) else kind


def batch_rows(experiment: Experiment, rows: int) -> int:
    """How many of so many training rows go into one step."""
    size = experiment.training.batch_size
    return max(rows if size == "full" else min(size, rows), 1)


def scoring_rows(experiment: Experiment) -> int:
    """How many rows are scored at a time: always the same for an experiment, since other portions round otherwise."""
    size = experiment.training.batch_size
    return 256 if size == "full" else min(max(size, 256), 4096)
