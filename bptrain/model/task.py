"""Tasks: decide from the config, the loss and the target columns whether classes, labels or numbers are predicted."""

from typing import Literal

import numpy as np

from bptrain.arrays import Array, find_first
from bptrain.columns.kinds import infer_kind
from bptrain.columns.targets import MOST_INTEGER_CLASSES, Task, are_numbers_with_text, guess_task
from bptrain.config import Data, Experiment, TargetOptions
from bptrain.errors import Mistake, OptionError
from bptrain.model.preprocessing import require_numbers
from bptrain.nn import Loss
from bptrain.nn.losses import BinaryCrossEntropy, Mse, SoftmaxCrossEntropy
from bptrain.registry import name_of
from bptrain.tables.table import Selection, Table

SingleTask = Literal["classification", "regression"]


def resolve_task(experiment: Experiment, table: Table, names: tuple[str, ...]) -> Task:
    """Return the task for the target columns: what the config says, or else what the loss takes, or else what the
    columns look like. An autoencoder has no target columns.

    Raises:
        OptionError: as `choose_task`.
        InputError: a numeric target has text.
    """
    task = choose_task(experiment, table, names)
    numeric = names if task == "regression" else ()
    if task == "multi_task":
        numeric = tuple(name for name in names if find_target_task(experiment.data, table, name) == "regression")
    for name in numeric:
        require_numbers(experiment.data, Selection(table), name, target=True)
    return task


def choose_task(experiment: Experiment, table: Table, names: tuple[str, ...]) -> Task:
    """Return the task as `resolve_task` does, without checking the values of numeric targets.

    Raises:
        OptionError: classification with several columns, or an option that does not fit targets with a loss each.
    """
    data = experiment.data
    task = data.task
    if not names:
        return "autoencoder"
    if task == "multi_task" or isinstance(data.target, dict):
        check_multi_task(experiment)
        return "multi_task"
    if len(names) == 1:
        return task if task != "auto" else choose_single_task(data, experiment.loss, table, names[0])
    if task == "classification":
        what = f"classification has one target column (got {len(names)})"
        advice = "write task: multi_task, or multi_label for labels of which several may apply"
        raise OptionError(Mistake("data.target", f"{what}; {advice}", "BP121"))
    if task == "auto" and experiment.loss == "auto":
        if all(is_label(table.column(name)) for name in names):
            return "multi_label"
        return "multi_task" if any(is_text(data, table, name) for name in names) else "regression"
    labels = task == "multi_label" or (task == "auto" and experiment.loss != "auto" and experiment.loss.labels)
    return "multi_label" if labels else "regression"


def find_target_task(data: Data, table: Table, name: str) -> SingleTask:
    """Return the task of one of several targets: what the config says, or else as `choose_single_task`."""
    given = data.target[name] if isinstance(data.target, dict) else TargetOptions()
    return given.task if given.task != "auto" else choose_single_task(data, given.loss, table, name)


def choose_single_task(data: Data, loss: Loss | Literal["auto"], table: Table, name: str) -> SingleTask:
    """Return the task of a column: what the loss takes, or else what the column looks like."""
    text = is_text(data, table, name)
    likely: SingleTask = "classification" if text or guess_task(table, name) == "classification" else "regression"
    if loss == "auto":
        return likely
    for_classes = bool(loss.widths(2, 1) or loss.widths(3, 1))
    only_classes = for_classes and (not loss.widths(None, 1) or (loss.labels and likely == "classification"))
    return "classification" if text or only_classes else "regression"


def is_text(data: Data, table: Table, name: str) -> bool:
    """Return whether a target is text; numbers with some text among them are not, unless the config gives the kind."""
    values = table.column(name)
    declared = data.get_target_treatment(name).kind in ("boolean", "categorical")
    return values.dtype == object and (declared or not are_numbers_with_text(values, table.decimal))


def is_label(values: Array) -> bool:
    """Return whether the values of a column are yes and no, or 0 and 1."""
    if values.dtype == object:
        return infer_kind(values).kind == "boolean"
    return bool(np.isin(values[~np.isnan(values)], (0, 1)).all())


def check_multi_task(experiment: Experiment) -> None:
    """Check that no option for a single target is used with targets that have a loss each.

    Raises:
        OptionError: with every mistake: another task, a common loss, class weights.
    """
    data, mistakes = experiment.data, []
    if data.task not in ("auto", "multi_task"):
        what = f"{data.task} is the task of all targets, but each of these has its own"
        mistakes.append(Mistake("data.task", f"{what}; write data.target.NAME.task, or a list of names as the target"))
    if experiment.loss != "auto":
        what = "each of several targets has its own loss; write target: {NAME: {loss: ...}}, and remove this loss"
        mistakes.append(Mistake("loss", what))
    if data.class_weight is not None:
        what = "is for a single target; for several use positive_weight or class_weights of their losses"
        mistakes.append(Mistake("data.class_weight", what))
    if mistakes:
        raise OptionError(*mistakes)


def check_classes(experiment: Experiment, table: Table, name: str) -> None:
    """Check that a target of classes is not a continuous number.

    Raises:
        OptionError: it has fractions, or many whole numbers with fewer than three rows for each.
    """
    values = table.column(name)
    if values.dtype == object or not np.isfinite(values).all():
        return
    row = find_first(values, lambda some: some != np.floor(some))
    if row is not None:
        got = f"got {values[row]:g} in {table.where(row)}"
    elif (distinct := len(np.unique(values))) > max(MOST_INTEGER_CLASSES, len(values) / 3):
        got = f"got {distinct} distinct numbers in {len(values)} rows"
    else:
        return
    fields = ("data.task", "loss")
    loss: Loss | Literal["auto"] = experiment.loss
    if isinstance(experiment.data.target, dict):
        loss, fields = experiment.data.target[name].loss, (f"data.target.{name}.task", f"data.target.{name}.loss")
    field, what = (fields[0], "classification") if loss == "auto" else (fields[1], name_of(loss))
    advice = "write task: regression" if loss == "auto" else "for numbers use mse"
    wanted = "takes classes, as text or whole numbers"
    raise OptionError(Mistake(field, f"{what} {wanted}, but {name!r} is continuous ({got}); {advice}", "BP120"))


def get_default_loss(classes: int | None) -> Loss:
    """Return the usual loss for a target with this number of classes; None: a target of numbers."""
    if classes is None:
        return Mse()
    return BinaryCrossEntropy() if classes == 2 else SoftmaxCrossEntropy()
