"""The signs with which a text file writes numbers: decimal sign, thousands, units, and marks for a missing number.

What all numbers of a column agree on is guessed for a first config, which then has it as options of the source.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

from bptrain.errors import InputError
from bptrain.tables.table import is_number, quote

MARKS = frozenset("? #n/a #na <na> n/a n.a. #null! #div/0! #value! #ref! #num! (null)".split())  # noqa: SIM905
"""Texts in lower case that mean a missing value in any column, beside those that every file has by default."""

NUMBER_MARKS = MARKS | frozenset("na nan none null nil unknown missing - -- --- . .. * tba tbd".split())  # noqa: SIM905
"""Texts in lower case that mean a missing value among numbers."""

WORDY = 0.25
"""A word such as none means a missing number in at most this share of the rows; in more it may be a class."""

RARE = 0.1
"""Another text without digits means a missing number if it is the only one in a column and this rare."""

CURRENCIES = frozenset("$ € £ ¥ ₹ US$ R$ USD EUR GBP CHF JPY CNY INR CAD AUD kr zł".split())  # noqa: SIM905
"""What may stand before a number; other letters before digits make a code."""

UNITS = frozenset("% ‰ ° °C °F kg g mg lb lbs oz km m cm mm mi ft in l ml h min s ms kW hp GB MB".split())  # noqa: SIM905
"""What may stand right behind a number. Another word needs a space before it, and `FEWEST_GROUPED` distinct numbers."""

READINGS = ((".", ""), (",", ""), (".", ","), (",", "."), (".", "'"), (".", " "), (",", " "))
"""Decimal and thousands signs that are tried, the simplest first."""

FEWEST_GROUPED = 5
"""From this many distinct numbers on, commas before three digits each time separate thousands."""

HALF = 0.5


@dataclass(frozen=True)
class Signs:
    """How the numbers of a file are written."""

    decimal: str = "."
    thousands: str = ""
    strip: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class WrittenColumn:
    """The texts of a column that should be numbers: the digits of each with its sign, the unit that all share, and the
    other texts with their rows."""

    name: str
    digits: tuple[str, ...]
    unit: tuple[str, ...]
    odd: Mapping[str, int]

    @cached_property
    def readings(self) -> frozenset[tuple[str, str]]:
        """The decimal and thousands signs with which all its numbers can be read."""
        return frozenset(one for one in READINGS if self.can_be_read(*one))

    def can_be_read(self, decimal: str, thousands: str) -> bool:
        """Tell whether all its numbers can be read with a decimal sign and a thousands sign."""
        return all(map(compile_number(decimal, thousands).fullmatch, self.digits))

    @property
    def is_grouped(self) -> bool:
        """Whether it has enough numbers with three digits behind each sign, none of which begins with 0, to tell that
        the sign separates thousands."""
        signed = [digits for digits in self.digits if re.search(r"[.,' ]", digits)]
        return len(self.digits) >= FEWEST_GROUPED and not any(re.match(r"[-+]?0", digits) for digits in signed)


@cache
def compile_number(decimal: str, thousands: str) -> re.Pattern[str]:
    """Return the pattern of numbers with a decimal sign and a thousands sign."""
    point, mark = re.escape(decimal), re.escape(thousands)
    plain = rf"[-+]?(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][-+]?[0-9]+)?"
    grouped = rf"|[-+]?[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+(?:{point}[0-9]*)?" if thousands else ""
    return re.compile(plain + grouped)


def guess_signs(
    columns: Mapping[str, Counter[str]], wanted: Signs, given: Iterable[str] = ()
) -> tuple[Signs, tuple[str, ...]]:
    """Return how the numbers of text columns are written, and notes on what was guessed.

    Args:
        columns: how often each text is in a column, by the name of the column.
        wanted: the signs with which the file was read.
        given: the names of the signs that are not guessed.

    Raises:
        InputError: a column can be read in two ways; the message shows both.
    """
    given, notes = set(given), []
    written = [one for name, texts in columns.items() if (one := find_numbers(name, texts)) is not None]
    found = wanted
    if not given & {"decimal", "thousands"}:
        decimal, thousands = choose_reading(written, wanted)
        found = replace(found, decimal=decimal, thousands=thousands)
        if found.decimal != wanted.decimal:
            notes.append(f"numbers have a decimal comma ({name_some(written, ',')})")
        if found.thousands and found.thousands != wanted.thousands:
            notes.append(f"numbers have '{thousands}' between thousands ({name_some(written, thousands)})")
    written = [one for one in written if one.can_be_read(found.decimal, found.thousands)]
    if "strip" not in given:
        units = dict.fromkeys(unit for one in written for unit in one.unit)
        found = replace(found, strip=(*wanted.strip, *(unit for unit in units if unit not in wanted.strip)))
        for unit in units:
            names = [one.name for one in written if unit in one.unit]
            some = ", ".join(names[:3]) + ", ..." * (len(names) > 3)
            notes.append(f"{unit} is not read as part of the numbers of {some}")
    if "missing" not in given:
        marks = count_marks(columns, written)
        new = [text for text in marks if text not in wanted.missing]
        found = replace(found, missing=(*wanted.missing, *new))
        if new:
            each = ", ".join(f"{quote(text)} ({marks[text]:,} value{'s' * (marks[text] > 1)})" for text in new[:5])
            notes.append(f"{each} {'means' if len(new) == 1 else 'mean'} a missing value")
    return found, tuple(notes)


def advise_on_signs(values: Iterable[str | None], decimal: str) -> str:
    """Return the options of a source that read texts as the numbers that they are, such as `thousands: ','`; empty if
    none do, or if nothing but the decimal sign is another."""
    texts = Counter(text for text in values if text is not None)
    if find_numbers("", texts) is None:
        return ""
    try:
        signs, _ = guess_signs({"": texts}, Signs(decimal), {"missing"})
    except InputError:
        text = next(text for text in texts if "," in text)
        number = text.replace(",", "")
        return f"thousands: ',' if {quote(text)} is {number}, or decimal: ',' if it is {text.replace(',', '.')},"
    options = {"decimal": repr(signs.decimal) if signs.decimal != decimal else ""}
    options |= {"thousands": repr(signs.thousands) if signs.thousands else ""}
    options |= {"strip": f"[{', '.join(map(repr, signs.strip))}]" if signs.strip else ""}
    if not signs.thousands and not signs.strip:
        return ""
    return ", ".join(f"{name}: {value}" for name, value in options.items() if value)


def count_marks(columns: Mapping[str, Counter[str]], written: Sequence[WrittenColumn]) -> Counter[str]:
    """Return how often each text is in the columns that means a missing value: some anywhere, others among numbers."""
    marks = {text for texts in columns.values() for text in texts if text.strip().lower() in MARKS}
    for one in written:
        total = columns[one.name].total()
        marks |= {
            text for text, n in one.odd.items() if is_number_mark(text) and (not text.isalpha() or n <= WORDY * total)
        }
        most = RARE * total
        if len(one.odd) == 1 and all(is_mark(text) and count <= most for text, count in one.odd.items()):
            marks |= one.odd.keys()
    return Counter({text: sum(texts[text] for texts in columns.values()) for text in sorted(marks)})


def find_numbers(name: str, texts: Counter[str]) -> WrittenColumn | None:
    """Return a text column as numbers, if at least half of its rows have one, and all with the same unit."""
    digits, units, odd = dict[str, int](), Counter[tuple[str, ...]](), dict[str, int]()
    for text, count in texts.items():
        if found := split_number(text):
            digits[found[0]] = digits.get(found[0], 0) + count
            units[found[1]] += count
        else:
            odd[text] = count
    if len(units) != 1 or sum(digits.values()) < HALF * texts.total():
        return None
    if len(digits) < FEWEST_GROUPED and not {*next(iter(units))} <= UNITS | CURRENCIES:
        return None
    return WrittenColumn(name, tuple(digits), next(iter(units)), odd)


NUMBER = re.compile(
    r"""\s*(?P<sign>[-+]?)\s*(?P<before>[^\d\s.,'+-]{1,3})?\s*(?P<second>[-+]?)
    (?P<digits>(?:\d[\d.,' ]*\d|\d)\.?,?(?:[eE][-+]?\d+)?|[.,]\d+(?:[eE][-+]?\d+)?)
    (?P<space>\s*)(?P<behind>[^\d\s][^\d\n]{0,11})?\s*""",
    re.VERBOSE,
)


def split_number(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the digits of a number with its sign, and its units; None if it is no number."""
    found = NUMBER.fullmatch(text)
    if not found or (found["sign"] and found["second"]):
        return None
    before, behind = found["before"] or "", (found["behind"] or "").strip()
    if before and before not in CURRENCIES:
        return None
    is_word = found["space"] and re.fullmatch(r"[^\W\d][\w/²³.]*", behind)
    if behind and behind not in UNITS | CURRENCIES and not is_word:
        return None
    digits = found["sign"] + found["second"] + found["digits"]
    return digits, tuple(unit for unit in (before, behind) if unit)


def choose_reading(written: Sequence[WrittenColumn], wanted: Signs) -> tuple[str, str]:
    """Return the decimal and thousands signs that most columns can be read with; the simplest of several.

    Raises:
        InputError: they are two for a column, and no other column decides.
    """
    # All readings are tried only where the usual one fails.
    unusual = [one for one in written if not one.can_be_read(wanted.decimal, wanted.thousands)]
    signed = [one for one in unusual if one.readings]
    if not signed:
        return wanted.decimal, wanted.thousands
    others = [one for one in written if one not in signed and one.readings]
    best = max(READINGS, key=lambda reading: sum(reading in one.readings for one in (*signed, *others)))
    most = sum(best in one.readings for one in (*signed, *others))
    tied = [one for one in READINGS if sum(one in column.readings for column in (*signed, *others)) == most]
    if {(",", ""), (".", ",")} <= set(tied):
        if all(one.is_grouped for one in signed if (",", "") in one.readings and (".", ",") in one.readings):
            return ".", ","
        decisive = next((one for one in signed if any(re.match(r"[-+]?0,", text) for text in one.digits)), None)
        if decisive is None:
            one = signed[0]
            text = next(text for text in one.digits if "," in text)
            number = text.replace(",", "")
            both = f"{number} (thousands: ',') or {text.replace(',', '.')} (decimal: ',')"
            raise InputError(f"{one.name}: '{text}' may be {both}; write --thousands , or --decimal ,")
        return ",", ""
    return tied[0]


def is_number_mark(text: str) -> bool:
    """Tell whether a text is known to mean a missing number."""
    return text.strip().lower() in NUMBER_MARKS


def is_mark(text: str) -> bool:
    """Tell whether a text may mark a missing number: it has no digit."""
    return text.isprintable() and not any(map(str.isdigit, text))


def name_some(written: Sequence[WrittenColumn], sign: str) -> str:
    """Return the first columns that have a sign in a number, with an example of each."""
    found = [(one.name, text) for one in written for text in one.digits if sign in text]
    first = dict[str, str]()
    for name, text in found:
        first.setdefault(name, text)
    some = [f"{name}: {text}" for name, text in list(first.items())[:3]]
    return ", ".join(some) + ", ..." * (len(first) > 3)


def is_code(texts: Sequence[str]) -> bool:
    """Tell whether numbers are codes: some have zeros before them, or all are digits with an E between them, or they
    have more digits than a number can have."""
    return (
        bool(texts)
        and (
            any(re.fullmatch(r"0[0-9]+", text) for text in texts)
            or all(re.fullmatch(r"[0-9]+E[0-9]+", text) for text in texts)
            or any(re.fullmatch(r"[0-9]{16,}", text) and int(text) > 2**53 for text in texts)
        )
        and all(is_number(text) for text in texts)
    )
