"""How a CSV file is written: its options, what its beginning tells, and a check of all its bytes without DuckDB.

DuckDB silently accepts NUL bytes and surplus empty values at the end of a line; so values and lines are counted here.
"""

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
from bptrain.tables.files import report_read_errors
from bptrain.tables.sources.decoding import LONGEST, BrokenText, detect_encoding, open_text, read_chunks, read_lines
from bptrain.tables.table import quote, register_place

DELIMITERS = (",", ";", "\t", "|")
"""The delimiters that are tried, the usual one first."""

FIRST_LINES = 20
"""Lines at the beginning that a delimiter should divide into the same number of values."""

MISSING = ("NA", "N/A", "NaN", "nan", "null", "NULL")
"""Texts that mean a missing value by default, beside an empty one."""

NAMES = {"\t": "a tab", " ": "a space"}

ENDS = {"\r\n": "CR LF", "\n": "LF", "\r": "CR"}

csv.field_size_limit(LONGEST)


@dataclass(frozen=True)
class CsvFormat:
    """How a file is written: the delimiter (`auto`: to be guessed), whether the first line names the columns, the quote
    character (empty: none), the encoding (`auto`: by its mark), the decimal sign, the texts that mean missing, and the
    columns that are text even if they look like numbers.
    `doubtful` says that the guess of the delimiter may be wrong.
    """

    delimiter: str = "auto"
    header: bool = True
    quote: str = '"'
    encoding: str = "auto"
    decimal: str = "."
    missing: tuple[str, ...] = MISSING
    text: tuple[str, ...] = ()
    doubtful: bool = False

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


@dataclass(frozen=True)
class Tally:
    """How many delimiters and how many lines a file has outside quotes, and how many underscores anywhere."""

    delimiters: int
    lines: int
    underscores: int


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
    if found.delimiter == "auto":
        delimiter, doubtful = guess_delimiter(start, found)
        found = replace(found, delimiter=delimiter, doubtful=doubtful)
    try:
        first = next(found.read_records(io.StringIO(start, newline=""), strict=True))
    except csv.Error as error:
        what = f"cannot read the {'header' if wanted.header else 'first line'} ({error})"
        raise InputError(f"{path}:1: {what}; look for a quote that is not closed{found.advice}") from None
    if not first:
        raise InputError(f"{path}:1: the first line is empty; delete it")
    if not found.header:
        return found, [f"column_{k + 1}" for k in range(len(first))]
    other = next((mark for mark in DELIMITERS if mark in first[0] and mark != found.delimiter), None)
    if other and len(first) == 1 and not (found.quote and start.startswith(found.quote)):
        what = f"the header is one column, {quote(first[0])}, and {NAMES.get(other, repr(other))} would divide it"
        raise InputError(f"{path}:1: {what}; write delimiter: {'auto' if other == chr(9) else repr(other)}")
    return found, first


def guess_delimiter(start: str, wanted: CsvFormat) -> tuple[str, bool]:
    """Return the character that most often divides the first line, outside quotes, and whether that is doubtful; one
    that divides the next lines into as many values is preferred."""
    outside = wanted.quote.join(start.split(wanted.quote)[::2]) if wanted.quote else start
    lines = [line for line in islice(io.StringIO(outside), FIRST_LINES) if line.strip()]
    if len(start) == LONGEST and len(lines) > 1:
        lines.pop()
    counts = {mark: lines[0].count(mark) for mark in DELIMITERS if lines and mark in lines[0]}
    even = {mark: count for mark, count in counts.items() if {line.count(mark) for line in lines} == {count}}
    pool = even or counts or {",": 0}
    if len(pool) > 1 and (wanted.decimal == "," or not wanted.header):
        # It may be a decimal comma.
        pool.pop(",", None)
    return max(pool, key=lambda mark: pool[mark]), len(counts) != 1


def read_rows(path: Path, form: CsvFormat) -> Generator[tuple[int, list[str]], None, None]:
    """Yield the rows of a file with the lines on which they start, by Python's csv module; quoted line breaks count as
    lines.

    A blank line is a missing value in a file of one column, and skipped in a wider one.
    """
    with closing(read_lines(path, form.encoding)) as lines:
        records = form.read_records(line for _, line in lines)
        width = len(next(records)) if form.header else 0
        start = records.line_num + 1 if form.header else 1
        try:
            for record in records:
                width = width or len(record)
                if record or width == 1:
                    yield start, record or [""]
                start = records.line_num + 1
        except csv.Error as error:
            raise InputError(f"{path}:{start}: {error}; look for a quote that is not closed") from None


