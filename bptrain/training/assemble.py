"""Assembling: an experiment and its data become a model, and the rows that it learns from.

Everything that only the data can tell is settled here: the task, the loss, the width of the output, the statistics of
the columns. What comes out has no `auto` left in it.
"""

from dataclasses import dataclass, replace

import numpy as np

from bptrain.arrays import Array, Streams
from bptrain.config import Data, Experiment
from bptrain.data import (
    MOST_INTEGER_CLASSES,
    Classes,
    Table,
    Task,
    Unscaled,
    find_classes,
    fit,
    likely_task,
    refuse_constant,
)
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.nn.losses import BinaryCrossEntropy
from bptrain.optim import LineSearch
from bptrain.registry import name_of
from bptrain.training.model import Model, Rows, batch_rows, build_model, default_loss


@dataclass(frozen=True)
class Assembly:
    """A fresh model and its data, split; empty parts are left out. `fingerprint` is that of all rows together, and
    `table` what they were read from."""

    model: Model
    parts: dict[str, Rows]
    fingerprint: str
    table: Table


def assemble(experiment: Experiment) -> Assembly:
    """Read the data of an experiment and build its model.

    Raises:
        OptionError: something in the experiment does not fit the data or the rest; the field says what.
        InputError: the data cannot be used.
    """
    table = load_table(experiment.data)
    if len(table) == 1:
        raise InputError(f"{table.where(0)}: this is the only row, from which nothing can be learned; add more")
    names = target_names(experiment.data, table)
    features = feature_names(experiment.data, table, names)
    task = find_task(experiment, table, names)
    if task == "classification":
        refuse_continuous(experiment, table, names[0])
    for name in names if task == "regression" else ():
        refuse_constant(table, name)
    classes = find_classes(table, names[0]) if task == "classification" else None
    experiment = settled(experiment, names, task, len(classes.labels) if classes else None)
    streams = Streams(experiment.seed)
    rows = split_rows(experiment, table, classes, streams)
    data = experiment.data
    columns = fit(table, rows["train"], features, classes or names, data.scaling, data.target_scaling)
    model = build_model(experiment, columns, streams, rows=len(rows["train"]))
    refuse_unfit(model, rows)
    every = model.rows(table)
    if objection := model.objection(every):
        raise OptionError(objected(model, objection))
    parts = {name: Rows(every.inputs[part], every.targets[part], part) for name, part in rows.items() if len(part)}
    return Assembly(model, parts, every.fingerprint(), table)


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
            what = f"the target {name!r} is among the features; take it out"
            raise OptionError(Mistake(field_of(data.features, name), what, "BP123"))
    refuse_twice(names, "data.features")
    if not names:
        raise OptionError(Mistake("data.features", "there is nothing to predict from; name at least one column"))
    return names


def field_of(features: tuple[str, ...] | None, name: str) -> str:
    """The field in which a feature is named, or would be."""
    return "data.features" if features is None else f"data.features.{features.index(name)}"


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
    """Classes, labels or numbers: what the config says, or what the loss takes, or what the columns look like.

    Raises:
        OptionError: several columns of classes.
    """
    loss, task = experiment.loss, experiment.data.task
    if len(names) > 1:
        if task == "classification":
            what = f"one column of classes at a time (got {len(names)}); for labels that go together use multi_label"
            raise OptionError(Mistake("data.target", what, "BP121"))
        labels = task == "multi_label" or (task == "auto" and loss != "auto" and loss.labels)
        return "multi_label" if labels else "regression"
    if task != "auto":
        return task
    likely = likely_task(table, names[0])
    if loss == "auto":
        return likely
    text = table.column(names[0]).dtype == object
    for_classes = bool(loss.widths(2, 1) or loss.widths(3, 1))
    rather = for_classes and (not loss.widths(None, 1) or (loss.labels and likely == "classification"))
    return "classification" if text or rather else "regression"


