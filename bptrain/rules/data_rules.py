"""Rules of the target and of the split."""

from collections.abc import Iterator

import numpy as np

from bptrain.columns.features import Numeric
from bptrain.columns.scalers import Unscaled
from bptrain.columns.targets import Classes, likely_task
from bptrain.errors import Mistake
from bptrain.registry import name_of
from bptrain.rules.column_rules import FAR
from bptrain.rules.rule import Case, rule
from bptrain.tables.table import quote

FEW_ROWS = 10
"""A score of fewer rows than this says next to nothing."""


@rule("BP221")
def unscaled_target(case: Case) -> Iterator[Mistake]:
    """No scaling of a target that is far from 0 or widely spread."""
    if case.loss.raw_targets or case.experiment.data.task != "regression":
        return
    if not isinstance(case.experiment.data.target_scaling, Unscaled):
        return
    for column in case.model.columns.singles:
        assert isinstance(column, Numeric)
        values = column.numbers(case.assembly.selections["train"])[0]
        mean, spread = float(np.mean(values)), float(np.std(values))
        if max(abs(mean), spread) > FAR:
            got = f"{quote(column.name)} has mean {mean:.3g} and standard deviation {spread:.3g}"
            advice = "write target_scaling: standard"
            yield Mistake("data.target_scaling", f"the target is not scaled ({got}); {advice}")


@rule("BP225")
def errors_on_classes(case: Case) -> Iterator[Mistake]:
    """A loss on errors for classes, or for numbers that look like classes and are not said to be anything else."""
    loss, columns = name_of(case.loss), case.model.columns
    if case.loss.link or case.experiment.data.task not in ("classification", "regression"):
        return
    if columns.classes:
        better = "binary_cross_entropy" if columns.classes == 2 else "softmax_cross_entropy"
        yield Mistake("loss", f"{loss} on {columns.classes} classes (it is made for quantities); use {better}")
    elif len(columns.singles) == 1:
        written, table = case.config.experiment.data, case.assembly.table
        name = columns.singles[0].name
        if written.task == "auto" and likely_task(table, name) == "classification":
            count = len(np.unique(table.columns[name]))
            what = f"{loss} on {quote(name)}, which has {count} whole values only (class numbers have no distances)"
            yield Mistake("loss", f"{what}; use cross-entropy, or write task: regression if they are quantities")


@rule("BP227")
def lonely_classes(case: Case) -> Iterator[Mistake]:
    """Classes of one row, where any rows are held out."""
    target = case.model.columns.target
    if not isinstance(target, Classes) or len(case.assembly.parts) < 2:
        return
    portions = (rows.targets for part in case.assembly.parts.values() for rows in part.chunks())
    counts = sum(np.bincount(codes_of(targets), minlength=len(target.labels)) for targets in portions)
    lonely = [label for label, count in zip(target.labels, np.asarray(counts), strict=True) if count == 1]
    if lonely:
        who = f"the class {quote(lonely[0])} has" if len(lonely) == 1 else f"{len(lonely)} classes have"
        some = "" if len(lonely) == 1 else f", such as {', '.join(map(quote, lonely[:3]))}"
        what = f"{who} a single row (it cannot be learned and tested at once{some})"
        yield Mistake("data.target", f"{what}; check the labels, or leave such rows out")


def codes_of(targets: np.ndarray) -> np.ndarray:
    """The class numbers of rows, whatever encoding the loss takes."""
    if targets.ndim == 1:
        return targets
    return targets[:, 0].astype(np.int64) if targets.shape[1] == 1 else targets.argmax(axis=1)


@rule("BP228")
def few_rows(case: Case) -> Iterator[Mistake]:
    """A part that is held out and has hardly any rows. Data that has hardly more is left in peace."""
    parts, whole = case.assembly.parts, len(case.assembly.table)
    for part in ("validation", "test"):
        count = len(parts.get(part, ()))
        if 0 < count < FEW_ROWS <= whole // 8:
            what = f"{count} {part} row{'s' * (count > 1)} of {whole} (a score of so few says next to nothing)"
            yield Mistake(f"data.split.{part}", f"{what}; use a larger share, or 0")


@rule("BP229")
def idle_target_scaling(case: Case) -> Iterator[Mistake]:
    """A target scaling that is written and set aside."""
    written = case.config.experiment.data.target_scaling
    numeric = case.experiment.data.task in ("regression", "multi_label")
    if numeric and case.is_written("data.target_scaling") and written != case.experiment.data.target_scaling:
        who = name_of(case.loss) if case.loss.raw_targets else "labels"
        what = f"has no effect ({who} need{'s' * case.loss.raw_targets} the target as it is)"
        yield Mistake("data.target_scaling", f"{what}; take it out")
