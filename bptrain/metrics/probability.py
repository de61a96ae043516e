"""Metrics of the probabilities themselves: whether 80 % means 80 %."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le

from bptrain.arrays import Array
from bptrain.metrics.metric import METRICS, Kind, MeanMetric, Metric, ratio


def class_probabilities(outputs: Array) -> Array:
    """The probability of every class, `(n, classes)` float64, where one column speaks for the second of two."""
    wide: Array = outputs.astype(np.float64)
    return np.hstack([1 - wide, wide]) if wide.shape[1] == 1 else wide


@METRICS.register
@dataclass(frozen=True)
class LogLoss(MeanMetric):
    """The mean surprise at the true class, in nats: cross-entropy of the probabilities that are reported.

    Value: `-Σ log(min(max(y_t, ε), 1 - ε)) / n` with float64's `ε = 2⁻⁵²`, so a certainty that is wrong costs 36.04 and
    not infinity. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`. Undefined for no rows. As scikit-learn's log_loss on
    float64; on float32 it clips at the ε of that.
    """

    aliases: ClassVar[tuple[str, ...]] = ("cross_entropy",)
    kinds: ClassVar[tuple[Kind, ...]] = ("classes",)
    perfect: ClassVar[float | None] = 0.0
    of_probabilities: ClassVar[bool] = True

    def tally(self, outputs: Array, targets: Array) -> Array:
        own = np.take_along_axis(class_probabilities(outputs), targets[:, None], axis=1)
        tiny = np.finfo(np.float64).eps
        return np.array([-np.log(np.clip(own, tiny, 1 - tiny)).sum(), len(targets)])


@METRICS.register
@dataclass(frozen=True)
class BrierScore(MeanMetric):
    """The mean squared error of the probabilities.

    Value: for two classes `Σ (y - t)² / n` of the second, from 0 to 1; for more `Σ Σ_c (y_c - [t = c])² / n`, from 0 to
    2. For two classes that is half of the sum over both. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`. Undefined for
    no rows. As scikit-learn's brier_score_loss with scale_by_half="auto". Reference: Brier, 1950, the sum form.
    """

    aliases: ClassVar[tuple[str, ...]] = ("brier",)
    kinds: ClassVar[tuple[Kind, ...]] = ("classes",)
    perfect: ClassVar[float | None] = 0.0
    of_probabilities: ClassVar[bool] = True

    def tally(self, outputs: Array, targets: Array) -> Array:
        errors = class_probabilities(outputs) - (targets[:, None] == np.arange(max(outputs.shape[1], 2)))
        if errors.shape[1] == 2:
            errors = errors[:, 1:]
        return np.array([np.sum(errors * errors), len(targets)])


@METRICS.register
@dataclass(frozen=True)
class ExpectedCalibrationError(Metric):
    """How far the confidence in the predicted class lies from how often it is right, over bins of confidence.

    Value: `Σ_b |R_b - C_b| / n`, where R_b counts the rows of bin b that are right, `argmax(y) = t`, and C_b sums their
    confidence `max(y)`; bin b of B holds those with `b/B < max(y) ≤ (b + 1)/B`. Shapes: y `(n, classes)` or `(n, 1)`, t
    `(n,)`. Undefined for no rows. scikit-learn has none. It depends on `bins`: compare only equal ones. Reference: Guo
    et al., 2017, the top-label form.
    """

    aliases: ClassVar[tuple[str, ...]] = ("ece",)
    bins: Annotated[int, Ge(1), Le(10_000), "how many bins of equal width between 0 and 1"] = 10

    kinds: ClassVar[tuple[Kind, ...]] = ("classes",)
    perfect: ClassVar[float | None] = 0.0
    of_probabilities: ClassVar[bool] = True

    def tally(self, outputs: Array, targets: Array) -> Array:
        probabilities = class_probabilities(outputs)
        confidence, right = probabilities.max(axis=1), np.argmax(probabilities, axis=1) == targets
        place = np.searchsorted(np.arange(1, self.bins) / self.bins, confidence)
        sums = [np.bincount(place, weights, self.bins) for weights in (right, confidence, np.ones(len(place)))]
        return np.stack(sums)

    def finish(self, sums: Array) -> float | None:
        right, confidence, count = sums
        return ratio(np.abs(right - confidence).sum(), count.sum())
