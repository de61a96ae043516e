"""Reading CSV files with DuckDB: explicitly typed, and never losing a row.

DuckDB reads a large file twice: once with every column as text, which finds the columns of numbers, and once with the
types so found; a small one once, with the types of its first rows, if those fit all rows. Its own sniffer is not used,
because it drops the rows that do not fit its guess. Another, independent pass counts the delimiters and the lines.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.tables.files import is_gzipped, match_files
from bptrain.tables.names import match_names
from bptrain.tables.source import Chunks
from bptrain.tables.sources.csv_text.csv_file import CsvFile, describe_ragged
from bptrain.tables.sources.csv_text.csv_format import CsvFormat
from bptrain.tables.sources.csv_text.csv_layout import resolve_format
from bptrain.tables.sources.csv_text.csv_lines import ODD, CsvLines, count_odd, read_rows, scan, write_plain_copy
from bptrain.tables.sources.decoding import ensure_utf8
from bptrain.tables.sources.duck import check_names, connect, fetch, quote_name, quote_text, report_errors
from bptrain.tables.table import is_number, quote
from bptrain.tables.values import find_missing

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SMALL_BYTES = 1 << 25
"""Files of at most this size together are read in one pass, into memory."""

MOST_SAMPLED, LEAST_SAMPLED = 200_000, 100
"""At most so many values, but at least so many of the first rows, tell which columns of a small file are numbers."""


def open_csv(path: Path, form: CsvFormat) -> Chunks:
    """Open a file, or several of one header one after the other, checked before the first row is read.

    Args:
        path: of the file, gzipped if it ends in `.gz`; or a pattern with `*`, `?` or `[...]`, whose files are read in
            the order of their names.
        form: how it is written.

    Raises:
        InputError: no such file, no header, no rows, two columns of one name, or a line that does not fit the header;
            the message names the line.
        StorageError: the file is there and cannot be read.
    """
    with ExitStack() as stack:
        files = [open_one(one, form, stack) for one in match_files(path)]
        notes = [note for file in files for note in file.notes]
        notes += [note for file in files[1:] for note in compare_headers(file, files[0])]
        database = stack.enter_context(connect())
        tables = read_small(database, files)
        if tables:
            numeric = {name for name, values in tables[0].items() if values.dtype != object}
            counts = [len(next(iter(table.values()))) for table in tables]
        else:
            numeric, counts = find_numeric_columns(database, files)
        for file, count in zip(files, counts, strict=True):
            check_rows(file, count)
        opened = stack.pop_all()

    def read(names: Sequence[str], rows: int) -> Iterator[Mapping[str, Array]]:
        for k, (file, count) in enumerate(zip(files, counts, strict=True)):
            if tables:
                for start in range(0, count, rows):
                    yield {name: tables[k][name][start : start + rows] for name in names}
                continue
            found = 0
            for columns in fetch_chunks(database, file, names, numeric, rows if rows < count else None):
                found += len(columns[names[0]])
                yield columns
            if found != count:
                raise InputError(f"{file.path}: it changed while it was read; try again")

    first = files[0]
    place = CsvLines(tuple((file.path, file.form, count) for file, count in zip(files, counts, strict=True)))
    return Chunks(
        str(path), tuple(first.names), sum(counts), read, place, first.form.decimal, notes=tuple(notes), opened=opened
    )


def open_one(path: Path, wanted: CsvFormat, stack: ExitStack) -> CsvFile:
    """Return a file with its format, its columns and its counts."""
    form, names, notes = resolve_format(path, wanted)
    copy = stack.enter_context(ensure_utf8(path, form.encoding))
    tally = scan(copy, path, form, names)
    if tally.is_spaced and len(names) > 1:
        form = replace(form, is_spaced=True)
    if not form.is_plain:
        copy = stack.enter_context(write_plain_copy(path, form))
        tally = scan(copy, path, form, names)
    try:
        check_names(names, f"{path}:{form.skip + 1}")
    except InputError as error:
        doubt = next((one for one in notes if "header: false" in one), None)
        raise InputError(f"{error}; {doubt}" if doubt else str(error)) from None
    return CsvFile(path, copy, form, names, tally, [f"{path}: {one}" for one in notes])


def compare_headers(file: CsvFile, first: CsvFile) -> list[str]:
    """Return a note if a file has the columns of the first one in another order.

    Raises:
        InputError: it has others.
    """
    if file.names == first.names:
        return []
    if sorted(file.names) == sorted(first.names):
        return [f"{file.path}: its columns are in another order than those of {first.path}; they are matched by name"]
    k = next((k for k, (a, b) in enumerate(zip(file.names, first.names, strict=False)) if a != b), None)
    if k is None:
        differs = f"{len(file.names)} columns and not {len(first.names)}"
    else:
        differs = f"column {k + 1} is {quote(file.names[k])} and not {quote(first.names[k])}"
    what = f"the header differs from that of {first.path} ({differs})"
    raise InputError(f"{file.path}:1: {what}; files that are read together need the same header")


def read_small(database: "DuckDBPyConnection", files: list[CsvFile]) -> list[dict[str, Array]]:
    """Read small files in one pass, with the types that their first rows have; an empty list if they are not small, or
    if some rows have other types."""
    size = sum(file.copy.stat().st_size for file in files)
    if size > SMALL_BYTES or not all(file.has_plain_numbers and not is_gzipped(file.copy) for file in files):
        return []
    try:
        guess = guess_numeric(files[0])
        if guess is None or any(has_odd_numbers(file) for file in files):
            return []
        numeric, empty = guess
        tables = [next(fetch_chunks(database, file, file.names, numeric, None)) for file in files]
    except InputError:
        # The pass over text says what is wrong.
        return []
    unsure = any(np.isnan(table[name]).all() for table in tables for name in numeric)
    unsure = unsure or any(not find_missing(table[name]).all() for table in tables for name in empty)
    return [] if unsure else tables


def guess_numeric(file: CsvFile) -> tuple[set[str], set[str]] | None:
    """Return the columns whose values in the first rows are numbers, and those that are empty there; None if these rows
    do not decide it."""
    missing = {*file.form.absent}
    count = max(LEAST_SAMPLED, MOST_SAMPLED // len(file.names))
    rows = [row for _, row in islice(read_rows(file.path, file.form), count)]
    numeric, empty = set[str](), set[str]()
    for name, values in zip(file.names, zip(*rows, strict=False), strict=False):
        present = [value for value in values if value not in missing]
        wrong = next((value for value in present if not is_number(value)), None)
        if not present:
            empty.add(name)
        elif wrong is None:
            numeric.add(name)
        elif is_float(wrong):
            return None
    text = find_text(file)
    return numeric - text, empty - text


def find_text(file: CsvFile) -> set[str]:
    """Return the columns that are to be read as text, by any spelling of their names."""
    return {*file.form.text, *match_names(file.names, file.form.text)}


def is_float(text: str) -> bool:
    """Tell whether Python, or DuckDB, may take a text for a number: inf, nan or 1_000."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def has_odd_numbers(file: CsvFile) -> bool:
    """Tell whether a file may have texts, elsewhere than in its header, that DuckDB alone takes for numbers."""
    return file.tally.odd > sum(count_odd(name.encode()) for name in file.names if file.form.header)


