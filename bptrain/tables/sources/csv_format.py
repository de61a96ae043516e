"""How a CSV file is written: its options, and what its first lines tell about those that are left open."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from bptrain.errors import InputError
from bptrain.tables.files import report_read_errors
from bptrain.tables.sources.decoding import LONGEST, detect_encoding, open_text
from bptrain.tables.table import quote

DELIMITERS = (",", ";", "\t", "|")
"""The delimiters that are tried, the usual one first; spaces come after them."""

FIRST_LINES = 20
"""Lines at the beginning that a delimiter should divide into the same number of values."""

MISSING = ("NA", "N/A", "NaN", "nan", "null", "NULL")
"""Texts that mean a missing value by default, beside an empty one."""

NAMES = {"\t": "a tab", " ": "spaces"}

SEPARATOR = re.compile(r"\"?sep=([^\r\n\"])\"?\r?\n", re.I)
"""The first line by which Excel is told the delimiter."""

LEAST_NUMBERED = 5
"""A column of 1, 2, 3, ... without a name in the header is taken for an index if it has at least this many rows."""

csv.field_size_limit(LONGEST)


@dataclass(frozen=True)
class CsvFormat:
    """How a file is written: the delimiter (`auto`: to be guessed; a space: one or more spaces or tabs), whether the
    first line names the columns, the quote character (empty: none), the encoding (`auto`: by its mark), the decimal
    sign, the texts that mean missing, the columns that are text even if they look like numbers, the number of lines to
    skip, the beginning of comments (`auto`: # if the file begins with them; empty: none), the sign between thousands,
    and the texts to strip from numbers.

    The rest is found in the file: `doubtful` says that the guess of the delimiter may be wrong, `is_spaced` that spaces
    stand before quotes, `is_ended` that lines end with a delimiter, and `has_index` that the header has no name for the
    first column.
    """

    delimiter: str = "auto"
    header: bool = True
    quote: str = '"'
    encoding: str = "auto"
    decimal: str = "."
    missing: tuple[str, ...] = MISSING
    text: tuple[str, ...] = ()
    doubtful: bool = False
    skip: int = 0
    comment: str = "auto"
    thousands: str = ""
    strip: tuple[str, ...] = ()
    is_spaced: bool = False
    is_ended: bool = False
    has_index: bool = False

    def read_records(self, lines: Any, *, strict: bool = False) -> Any:
        """Return Python's reader of lines in this format."""
        if not self.quote:
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE, strict=strict)
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, strict=strict)

    @property
    def advice(self) -> str:
        """What to do if the delimiter was guessed wrong."""
        if not self.doubtful:
            return ""
        name = NAMES.get(self.delimiter, f"'{self.delimiter}'")
        return f" (the delimiter was guessed to be {name}; write delimiter: '...' if that is wrong)"

    @cached_property
    def is_plain(self) -> bool:
        """Whether the file is plain CSV, every line of it."""
        return not (self.skip or self.comment or self.delimiter == " " or self.is_spaced or self.is_ended)

    def write_plain(self, line: str) -> str:
        """Return a line that begins outside quotes as plain CSV."""
        text = line.rstrip("\r\n")
        end = line[len(text) :]
        if self.delimiter == " ":
            text = self._spaces.sub(lambda found: found[1] or " ", text.strip())
        elif self.is_spaced:
            text = self._spaces.sub(lambda found: found[1] or found[2], text)
        return text.removesuffix(self.delimiter if self.is_ended else "") + end

    @cached_property
    def _spaces(self) -> re.Pattern[str]:
        """Quoted text (group 1), or the spaces to replace."""
        mark, end = re.escape(self.quote), re.escape(self.delimiter)
        quoted = f"({mark}(?:[^{mark}]|{mark}{mark})*{mark})|" if self.quote else "(?!)()|"
        return re.compile(quoted + (r"[ \t]+" if self.delimiter == " " else f"({end}) +(?={mark})"))


def resolve_format(path: Path, wanted: CsvFormat) -> tuple[CsvFormat, list[str]]:
    """Return the format of a file with no option left to guess, and the names of its columns.

    Raises:
        InputError: there is no such file, it is empty, or its first line cannot be read.
        StorageError: it cannot be read.
    """
    found = replace(wanted, encoding=detect_encoding(path, wanted.encoding))
    with report_read_errors(path), open_text(path, found.encoding) as text:
        start = text.read(LONGEST)
    if not start.strip():
        what = "the first line must name the columns" if wanted.header else "there must be a row"
        raise InputError(f"{path}:1: the file is empty; {what}")
    if found.skip == 0 and (mark := SEPARATOR.match(start)):
        found = replace(found, skip=1, delimiter=mark[1] if found.delimiter == "auto" else found.delimiter)
    if found.comment == "auto":
        found = replace(found, comment=guess_comment(start, found))
    whole = len(start) < LONGEST
    lines = list(islice(drop_lines(start, found), FIRST_LINES + 1))
    if not lines:
        raise InputError(f"{path}: the file has no lines beside those that are skipped; write skip: 0 or comment: ''")
    if found.delimiter == "auto":
        delimiter, doubtful = guess_delimiter(lines if whole or len(lines) < 2 else lines[:FIRST_LINES], found)
        found = replace(found, delimiter=delimiter, doubtful=doubtful)
    found = find_habits(lines, found)
    try:
        first = next(found.read_records(write_plain_lines(start, found), strict=True))
    except csv.Error as error:
        what = f"cannot read the {'header' if wanted.header else 'first line'} ({error})"
        raise InputError(
            f"{path}:{found.skip + 1}: {what}; look for a quote that is not closed{found.advice}"
        ) from None
    if not first:
        raise InputError(
            f"{path}:{found.skip + 1}: the first line is empty; delete it, or write skip: {found.skip + 1}"
        )
    if not found.header:
        return found, [f"column_{k + 1}" for k in range(len(first))]
    other = next((mark for mark in DELIMITERS if mark in first[0] and mark != found.delimiter), None)
    if other and len(first) == 1 and not (found.quote and start.startswith(found.quote)):
        what = f"the header is one column, {quote(first[0])}, and {NAMES.get(other, repr(other))} would divide it"
        raise InputError(f"{path}:1: {what}; write delimiter: {'auto' if other == chr(9) else repr(other)}")
    return found, name_columns(first, found)


