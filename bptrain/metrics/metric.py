"""What a metric is: it gathers sums batch by batch and finishes them at the end.

So the result is a figure over all rows and never a mean of batch means. Three kinds of targets:

- `classes`: outputs are probabilities `(n, classes)`, or `(n, 1)` of the second of two; targets class numbers `(n,)`
- `labels`: outputs are probabilities `(n, labels)`, each by itself; targets `(n, labels)`, 0 or 1
- `numbers`: outputs and targets are `(n, columns)`, in the units of the data

Where a metric is undefined it is None, never NaN and never a 0 or 1 that nothing speaks for. No rows leave every metric
undefined, and so does an output that is not a number.
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
    """One figure of merit, for the kinds of targets in `kinds`; `perfect` is what faultless predictions get.

    `perfect` is the best value there is: 1 where more is better, 0 where less is; None for a table. `usual` metrics are
    those that training reports where the config names none. Those `of_probabilities` say nothing of other scores. Of
    metrics with one `story`, which rise and fall together, a page draws the curve of the first that it is given.
    """

    kinds: ClassVar[tuple[Kind, ...]]
    perfect: ClassVar[float | None]
    usual: ClassVar[bool] = False
    of_probabilities: ClassVar[bool] = False
    story: ClassVar[str] = ""

    def tells_apart(self, classes: int) -> bool:
        """Whether predictions of so many classes can get different values; of numbers and labels 0 classes."""
        return True

    @abstractmethod
    def tally(self, outputs: Array, targets: Array) -> Array:
        """The sums of one batch, float64, in a shape that does not depend on which classes are in it."""

    def merge(self, one: Array, other: Array) -> Array:
        """The sums of two batches together."""
        total: Array = one + other
        return total

    @abstractmethod
    def finish(self, sums: Array) -> Figure:
        """The metric: a number, None where it is undefined, or a list of such, one for each class."""


class MeanMetric(Metric):
    """A mean, whose sums are a total and a count."""

    def finish(self, sums: Array) -> float | None:
        """Return the mean, None where nothing was counted."""
        total, count = sums
        return ratio(total, count)


METRICS = Family("metric", contract=Metric)


def all_metrics(kind: Kind) -> tuple[Metric, ...]:
    """One of each registered metric that is defined for a kind of target, with its default options."""
    everything: list[Metric] = [cls() for cls in METRICS.members.values()]
    return tuple(metric for metric in everything if kind in metric.kinds)


def default_metrics(kind: Kind) -> tuple[Metric, ...]:
    """Return what training reports for a kind of target."""
    return tuple(metric for metric in all_metrics(kind) if metric.usual)


def ratio(total: float, count: float) -> float | None:
    """`total / count`, or None without a count and where the result is not a finite number."""
    if count == 0:
        return None
    value = float(total / count)
    return value if isfinite(value) else None


def ratios(totals: Array, counts: Array) -> Array:
    """`totals / counts` entry by entry, NaN without a count."""
    values = np.full(counts.shape, np.nan)
    np.divide(totals, counts, out=values, where=counts > 0)
    return values


def mean_of_defined(values: Array) -> float | None:
    """The mean of the values that are not NaN, or None if all are."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else None


def readable(sums: Array, outputs: Array) -> Array:
    """The sums as float64, all NaN if an output is: no class can be read off it, though every comparison answers."""
    wide: Array = np.asarray(sums, np.float64)
    return np.full_like(wide, np.nan) if np.isnan(outputs).any() else wide