def find_numeric_columns(database: "DuckDBPyConnection", files: list[CsvFile]) -> tuple[set[str], list[int]]:
    """Return the columns in which every value is a number or missing, in all files, except for those to be read as
    text; and the number of rows of each file."""
    names = files[0].names
    counts, rows = np.zeros(2 * len(names), np.int64), []
    for file in files:
        tests = ", ".join(f"count({quote_name(name)}), count({file.write_number(name)})" for name in names)
        found = execute(database, file, f"count(*), {tests}", dict.fromkeys(file.names, "VARCHAR")).fetchone()
        rows.append(found[0])
        counts += found[1:]
    pairs = zip(names, counts[::2], counts[1::2], strict=True)
    numeric = {name for name, present, numbers in pairs if numbers == present > 0} - find_text(files[0])
    for file in files:
        if numeric and has_odd_numbers(file):
            # Tested together with the numbers, this would take DuckDB time that grows with the square of the columns.
            tested = list(numeric)
            each = (file.write_text(name) for name in tested)
            tests = ", ".join(f"bool_or({' OR '.join(f'contains({q}, {quote_text(o)})' for o in ODD)})" for q in each)
            found = execute(database, file, tests, dict.fromkeys(file.names, "VARCHAR")).fetchone()
            numeric -= {name for name, has_one in zip(tested, found, strict=True) if has_one}
    return numeric, rows


def fetch_chunks(
    database: "DuckDBPyConnection", file: CsvFile, names: Sequence[str], numeric: set[str], rows: int | None
) -> Iterator[dict[str, Array]]:
    """Yield some columns of a file at most `rows` rows at a time; None: all at once, which is faster."""
    # DuckDB reads numbers faster as numbers than as text; but it knows no decimal sign other than the point.
    direct = file.has_plain_numbers
    types = {name: "DOUBLE" if direct and name in numeric else "VARCHAR" for name in file.names}
    each = (file.write_number(name) if name in numeric else file.write_text(name) for name in names)
    # For a list of all names, DuckDB takes a time that grows with their square.
    chosen = "*" if direct and list(names) == file.names else ", ".join(map(quote_name, names) if direct else each)
    found = execute(database, file, chosen, types)
    with report_errors(file.describe):
        if rows is None:
            yield fetch(found, names, numeric)
            return
        while cells := found.fetchmany(rows):
            columns = zip(names, zip(*cells, strict=True), strict=True)
            yield {name: np.array(one, float if name in numeric else object) for name, one in columns}


def execute(database: "DuckDBPyConnection", file: CsvFile, what: str, types: dict[str, str]) -> Any:
    """Execute a statement over a file."""
    with report_errors(file.describe):
        return database.execute(*file.write_query(what, types))


def check_rows(file: CsvFile, count: int) -> None:
    """Check that a file has rows, and that DuckDB has read all of them."""
    if not count and file.tally.lines > 1 and any("\n" in name or "\r" in name for name in file.names):
        what = "the line ends of the rows differ from the line breaks in the names of columns"
        raise InputError(f"{file.path}:1: {what}; take the line breaks out of the names")
    if not count:
        raise InputError(f"{file.path}:2: the file has a header and no rows; add at least one")
    rows, width = count + file.form.header, len(file.names)
    if file.tally.delimiters == (width - 1) * rows and (width > 1 or file.tally.lines == rows):
        return
    # The counts are wrong where quotes are inside a value, and so all may still be well.
    number = 0
    for number, (line, record) in enumerate(read_rows(file.path, file.form), 1):  # noqa: B007
        if len(record) != width:
            raise describe_ragged(file, line, len(record))
    if number != count:
        raise InputError(f"{file.path}: the file has {number:,} rows, but {count:,} could be read; check its quotes")
