"""The calendar of a column: its first and last date, how far they are apart, gaps, and whether rows are in order."""

import re
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.dates.forms import Form, format_date, parse_dates
from bptrain.columns.dates.parts import DAY, to_months

LEAST_REGULAR = 0.75
"""The least share of steps from date to date that are equal in a regular column."""

LEAST_IN_ORDER = 0.95
"""The least share of steps from row to row that go the same way in a table in order."""

FEWEST_DATES = 10
"""A table with fewer different dates than this is not a series."""

NAMES = re.compile(r"date|time|date[ _]?time|time[ _]?stamp|when|day|week|month|period|ds", re.I)
"""Names of a column that says when its row was observed; dates with other names may be birthdays."""

UNITS = ((7 * DAY, "week"), (DAY, "day"), (DAY // 24, "hour"), (DAY // 1440, "minute"), (DAY // 86_400, "second"))


@dataclass(frozen=True)
class Calendar:
    """The dates of a column: the first, the last, the usual step between two in words (empty if there is none), and
    the gaps, which are longer: how many, and the date before the longest with its length in words."""

    first: str
    last: str
    step: str = ""
    gaps: int = 0
    longest: str = ""

    @property
    def words(self) -> str:
        """The calendar in words: `2012-01-01 to 2015-12-31, every day, no gaps`."""
        text = f"{self.first} to {self.last}"
        if not self.step:
            return text
        gaps = f"{self.gaps:,} gap{'s' * (self.gaps != 1)}" if self.gaps else "no gaps"
        longest = f" (the longest is {self.longest})" if self.gaps else ""
        return f"{text}, every {self.step}, {gaps}{longest}"


def describe_calendar(values: Array, form: Form) -> Calendar | None:
    """Return the calendar of a column `(rows,)`, leaving out what is missing or no date; None if nothing is left."""
    times = parse_dates(values, form).times
    times = np.unique(times[~np.isnat(times)])
    if not len(times):
        return None
    first, last = format_day(times[0], form), format_day(times[-1], form)
    is_monthly = len(np.unique(times - times.astype("datetime64[M]").astype(times.dtype))) == 1
    places = to_months(times) if is_monthly else times.astype(np.int64)
    steps = np.diff(places)
    if len(steps) < 2:
        return Calendar(first, last)
    sizes, counts = np.unique(steps, return_counts=True)
    usual = int(sizes[np.argmax(counts)])
    if counts.max() < LEAST_REGULAR * len(steps):
        return Calendar(first, last)
    longer = np.flatnonzero(steps > usual)
    longest = ""
    if len(longer):
        k = int(longer[np.argmax(steps[longer])])
        longest = f"{name_step(int(steps[k]), is_monthly, 1)} after {format_day(times[k], form)}"
    return Calendar(first, last, name_step(usual, is_monthly), len(longer), longest)


def format_day(time: np.datetime64, form: Form) -> str:
    """Return a date in the ISO form, without the day if the form has none."""
    return format_date(time)[: None if form.has_day else len("2024-01")]


def name_step(step: int, is_monthly: bool, least: int = 2) -> str:
    """Return a step between two dates in words: `day`, `3 months`, or `1 day` if counts from `least` are said."""
    if is_monthly:
        count, unit = (step // 12, "year") if step % 12 == 0 else (step, "month")
    else:
        size, unit = next(((size, unit) for size, unit in UNITS if step % size == 0), (0, ""))
        if not size:
            return f"{step / 1e6:g} seconds"
        count = step // size
    return f"{count:,} {unit}{'s' * (count > 1)}" if count >= least else unit


def is_series(name: str, values: Array, form: Form) -> bool:
    """Return whether a column says when each row of a table was observed: it is named so, or the rows are in its order
    or the reverse, but for a few. Each row has a date, and there are many different ones."""
    dates = parse_dates(values, form)
    if dates.wrong.any() or np.isnat(dates.times).any() or len(np.unique(dates.times)) < FEWEST_DATES:
        return False
    if NAMES.fullmatch(name):
        return True
    steps = np.diff(dates.times.astype(np.int64))
    return bool(max(np.mean(steps >= 0), np.mean(steps <= 0)) >= LEAST_IN_ORDER)