def name_columns(header: Sequence[str], form: CsvFormat) -> list[str]:
    """Return the names of a header, with one for each column that has none: `index` for the first one."""
    names = ["", *header] if form.has_index else list(header)
    if len(names) > 1:
        free = "index" if "index" not in names else "column_1"
        names = [name if name.strip() else f"column_{k + 1}" if k else free for k, name in enumerate(names)]
    return names


def drop_lines(start: str, form: CsvFormat) -> Any:
    """Yield the lines at the beginning of a file that are neither skipped nor comments."""
    for number, line in enumerate(io.StringIO(start, newline=""), 1):
        if number > form.skip and not (form.comment and line.startswith(form.comment)):
            yield line


def write_plain_lines(start: str, form: CsvFormat) -> Any:
    """Yield the lines at the beginning of a file as plain CSV."""
    inside = 0
    for line in drop_lines(start, form):
        plain = line if inside or form.is_plain else form.write_plain(line)
        inside = (inside + plain.count(form.quote)) % 2 if form.quote else 0
        yield plain


def guess_comment(start: str, form: CsvFormat) -> str:
    """Return `#` if a file begins with comments: lines that are not divided as the first line after them is."""
    lines = list(islice(io.StringIO(start, newline=""), form.skip, form.skip + 1000))
    count = next((k for k, line in enumerate(lines) if not line.startswith("#")), 0)
    if not count:
        return ""
    marks = [mark for mark in (*DELIMITERS, " ") if mark in lines[count]]
    is_header = count == 1 and any(lines[0].count(mark) == lines[1].count(mark) for mark in marks)
    return "" if is_header or (count == 1 and not marks) else "#"


def guess_delimiter(lines: Sequence[str], wanted: CsvFormat) -> tuple[str, bool]:
    """Return the character that most often divides the first line, outside quotes, and whether that is doubtful; one
    that divides the next lines into as many values is preferred. Spaces count where nothing else divides all lines."""
    text = "".join(lines)
    outside = wanted.quote.join(text.split(wanted.quote)[::2]) if wanted.quote else text
    lines = [line for line in islice(io.StringIO(outside), FIRST_LINES) if line.strip()]
    counts = {mark: lines[0].count(mark) for mark in DELIMITERS if lines and mark in lines[0]}
    even = {mark: count for mark, count in counts.items() if {line.count(mark) for line in lines} == {count}}
    first, *widths = (len(line.split()) for line in lines) if lines else (0,)
    if not counts and first > 1 and len(set(widths)) == 1 and widths[0] - first in (0, 1):
        return " ", True
    pool = even or counts or {",": 0}
    if len(pool) > 1 and (wanted.decimal == "," or not wanted.header):
        # It may be a decimal comma.
        pool.pop(",", None)
    return max(pool, key=lambda mark: pool[mark]), len(counts) != 1


def find_habits(lines: Sequence[str], form: CsvFormat) -> CsvFormat:
    """Return a format that knows how the first lines differ from plain CSV."""
    if form.quote and form.delimiter != " ":
        spaced = re.compile(f"{re.escape(form.delimiter)} +{re.escape(form.quote)}")
        outside = (re.sub(f"{form.quote}[^{form.quote}]*{form.quote}", form.quote, line) for line in lines)
        form = replace(form, is_spaced=any(spaced.search(line) for line in outside))
    try:
        records = [one for one in form.read_records([form.write_plain(line) for line in lines], strict=True) if one]
    except csv.Error:
        return form
    if not form.header or len(records) < 3:
        return form
    header, rows = records[0], records[1:FIRST_LINES]
    widths = {len(row) for row in rows}
    if len(header) < 2 or len(widths) > 1:
        return form
    if all(not row[-1] for row in rows) and (
        widths == {len(header) + 1} or (widths == {len(header)} and not header[-1])
    ):
        return replace(form, is_ended=form.delimiter != " ")
    return replace(form, has_index=widths == {len(header) + 1} and is_index([row[0] for row in rows]))


def is_index(values: Sequence[str]) -> bool:
    """Tell whether the first values of the rows number or name them, as R's `write.table` does."""
    if all(value.isdecimal() for value in values):
        first = int(values[0])
        return len(values) >= LEAST_NUMBERED and [int(value) for value in values] == list(
            range(first, first + len(values))
        )
    is_text = not any(re.fullmatch(r"[-+.,\d]*", value) for value in values)
    return is_text and len(set(values)) == len(values)
