"""Assembling: an experiment and its data become a model, and the rows that it learns from.

Everything that only the data can tell is settled here: the task, the loss, the width of the output, the statistics of
the columns. What comes out has no `auto` left in it.
"""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from bptrain.arrays import Array, Streams
from bptrain.config import Data, Experiment
from bptrain.data import Classes, Columns, Table, Task, find_classes, fit, likely_task
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.metrics import R2, Accuracy, Mae, Metric, Rmse
from bptrain.nn import Loss, Network, completed
from bptrain.nn.losses import BinaryCrossEntropy, Mse, SoftmaxCrossEntropy
from bptrain.registry import name_of
from bptrain.training.objective import Objective


@dataclass(frozen=True)
class Rows:
    """Rows as the network reads them: inputs `(rows, features)` and targets in the encoding of the loss."""

    inputs: Array
    targets: Array

    def __len__(self) -> int:
        return len(self.inputs)

    def fingerprint(self) -> str:
        """A digest that tells whether rows are still the same, in the same order."""
        total = hashlib.sha256(self.inputs.view(np.uint8).data)
        total.update(self.targets.view(np.uint8).data)
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

    def rows(self, table: Table) -> Rows:
        """A table as the network reads it.

        Raises:
            InputError: a column is missing or has values that cannot be used.
        """
        targets = self.columns.targets(table)
        loss, width = self.objective.loss, self.network.output_shape[0]
        if loss.encoding == "values" and self.columns.classes is not None:
            targets = targets[:, None] == np.arange(width) if width > 1 else targets[:, None]
        dtype = np.int64 if loss.encoding == "codes" else self.network.dtype
        return Rows(self.columns.inputs(table).astype(self.network.dtype), np.ascontiguousarray(targets, dtype=dtype))


@dataclass(frozen=True)
class Assembly:
    """A fresh model and its data, split; empty parts are left out. `fingerprint` is that of all rows together."""

    model: Model
    parts: dict[str, Rows]
    fingerprint: str


def assemble(experiment: Experiment) -> Assembly:
    """Read the data of an experiment and build its model.

    Raises:
        OptionError: something in the experiment does not fit the data or the rest; the field says what.
        InputError: the data cannot be used.
    """
    table = load_table(experiment.data)
    names = target_names(experiment.data, table)
    features = feature_names(experiment.data, table, names)
    task = find_task(experiment, table, names)
    classes = find_classes(table, names[0]) if task == "classification" else None
    streams = Streams(experiment.seed)
    rows = split_rows(experiment, table, classes, streams)
    scaling, target_scaling = experiment.data.scaling, experiment.data.target_scaling
    columns = fit(table, rows["train"], features, classes or names, scaling, target_scaling)
    experiment = settled(experiment, names, task)
    model = build_model(experiment, columns, streams, rows=len(rows["train"]))
    every = model.rows(table)
    parts = {name: Rows(every.inputs[part], every.targets[part]) for name, part in rows.items() if len(part)}
    return Assembly(model, parts, every.fingerprint())


def load_table(data: Data) -> Table:
    """The table of an experiment.

    Raises:
        InputError: it cannot be read; an `OptionError` where the options of the source are wrong.
    """
    try:
        return data.source.load()
    except OptionError as error:
        raise error.under(f"data.source.{name_of(data.source)}") from None


def target_names(data: Data, table: Table) -> tuple[str, ...]:
    """The columns to predict.

    Raises:
        OptionError: none is named, or there is none of that name.
    """
    names = (data.target,) if isinstance(data.target, str) else data.target or table.target
    if not names:
        some = ", ".join(list(table.columns)[:20])
        raise OptionError(Mistake("data.target", f"is missing; name the column to predict, one of {some}"))
    for name in names:
        checked(table, name, "data.target")
    refuse_twice(names, "data.target")
    return tuple(names)


def feature_names(data: Data, table: Table, targets: tuple[str, ...]) -> tuple[str, ...]:
    """The columns to predict from: those named, or all but the targets.

    Raises:
        OptionError: a name is unknown, or is a target; or there are no features.
    """
    names = tuple(name for name in table.columns if name not in targets) if data.features is None else data.features
    for name in names:
        checked(table, name, "data.features")
        if name in targets:
            raise OptionError(Mistake("data.features", f"the target {name!r} is among the features; take it out"))
    refuse_twice(names, "data.features")
    if not names:
        raise OptionError(Mistake("data.features", "there is nothing to predict from; name at least one column"))
    return names


