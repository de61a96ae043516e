"""Forms of dates, such as DD.MM.YYYY, and the reading of a whole column of dates at once.

A form says how a day is written; a time may follow it, with a zone. Texts whose characters other than digits are equal
are read together: their digits stand in the same places.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bptrain.arrays import Array, iter_chunks
from bptrain.errors import Mistake, OptionError
from bptrain.tables.values import find_missing, number_to_text, sample_rows
from bptrain.text import join_or

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

PIECES = {
    "YYYY": r"(?P<year>[0-9]{4})",
    "YY": r"(?P<year>[0-9]{2})",
    "MON": r"(?P<name>[A-Za-z]{3,9})",
    "MM": r"(?P<month>[0-9]{1,2})",
    "DD": r"(?P<day>[0-9]{1,2})",
}
"""What a form is made of, and the pattern of each."""

TOKEN = re.compile("|".join(PIECES), re.I)

TIME = re.compile(
    r"""(?:(?:T|,?[ ]+) (?P<hour>[0-9]{1,2})
    (?: :(?P<minute>[0-9]{2}) (?: :(?P<second>[0-9]{2}) (?:[.,](?P<fraction>[0-9]{1,9}))? )? )?
    (?:[ ]?(?P<half>[AaPp][Mm]))? (?:[ ]?(?P<zone>Z|z|UTC|GMT|[+-](?P<east>[0-9]{2})(?::?(?P<more>[0-9]{2}))?))? )?"""
)
"""A time of day, which may follow a day, in the verbose form of regular expressions."""

STRPTIME = {"%Y": "YYYY", "%y": "YY", "%m": "MM", "%d": "DD", "%b": "Mon", "%B": "Mon"}

START = re.compile(r"\s*(?:[0-9]{1,4}[-/. ]|[A-Za-z]{3,9}[- ][0-9])")
"""How dates of the recognized forms begin."""

LONGEST = 64
"""A longer text is no date."""

SAMPLE_VALUES = 1000
"""At most this many values, evenly spread, tell which forms a column may have."""

LEAST_SHARE = 0.9
"""The least share of the values of a column of dates that are dates."""

MICROSECONDS = {"hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000}


@dataclass(frozen=True)
class Form:
    """How the days of a column are written: YYYY and YY are years, MM and DD numbers of one or two digits, Mon the name
    of a month in English.

    Raises:
        OptionError: it is no form.
    """

    text: str

    def __post_init__(self) -> None:
        found = [token.upper() for token in TOKEN.findall(self.text)]
        rest = TOKEN.sub("", self.text)
        kinds = {"D" if one == "DD" else "Y" if one[0] == "Y" else "M" for one in found}
        is_complete = "Y" in kinds and ("M" in kinds or "D" not in kinds)
        if (
            re.search(r"[^-/., ]", rest)
            or len(kinds) != len(found)
            or not is_complete
            or self.text != self.text.strip()
        ):
            raise OptionError(Mistake("format", self._describe_mistake()))

    def __str__(self) -> str:
        return self.text

    def _describe_mistake(self) -> str:
        """Return why the text is no form, with the form that it may mean."""
        usual = self.text
        for code, token in STRPTIME.items():
            usual = usual.replace(code, token)
        usual = re.sub(r"(?i)[T ]*(%H|HH).*", "", usual)
        usual = re.sub(r"(?i)(?<![a-z])(d|m)(?![a-z])", lambda one: 2 * one[0].upper(), usual).strip()
        what = "expected how a day is written, from YYYY, MM, DD, Mon (such as Jan) and YY, for example DD.MM.YYYY"
        advice = "times after it are read by themselves"
        with suppress(OptionError):
            advice += f"; did you mean {Form(usual).text}?" if usual != self.text else ""
        return f"{what} (got {self.text!r}); {advice}"

    @property
    def yaml(self) -> str:
        """The form as a config writes it."""
        return f"'{self.text}'" if "," in self.text else self.text

    @cached_property
    def has_day(self) -> bool:
        """Whether it says the day of the month."""
        return "DD" in self.text.upper()

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of a date of this form."""
        is_dense = not TOKEN.sub("", self.text)
        pieces, end = [], 0
        for token in TOKEN.finditer(self.text):
            piece = PIECES[token[0].upper()]
            pieces += [re.escape(self.text[end : token.start()]), piece.replace("{1,2}", "{2}") if is_dense else piece]
            end = token.end()
        time = TIME.pattern if self.has_day else ""
        return re.compile(rf"\s*{''.join(pieces)}{time}\s*", re.X)


