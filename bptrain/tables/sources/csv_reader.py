"""Reading CSV files with DuckDB: explicitly typed, and never losing a row.

DuckDB passes over the file twice: once with every column as text, which finds the columns that are numbers all through,
once with the types so found. Its own sniffer is not used, because it drops the rows that do not fit its guess. A third,
independent pass counts the delimiters and the lines.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.tables.files import is_zipped, match_files
from bptrain.tables.source import Chunks
from bptrain.tables.sources.csv_format import CsvFormat, CsvLines, find_misquoted, records, resolve_format
from bptrain.tables.sources.csv_scan import Tally, scan
from bptrain.tables.sources.decoding import LONGEST, as_utf8
from bptrain.tables.sources.duck import check_names, connect, fill_missing, literal, quote_name
from bptrain.tables.table import Table, quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BUFFER = 1 << 22
"""Bytes of a file that each of several tasks has; DuckDB would take sixteen times the longest line."""


@dataclass(frozen=True)
class CsvFile:
    """A file as it is read: the path that the user knows, the same text in UTF-8, its format, columns and counts."""

    path: Path
    copy: Path
    form: CsvFormat
    names: list[str]
    tally: Tally

    def query(self, what: str, types: dict[str, str]) -> tuple[str, list[Any]]:
        """A statement over the file with the given column types, and its parameters."""
        columns = ", ".join(f"{quote_name(name, chr(39))}: '{kind}'" for name, kind in types.items())
        form, packed = self.form, is_zipped(self.copy)
        missing = ", ".join(quote_name(text, chr(39)) for text in ("", *form.missing))
        # A folder named `x=5` must not overwrite the column x, which is what DuckDB calls hive partitioning.
        options = f"""auto_detect = false, header = {form.header}, delim = ?, quote = ?, escape = ?,
            nullstr = [{missing}], strict_mode = true, hive_partitioning = false,
            max_line_size = {LONGEST}, buffer_size = {BUFFER},
            compression = '{"gzip" if packed else "none"}'"""
        parameters = [literal(self.copy), form.delimiter, form.quote, form.quote]
        return f"SELECT {what} FROM read_csv(?, {options}, columns = {{{columns}}})", parameters

    def number(self, name: str) -> str:
        """A text column as numbers in SQL, NULL where it has none; with a decimal point also 1_000 is one."""
        q = quote_name(name)
        text = q if self.form.decimal == "." else f"translate({q}, ',._', '.xx')"
        return f"try_cast({text} AS DOUBLE)"

    @property
    def has_underscores(self) -> bool:
        """Whether there are underscores in its rows."""
        return self.tally.underscores > sum(name.count("_") for name in self.names if self.form.header)


def read_csv(path: Path, form: CsvFormat | None = None) -> Table:
    """Read a whole file into memory; arguments and errors are those of `open_csv`."""
    return open_csv(path, form or CsvFormat()).load()


def open_csv(path: Path, form: CsvFormat) -> Chunks:
    """Open a file, or several of one header one after the other, looked through before the first row.

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
        files = look_at_files(path, form, stack)
        database = stack.enter_context(connect())
        numeric, counts = numeric_columns(database, files)
        for file, count in zip(files, counts, strict=True):
            check_rows_read(file, count)
        opened = stack.pop_all()

    def read(names: Sequence[str], rows: int) -> Iterator[Mapping[str, Array]]:
        for file, count in zip(files, counts, strict=True):
            found = 0
            for columns in fetch_chunks(database, file, names, numeric, rows if rows < count else None):
                found += len(columns[names[0]])
                yield columns
            if found != count:
                raise InputError(f"{file.path}: it changed while it was read; try again")

    first = files[0]
    place = places_of(files, counts)
    return Chunks(str(path), tuple(first.names), sum(counts), read, place, first.form.decimal, opened=opened)


def places_of(files: list[CsvFile], counts: list[int]) -> CsvLines:
    """Tells file and line of a row of several files, one after the other, with so many rows each."""
    return CsvLines(tuple((file.path, file.form, count) for file, count in zip(files, counts, strict=True)))


