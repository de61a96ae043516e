"""Streaming: the statistics of columns that are gone through a portion at a time, the same as if they were in memory.

What is iterated over is asked for anew for each pass, so it is a function that begins a pass.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from math import ceil, floor, fsum, sqrt
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.features import Boolean, Categorical, Feature, Numeric, numbers
from bptrain.columns.imputers import Constant, Imputer, Mean, Median, MostFrequent
from bptrain.columns.kinds import fold
from bptrain.columns.scalers import Log1p, MinMax, Robust, Scaler, Standard, Statistics, Unscaled
from bptrain.errors import InputError
from bptrain.tables.selection import Selection
from bptrain.tables.values import missing, text_of

Pass = Callable[[], Iterable[Array]]

MOST_DIFFERENT = 1_000_000
"""So many different values are counted."""

DIGITS = 16
"""Bits of a number that are settled in one pass."""


def refitted(feature: Feature, portions: Callable[[], Iterator[Selection]]) -> Any:
    """A feature that was fitted on some rows with the statistics of all.

    Args:
        feature: with all its categories.
        portions: the rows that train.

    Raises:
        InputError: something is no number, or has too many values to be counted.
    """
    if isinstance(feature, Numeric):
        return refitted_numeric(feature, portions)
    counts: Counter[str] = Counter()
    holes = 0
    for part in portions():
        values = part.column(feature.name)
        empty = missing(values)
        holes += int(empty.sum())
        if isinstance(feature.missing, MostFrequent):
            counts.update(values[~empty].tolist())
    if not counts or not isinstance(feature, Boolean | Categorical) or feature.value is None:
        return replace(feature, holes=holes)
    value: object = most_frequent(counts)
    called = text_of(value) if isinstance(value, float) else str(value)
    return replace(feature, holes=holes, value=fold(called) if isinstance(feature, Boolean) else called)


def refitted_numeric(feature: Numeric, portions: Callable[[], Iterator[Selection]]) -> Numeric:
    """A numeric feature with the statistics of all rows."""
    holes = sum(int(np.isnan(numbers(part, feature.name)).sum()) for part in portions())

    def present() -> Iterator[Array]:
        for part in portions():
            values = numbers(part, feature.name)
            yield values[~np.isnan(values)] if holes else values

    value = feature.value if feature.value is None else fill(feature.missing, present, feature)

    def complete() -> Iterator[Array]:
        for part in portions():
            values = numbers(part, feature.name)
            yield values if value is None or not holes else np.where(np.isnan(values), value, values)

    with np.errstate(all="ignore"):
        statistics = fit_scaler(feature.scaler, complete)
    return replace(feature, holes=holes, value=value, statistics=tuple(map(float, statistics)))


def fill(policy: Imputer, present: Pass, feature: Numeric) -> float:
    """What stands for a missing number. A policy of the user's own is given the whole column."""
    if isinstance(policy, Mean):
        return moments(present)[0]
    if isinstance(policy, Median):
        return quantiles(present, (0.5,))[0]
    if isinstance(policy, Constant):
        return float(feature.value or 0.0)
    if isinstance(policy, MostFrequent):
        counts: Counter[float] = Counter()
        for values in present():
            found, times = np.unique(values, return_counts=True)
            counts.update(dict(zip(found.tolist(), times.tolist(), strict=True)))
            if len(counts) > MOST_DIFFERENT:
                what = f"more than {MOST_DIFFERENT:,} different numbers, of which none is most frequent"
                raise InputError(f"{feature.name}: {what}; choose missing: median")
        return float(most_frequent(counts))
    return float(policy.fit(np.concatenate(list(present()))) or 0.0)


def most_frequent(counts: Counter[Any]) -> Any:
    """The value that comes most often, of several the smallest."""
    most = max(counts.values())
    return min(value for value, count in counts.items() if count == most)


def fit_scaler(scaler: Scaler, complete: Pass) -> Statistics:
    """The statistics of a scaler. One of the user's own is given the whole column."""
    if isinstance(scaler, Unscaled):
        return ()
    if isinstance(scaler, Standard):
        return standard(complete)
    if isinstance(scaler, Log1p):
        return standard(lambda: (np.log1p(values) for values in complete()))
    if isinstance(scaler, MinMax):
        least, largest = extremes(complete)
        return least, (largest - least) or 1.0
    if isinstance(scaler, Robust):
        low, median, high = quantiles(complete, (0.25, 0.5, 0.75))
        return median, (high - low) or 1.0
    return scaler.fit(np.concatenate(list(complete())))


def standard(values: Pass) -> Statistics:
    """Mean and spread as `Standard` has them: a spread that is nothing but rounding is 1."""
    mean, spread = moments(values)
    return mean, spread if spread > 1e-12 * abs(mean) else 1.0


def moments(values: Pass) -> tuple[float, float]:
    """Mean and standard deviation, which divides by n."""
    count, sums = 0, []
    for portion in values():
        count += len(portion)
        sums.append(float(portion.sum()))
    mean = fsum(sums) / count
    squares = fsum(float(np.square(portion - mean).sum()) for portion in values())
    return mean, sqrt(squares / count)


def extremes(values: Pass) -> tuple[float, float]:
    """The least and the largest value."""
    ends = [(float(portion.min()), float(portion.max())) for portion in values() if len(portion)]
    return min(least for least, _ in ends), max(largest for _, largest in ends)


def quantiles(values: Pass, shares: Sequence[float]) -> list[float]:
    """The values below which such shares of all lie, between two by linear interpolation."""
    count = sum(len(portion) for portion in values())
    places = [share * (count - 1) for share in shares]
    found = order_statistics(values, sorted({end for place in places for end in (floor(place), ceil(place))}))
    result = []
    for place in places:
        low, high, t = found[floor(place)], found[ceil(place)], place - floor(place)
        result.append(low + (high - low) * t if t < 0.5 else high - (high - low) * (1 - t))
    return result


def order_statistics(values: Pass, ranks: Sequence[int]) -> dict[int, float]:
    """The values at some ranks of the sorted whole, counted from 0; finite ones. Four passes, each of which settles 16
    bits of their patterns."""
    found = {rank: (0, rank) for rank in ranks}
    for shift in range(64 - DIGITS, -1, -DIGITS):
        counts = {prefix: np.zeros(1 << DIGITS, np.int64) for prefix, _ in found.values()}
        for portion in values():
            keys = ordered(portion)
            for prefix, count in counts.items():
                mine = keys if shift + DIGITS == 64 else keys[keys >> np.uint64(shift + DIGITS) == np.uint64(prefix)]
                digits = (mine >> np.uint64(shift)) & np.uint64((1 << DIGITS) - 1)
                count += np.bincount(digits.astype(np.int64), minlength=1 << DIGITS)
        for rank, (prefix, left) in found.items():
            below = np.cumsum(counts[prefix])
            digit = int(np.searchsorted(below, left, side="right"))
            found[rank] = prefix << DIGITS | digit, left - (int(below[digit - 1]) if digit else 0)
    patterns = np.array([prefix for prefix, _ in found.values()], np.uint64)
    negative = patterns >> np.uint64(63) == 0
    bits = np.where(negative, ~patterns, patterns ^ np.uint64(1 << 63))
    return dict(zip(found, bits.view(np.float64).tolist(), strict=True))


def ordered(values: Array) -> Array:
    """Bit patterns as uint64 that are sorted as the numbers are."""
    bits = np.ascontiguousarray(values, np.float64).view(np.uint64)
    return np.where(bits >> np.uint64(63) == 1, ~bits, bits | np.uint64(1 << 63))