FORMS = tuple(
    map(
        Form,
        (
            *("YYYY-MM-DD", "YYYY/MM/DD", "YYYY.MM.DD", "DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "DD-MM-YYYY"),
            *("MM-DD-YYYY", "DD Mon YYYY", "DD-Mon-YYYY", "Mon DD YYYY", "Mon DD, YYYY", "YYYY-MM", "YYYY/MM"),
            *("MM/YYYY", "Mon YYYY", "Mon-YYYY"),
        ),
    )
)
"""The forms that are recognized; others, such as those with a year of two digits, must be named."""


STATED = tuple(map(Form, ("YYYYMMDD", "DD.MM.YY", "DD/MM/YY", "MM/DD/YY", "YY-MM-DD", "YYYY")))
"""Forms that a column may have but that are never taken for granted."""


@dataclass(frozen=True)
class Dates:
    """Dates `(rows,)` datetime64[us], in UTC where a zone is given; NaT where a value is missing, or `wrong` bool.
    `zoned` tells whether some have a zone."""

    times: Array
    wrong: Array
    zoned: bool


def parse_dates(values: Array, form: Form) -> Dates:
    """Read the dates of a column `(rows,)` of objects or float64."""
    times, zoned, start = np.full(len(values), "NaT", "datetime64[us]"), False, 0
    holes = find_missing(values)
    for chunk in iter_chunks(values):
        stop = start + len(chunk)
        present = np.flatnonzero(~holes[start:stop])
        for rows, text, characters in group_alike(to_texts(chunk[present])):
            match = form.pattern.fullmatch(text)
            if match:
                times[start + present[rows]] = read_group(match, characters)
                zoned |= bool(match.groupdict().get("zone"))
        start = stop
    return Dates(times, np.isnat(times) & ~holes, zoned)


def to_texts(values: Array) -> list[str]:
    """Return values that are present as texts; one that is too long for a date, or has a NUL, which NumPy cuts off at
    the end of a text, is empty."""
    if values.dtype != object:
        return [number_to_text(number) for number in values.tolist()]
    return [text if len(text) <= LONGEST and "\0" not in text else "" for text in values.tolist()]


def group_alike(texts: list[str]) -> Iterator[tuple[Array, str, Array]]:
    """Yield texts that differ only in their digits: their numbers, the first of them, and the characters `(n, width)`
    uint32 of all."""
    if not texts:
        return
    wide = np.array(texts, dtype=f"U{max(1, *map(len, texts))}")
    characters = wide.view(np.uint32).reshape(len(texts), -1)
    masks = np.where((characters >= ord("0")) & (characters <= ord("9")), np.uint32(ord("0")), characters)
    if (masks == masks[0]).all():
        yield np.arange(len(texts)), texts[0], characters
        return
    keys = np.ascontiguousarray(masks).view(np.dtype((np.void, 4 * masks.shape[1]))).reshape(-1)
    groups = np.unique(keys, return_inverse=True)[1].reshape(-1)
    order = np.argsort(groups, kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(groups))[:-1]):
        yield rows, texts[rows[0]], characters[rows]


