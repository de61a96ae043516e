"""A look at every byte of a CSV file, independent of DuckDB: what no text has is refused, and values are counted.

DuckDB takes NUL bytes and surplus empty values at the end of a line without a word.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bptrain.errors import InputError
from bptrain.tables.files import reading
from bptrain.tables.sources.csv_format import CsvFormat, read_lines
from bptrain.tables.sources.decoding import BrokenText, chunks, open_text

ENDS = {"\r\n": "CR LF", "\n": "LF", "\r": "CR"}


@dataclass(frozen=True)
class Tally:
    """How many delimiters and how many lines a file has outside of quotes, and how many underscores anywhere."""

    delimiters: int
    lines: int
    underscores: int


def scan(copy: Path, path: Path, form: CsvFormat, names: list[str]) -> Tally:
    """Look through a file.

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
    try:
        return count_marks(copy, path, form)
    except BrokenText as error:
        k = min(form.columns_before(error.before.decode(errors="replace")), len(names) - 1)
        column = f" {names[k]}:" if error.line > form.header else f" column {k + 1}:"
        advice = "; write encoding: cp1252 or latin-1 if it is in one of those, or save it as UTF-8"
        raise InputError(f"{path}:{error.line}:{column} {error.what}{advice * ('UTF-8' in error.what)}") from None


def count_marks(copy: Path, path: Path, form: CsvFormat) -> Tally:
    """The counts of a file.

    Raises:
        BrokenText: it is no text.
        InputError: lines end in several ways, or it is damaged.
    """
    delimiter, line_feeds, returns, both, last = form.delimiter.encode(), 0, 0, 0, b""
    total, underscores = 0, 0
    for chunk, outside in split_unquoted(copy, form.quote.encode()):
        underscores += chunk.count(b"_")
        total += outside.count(delimiter)
        line_feeds += outside.count(b"\n")
        if b"\r" in outside:
            returns += outside.count(b"\r")
            both += outside.count(b"\r\n")
        last = outside[-1:] or last
    kinds = [both, line_feeds - both, returns - both]
    if sum(map(bool, kinds)) > 1:
        raise other_end(path, form)
    return Tally(total, sum(kinds) + (last not in (b"\n", b"\r")), underscores)


def split_unquoted(copy: Path, quote: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The bytes of a file a chunk at a time, and what of each stands outside of quotes."""
    inside = 0
    for chunk in chunks(copy):
        if not quote or (not inside and quote not in chunk):
            yield chunk, chunk
            continue
        parts = chunk.split(quote)
        # The mark stays, so that nothing becomes neighbours that was not.
        yield chunk, quote.join(parts[inside::2]) + quote * (len(parts) % 2 == inside)
        inside = (inside + len(parts) - 1) % 2


def other_end(path: Path, form: CsvFormat) -> InputError:
    """The first line that does not end as the lines before."""
    first, inside = "", 0
    with reading(path), open_text(path, form.encoding) as text:
        for number, line in enumerate(read_lines(path, text), 1):
            inside = (inside + line.count(form.quote)) % 2 if form.quote else 0
            end = "\r\n" if line.endswith("\r\n") else line[-1:]
            if inside or end not in ENDS:
                continue
            first = first or end
            if end != first:
                what = f"the line ends in {ENDS[end]}, and the lines before it in {ENDS[first]}"
                return InputError(f"{path}:{number}: {what}; save the file with line ends of one kind")
    return InputError(f"{path}: its lines end in several ways; save it with line ends of one kind")
