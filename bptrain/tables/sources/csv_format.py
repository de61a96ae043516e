"""How a CSV file is written: the options that say so, and what is found out by looking at its beginning."""

import csv
import io
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from bptrain.errors import InputError
from bptrain.tables.files import reading
from bptrain.tables.sources.decoding import LONGEST, encoding_of, open_text
from bptrain.tables.table import quote, register_place

DELIMITERS = (",", ";", "\t", "|")
"""The delimiters that are tried, the usual one first."""

LOOKED_AT = 20
"""Lines at the beginning that a delimiter must divide alike."""

MISSING = ("NA", "N/A", "NaN", "nan", "null", "NULL")
"""What is taken for a missing value unless the config says otherwise, beside an empty field."""

NAMES = {"\t": "a tab", " ": "a space"}

csv.field_size_limit(LONGEST)


@dataclass(frozen=True)
class CsvFormat:
    """How a file is written: the delimiter (`auto`: to be guessed), whether a first line names the columns, the
    character around values (empty: none), the encoding (`auto`: by its mark), the decimal sign, what means missing,
    and which columns are text also where they look like numbers.
    `doubtful` says that the delimiter was guessed among several, or among none.
    """

    delimiter: str = "auto"
    header: bool = True
    quote: str = '"'
    encoding: str = "auto"
    decimal: str = "."
    missing: tuple[str, ...] = MISSING
    text: tuple[str, ...] = ()
    doubtful: bool = False

    def reader(self, lines: Any, *, strict: bool = False) -> Any:
        """Python's reader of text in this format."""
        if not self.quote:
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE, strict=strict)
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, strict=strict)

    def columns_before(self, text: str) -> int:
        """How many values of a line end in its beginning."""
        parts = text.split(self.quote)[::2] if self.quote else [text]
        return sum(part.count(self.delimiter) for part in parts)

    @property
    def advice(self) -> str:
        """What to do where the delimiter may be a wrong guess."""
        if not self.doubtful:
            return ""
        name = NAMES.get(self.delimiter, f"'{self.delimiter}'")
        return f" (the values are taken to be divided by {name}; write delimiter: '...' where that is wrong)"


def resolve_format(path: Path, wanted: CsvFormat) -> tuple[CsvFormat, list[str]]:
    """The format of a file with nothing left to be guessed, and the names of its columns.

    Raises:
        InputError: there is no such file, it is empty, or its first line cannot be read.
        StorageError: it cannot be read.
    """
    found = replace(wanted, encoding=encoding_of(path, wanted.encoding))
    with reading(path), open_text(path, found.encoding) as text:
        start = text.read(LONGEST)
    if not start.strip():
        what = "the first line must name the columns" if wanted.header else "there must be a row"
        raise InputError(f"{path}:1: the file is empty; {what}")
    if found.delimiter == "auto":
        delimiter, doubtful = guess_delimiter(start, found)
        found = replace(found, delimiter=delimiter, doubtful=doubtful)
    try:
        first = next(found.reader(io.StringIO(start, newline=""), strict=True))
    except csv.Error as error:
        what = f"cannot read the {'header' if wanted.header else 'first line'} ({error})"
        raise InputError(f"{path}:1: {what}; look for a quote that is not closed{found.advice}") from None
    if not first:
        raise InputError(f"{path}:1: the first line is empty; take it out")
    if found.header and len(first) == 1:
        check_divided(path, first[0], start, found)
    return found, first if found.header else [f"column_{k + 1}" for k in range(len(first))]


def check_divided(path: Path, name: str, start: str, form: CsvFormat) -> None:
    """Refuse a single column whose name another delimiter would divide.

    Raises:
        InputError: it is one.
    """
    other = next((mark for mark in DELIMITERS if mark in name and mark != form.delimiter), None)
    if other and not (form.quote and start.startswith(form.quote)):
        what = f"the header is one column, {quote(name)}, and {NAMES.get(other, repr(other))} would divide it"
        raise InputError(f"{path}:1: {what}; write delimiter: {'auto' if other == chr(9) else repr(other)}")