def look_at_files(path: Path, wanted: CsvFormat, stack: ExitStack) -> list[CsvFile]:
    """The file of that name, or all that match it as a pattern, looked through.

    Raises:
        InputError: there is none, one cannot be read as CSV, or their headers differ.
        StorageError: one cannot be read.
    """
    files = [look_at_file(one, wanted, stack) for one in match_files(path)]
    for file in files[1:]:
        check_same_header(file, files[0])
    return files


def look_at_file(path: Path, wanted: CsvFormat, stack: ExitStack) -> CsvFile:
    """A file with its format and its columns, looked through.

    Raises:
        InputError: it cannot be read as CSV.
        StorageError: it cannot be read.
    """
    form, names = resolve_format(path, wanted)
    copy = stack.enter_context(as_utf8(path, form.encoding))
    tally = scan(copy, path, form, names)
    check_names(names, f"{path}:1")
    return CsvFile(path, copy, form, names, tally)


def check_same_header(file: CsvFile, first: CsvFile) -> None:
    """Refuse a file whose columns are not those of the first one, in the same order."""
    if file.names == first.names:
        return
    k = next((k for k, (a, b) in enumerate(zip(file.names, first.names, strict=False)) if a != b), None)
    if k is None:
        differs = f"{len(file.names)} columns and not {len(first.names)}"
    else:
        differs = f"column {k + 1} is {quote(file.names[k])} and not {quote(first.names[k])}"
    what = f"the header is another than that of {first.path} ({differs})"
    raise InputError(f"{file.path}:1: {what}; files that are read together need the same header")


def numeric_columns(database: "DuckDBPyConnection", files: list[CsvFile]) -> tuple[set[str], list[int]]:
    """The columns in which every value that is not missing is a number, in all files, but for those that are to be
    read as text; and the rows of each file."""
    names = files[0].names
    counts, rows = np.zeros(2 * len(names), np.int64), []
    for file in files:
        tests = ", ".join(f"count({quote_name(name)}), count({file.number(name)})" for name in names)
        found = execute_over(database, file, f"count(*), {tests}", dict.fromkeys(names, "VARCHAR")).fetchone()
        rows.append(found[0])
        counts += found[1:]
    pairs = zip(names, counts[::2], counts[1::2], strict=True)
    numeric = {name for name, present, numbers in pairs if numbers == present > 0} - set(files[0].form.text)
    for file in files:
        if file.has_underscores and file.form.decimal == "." and numeric:
            numeric -= find_underscores(database, file, numeric)
    return numeric, rows


def find_underscores(database: "DuckDBPyConnection", file: CsvFile, names: set[str]) -> set[str]:
    """Those of the columns with an underscore in a value: DuckDB takes 1_000 for a number.

    To ask for it together with the numbers takes DuckDB time that grows with the square of the columns.
    """
    tests = ", ".join(f"bool_or(contains({quote_name(name)}, '_'))" for name in names)
    found = execute_over(database, file, tests, dict.fromkeys(file.names, "VARCHAR")).fetchone()
    return {name for name, has_one in zip(names, found, strict=True) if has_one}


def fetch_chunks(
    database: "DuckDBPyConnection", file: CsvFile, names: Sequence[str], numeric: set[str], rows: int | None
) -> Iterator[dict[str, Array]]:
    """Yield some columns of a file so many rows at a time; None: all at once, which is faster.

    Raises:
        InputError: it is no longer as it was.
    """
    import duckdb

    found = execute_over(database, file, *select_columns(file, names, numeric))
    try:
        if rows is None:
            columns = found.fetchnumpy()
            yield {name: fill_missing(columns.pop(name), name in numeric) for name in names}
            return
        while cells := found.fetchmany(rows):
            columns = zip(names, zip(*cells, strict=True), strict=True)
            yield {name: np.array(one, float if name in numeric else object) for name, one in columns}
    except duckdb.Error as error:
        raise describe_refused(file, str(error)) from None


