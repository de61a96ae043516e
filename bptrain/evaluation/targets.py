"""What is to be said of each target by itself: of classes, one by one and against each other; of numbers, how far off.

A label, which is yes or no beside others, is a target of the two classes 0 and 1.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.evaluation.curves import Threshold, best_threshold, counts
from bptrain.evaluation.predictions import Predictions
from bptrain.metrics.class_metrics import confusion
from bptrain.metrics.metric import mean_of_defined
from bptrain.metrics.per_class import F1, Precision, Recall


@dataclass(frozen=True)
class ClassFigures:
    """Of one class: precision, recall and F1 as the metrics of those names have them, and how many rows are of it."""

    label: str | int
    precision: float | None
    recall: float | None
    f1: float | None
    rows: int


@dataclass(frozen=True)
class Macro:
    """The mean over the classes of what is defined."""

    precision: float | None
    recall: float | None
    f1: float | None


MOST_CLASSES = 30
"""A matrix of more classes is not shown; the most frequent confusions are listed instead."""


@dataclass(frozen=True)
class ClassTarget:
    """A target of classes. `confusion_matrix` has a row for each true class and a column for each that is predicted; it
    is empty where outputs are not numbers. `threshold` is there for two classes, and only if both occur."""

    target: str
    per_class: tuple[ClassFigures, ...]
    macro: Macro
    confusion_matrix: tuple[tuple[int, ...], ...]
    threshold: Threshold | None

    def confusions(self) -> list[tuple[int, str | int, str | int]]:
        """How many rows of a class were taken for another, with the labels of both, the most frequent first."""
        found = [
            (count, true, said)
            for true, row in enumerate(self.confusion_matrix)
            for said, count in enumerate(row)
            if count and true != said
        ]
        labels = [one.label for one in self.per_class]
        return [(n, labels[i], labels[j]) for n, i, j in sorted(found, key=lambda one: (-one[0], *one[1:]))]

    def to_json(self) -> dict[str, Any]:
        """As `bptrain evaluate --json` has it."""
        return asdict(self)


@dataclass(frozen=True)
class NumberTarget:
    """A target of numbers: how the residuals `truth - prediction` are spread, in the units of the data.

    `std` is of the sample, divided by `n - 1`; quartiles are interpolated; `max_abs` is the largest error. A figure is
    None where a residual is not finite or there are too few rows.
    """

    target: str
    rows: int
    mean: float | None
    std: float | None
    min: float | None
    q1: float | None
    median: float | None
    q3: float | None
    max: float | None
    max_abs: float | None
    rmse: float | None
    mae: float | None

    def to_json(self) -> dict[str, Any]:
        """As `bptrain evaluate --json` has it."""
        figures = asdict(self)
        return {"target": figures.pop("target"), "residuals": figures}


Target = ClassTarget | NumberTarget

FIGURES = (Precision("per_class"), Recall("per_class"), F1("per_class"))
"""The metrics that are shown class by class."""


def targets(found: Predictions) -> Iterator[Target]:
    """Each target of predictions, in the order of the columns."""
    if found.kind == "classes":
        yield class_target(found.names[0], found.labels, found.outputs, found.targets)
        return
    for name, outputs, true in zip(found.names, found.outputs.T, found.targets.T, strict=True):
        if found.kind == "labels":
            yield class_target(name, (0, 1), outputs[:, None], (true > 0.5).astype(np.int64))
        else:
            yield number_target(name, true.astype(np.float64) - outputs)


def class_target(name: str, labels: tuple[str | int, ...], outputs: Array, true: Array) -> ClassTarget:
    """A target of classes: outputs `(n, classes)` or `(n, 1)`, true class numbers `(n,)`."""
    figures = [metric.finish(metric.tally(outputs, true)) for metric in FIGURES]
    ratios = np.array([one if isinstance(one, list) else [None] * len(labels) for one in figures], np.float64)
    rows = np.bincount(true, minlength=len(labels))
    per_class = tuple(
        ClassFigures(label, as_figure(precision), as_figure(recall), as_figure(f1), int(count))
        for label, precision, recall, f1, count in zip(labels, *ratios.tolist(), rows, strict=True)
    )
    macro = Macro(*map(mean_of_defined, ratios))
    table = confusion(outputs, true)
    matrix = () if np.isnan(table).any() else tuple(tuple(map(int, row)) for row in table)
    curve = counts(outputs[:, -1], true == 1) if len(labels) == 2 else None
    return ClassTarget(name, per_class, macro, matrix, best_threshold(curve) if curve else None)


def number_target(name: str, residuals: Array) -> NumberTarget:
    """A target of numbers by its residuals, `(n,)` float64."""
    count = len(residuals)
    if not count or not np.isfinite(residuals).all():
        return NumberTarget(name, count, *[None] * 10)
    low, q1, median, q3, high = map(float, np.quantile(residuals, (0, 0.25, 0.5, 0.75, 1)))
    with np.errstate(over="ignore"):
        spread = float(residuals.std(ddof=1)) if count > 1 else None
        root, size = float(np.sqrt(np.mean(residuals**2))), float(np.abs(residuals).mean())
    largest = max(-low, high)
    figures = (float(residuals.mean()), spread, low, q1, median, q3, high, largest, root, size)
    return NumberTarget(name, count, *map(as_figure, figures))


def as_figure(value: object) -> float | None:
    """A finite number, or None."""
    return value if isinstance(value, float) and np.isfinite(value) else None