def read_group(match: re.Match[str], characters: Array) -> Array:
    """Return the times `(n,)` datetime64[us] of texts `(n, width)` of characters that match alike; NaT for what there
    is not, such as February 30."""

    def number(name: str, usual: int) -> Array:
        if match.groupdict().get(name) is None:
            return np.full(len(characters), usual, np.int64)
        start, stop = match.span(name)
        total = np.zeros(len(characters), np.int64)
        for column in characters[:, start:stop].T:
            total = 10 * total + (column.astype(np.int64) - ord("0"))
        return total

    given = match.groupdict()
    year, month, day = number("year", 1), number("month", 1), number("day", 1)
    if len(match["year"]) == 2:
        # As POSIX has it.
        year += np.where(year < 69, 2000, 1900)
    valid = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    if name := given.get("name"):
        months = [
            k for k, one in enumerate(MONTHS, 1) if one.startswith(name.lower()) or name.lower() == one[:4] == "sept"
        ]
        month = np.full(len(year), months[0] if months else 1)
        valid &= bool(months)
    first = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    start = first.astype("datetime64[D]") + (day - 1)
    valid &= start < (first + 1).astype("datetime64[D]")
    hour, minute, second = number("hour", 0), number("minute", 0), number("second", 0)
    if half := given.get("half"):
        valid &= (hour >= 1) & (hour <= 12)
        hour = hour % 12 + 12 * (half.lower() == "pm")
    valid &= (hour < 24) & (minute < 60) & (second < 60)
    total = hour * MICROSECONDS["hour"] + minute * MICROSECONDS["minute"] + second * MICROSECONDS["second"]
    if fraction := given.get("fraction"):
        total += number("fraction", 0) * 1_000_000 // 10 ** len(fraction)
    if zone := given.get("zone"):
        east, more = number("east", 0), number("more", 0)
        valid &= (east < 24) & (more < 60)
        offset = east * MICROSECONDS["hour"] + more * MICROSECONDS["minute"]
        total -= -offset if zone[0] == "-" else offset
    times = start.astype("datetime64[us]") + total.astype("timedelta64[us]")
    return np.where(valid, times, np.datetime64("NaT", "us"))


def find_forms(values: Array, among: Sequence[Form] = FORMS) -> tuple[Form, ...]:
    """Return the recognized forms that a column `(rows,)` may have: none if it is not dates, several if it leaves open
    which is meant. `among` are the forms to choose from."""
    some = values[sample_rows(values, SAMPLE_VALUES)]
    if not len(some):
        return ()
    # Most columns of text show at once that they are not dates.
    head = to_texts(some[:20])
    if among is FORMS and 2 * sum(bool(START.match(text)) for text in head) < len(head):
        return ()
    forms = [form for form in among if 2 * sum(bool(form.pattern.fullmatch(text)) for text in head) >= len(head)]
    forms = [form for form in forms if np.count_nonzero(parse_dates(some, form).wrong) <= (1 - LEAST_SHARE) * len(some)]
    if len(forms) < 2:
        return tuple(forms)
    complete = tuple(form for form in forms if not parse_dates(values, form).wrong.any())
    return complete or tuple(forms)


def join_forms(forms: tuple[Form, ...]) -> str:
    """Return forms for a message: `DD/MM/YYYY or MM/DD/YYYY`."""
    return join_or([form.text for form in forms])


def write_forms(name: str, forms: tuple[Form, ...]) -> str:
    """Return the options that state the form of a column of dates, in a config: a way for each form."""
    called = name if re.fullmatch(r"[^\W\d]\w*(?: \w+)*", name) else json.dumps(name, ensure_ascii=False)
    return " or ".join(f"columns: {{{called}: {{kind: date, format: {form.yaml}}}}}" for form in forms)


def format_date(time: np.datetime64) -> str:
    """Return a date in the ISO form, without a time at midnight: `2024-01-31` or `2024-01-31 23:59`."""
    day, text = time.astype("datetime64[D]"), str(time.astype("datetime64[us]")).replace("T", " ")
    if time == day:
        return str(day)
    return re.sub(r"(:00)?\.000000$", "", text)