def refuse_twice(names: tuple[str, ...], field: str) -> None:
    """Refuse a column that is named twice."""
    for k, name in enumerate(names):
        if name in names[:k]:
            raise OptionError(Mistake(field, f"names the column {name!r} twice; take one out"))


def checked(table: Table, name: str, field: str) -> None:
    """Refuse a column that is not there, as a mistake in `field`."""
    try:
        table.column(name)
    except InputError as error:
        raise OptionError(Mistake(field, str(error))) from None


def find_task(experiment: Experiment, table: Table, names: tuple[str, ...]) -> Task:
    """Classes or numbers: what the config says, or else what the loss takes, or else what the column looks like.

    Raises:
        OptionError: several columns of classes.
    """
    loss, task = experiment.loss, experiment.data.task
    if len(names) > 1:
        if task == "classification":
            raise OptionError(Mistake("data.target", f"one column of classes at a time (got {len(names)})"))
        return "regression"
    if task != "auto":
        return task
    likely = likely_task(table, names[0])
    if loss == "auto":
        return likely
    fitting = {"classification": bool(loss.widths(2, 1) or loss.widths(3, 1)), "regression": bool(loss.widths(None, 1))}
    if all(fitting.values()):
        return "classification" if table.column(names[0]).dtype == object else "regression"
    return "classification" if fitting["classification"] else "regression"


def settled(experiment: Experiment, names: tuple[str, ...], task: Task) -> Experiment:
    """The experiment with target, task and manner of splitting as the data decided them."""
    data = experiment.data
    method = data.split.method
    if method == "auto":
        method = "stratified" if task == "classification" else "random"
    target = names[0] if len(names) == 1 else names
    return replace(experiment, data=replace(data, target=target, task=task, split=replace(data.split, method=method)))


def split_rows(experiment: Experiment, table: Table, classes: Classes | None, streams: Streams) -> dict[str, Array]:
    """The row numbers of each part.

    Raises:
        OptionError: the split leaves a part without rows, or cannot be stratified.
    """
    codes = None if classes is None else classes.codes(table)
    try:
        return experiment.data.split.rows(len(table), codes, streams.split)
    except OptionError as error:
        raise error.under("data.split") from None


def build_model(experiment: Experiment, columns: Columns, streams: Streams, *, rows: int = 0) -> Model:
    """A fresh model for fitted columns: loss and layers settled, the network allocated and initialised.

    The network has room for the batches of training on so many `rows`, and for scoring.

    Raises:
        OptionError: the loss does not fit the target, or the network's output does not fit the loss.
    """
    count = 1 if isinstance(columns.target, Classes) else len(columns.target)
    loss = experiment.loss if experiment.loss != "auto" else default_loss(columns.classes)
    widths = loss.widths(columns.classes, count)
    kind = f"{columns.classes} classes" if columns.classes else f"{count} numeric column{'s' * (count > 1)}"
    if not widths:
        better = name_of(default_loss(columns.classes))
        raise OptionError(Mistake("loss", f"{name_of(loss)} does not fit a target of {kind}; use {better}"))
    try:
        layers = completed(experiment.layers, widths[0])
        batch = max(batch_rows(experiment, rows), scoring_rows(experiment))
        network = Network(layers, (len(columns.features),), batch=batch, dtype=experiment.dtype, rng=streams)
    except OptionError as error:
        raise error.under("network") from None
    outputs = network.output_shape[0]
    if outputs not in widths:
        place = f"network.{len(layers) - 1}"
        what = f"the network ends in {outputs} outputs; {name_of(loss)} on {kind} needs {' or '.join(map(str, widths))}"
        raise OptionError(Mistake(place if experiment.network else "hidden", f"{what}; write units: auto"))
    refuse_small_batches(experiment, network, rows)
    resolved = replace(experiment, network=layers, hidden=None, activation=None, loss=loss)
    metrics: tuple[Metric, ...] = (Accuracy(),) if columns.classes else (R2(), Rmse(), Mae())
    return Model(resolved, columns, streams, Objective(network, loss, experiment.regularization), metrics)


def refuse_small_batches(experiment: Experiment, network: Network, rows: int) -> None:
    """Refuse batches, the last one of an epoch included, that are too small for a layer.

    Raises:
        OptionError: batch normalisation would meet a single row.
    """
    size = batch_rows(experiment, rows)
    smallest, needed = rows % size or size, network.chain.least_rows()
    if rows and smallest < needed:
        what = (
            f"batch_norm needs batches of {needed} rows or more (the last one of {rows} rows by {size} has {smallest})"
        )
        raise OptionError(Mistake("training.batch_size", f"{what}; choose another size"))


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