def refuse_continuous(experiment: Experiment, table: Table, name: str) -> None:
    """Refuse numbers of any size where classes are wanted.

    Raises:
        OptionError: the target has fractions, or many whole numbers with fewer than three rows for each.
    """
    values = table.column(name)
    if values.dtype == object or not np.isfinite(values).all():
        return
    broken, distinct = np.flatnonzero(values != np.floor(values)), len(np.unique(values))
    if len(broken):
        row = int(broken[0])
        got = f"got {values[row]:g} in {table.where(row)}"
    elif distinct > max(MOST_INTEGER_CLASSES, len(values) / 3):
        got = f"got {distinct} distinct numbers in {len(values)} rows"
    else:
        return
    field, what = ("data.task", "classification") if experiment.loss == "auto" else ("loss", name_of(experiment.loss))
    advice = "for numbers to predict use mse" if field == "loss" else "write task: regression"
    wanted = "takes classes, as text or whole numbers"
    raise OptionError(Mistake(field, f"{what} {wanted}, and {name!r} is continuous ({got}); {advice}", "BP120"))


def objected(model: Model, objection: str) -> Mistake:
    """What a loss says against the targets as a mistake in the field that is to blame, and what to do about it."""
    loss, target = model.objective.loss, model.columns.target
    if getattr(loss, "class_weights", None) is not None and isinstance(target, Classes):
        said = objection.removeprefix(f"{name_of(loss)}: class_weights ")
        some = ", ".join(map(str, target.labels[:20])) + (", ..." if len(target.labels) > 20 else "")
        return Mistake(f"loss.{name_of(loss)}.class_weights", f"{said}; write one for each of {some}", "BP124")
    if model.experiment.data.task == "multi_label":
        return Mistake("data.target", objection, "BP122")
    return Mistake("loss", f"{objection}; choose another target, or a loss for such numbers, as mse", "BP122")


def settled(experiment: Experiment, names: tuple[str, ...], task: Task, classes: int | None) -> Experiment:
    """The experiment with target, task, loss and manner of splitting as the data decided them."""
    data = experiment.data
    method = data.split.method
    if method == "auto":
        method = "stratified" if task == "classification" else "random"
    loss = experiment.loss
    if loss == "auto":
        loss = BinaryCrossEntropy() if task == "multi_label" else default_loss(classes)
    data = replace(
        data,
        target=names[0] if len(names) == 1 else names,
        task=task,
        split=replace(data.split, method=method),
        target_scaling=Unscaled() if loss.raw_targets or task == "multi_label" else data.target_scaling,
    )
    return replace(experiment, data=data, loss=loss)


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


def refuse_unfit(model: Model, rows: dict[str, Array]) -> None:
    """Refuse what cannot be trained on these rows.

    Raises:
        OptionError: with every mistake: batches too small for a layer, or not whole for an optimizer that needs that;
            early stopping with nothing to watch; a random loss for an optimizer that compares losses.
    """
    experiment, chain, training = model.experiment, model.network.chain, model.experiment.training
    count, optimizer = len(rows["train"]), experiment.optimizer
    size = batch_rows(experiment, count)
    mistakes = []
    smallest, needed = count % size or size, chain.least_rows()
    if smallest < needed:
        last = f"the last one of {count} rows by {size} has {smallest}"
        what = f"batch_norm needs batches of {needed} rows or more ({last}); choose another size"
        mistakes.append(Mistake("training.batch_size", what, "BP140"))
    if optimizer.full_batch and size < count:
        what = f"{name_of(optimizer)} needs all {count} rows in every step (got {size}); write batch_size: full"
        mistakes.append(Mistake("training.batch_size", what, "BP141"))
    if isinstance(optimizer, LineSearch):
        if chain.is_random():
            what = f"{name_of(optimizer)} compares losses, which dropout and noise make random; take those layers out"
            mistakes.append(Mistake("optimizer", what, "BP142"))
        if training.clipping:
            what = f"does not go with {name_of(optimizer)}, which chooses the length of its steps itself; take it out"
            mistakes.append(Mistake("training.clipping", what, "BP142"))
        if experiment.regularization.max_norm is not None:
            what = f"does not go with {name_of(optimizer)}, whose descent it would undo; use l2"
            mistakes.append(Mistake("regularization.max_norm", what, "BP142"))
        if training.average:
            what = f"does not go with {name_of(optimizer)}, whose few steps leave nothing to average; take it out"
            mistakes.append(Mistake("training.average", what, "BP142"))
    if training.early_stopping and not len(rows["validation"]):
        what = "there are no validation rows to watch; hold some out with data.split.validation, or take it out"
        mistakes.append(Mistake("training.early_stopping", what, "BP143"))
    if mistakes:
        raise OptionError(*mistakes)
