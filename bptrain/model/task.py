"""Tasks: what is to be predicted, by what the config says of it and by what the target columns look like."""

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

Single = Literal["classification", "regression"]


def find_task(experiment: Experiment, table: Table, names: tuple[str, ...]) -> Task:
    """Return classes, labels, numbers, several of them, or (without names) the inputs: what the config says,
    or what the loss takes, or what the columns look like.

    Raises:
        OptionError: several columns of classes that are not said to be of several kinds, or a loss beside those of
            each target.
        InputError: there is text among the numbers of a target.
    """
    task = choose_task(experiment, table, names)
    numeric = names if task == "regression" else ()
    if task == "multi_task":
        numeric = tuple(name for name in names if task_of_target(experiment.data, table, name) == "regression")
    for name in numeric:
        require_numbers(experiment.data, Selection(table), name, target=True)
    return task


def choose_task(experiment: Experiment, table: Table, names: tuple[str, ...]) -> Task:
    """Return the task as `find_task` does, whatever the values of numeric targets are.

    Raises:
        OptionError: as there.
    """
    data = experiment.data
    task = data.task
    if not names:
        return "autoencoder"
    if task == "multi_task" or isinstance(data.target, dict):
        check_alone(experiment)
        return "multi_task"
    if len(names) == 1:
        return task if task != "auto" else single_task(data, experiment.loss, table, names[0])
    if task == "classification":
        what = f"one column of classes at a time (got {len(names)}); for labels that go together use multi_label"
        raise OptionError(Mistake("data.target", f"{what}, for classes of several kinds multi_task", "BP121"))
    if task == "auto" and experiment.loss == "auto":
        return task_of_several(data, table, names)
    labels = task == "multi_label" or (task == "auto" and experiment.loss != "auto" and experiment.loss.labels)
    return "multi_label" if labels else "regression"


def task_of_target(data: Data, table: Table, name: str) -> Single:
    """Return the task of one of several targets: what the config says, or else classes or numbers as `single_task`
    does."""
    given = data.target[name] if isinstance(data.target, dict) else TargetOptions()
    return given.task if given.task != "auto" else single_task(data, given.loss, table, name)


def task_of_several(data: Data, table: Table, names: tuple[str, ...]) -> Task:
    """Return what several columns look like: labels, if all of them are yes and no or 0 and 1; of several
    kinds, if there is other text; numbers else."""
    if all(is_label(table.column(name)) for name in names):
        return "multi_label"
    return "multi_task" if any(is_text(data, table, name) for name in names) else "regression"


def is_text(data: Data, table: Table, name: str) -> bool:
    """Tell whether a target is text, and not numbers with some text among them unless it is said to be text."""
    values = table.column(name)
    declared = data.target_treatment(name).kind in ("boolean", "categorical")
    return values.dtype == object and (declared or not are_numbers_with_text(values, table.decimal))


def is_label(values: Array) -> bool:
    """Tell whether a column is yes and no, or 0 and 1."""
    if values.dtype == object:
        return infer_kind(values).kind == "boolean"
    return bool(np.isin(values[~np.isnan(values)], (0, 1)).all())


def single_task(data: Data, loss: Loss | Literal["auto"], table: Table, name: str) -> Single:
    """Return classes or numbers: what the loss takes, or what the column looks like."""
    text = is_text(data, table, name)
    likely: Single = "classification" if text or guess_task(table, name) == "classification" else "regression"
    if loss == "auto":
        return likely
    for_classes = bool(loss.widths(2, 1) or loss.widths(3, 1))
    rather = for_classes and (not loss.widths(None, 1) or (loss.labels and likely == "classification"))
    return "classification" if text or rather else "regression"


def check_alone(experiment: Experiment) -> None:
    """Refuse what does not go with targets that have a loss each.

    Raises:
        OptionError: with every mistake: another task, a loss of all, weights of classes.
    """
    data, mistakes = experiment.data, []
    if data.task not in ("auto", "multi_task"):
        what = f"{data.task} is one task, and each target has its own; write data.target.NAME.task, or a list of names"
        mistakes.append(Mistake("data.task", what))
    if experiment.loss != "auto":
        what = "each of several targets has a loss of its own; write target: {NAME: {loss: ...}}, and take this one out"
        mistakes.append(Mistake("loss", what))
    if data.class_weight is not None:
        what = "weighs the classes of one target; with several use positive_weight or class_weights of their losses"
        mistakes.append(Mistake("data.class_weight", what))
    if mistakes:
        raise OptionError(*mistakes)


def check_continuous(experiment: Experiment, table: Table, name: str) -> None:
    """Refuse numbers of any size where classes are wanted.

    Raises:
        OptionError: the target has fractions, or many whole numbers with fewer than three rows for each.
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
    place, what = (fields[0], "classification") if loss == "auto" else (fields[1], name_of(loss))
    advice = "write task: regression" if loss == "auto" else "for numbers to predict use mse"
    wanted = "takes classes, as text or whole numbers"
    raise OptionError(Mistake(place, f"{what} {wanted}, and {name!r} is continuous ({got}); {advice}", "BP120"))


def default_loss(classes: int | None) -> Loss:
    """Return the loss for a target of `classes` classes, or (None) for numbers."""
    if classes is None:
        return Mse()
    return BinaryCrossEntropy() if classes == 2 else SoftmaxCrossEntropy()
