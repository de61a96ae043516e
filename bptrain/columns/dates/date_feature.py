"""A column of dates as a feature: numbers for what goes on, and cycles for what returns."""

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.column_errors import build_missing_error, count_places, format_value
from bptrain.columns.dates.forms import (
    STATED,
    Dates,
    Form,
    find_forms,
    format_date,
    join_forms,
    parse_dates,
    write_forms,
)
from bptrain.columns.dates.parts import CYCLES, DAY, to_years
from bptrain.columns.features import KINDS, Feature
from bptrain.columns.imputers import Constant, Imputer
from bptrain.columns.options import Kind
from bptrain.columns.scalers import Standard
from bptrain.errors import InputError
from bptrain.tables.table import Selection, quote
from bptrain.tables.values import find_missing


@dataclass(frozen=True)
class Date(Feature):
    """A column of dates, in UTC where they have a zone.

    Of year, days, month, day of month, day of year, weekday, hour and minute, the inputs are those that vary in the
    training rows: `parts`. Year and days (since the `first` training day) are scaled to mean 0 and standard deviation
    1 by `statistics`; a place p in a cycle of length n becomes sin(2πp/n) and cos(2πp/n). `form` is how the dates are
    written, and `value` the date that replaces missing ones. A constant column is an input of 0.
    """

    form: str = "YYYY-MM-DD"
    parts: tuple[str, ...] = ()
    statistics: tuple[float, ...] = ()
    first: str = "1970-01-01"
    value: str | None = None
    zoned: bool = False

    kind: ClassVar[Kind] = "date"

    @property
    def value_words(self) -> str:
        zone = ", converted to UTC" if self.zoned else ""
        if not self.parts:
            return f"date, {self.form}{zone}, the same in all training rows: always 0"
        return f"date, {self.form}{zone}, days count from {self.first}: {', '.join(self.parts)}"

    @property
    def value_names(self) -> tuple[str, ...]:
        if not self.parts:
            return (self.name,)
        each = ((part,) if part not in CYCLES else (f"{part} sin", f"{part} cos") for part in self.parts)
        return tuple(f"{self.name} {name}" for names in each for name in names)

    def encode(self, rows: Selection, out: Array, unseen: Counter[str]) -> None:
        values = rows.column(self.name)
        dates, holes = read_dates(rows, self.name, values, Form(self.form)), find_missing(values)
        if holes.any():
            if self.value is None:
                raise build_missing_error(rows, self.name, holes, self.kind)
            dates.times[holes] = np.datetime64(self.value, "us")
        if not self.parts:
            out[:, 0] = 0
        for k, column in enumerate(self.compute_inputs(dates.times)):
            out[:, k] = column
        if self.indicator:
            out[:, -1] = holes

    def compute_inputs(self, times: Array) -> list[Array]:
        """Return the inputs of dates `(rows,)` datetime64[us], without the indicator, `(rows,)` each."""
        found, statistics = [], list(self.statistics)
        for part in self.parts:
            if part in CYCLES:
                place, length = CYCLES[part](times)
                found += [np.sin(2 * np.pi * place / length), np.cos(2 * np.pi * place / length)]
            else:
                numbers = to_years(times).astype(np.float64) if part == "year" else self.count_days(times)
                found.append(Standard().apply(numbers, (statistics.pop(0), statistics.pop(0))))
        return found

    def count_days(self, times: Array) -> Array:
        """Return the days since the first training day, with parts of days, float64."""
        return (times - np.datetime64(self.first, "us")).astype(np.int64) / DAY

    def decode(self, inputs: Array) -> Array:
        """Return the dates `(rows,)` as text, to the minute, given their inputs `(rows, len(input_names))`."""
        days = np.zeros(len(inputs))
        if self.parts:
            # Only the year comes before the days.
            place = self.parts.index("days")
            own = inputs[:, place].astype(np.float64)
            days = np.clip(Standard().invert(own, self.statistics[2 * place : 2 * place + 2]), -700_000, 2_900_000)
        unit, minutes = ("m", 1440) if {"hour", "minute"} & {*self.parts} else ("D", 1)
        times = np.datetime64(self.first, "us").astype(f"datetime64[{unit}]") + np.rint(days * minutes).astype(np.int64)
        return np.array([format_date(time) for time in times], object)


KINDS[Date.kind] = Date


def read_dates(rows: Selection, name: str, values: Array, form: Form) -> Dates:
    """Return the dates of a column; NaT where a value is missing.

    Args:
        rows: the rows.
        name: name of the column.
        values: the values of the column in these rows.
        form: how they are written.

    Raises:
        InputError: a value is not a date of this form; the message names the first such row.
    """
    dates = parse_dates(values, form)
    if dates.wrong.any():
        raise build_date_error(rows, name, values, dates.wrong, form)
    return dates