def select_columns(file: CsvFile, names: Iterable[str], numeric: set[str]) -> tuple[str, dict[str, str]]:
    """What a statement selects to fetch some columns of a file, and the types of all."""
    # DuckDB reads a number faster where it knows that it is one, and knows no other sign than the point.
    direct = file.form.decimal == "."
    types = {name: "DOUBLE" if direct and name in numeric else "VARCHAR" for name in file.names}
    chosen = [quote_name(n) if direct or n not in numeric else f"{file.number(n)} AS {quote_name(n)}" for n in names]
    return ", ".join(chosen), types


def execute_over(database: "DuckDBPyConnection", file: CsvFile, what: str, types: dict[str, str]) -> Any:
    """A statement over the file, executed.

    Raises:
        InputError: DuckDB cannot read the file.
    """
    import duckdb

    try:
        return database.execute(*file.query(what, types))
    except duckdb.Error as error:
        raise describe_refused(file, str(error)) from None


def check_rows_read(file: CsvFile, count: int) -> None:
    """Refuse a file without rows, or of which DuckDB has read other rows than it has.

    Raises:
        InputError: it is one; the message names the first such line.
    """
    if not count and file.tally.lines > 1 and any("\n" in name or "\r" in name for name in file.names):
        what = "the rows end in other line ends than stand in the names of columns"
        raise InputError(f"{file.path}:1: {what}; take the line breaks out of the names")
    if not count:
        raise InputError(f"{file.path}:2: the file has a header and no rows; add at least one")
    rows, width = count + file.form.header, len(file.names)
    if file.tally.delimiters == (width - 1) * rows and (width > 1 or file.tally.lines == rows):
        return
    # Counting takes quotes inside of values for more than they are, and so this may still be well.
    number = 0
    for number, (line, record) in enumerate(records(file.path, file.form), 1):  # noqa: B007
        if len(record) != width:
            raise describe_ragged(file, line, len(record))
    if number != count:
        raise InputError(f"{file.path}: the file has {number:,} rows, and {count:,} could be read; look at its quotes")


def find_ragged(file: CsvFile) -> InputError | None:
    """What is wrong with the first line that does not have as many values as the header, if there is one."""
    wide = (one for one in records(file.path, file.form) if len(one[1]) != len(file.names))
    found = next(wide, None)
    return found and describe_ragged(file, found[0], len(found[1]))


def describe_ragged(file: CsvFile, line: int, count: int) -> InputError:
    """What is wrong with a line of so many values."""
    names, form = file.names, file.form
    if count < len(names):
        where, what = f"{file.path}:{line}: {names[count]}", "too few"
    else:
        where, what = f"{file.path}:{line}", f"too many; quote values that contain '{form.delimiter}'"
        if form.delimiter == "," and len(names) > 1:
            what += ", as decimal commas do"
    first = "header" if form.header else "first line"
    return InputError(f"{where}: the line has {count} values and the {first} {len(names)}: {what}{form.advice}")


def describe_refused(file: CsvFile, text: str) -> InputError:
    """DuckDB's complaint about a file as one line of ours."""
    found = re.search(r"CSV Error on Line: (\d+)", text)
    line = int(found[1]) if found else 0
    where = f"{file.path}:{line}" if line else str(file.path)
    if "Expected Number of Columns" in text and (error := find_ragged(file)):
        return error
    if "unterminated quote" in text:
        k = find_misquoted(file.path, file.form, line) if line else None
        column = f" {file.names[k]}:" if k is not None and k < len(file.names) else ""
        what = "a quoted value does not end where it should; double a quote to mean the character"
        return InputError(f"{where}:{column} {what}, or write quote: '' where quotes mean nothing")
    if "Maximum line size" in text:
        what = f"a line of more than {LONGEST:,} bytes; look for a quote that is not closed"
        return InputError(f"{where}: {what}")
    return InputError(f"{where}: cannot be read as CSV ({quote(text.splitlines()[0])})")