@register_place
@dataclass(frozen=True)
class CsvLines:
    """Tells the file and the line of a row: files with their formats and numbers of rows, in order."""

    files: tuple[tuple[Path, CsvFormat, int], ...]

    def __call__(self, row: int) -> str:
        for path, form, count in self.files:
            if row < count:
                with closing(read_rows(path, form)) as rows:
                    return f"{path}:{next(islice(rows, row, None))[0]}"
            row -= count
        raise IndexError(row)

    def to_json(self) -> dict[str, Any]:
        return {"files": [[str(path), asdict(form), count] for path, form, count in self.files]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "CsvLines":
        files = []
        for path, options, count in stored["files"]:
            lists = {name: tuple(options[name]) for name in ("missing", "text")}
            files.append((Path(path), CsvFormat(**{**options, **lists}), count))
        return cls(tuple(files))


def find_quote(path: Path, form: CsvFormat, line: int) -> int | None:
    """Return which value, counted from 0, of the record that begins on a line has a quote that may not be there; None:
    none has."""
    mark, end = re.escape(form.quote), re.escape(form.delimiter)
    value = re.compile(f"(?:{mark}(?:[^{mark}]|{mark}{mark})*{mark}|[^{mark}{end}\r\n][^{end}\r\n]*|)({end}|[\r\n]|$)")
    with closing(read_lines(path, form.encoding)) as lines:
        rest = "".join(text for _, text in islice(lines, line - 1, line - 1 + 1000))[:LONGEST]
    at, count = 0, 0
    while found := value.match(rest, at):
        if found[1] != form.delimiter:
            return None
        at, count = found.end(), count + 1
    return count


def scan(copy: Path, path: Path, form: CsvFormat, names: list[str]) -> Tally:
    """Check the bytes of a file, and count its delimiters and lines.

    Args:
        copy: the text in UTF-8.
        path: the file as the user named it.
        form: how it is written.
        names: of its columns.

    Raises:
        InputError: it is no text in its encoding, lines end in several ways, or it is damaged; the message names the
            line.
        StorageError: it cannot be read.
    """
    delimiter, line_feeds, returns, both, last = form.delimiter.encode(), 0, 0, 0, b""
    delimiters, underscores = 0, 0
    try:
        for chunk, outside in remove_quoted(copy, form.quote.encode()):
            underscores += chunk.count(b"_")
            delimiters += outside.count(delimiter)
            line_feeds += outside.count(b"\n")
            if b"\r" in outside:
                returns += outside.count(b"\r")
                both += outside.count(b"\r\n")
            last = outside[-1:] or last
    except BrokenText as error:
        before = error.before.decode(errors="replace")
        outside_quotes = before.split(form.quote)[::2] if form.quote else [before]
        k = min(sum(text.count(form.delimiter) for text in outside_quotes), len(names) - 1)
        column = f" {names[k]}:" if error.line > form.header else f" column {k + 1}:"
        advice = "; write encoding: cp1252 or latin-1 if the file is in one of those, or save it as UTF-8"
        raise InputError(f"{path}:{error.line}:{column} {error.what}{advice * ('UTF-8' in error.what)}") from None
    kinds = [both, line_feeds - both, returns - both]
    if sum(map(bool, kinds)) > 1:
        raise find_other_end(path, form)
    return Tally(delimiters, sum(kinds) + (last not in (b"\n", b"\r")), underscores)


def remove_quoted(copy: Path, quote: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the bytes of a file a chunk at a time, and those of each chunk that are outside quotes."""
    inside = 0
    for chunk in read_chunks(copy):
        if not quote or (not inside and quote not in chunk):
            yield chunk, chunk
            continue
        pieces = chunk.split(quote)
        # The quote character stays, so that bytes before and after it do not become neighbours.
        yield chunk, quote.join(pieces[inside::2]) + quote * (len(pieces) % 2 == inside)
        inside = (inside + len(pieces) - 1) % 2


def find_other_end(path: Path, form: CsvFormat) -> InputError:
    """Return what is wrong with the first line that does not end as the lines before it."""
    first, inside = "", 0
    with closing(read_lines(path, form.encoding)) as lines:
        for number, line in lines:
            inside = (inside + line.count(form.quote)) % 2 if form.quote else 0
            end = "\r\n" if line.endswith("\r\n") else line[-1:]
            if inside or end not in ENDS:
                continue
            first = first or end
            if end != first:
                what = f"the line ends in {ENDS[end]}, and the lines before it in {ENDS[first]}"
                return InputError(f"{path}:{number}: {what}; save the file with line ends of one kind")
    return InputError(f"{path}: its lines end in several ways; save it with line ends of one kind")