def build_date_error(
    rows: Selection, name: str, values: Array, wrong: Array, form: Form, advice: str = ""
) -> InputError:
    """Return the error for values that are not dates of a form; it names the first row and how many there are.

    Args:
        rows: the rows.
        name: name of the column.
        values: the values of the column in these rows.
        wrong: which are not dates, `(rows,)` bool.
        form: how dates are written.
        advice: what else can be done about these values.
    """
    found = np.flatnonzero(wrong)
    what = f"expected a date written as {form.text} (got {format_value(values[found[0]])})"
    if form.pattern.fullmatch(str(values[found[0]])):
        what = f"there is no such day or time (got {format_value(values[found[0]])})"
    if len(found) > 1:
        what = f"{what}; {len(found):,} values are none, in {count_places(rows, found.tolist())}"
    advice = f"correct it or remove the row{advice or advise_on_form(values, name, form)}"
    return InputError(f"{rows.where(int(found[0]))}: {name}: {what}; {advice}")


def advise_on_form(values: Array, name: str, form: Form) -> str:
    """Return the advice to name the form that most values have, if it is another one; else empty."""
    others = tuple(other for other in find_forms(values) if other != form)
    return f", or, as most are {join_forms(others)}, write under data: {write_forms(name, others)}" if others else ""


def choose_form(rows: Selection, name: str, given: str | None) -> Form:
    """Return the form of a column: the given one, or else the only one that all its values fit.

    Raises:
        InputError: none fits, or several do.
    """
    if given is not None:
        return Form(given)
    values = rows.column(name)
    forms = find_forms(values)
    if len(forms) == 1:
        return forms[0]
    present = np.flatnonzero(~find_missing(values))
    row = int(present[0]) if len(present) else 0
    where = f"{rows.where(row)}: {name}"
    if not forms:
        what = f"no usual form of dates fits (got {format_value(values[row])})"
        possible = find_forms(values, STATED)
        advice = write_forms(name, possible or STATED[:1])
        raise InputError(f"{where}: {what}; write the form under data{'' if possible else ', such as'}: {advice}")
    what = f"all its dates can be read as {join_forms(forms)} (such as {format_value(values[row])})"
    raise InputError(f"{where}: {what}; write under data which it is: {write_forms(name, forms)}")


def fit_date(rows: Selection, name: str, form: str | None, shared: tuple[str, Imputer, bool, int]) -> Date:
    """Fit a column of dates on the training rows: what varies in them, and the scale of years and days.

    Args:
        rows: the training rows.
        name: name of the column.
        form: how the dates are written; None: found from all rows of the table.
        shared: the fields that all kinds share.

    Raises:
        InputError: a value is not a date, or the form is left open.
    """
    own = choose_form(Selection(rows.table), name, form)
    values, imputer = rows.column(name), shared[1]
    dates, holes = read_dates(rows, name, values, own), find_missing(values)
    value = fit_fill_date(rows, name, imputer, dates.times[~holes], own) if imputer.fills else None
    if value is not None:
        dates.times[holes] = np.datetime64(value, "us")
    times = dates.times
    first = times.min().astype("datetime64[D]")
    fitted = Date(*shared, own.text, (), (), str(first), value, dates.zoned)
    numbers = {"year": to_years(times).astype(np.float64), "days": fitted.count_days(times)}
    parts = tuple(part for part, one in numbers.items() if np.ptp(one) > 0)
    statistics = tuple(number for part in parts for number in Standard().fit(numbers[part]))
    return Date(*shared, own.text, (*parts, *choose_cycles(times, own)), statistics, str(first), value, dates.zoned)


def choose_cycles(times: Array, form: Form) -> tuple[str, ...]:
    """Return the cycles whose place varies. Where all days are the same of their months, their weekday is chance."""
    varied = {part for part, place in CYCLES.items() if np.ptp(np.floor(place(times)[0])) > 0}
    if not form.has_day or "day of month" not in varied:
        varied -= {"day of month", "day of year", "weekday"}
    if "month" not in varied:
        varied.discard("day of year")
    return tuple(part for part in CYCLES if part in varied)


def fit_fill_date(rows: Selection, name: str, imputer: Imputer, present: Array, form: Form) -> str:
    """Return the date that replaces missing ones, in the ISO form.

    Raises:
        InputError: the replacement is no date.
    """
    if isinstance(imputer, Constant):
        text = str(imputer.value)
        for one in (form, Form("YYYY-MM-DD")):
            times = parse_dates(np.array([text], object), one).times
            if not np.isnat(times[0]):
                return format_date(times[0])
        what = f"missing values become {quote(text)}, which is not a date"
        advice = (
            f"write missing: {{constant: {format_date(present.min()) if len(present) else '2024-01-31'}}}, or median"
        )
        raise InputError(f"{rows.table.origin}: {name}: {what}; {advice}")
    # A mean or median may lie between two days.
    microseconds = float(imputer.fit(present.astype(np.int64).astype(np.float64)) or 0.0)
    time = np.datetime64(round(microseconds), "us")
    is_exact = (present.astype("datetime64[D]") == present).all()
    return format_date(time.astype("datetime64[D]" if is_exact else "datetime64[s]"))
