"""The lines of a CSV file as plain CSV, its rows by Python's csv module, and where a row is in the file."""

import csv
import re
import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from bptrain.errors import InputError
from bptrain.tables.files import report_read_errors
from bptrain.tables.sources.csv_text.csv_format import CsvFormat
from bptrain.tables.sources.decoding import LONGEST, BrokenText, read_chunks, read_lines
from bptrain.tables.table import register_place

ODD = ("_", "+-", "n(", "N(")
"""What is in texts that DuckDB takes for numbers, and nobody else: 1_000, +-5 and nan(1)."""

ENDS = {"\r\n": "CR LF", "\n": "LF", "\r": "CR"}


@dataclass(frozen=True)
class Tally:
    """How many delimiters and how many lines a file has outside quotes, how many of `ODD` anywhere, and whether spaces
    may stand before quotes or alone in a line."""

    delimiters: int
    lines: int
    odd: int
    is_spaced: bool


def read_plain_lines(path: Path, form: CsvFormat) -> Generator[tuple[int, str], None, None]:
    """Yield the lines of a file with their numbers: without those that are skipped and comments, and with exactly one
    delimiter between two values."""
    inside = 0
    with closing(read_lines(path, form.encoding)) as lines:
        for number, line in lines:
            if number <= form.skip or (form.comment and not inside and line.startswith(form.comment)):
                continue
            plain = line if inside or form.is_plain else form.write_plain(line)
            if form.quote:
                inside = (inside + plain.count(form.quote)) % 2
            yield number, plain


@contextmanager
def write_plain_copy(path: Path, form: CsvFormat) -> Iterator[Path]:
    """Return a copy of a file as plain CSV in UTF-8, which lasts as long as the context.

    Raises:
        StorageError: it cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="bptrain-") as folder:
        copy = Path(folder, "plain")
        with report_read_errors(copy), open(copy, "w", encoding="utf-8", newline="") as file:
            file.writelines(line for _, line in read_plain_lines(path, form))
        yield copy


class FirstNumber:
    """Iterates over numbered lines, and keeps the number of the first one since `first` was set to 0."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self.lines, self.first = lines, 0

    def __iter__(self) -> Iterator[str]:
        for number, line in self.lines:
            self.first = self.first or number
            yield line


def read_rows(path: Path, form: CsvFormat) -> Generator[tuple[int, list[str]], None, None]:
    """Yield the rows of a file with the lines on which they start, by Python's csv module; quoted line breaks count as
    lines.

    A blank line is a missing value in a file of one column, and skipped in a wider one.
    """
    with closing(read_plain_lines(path, form)) as lines:
        numbered = FirstNumber(lines)
        records = form.read_records(numbered)
        width = len(next(records)) + form.has_index if form.header else 0
        numbered.first = 0
        try:
            for record in records:
                width = width or len(record)
                if record or width == 1:
                    yield numbered.first, record or [""]
                numbered.first = 0
        except csv.Error as error:
            raise InputError(f"{path}:{numbered.first}: {error}; look for a quote that is not closed") from None


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
    """Return which value, counted from 0, of the record that begins on a plain line has a quote that may not be there;
    None: none has."""
    mark, end = re.escape(form.quote), re.escape(form.delimiter)
    value = re.compile(f"(?:{mark}(?:[^{mark}]|{mark}{mark})*{mark}|[^{mark}{end}\r\n][^{end}\r\n]*|)({end}|[\r\n]|$)")
    with closing(read_plain_lines(path, form)) as lines:
        rest = "".join(text for _, text in islice(lines, line - 1, line - 1 + 1000))[:LONGEST]
    at, count = 0, 0
    while found := value.match(rest, at):
        if found[1] != form.delimiter:
            return None
        at, count = found.end(), count + 1
    return count


def find_line(path: Path, form: CsvFormat, line: int) -> int:
    """Return the number in the file of a line of plain CSV, both counted from 1."""
    if form.is_plain:
        return line
    with closing(read_plain_lines(path, form)) as lines:
        return next(islice(lines, line - 1, None), (line, ""))[0]


def find_other_end(path: Path, form: CsvFormat) -> InputError | None:
    """Return what is wrong with the first line that does not end as the lines before it; None: there is none."""
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
    return None


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
    delimiters, odd, is_spaced = 0, 0, False
    spaces = re.compile(rb"\n[ \t]+\r?\n|" + re.escape(delimiter + b" " + form.quote.encode()))
    try:
        for chunk, outside in remove_quoted(copy, form.quote.encode()):
            odd += count_odd(chunk)
            is_spaced = is_spaced or (form.quote != "" and spaces.search(chunk) is not None)
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
        advice = ""
        if error.is_encoding:
            advice = "; write encoding: cp1252 or latin-1 if the file is in one of those, or save it as UTF-8"
        elif "more than" in error.what:
            advice = "; look for a quote that is not closed, or take the long values out"
        raise InputError(f"{path}:{error.line}:{column} {error.what}{advice}") from None
    kinds = [both, line_feeds - both, returns - both]
    if sum(map(bool, kinds)) > 1:
        # The count is wrong where quotes are inside a value.
        what = "its lines end in several ways; save it with line ends of one kind"
        raise find_other_end(path, form) or InputError(f"{path}: {what}")
    return Tally(delimiters, sum(kinds) + (last not in (b"\n", b"\r")), odd, is_spaced)


def count_odd(content: bytes) -> int:
    """Return how often there is one of `ODD`."""
    return sum(content.count(mark.encode()) for mark in ODD)


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
