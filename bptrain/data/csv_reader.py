"""Reading CSV files with DuckDB: explicitly typed, and never losing a row.

DuckDB passes over the file twice: once with every column as text, which finds the columns that are numbers all through,
once with the types so found. Its own sniffer is not used, because it drops the rows that do not fit its guess. A third,
independent pass counts the delimiters, because DuckDB takes surplus empty values at the end of a line without a word.
"""

import csv
import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from bptrain.arrays import Array
from bptrain.data.table import Table, shown
from bptrain.errors import InputError, StorageError

# A folder named `x=5` must not overwrite the column x, which is what DuckDB calls hive partitioning.
OPTIONS = """auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', strict_mode = true,
    hive_partitioning = false"""

CHUNK = 1 << 24

csv.field_size_limit(2**31 - 1)


def read_csv(path: Path) -> Table:
    """The whole file as a table.

    Args:
        path: comma-separated UTF-8 with a header line; gzipped if it ends in `.gz`.

    Raises:
        InputError: no such file, no header, no rows, two columns of one name, or a line that does not fit the header;
            the message names the line.
        StorageError: the file is there and cannot be read.
    """
    import duckdb

    names = header(path)
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(":memory:", config=settings) as database:
        try:
            numeric = numeric_columns(database, path, names)
            types = {name: "DOUBLE" if name in numeric else "VARCHAR" for name in names}
            fetched = database.execute(*query("*", path, types)).fetchnumpy()
        except duckdb.Error as error:
            raise refused(path, len(names), str(error)) from None
    columns = {name: filled(fetched[name], name in numeric) for name in names}
    count = len(columns[names[0]])
    if not count:
        raise InputError(f"{path}:2: the file has a header and no rows; add at least one")
    if delimiters(path) != (len(names) - 1) * (count + 1) and (ragged := first_ragged(path, len(names))):
        raise ragged
    return Table(columns, origin=str(path), path=path)


def opened(path: Path) -> IO[str]:
    """The file as text, for Python's csv module; bytes that are not UTF-8 are kept as they are."""
    opener: Any = gzip.open if path.suffix == ".gz" else open
    text: IO[str] = opener(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
    return text


def query(what: str, path: Path, types: dict[str, str]) -> tuple[str, list[Any]]:
    """A statement over the file with the given column types, and its parameters."""
    columns = ", ".join(f"{quoted(name, chr(39))}: '{kind}'" for name, kind in types.items())
    # DuckDB expands wildcards in file names; brackets make each of them stand for itself.
    literal = re.sub(r"([*?\[])", r"[\1]", str(path))
    return f"SELECT {what} FROM read_csv(?, {OPTIONS}, columns = {{{columns}}})", [literal]


def quoted(name: str, mark: str = '"') -> str:
    """A name as SQL writes it between marks."""
    return mark + name.replace(mark, mark * 2) + mark


def header(path: Path) -> list[str]:
    """The column names in the first line.

    Raises:
        InputError: there is no such file, it is empty or not text, or it names a column twice or not at all.
        StorageError: the file is there and cannot be read.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        with opened(path) as lines:
            names = next(csv.reader(lines, strict=True), [])
        "".join(names).encode()
    except (gzip.BadGzipFile, EOFError, UnicodeEncodeError, csv.Error) as error:
        what = "it is not UTF-8 text" if isinstance(error, UnicodeEncodeError) else str(error)
        raise InputError(f"{path}:1: cannot read the header ({what}); the file must be UTF-8 text") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not names:
        raise InputError(f"{path}:1: the file is empty; the first line must name the columns")
    for k, name in enumerate(names):
        if not name.strip() or "\0" in name:
            raise InputError(f"{path}:1: column {k + 1} has no usable name (got {shown(name)})")
        if name.lower() in (other.lower() for other in names[:k]):
            raise InputError(f"{path}:1: two columns are named {shown(name)}; rename one")
    return names


def numeric_columns(database: Any, path: Path, names: list[str]) -> set[str]:
    """The columns in which every value that is not empty is a number."""
    # DuckDB would take 1_000 for a number.
    numbers = "count(try_cast(replace({q}, '_', 'x') AS DOUBLE))"
    tests = ", ".join(f"count({q}) = {numbers.format(q=q)} AND count({q}) > 0" for q in map(quoted, names))
    flags = database.execute(*query(tests, path, dict.fromkeys(names, "VARCHAR"))).fetchone()
    return {name for name, flag in zip(names, flags, strict=True) if flag}


def filled(column: Any, numeric: bool) -> Array:
    """A fetched column with its missing entries as NaN or None."""
    if numeric:
        return np.ma.filled(column.astype(np.float64), np.nan)
    values = np.ma.getdata(column).astype(object)
    values[np.ma.getmaskarray(column)] = None
    return values


def delimiters(path: Path) -> int:
    """How many commas of a file stand outside quotes.

    Raises:
        InputError: a gzipped file is damaged.
    """
    opener: Any = gzip.open if path.suffix == ".gz" else open
    total, inside = 0, 0
    try:
        with opener(path, "rb") as file:
            while chunk := file.read(CHUNK):
                data = np.frombuffer(chunk, np.uint8)
                commas = data == ord(",")
                quotes = data == ord('"')
                if inside or quotes.any():
                    depth = np.cumsum(quotes, dtype=np.int64) + inside
                    commas &= depth % 2 == 0
                    inside = int(depth[-1] % 2)
                total += int(np.count_nonzero(commas))
    except (EOFError, OSError) as error:
        raise InputError(f"{path}: the file is damaged ({error})") from None
    return total


def first_ragged(path: Path, width: int) -> InputError | None:
    """What is wrong with the first line that does not have as many values as the header, found by Python's csv
    module."""
    for line, record in records(path):
        if len(record) != width:
            more = "too many; quote values that contain commas" if len(record) > width else "too few"
            return InputError(f"{path}:{line}: the line has {len(record)} values and the header {width}: {more}")
    return None


def records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The data rows of a file with the lines on which they start; quoted line breaks count as lines.

    A blank line is a missing value in a file of one column, and nothing in a wider one.
    """
    with opened(path) as lines:
        reader = csv.reader(lines)
        single = len(next(reader)) == 1
        start = reader.line_num + 1
        for record in reader:
            if record or single:
                yield start, record or [""]
            start = reader.line_num + 1


def refused(path: Path, width: int, text: str) -> InputError:
    """DuckDB's complaint about a file as one line of ours."""
    line = re.search(r"CSV Error on Line: (\d+)", text)
    where = f"{path}:{line[1]}" if line else str(path)
    if "Expected Number of Columns" in text and (ragged := first_ragged(path, width)):
        return ragged
    if "unterminated quote" in text:
        return InputError(f"{where}: a quoted value does not end where it should; double a quote to mean the character")
    if "not utf-8" in text or "unicode" in text.lower():
        return InputError(f"{where}: the file is not UTF-8 text; save it as UTF-8")
    if "state machine" in text:
        return InputError(f"{where}: not readable as CSV; line ends of both kinds may be mixed, save it with one kind")
    return InputError(f"{where}: cannot be read as CSV ({text.splitlines()[0]})")
