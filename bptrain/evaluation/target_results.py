"""The result for each target by itself: precision and recall of classes and their confusions, residuals of numbers.

A label of yes or no is a target of the two classes 0 and 1.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.evaluation.curves import Threshold, count_hits, find_best_threshold
from bptrain.evaluation.predictions import Predictions
from bptrain.metrics.class_metrics import F1, Precision, Recall, count_confusions
from bptrain.metrics.metric import average_defined

MOST_CLASSES = 30
"""A confusion matrix of more classes is not shown; the most frequent confusions are listed instead."""

CLASS_METRICS = (Precision("per_class"), Recall("per_class"), F1("per_class"))
"""The metrics that are shown class by class."""


@dataclass(frozen=True)
class ClassFigures:
    """Precision, recall and F1 of one class, as the metrics of these names compute them, and its number of rows."""

    label: str | int
    precision: float | None
    recall: float | None
    f1: float | None
    rows: int


@dataclass(frozen=True)
class Macro:
    """The means over the classes for which the figures are defined; a class that occurs and is never predicted counts
    as precision 0."""

    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class ClassResult:
    """The result for a target of classes.

    `confusion_matrix` has a row for each true class and a column for each predicted one; it is empty if an output is
    NaN. `threshold` is there for two classes, if both occur.
    """

    target: str
    per_class: tuple[ClassFigures, ...]
    macro: Macro
    confusion_matrix: tuple[tuple[int, ...], ...]
    threshold: Threshold | None

    def list_confusions(self) -> list[tuple[int, str | int, str | int]]:
        """Return how many rows of one class were predicted as another, with both labels, the most frequent first."""
        found = [
            (count, true, predicted)
            for true, row in enumerate(self.confusion_matrix)
            for predicted, count in enumerate(row)
            if count and true != predicted
        ]
        labels = [one.label for one in self.per_class]
        return [(n, labels[i], labels[j]) for n, i, j in sorted(found, key=lambda one: (-one[0], *one[1:]))]

    def to_json(self) -> dict[str, Any]:
        """Return the result as `bptrain evaluate --json` prints it."""
        return asdict(self)


@dataclass(frozen=True)
class NumberResult:
    """The result for a target of numbers: statistics of the residuals `target - prediction`, in the units of the data.

    `std` is that of a sample, divided by `n - 1`; quartiles are interpolated; `max_abs` is the largest error. A figure
    is None if a residual is not finite or there are too few rows.
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
        """Return the result as `bptrain evaluate --json` prints it."""
        figures = asdict(self)
        return {"target": figures.pop("target"), "residuals": figures}


TargetResult = ClassResult | NumberResult


def evaluate_targets(found: Predictions) -> Iterator[TargetResult]:
    """Yield the result for each target, in the order of the columns."""
    if found.kind == "classes":
        yield evaluate_classes(found.names[0], found.labels, found.outputs, found.targets)
        return
    for name, outputs, true in zip(found.names, found.outputs.T, found.targets.T, strict=True):
        if found.kind == "labels":
            yield evaluate_classes(name, (0, 1), outputs[:, None], (true > 0.5).astype(np.int64))
        else:
            yield evaluate_numbers(name, true.astype(np.float64) - outputs)


def evaluate_classes(name: str, labels: tuple[str | int, ...], outputs: Array, true: Array) -> ClassResult:
    """Return the result for classes: outputs `(n, classes)` or `(n, 1)`, true class numbers `(n,)`."""
    figures = [metric.finish(metric.tally(outputs, true)) for metric in CLASS_METRICS]
    ratios = np.array([one if isinstance(one, list) else [None] * len(labels) for one in figures], np.float64)
    rows = np.bincount(true, minlength=len(labels))
    per_class = tuple(
        ClassFigures(label, drop_infinite(precision), drop_infinite(recall), drop_infinite(f1), int(count))
        for label, precision, recall, f1, count in zip(labels, *ratios.tolist(), rows, strict=True)
    )
    macro = Macro(*map(average_defined, (np.where((rows > 0) & np.isnan(ratios[0]), 0, ratios[0]), *ratios[1:])))
    table = count_confusions(outputs, true)
    matrix = () if np.isnan(table).any() else tuple(tuple(map(int, row)) for row in table)
    counts = count_hits(outputs[:, -1], true == 1) if len(labels) == 2 else None
    return ClassResult(name, per_class, macro, matrix, find_best_threshold(counts) if counts else None)


def evaluate_numbers(name: str, residuals: Array) -> NumberResult:
    """Return the result for numbers, given their residuals `(n,)` float64."""
    count = len(residuals)
    if not count or not np.isfinite(residuals).all():
        return NumberResult(name, count, *[None] * 10)
    low, q1, median, q3, high = map(float, np.quantile(residuals, (0, 0.25, 0.5, 0.75, 1)))
    with np.errstate(over="ignore"):
        std = float(residuals.std(ddof=1)) if count > 1 else None
        rmse, mae = float(np.sqrt(np.mean(residuals**2))), float(np.abs(residuals).mean())
    figures = (float(residuals.mean()), std, low, q1, median, q3, high, max(-low, high), rmse, mae)
    return NumberResult(name, count, *map(drop_infinite, figures))


def drop_infinite(value: float | None) -> float | None:
    """Return a finite number, or None."""
    return value if value is not None and np.isfinite(value) else None
