"""Parts of dates: year, and the places in cycles such as weekday and hour, computed for a whole column at once."""

from collections.abc import Callable, Mapping

import numpy as np

from bptrain.arrays import Array

DAY = 86_400_000_000
"""Microseconds of a day."""

Part = Callable[[Array], tuple[Array, Array | float]]


def to_months(times: Array) -> Array:
    """Return the months since January 1970, int64."""
    return times.astype("datetime64[M]").astype(np.int64)


def to_days(times: Array) -> Array:
    """Return the days since 1 January 1970, int64."""
    return times.astype("datetime64[D]").astype(np.int64)


def to_years(times: Array) -> Array:
    """Return the years, int64."""
    return times.astype("datetime64[Y]").astype(np.int64) + 1970


def count_from(times: Array, unit: str) -> tuple[Array, Array]:
    """Return the whole days since the start of the month (`unit` M) or year (Y), and the length of that in days."""
    start = times.astype(f"datetime64[{unit}]")
    first, after = to_days(start), to_days(start + 1)
    return to_days(times) - first, after - first


CYCLES: Mapping[str, Part] = {
    "month": lambda times: (to_months(times) % 12, 12.0),
    "day of month": lambda times: count_from(times, "M"),
    "day of year": lambda times: count_from(times, "Y"),
    # 1 January 1970 was a Thursday; a week starts on Monday.
    "weekday": lambda times: ((to_days(times) + 3) % 7, 7.0),
    "hour": lambda times: (times.astype(np.int64) % DAY / (DAY / 24), 24.0),
    "minute": lambda times: (times.astype(np.int64) % (DAY // 24) / (DAY / 1440), 60.0),
}
"""What returns: the place in a cycle, from 0, and the length of the cycle, each `(rows,)`."""
