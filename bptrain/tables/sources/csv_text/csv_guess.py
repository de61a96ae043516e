"""The options that a CSV file needs, guessed once for a first config: what is guessed is written into it."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from bptrain.errors import InputError
from bptrain.tables.files import match_files, open_file, report_read_errors
from bptrain.tables.sources.csv_text.csv_format import DELIMITERS, CsvFormat
from bptrain.tables.sources.csv_text.csv_header import classify_first_line
from bptrain.tables.sources.csv_text.csv_layout import (
    SEPARATOR,
    are_divided_by_spaces,
    drop_lines,
    guess_comment,
    is_index,
    list_some,
    read_beginning,
    remove_quoted_text,
    resolve_format,
    sample_records,
)
from bptrain.tables.sources.decoding import CHUNK_BYTES, LONGEST, BrokenText, detect_encoding, read_chunks
from bptrain.tables.sources.file_sources import Csv

TOP_LINES = 60
"""Lines at the beginning that show how many are above the header."""


def guess_options(source: Csv, given: Container[str] = ()) -> tuple[Csv, list[str]]:
    """Return a source with the options that its file, or the first of its files, needs, and notes on what was guessed.

    Args:
        source: as it is by default.
        given: names of the options that are not guessed.

    Raises:
        InputError: the first line may be names or data; or the file cannot be read.
        OptionError: there is no such file.
        StorageError: it cannot be read.
    """
    path, notes = match_files(source.path)[0], list[str]()
    if "encoding" not in given and (encoding := guess_encoding(path)):
        source = replace(source, encoding=encoding)
        notes.append(f"the file is not UTF-8 and is read as {encoding}; choose another encoding if letters are wrong")
    wanted = source.make_format()
    start = read_beginning(path, detect_encoding(path, wanted.encoding))
    if "comment" not in given and (mark := guess_comment(start, wanted)):
        source = replace(source, comment=mark)
        notes.append(f"lines that begin with {mark} are comments and are not read")
    if "skip" not in given and (skip := guess_skip(start, source.make_format())):
        source = replace(source, skip=skip)
        lines = "the first line is" if skip == 1 else f"the first {skip} lines are"
        notes.append(f"{lines} above the table and not read")
    form, *_ = resolve_format(path, source.make_format())
    if source.delimiter == "auto" and form.delimiter == "\t" and is_aligned(start, form):
        form = replace(form, delimiter=" ")
    if source.delimiter == "auto" and form.delimiter != "," and not SEPARATOR.match(start):
        source = replace(source, delimiter=form.delimiter)
        if form.delimiter == " ":
            notes.append("the values are divided at spaces")
    if "header" not in given and not form.has_index:
        header, more = guess_header(source.make_format(), f"{path}:1", sample_records(start, form))
        source, notes = replace(source, header=header), notes + more
    return source, notes


def is_aligned(start: str, form: CsvFormat) -> bool:
    """Tell whether spaces and tabs together divide the lines of a file into columns."""
    lines = remove_quoted_text(list(islice(drop_lines(start, form), TOP_LINES)), form.quote)
    return all(re.search(r"\S  +\S", line) for line in lines) and are_divided_by_spaces(lines)


def guess_header(form: CsvFormat, where: str, records: Sequence[Sequence[str]]) -> tuple[bool, list[str]]:
    """Return whether the first of some records, which stands at a place, names the columns; and notes.

    Raises:
        InputError: it may be names or data.
    """
    if not records:
        return form.header, []
    first, width = records[0], len(records[0])
    found = classify_first_line(first, records[1:], form)
    if found == "names":
        return True, []
    columns = ", ".join(f"column_{k + 1}" for k in range(width)) if width < 4 else f"column_1 ... column_{width}"
    if found == "data":
        return False, [f"the first line is data, not names: columns are {columns}"]
    both = f"--header if the columns are {list_some(first)}, --no-header if they are {columns}"
    what = f"the first line may be names or data; write {both}"
    raise InputError(f"{where}: {what} (in a config: header: true, header: false)")


def guess_encoding(path: Path) -> str:
    """Return the encoding of a file that is not UTF-8, and has no byte order mark; empty if it is UTF-8.

    Raises:
        StorageError: it cannot be read.
    """
    if detect_encoding(path, "auto") != "utf-8":
        return ""
    try:
        for _ in read_chunks(path):
            pass
        return ""
    except BrokenText as error:
        if not error.is_encoding:
            return ""
    decoder = codecs.getincrementaldecoder("cp1252")()
    with report_read_errors(path), open_file(path) as file:
        try:
            while chunk := file.read(CHUNK_BYTES):
                decoder.decode(chunk)
        except UnicodeDecodeError:
            return "latin-1"
    return "cp1252"


def guess_skip(start: str, form: CsvFormat) -> int:
    """Return how many lines are above the header, or above the first row: blank ones, and those with another number of
    values than all lines after them.
    """
    lines = list(islice(io.StringIO(start.rstrip(), newline=""), TOP_LINES + 1))
    if len(lines) < 2 or SEPARATOR.match(start):
        return 0
    # The last one may be cut.
    lines = lines[:-1] if len(lines) > TOP_LINES or len(start) == LONGEST else lines
    first = next((k for k, line in enumerate(lines) if line.strip() and not is_comment(line, form)), 0)
    blank = any(not line.strip() for line in lines[:first])
    marks = [mark for mark in DELIMITERS if mark in lines[-1]] or [" "]
    found = [find_table(lines, replace(form, delimiter=mark)) for mark in marks if form.delimiter in ("auto", mark)]
    begin = min((above for width, above in found if width), default=0)
    return max(begin, first * blank)


def find_table(lines: Sequence[str], form: CsvFormat) -> tuple[int, int]:
    """Return into how many values the lines of a table are divided, and how many lines are above it; 0 values if they
    are not divided, or unevenly."""
    widths = [0 if is_comment(line, form) else count_values(line, form) for line in lines]
    known = [width for width in widths if width]
    (usual, count), *_ = Counter(known).most_common(1) or [(0, 0)]
    if usual < 2 or 2 * count < len(known):
        return 0, 0
    begin = widths.index(usual)
    above = [width for width in widths[:begin] if width]
    if any(width not in (0, usual) for width in widths[begin:]):
        return 0, 0
    if above and above[-1] > 1:
        # It may be a header that lacks a name, and is not given up for the sake of rows.
        records = [next(form.read_records([line])) for line in lines[begin:] if line.strip()]
        if classify_first_line(records[0], records[1:], form) != "names" or is_index([row[0] for row in records]):
            return usual, 0
    return usual, begin if above else 0


def is_comment(line: str, form: CsvFormat) -> bool:
    """Tell whether a line is a comment."""
    return form.comment not in ("", "auto") and line.startswith(form.comment)


def count_values(line: str, form: CsvFormat) -> int:
    """Return how many values a line has; 0 if it is blank."""
    if form.delimiter == " " or not line.strip():
        return len(line.split())
    try:
        return len(next(form.read_records([line]), []))
    except csv.Error:
        return 0
