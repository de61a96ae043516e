"""Metrics: figures of merit, computed from sums that are added up batch by batch.

So a metric is a figure over all rows and never a mean of batch means. There are three kinds of targets:

- `classes`: outputs are probabilities `(n, classes)`, or `(n, 1)` for the second of two classes; targets are class
  numbers `(n,)`
- `labels`: outputs are independent probabilities `(n, labels)`; targets are `(n, labels)`, 0 or 1
- `numbers`: outputs and targets are `(n, columns)`, in the units of the data

An undefined metric is None, never NaN and never an arbitrary 0 or 1. Without rows every metric is undefined, and so it
is if an output is NaN.
"""

from abc import ABC, abstractmethod
from math import isfinite
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from bptrain.arrays import Array
from bptrain.registry import Family

Kind = Literal["classes", "labels", "numbers"]
Figure: TypeAlias = "float | list[Figure] | None"


class Metric(ABC):
    """One figure of merit, for the kinds of targets in `kinds`.

    `perfect` is the best value: 1 where more is better, 0 where less is; None for a table. Training reports the `usual`
    metrics where the config names none. Those `of_probabilities` do not apply to other scores. Metrics with the same
    `story` rise and fall together, and a page draws only the first of them.
    """

    kinds: ClassVar[tuple[Kind, ...]]
    perfect: ClassVar[float | None]
    usual: ClassVar[bool] = False
    of_probabilities: ClassVar[bool] = False
    story: ClassVar[str] = ""

    def tells_apart(self, classes: int) -> bool:
        """Return whether predictions of this many classes (0 for numbers and labels) can get different values."""
        return True

    @abstractmethod
    def tally(self, outputs: Array, targets: Array) -> Array:
        """Return the sums of one batch, float64, in a shape that does not depend on the classes in it."""

    def merge(self, one: Array, other: Array) -> Array:
        """Return the sums of two batches together."""
        total: Array = one + other
        return total

    @abstractmethod
    def finish(self, sums: Array) -> Figure:
        """Return the metric: a number, None where it is undefined, or a list with one of these for each class."""


class MeanMetric(Metric):
    """The base of metrics that are means; their sums are a total and a count."""

    def finish(self, sums: Array) -> float | None:
        """Return the mean, None where nothing was counted."""
        total, count = sums
        return divide(total, count)


class ClassMetric(Metric):
    """The base of metrics of classes for which 1 is best."""

    kinds: ClassVar[tuple[Kind, ...]] = ("classes",)
    perfect: ClassVar[float | None] = 1.0


METRICS = Family("metric", contract=Metric)


def list_metrics(kind: Kind) -> tuple[Metric, ...]:
    """Return every registered metric for a kind of target, with default options."""
    everything: list[Metric] = [cls() for cls in METRICS.members.values()]
    return tuple(metric for metric in everything if kind in metric.kinds)


def list_default_metrics(kind: Kind) -> tuple[Metric, ...]:
    """Return the metrics that training reports for a kind of target."""
    return tuple(metric for metric in list_metrics(kind) if metric.usual)


def divide(total: float, count: float) -> float | None:
    """Return `total / count`; None for a count of 0 or a result that is not finite."""
    if count == 0:
        return None
    value = float(total / count)
    return value if isfinite(value) else None


def divide_each(totals: Array, counts: Array) -> Array:
    """Return `totals / counts` entry by entry, NaN for a count of 0."""
    values = np.full(counts.shape, np.nan)
    np.divide(totals, counts, out=values, where=counts > 0)
    return values


def average_defined(values: Array) -> float | None:
    """Return the mean of the values that are not NaN; None if all are."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else None


def mask_nan(sums: Array, outputs: Array) -> Array:
    """Return the sums as float64; all NaN if an output is NaN, since a comparison with NaN is just false."""
    wide: Array = np.asarray(sums, np.float64)
    return np.full_like(wide, np.nan) if np.isnan(outputs).any() else wide
