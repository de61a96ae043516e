"""The bootstrap: how much a metric would vary if other rows had been held out.

Rows are drawn with replacement, as many as there are, and the metric is taken again, many times over; the middle 95 %
of what comes out is the interval (the percentile method). Reference: Efron, 1979.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.evaluation.fitting import Judged

CONFIDENCE = 0.95
SEED = 0
"""Always the same, so that an interval is the same whenever it is asked for."""

FEWEST, MOST = 10, 1_000_000
"""Samples that may be asked for."""

Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Interval:
    """Where a metric lies in 95 % of the samples; `undefined` counts those in which there was none."""

    low: float
    high: float
    undefined: int


def intervals(judged: Sequence[Judged], samples: int, watch: Watch | None = None) -> dict[str, Interval | None]:
    """An interval for each metric that is a single number; None where it was undefined in every sample.

    Args:
        judged: the metrics with the predictions that they judge, all of the same rows.
        samples: how often rows are drawn.
        watch: is called with the samples that are done and how many there will be.
    """
    generator = np.random.Generator(np.random.PCG64(SEED))
    values = np.full((samples, len(judged)), np.nan)
    heads = {one.predictions.head: one.predictions for one in judged}
    count = max(map(len, heads.values()), default=0)
    with np.errstate(all="ignore"):
        for k in range(samples):
            # In their order, which reads memory forward; the metrics do not depend on it.
            chosen = np.sort(generator.integers(0, count, count))
            drawn = {name: found.rows(chosen) for name, found in heads.items()}
            for column, one in enumerate(judged):
                value = one.value(drawn[one.predictions.head])
                if isinstance(value, float):
                    values[k, column] = value
            if watch is not None:
                watch(k + 1, samples)
    return {one.name: interval(values[:, column]) for column, one in enumerate(judged)}


def interval(values: Array) -> Interval | None:
    """The middle 95 % of the values that are not NaN, if there are any."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Interval(float(low), float(high), len(values) - len(defined))