def guess_delimiter(start: str, wanted: CsvFormat) -> tuple[str, bool]:
    """The character that most often divides the first line, outside of quotes, and whether that is doubtful; one that
    divides the next lines alike goes before one that does not."""
    outside = wanted.quote.join(start.split(wanted.quote)[::2]) if wanted.quote else start
    lines = [line for line in islice(io.StringIO(outside), LOOKED_AT) if line.strip()]
    if len(start) == LONGEST and len(lines) > 1:
        lines.pop()
    counts = {mark: lines[0].count(mark) for mark in DELIMITERS if lines and mark in lines[0]}
    even = {mark: count for mark, count in counts.items() if {line.count(mark) for line in lines} == {count}}
    pool = even or counts or {",": 0}
    if len(pool) > 1 and (wanted.decimal == "," or not wanted.header):
        # A comma inside of numbers.
        pool.pop(",", None)
    return max(pool, key=lambda mark: pool[mark]), len(counts) != 1


def records(path: Path, form: CsvFormat) -> Generator[tuple[int, list[str]], None, None]:
    """The data rows of a file with the lines on which they start, by Python's csv module; quoted line breaks count as
    lines.

    A blank line is a missing value in a file of one column, and nothing in a wider one.

    Raises:
        InputError: a line or a value is far too long.
    """
    with reading(path), open_text(path, form.encoding) as text:
        reader = form.reader(read_lines(path, text))
        width = len(next(reader)) if form.header else 0
        start = reader.line_num + 1 if form.header else 1
        try:
            for record in reader:
                width = width or len(record)
                if record or width == 1:
                    yield start, record or [""]
                start = reader.line_num + 1
        except csv.Error as error:
            raise InputError(f"{path}:{start}: {error}; look for a quote that is not closed") from None


def read_lines(path: Path, text: io.TextIOWrapper) -> Iterator[str]:
    """Yield the lines of a text.

    Raises:
        InputError: one is far too long.
    """
    number = 0
    while line := text.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise InputError(f"{path}:{number}: a line of more than {LONGEST:,} characters")
        yield line


def line_of(path: Path, form: CsvFormat, row: int) -> int:
    """The line on which a row begins, counted from 1; rows are counted from 0."""
    with closing(records(path, form)) as rows:
        return next(islice(rows, row, None))[0]


@register_place
@dataclass(frozen=True)
class CsvLines:
    """Tells the file and the line of a row: files with their formats and how many rows each has, in order."""

    files: tuple[tuple[Path, CsvFormat, int], ...]

    def __call__(self, row: int) -> str:
        for path, form, count in self.files:
            if row < count:
                return f"{path}:{line_of(path, form, row)}"
            row -= count
        raise IndexError(row)

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it; `from_json` is the inverse."""
        return {"files": [[str(path), asdict(form), count] for path, form, count in self.files]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "CsvLines":
        """The inverse of `to_json`."""
        return cls(tuple((Path(path), form_from_json(form), count) for path, form, count in stored["files"]))


def form_from_json(options: Mapping[str, Any]) -> CsvFormat:
    """A format as JSON had it."""
    values: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in options.items()}
    return CsvFormat(**values)


def find_misquoted(path: Path, form: CsvFormat, line: int) -> int | None:
    """Which value, counted from 0, of the record that begins on a line has a quote where none may be; None: none."""
    mark, end = re.escape(form.quote), re.escape(form.delimiter)
    value = re.compile(f"(?:{mark}(?:[^{mark}]|{mark}{mark})*{mark}|[^{mark}{end}\r\n][^{end}\r\n]*|)({end}|[\r\n]|$)")
    with reading(path), open_text(path, form.encoding) as text:
        rest = "".join(islice(read_lines(path, text), line - 1, line - 1 + 1000))[:LONGEST]
    place, count = 0, 0
    while found := value.match(rest, place):
        if found[1] != form.delimiter:
            return None
        place, count = found.end(), count + 1
    return count
