"""Assembling: an experiment and its data become a model, and the rows that it learns from.

Everything that only the data can tell is settled here: the task, the loss, the width of the output, the statistics of
the columns. What comes out has no `auto` left in it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

import numpy as np

from bptrain.arrays import Streams
from bptrain.config import Experiment
from bptrain.data import MOST_INTEGER_CLASSES, Classes, Selection, Table, Task, Unscaled, likely_task
from bptrain.data.duplicates import count_duplicates
from bptrain.data.table import shown
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.nn.losses import BinaryCrossEntropy
from bptrain.optim import LineSearch
from bptrain.registry import name_of
from bptrain.training.model import Model, Rows, batch_rows, build_model, default_loss
from bptrain.training.preparing import Division, divided, feature_names, load_table, target_names
from bptrain.training.treating import fitted


@dataclass(frozen=True)
class Assembly:
    """A fresh model and its data, split; empty parts are left out.

    `fingerprint` is that of all rows together, `table` what they were read from, but for parts with a source of their
    own; `selections` are the rows of each part in their table. `notes` say what became of the data that a person should
    know: rows dropped, categories ignored, rows that stand in several parts.
    """

    model: Model
    parts: dict[str, Rows]
    fingerprint: str
    table: Table
    selections: dict[str, Selection]
    notes: tuple[str, ...] = ()
    duplicates: dict[str, int] = field(default_factory=dict)


def assemble(experiment: Experiment) -> Assembly:
    """Read the data of an experiment and build its model.

    Raises:
        OptionError: something in the experiment does not fit the data or the rest; the field says what.
        InputError: the data cannot be used.
    """
    table = load_table(experiment.data)
    if len(table) == 1 and not table.written:
        raise InputError(f"{table.where(0)}: this is the only row, from which nothing can be learned; add more")
    names = target_names(experiment.data, table)
    feature_names(experiment.data, table, names)
    task = find_task(experiment, table, names)
    if task == "classification":
        refuse_continuous(experiment, table, names[0])
    streams = Streams(experiment.seed)
    division = divided(settled(experiment, names, task), table, streams)
    columns = fitted(settled(experiment, names, task), division.parts["train"])
    experiment = settled(experiment, names, task, columns.classes)
    model = build_model(experiment, columns, streams, rows=len(division.parts["train"]))
    refuse_unfit(model, {name: len(part) for name, part in division.parts.items()})
    parts, notes = encoded(model, division)
    for rows in parts.values():
        if objection := model.objection(rows):
            raise OptionError(objected(model, objection))
    duplicates = count_duplicates(
        {name: rows.inputs for name, rows in parts.items()}, {name: rows.targets for name, rows in parts.items()}
    )
    if duplicates:
        notes = (*notes, repeated(duplicates, parts))
    return Assembly(model, parts, fingerprint(parts), table, division.parts, (*division.notes, *notes), duplicates)


def encoded(model: Model, division: Division) -> tuple[dict[str, Rows], tuple[str, ...]]:
    """The rows of each part as the network reads them, and what is to be said of them.

    Raises:
        InputError: a value cannot be used, or a part weighs nothing.
    """
    parts, notes = {}, []
    for name, selection in division.parts.items():
        unseen: Counter[str] = Counter()
        rows = parts[name] = model.rows(selection.table, selection.numbers, unseen)
        if rows.weights is not None and not rows.weights.any():
            what = f"all rows of {name} weigh nothing; give some a positive weight"
            weighs = "class_weight" if model.columns.weighting.column is None else "sample_weight"
            raise OptionError(Mistake(f"data.{weighs}", what))
        if unseen:
            notes.append(f"{name}: {ignored_values(unseen)}")
    return parts, tuple(notes)


def ignored_values(unseen: Mapping[str, int]) -> str:
    """What is said of categories that training did not know."""
    where = ", ".join(f"{shown(name)} in {count:,} row{'s' * (count > 1)}" for name, count in unseen.items())
    return f"values unseen in training are ignored ({where})"


def repeated(duplicates: Mapping[str, int], parts: Mapping[str, Rows]) -> str:
    """What is said of rows that stand in several parts."""
    each = ", ".join(f"{count:,} of {len(parts[name]):,} {name} rows" for name, count in duplicates.items())
    return f"{each} also stand in a part that comes before, alike in features and target"


def fingerprint(parts: Mapping[str, Rows]) -> str:
    """A digest that tells whether all rows are still the same, and in the same parts."""
    return sha256("".join(f"{name} {rows.fingerprint()}\n" for name, rows in parts.items()).encode()).hexdigest()


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
    place, what = ("data.task", "classification") if experiment.loss == "auto" else ("loss", name_of(experiment.loss))
    advice = "for numbers to predict use mse" if place == "loss" else "write task: regression"
    wanted = "takes classes, as text or whole numbers"
    raise OptionError(Mistake(place, f"{what} {wanted}, and {name!r} is continuous ({got}); {advice}", "BP120"))


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


def settled(experiment: Experiment, names: tuple[str, ...], task: Task, classes: int | None = None) -> Experiment:
    """The experiment with target, task, loss and manner of splitting as the data decided them; the loss for classes
    only once their number is known."""
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


def refuse_unfit(model: Model, rows: Mapping[str, int]) -> None:
    """Refuse what cannot be trained on these rows.

    Raises:
        OptionError: with every mistake: batches too small for a layer, or not whole for an optimizer that needs that;
            early stopping with nothing to watch; a random loss for an optimizer that compares losses.
    """
    experiment, chain, training = model.experiment, model.network.chain, model.experiment.training
    count, optimizer = rows["train"], experiment.optimizer
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
        if experiment.augmentation:
            what = f"does not go with {name_of(optimizer)}, which compares losses from step to step; take it out"
            mistakes.append(Mistake("augmentation", what, "BP142"))
        if training.clipping:
            what = f"does not go with {name_of(optimizer)}, which chooses the length of its steps itself; take it out"
            mistakes.append(Mistake("training.clipping", what, "BP142"))
        if experiment.regularization.max_norm is not None:
            what = f"does not go with {name_of(optimizer)}, whose descent it would undo; use l2"
            mistakes.append(Mistake("regularization.max_norm", what, "BP142"))
        if training.average:
            what = f"does not go with {name_of(optimizer)}, whose few steps leave nothing to average; take it out"
            mistakes.append(Mistake("training.average", what, "BP142"))
    if training.early_stopping and not rows.get("validation"):
        what = "there are no validation rows to watch; hold some out with data.split.validation, or take it out"
        mistakes.append(Mistake("training.early_stopping", what, "BP143"))
    if mistakes:
        raise OptionError(*mistakes)
