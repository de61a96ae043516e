"""The layout of a CSV file: what its first lines tell about the options that are left open, and its header."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from bptrain.errors import InputError
from bptrain.tables.files import report_read_errors
from bptrain.tables.sources.csv_text.csv_format import DELIMITERS, NAMES, CsvFormat
from bptrain.tables.sources.csv_text.csv_header import classify_first_line
from bptrain.tables.sources.decoding import LONGEST, detect_encoding, open_text
from bptrain.tables.table import is_number, quote

FIRST_LINES = 20
"""Lines at the beginning that a delimiter should divide into the same number of values."""

COMMENTS = ("#", "%")
"""How comments begin that are found without being asked for."""

LEAST_NUMBERED = 5
"""A column of 1, 2, 3, ... without a name in the header is taken for an index if it has at least this many rows."""

SEPARATOR = re.compile(r"\"?sep=([^\r\n\"])\"?\r?\n", re.I)
"""The first line by which Excel is told the delimiter."""

MOST_SAMPLED, LEAST_SAMPLED = 50_000, 3
"""At most so many values, but at least so many rows, tell whether the first line is one of them."""


def resolve_format(path: Path, wanted: CsvFormat) -> tuple[CsvFormat, list[str], list[str]]:
    """Return the format of a file with no option left to guess, the names of its columns, and notes on how it is read.

    Raises:
        InputError: there is no such file, it is empty, or its first line cannot be read.
        StorageError: it cannot be read.
    """
    found = replace(wanted, encoding=detect_encoding(path, wanted.encoding))
    start = read_beginning(path, found.encoding)
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
    notes = describe_guesses(wanted, found)
    if not found.header:
        return found, [f"column_{k + 1}" for k in range(len(first))], notes
    other = next((mark for mark in DELIMITERS if mark in first[0] and mark != found.delimiter), None)
    if other and len(first) == 1 and not (found.quote and start.startswith(found.quote)):
        what = f"the header is one column, {quote(first[0])}, and {NAMES.get(other, repr(other))} would divide it"
        raise InputError(f"{path}:1: {what}; write delimiter: {'auto' if other == chr(9) else repr(other)}")
    names = name_columns(first, found)
    if is_data(start, found):
        notes.append(f"the first line looks like data, not names ({list_some(first)}); write header: false if it is")
    given = ["", *first] if found.has_index else first
    if renamed := [(k, name) for k, name in enumerate(names) if name != given[k]]:
        which = ", ".join(f"column {k + 1} is called {quote(name)}" for k, name in renamed[:3])
        notes.append(f"the header has no name for every column: {which}{', ...' if len(renamed) > 3 else ''}")
    return found, names, notes


def is_data(start: str, form: CsvFormat) -> bool:
    """Tell whether the first line of a file is plainly a row and not the names of columns."""
    records = sample_records(start, form)
    if len(records) <= LEAST_SAMPLED or form.has_index:
        return False
    return classify_first_line(records[0], records[1:], form) == "data"


def sample_records(start: str, form: CsvFormat) -> list[list[str]]:
    """Return the first records of a file, not all if it has many values."""
    records, values = list[list[str]](), 0
    try:
        for record in filter(None, form.read_records(write_plain_lines(start, form))):
            records.append(record)
            values += len(record)
            if values > MOST_SAMPLED and len(records) > LEAST_SAMPLED:
                return records
    except csv.Error:
        return records
    # The last line may be cut.
    return records if len(start) < LONGEST else records[:-1]


def list_some(values: Sequence[str]) -> str:
    """Return the first of some values for a message."""
    return ", ".join(map(quote, values[:3])) + (", ..." if len(values) > 3 else "")


def read_beginning(path: Path, encoding: str) -> str:
    """Read the text at the beginning of a file.

    Raises:
        StorageError: it cannot be read.
    """
    with report_read_errors(path), open_text(path, encoding) as text:
        return text.read(LONGEST)


def describe_guesses(wanted: CsvFormat, found: CsvFormat) -> list[str]:
    """Return what was found in a file and not asked for, except for the usual delimiters, as notes."""
    notes = []
    if wanted.comment == "auto" and found.comment:
        mark = found.comment
        notes.append(f"lines that begin with {mark} are comments and are not read; write comment: '' to read them")
    if wanted.delimiter == "auto" and found.delimiter == " ":
        notes.append("the values are divided at spaces; write delimiter: ',' if each line is a single value")
    if found.surplus:
        notes.append(
            f"each line ends with the delimiter {NAMES.get(found.delimiter, repr(found.delimiter))}, which is not read"
        )
    return notes


def name_columns(header: Sequence[str], form: CsvFormat) -> list[str]:
    """Return the names of a header, with one for each column that has none: `index` for the first one."""
    names = ["", *header] if form.has_index else list(header)
    if len(names) > 1:
        free = "index" if "index" not in names else "column_1"
        names = [name if name.strip() else f"column_{k + 1}" if k else free for k, name in enumerate(names)]
    return names


def drop_lines(start: str, form: CsvFormat) -> Iterator[str]:
    """Yield the lines at the beginning of a file that are neither skipped nor comments."""
    for number, line in enumerate(io.StringIO(start, newline=""), 1):
        if number > form.skip and not (form.comment and line.startswith(form.comment)):
            yield line


def write_plain_lines(start: str, form: CsvFormat) -> Iterator[str]:
    """Yield the lines at the beginning of a file as plain CSV."""
    inside = 0
    for line in drop_lines(start, form):
        plain = line if inside or form.is_plain else form.write_plain(line)
        inside = (inside + plain.count(form.quote)) % 2 if form.quote else 0
        yield plain


def guess_comment(start: str, form: CsvFormat) -> str:
    """Return how the comments begin with which a file begins: lines that are not divided as the first line after them
    is. Empty: it does not begin with comments."""
    lines = list(islice(io.StringIO(start, newline=""), form.skip, form.skip + 1000))
    found = lines[0][:1] if lines else ""
    if found not in COMMENTS:
        return ""
    count = next((k for k, line in enumerate(lines) if not line.startswith(found)), 0)
    if not count:
        return ""
    marks = [mark for mark in (*DELIMITERS, " ") if mark in lines[count]]
    is_header = count == 1 and any(lines[0].count(mark) == lines[1].count(mark) for mark in marks)
    return "" if is_header or (count == 1 and not marks and lines[1].strip()) else found


def guess_delimiter(lines: Sequence[str], wanted: CsvFormat) -> tuple[str, bool]:
    """Return the character that most often divides the first line, outside quotes, and whether that is doubtful; one
    that divides the next lines into as many values is preferred. Spaces count where nothing else divides all lines."""
    lines = remove_quoted_text(lines, wanted.quote)
    counts = {mark: lines[0].count(mark) for mark in DELIMITERS if lines and mark in lines[0]}
    even = {mark: count for mark, count in counts.items() if {line.count(mark) for line in lines} == {count}}
    if not even and not set(counts) - {"\t"} and are_divided_by_spaces(lines):
        return " ", True
    pool = even or counts or {",": 0}
    if len(pool) > 1 and (wanted.decimal == "," or not wanted.header):
        # It may be a decimal comma.
        pool.pop(",", None)
    return max(pool, key=lambda mark: pool[mark]), len(counts) != 1


def remove_quoted_text(lines: Sequence[str], quote: str) -> list[str]:
    """Return the first lines that are not blank with one quote character for each quoted text."""
    text = "".join(lines)
    outside = quote.join(text.split(quote)[::2]) if quote else text
    return [line for line in islice(io.StringIO(outside), FIRST_LINES) if line.strip()]


def are_divided_by_spaces(lines: Sequence[str]) -> bool:
    """Tell whether spaces divide all lines into as many values, except that the first may lack one, the name of an
    index; and whether these are no words of a sentence, since some are numbers, or several spaces divide them."""
    first, *rows = (line.split() for line in lines) if lines else ([],)
    widths = {len(row) for row in rows} or {len(first)}
    if len(first) < 2 or len(widths) > 1 or min(widths) - len(first) not in (0, 1):
        return False
    has_numbers = any(all(map(is_number, column)) for column in zip(*(rows or [first]), strict=True))
    return has_numbers or all(re.search(r"\S[ \t]{2,}\S", line) for line in lines)


def find_habits(lines: Sequence[str], form: CsvFormat) -> CsvFormat:
    """Return a format that knows how the first lines differ from plain CSV."""
    if form.quote and form.delimiter != " ":
        mark = re.escape(form.quote)
        spaced = re.compile(f"{re.escape(form.delimiter)} +{mark}")
        outside = (re.sub(f"{mark}[^{mark}]*{mark}", lambda _: form.quote, line) for line in lines)
        form = replace(form, is_spaced=any(spaced.search(line) for line in outside))
    try:
        records = [one for one in form.read_records([form.write_plain(line) for line in lines], strict=True) if one]
    except csv.Error:
        return form
    if len(records) < 3 - (not form.header):
        return form
    header, rows = records[0], records[form.header : FIRST_LINES]
    if len(header) < 2 or len({len(row) for row in rows}) > 1:
        return form
    more, empty = len(rows[0]) - len(header), min(map(count_empty_end, rows))
    if form.delimiter != " " and more in (0, 1) and (surplus := more or min(empty, count_empty_end(header))) <= empty:
        form = replace(form, surplus=surplus)
    is_short = form.header and more == 1 and not form.surplus
    return replace(form, has_index=is_short and is_index([row[0] for row in rows]))


def count_empty_end(values: Sequence[str]) -> int:
    """Return how many values at the end are empty, the first value aside."""
    return next((k for k, value in enumerate(values[:0:-1]) if value), len(values) - 1)


def is_index(values: Sequence[str]) -> bool:
    """Tell whether the first values of the rows number or name them, as R's `write.table` does."""
    if all(value.isdecimal() for value in values):
        first = int(values[0])
        return len(values) >= LEAST_NUMBERED and [int(value) for value in values] == list(
            range(first, first + len(values))
        )
    is_text = not any(re.fullmatch(r"[-+.,\d]*", value) for value in values)
    return is_text and len(set(values)) == len(values)
