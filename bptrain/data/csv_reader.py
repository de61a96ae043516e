"""Reading CSV files with DuckDB: explicitly typed, and never losing a row.

The file is passed over twice: once with every column as text, which finds the columns that are numbers all through
(and stops at the first ragged line), once with the types so found. DuckDB's own sniffer is not used, because it drops
the rows that do not fit its guess.
"""

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.data.table import Table, shown
from bptrain.errors import InputError

OPTIONS = """auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', strict_mode = true"""


def read_csv(path: Path) -> Table:
    """The whole file as a table.

    Args:
        path: comma-separated UTF-8 with a header line; gzipped if it ends in `.gz`.

    Raises:
        InputError: no such file, no header, no rows, two columns of one name, or a line that does not fit the header;
            the message names the line.
    """
    names = header(path)
    with connection() as database:
        try:
            numeric = numeric_columns(database, path, names)
            types = {name: "DOUBLE" if name in numeric else "VARCHAR" for name in names}
            fetched = database.execute(*query("*", path, types)).fetchnumpy()
        except Exception as error:
            raise refused(path, error) from None
    columns = {name: filled(fetched[name], name in numeric) for name in names}
    if not len(columns[names[0]]):
        raise InputError(f"{path}:2: the file has a header and no rows; add at least one")
    return Table(columns, origin=str(path), path=path)


def connection() -> Any:
    """An in-memory DuckDB that never downloads anything."""
    import duckdb

    return duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )


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
        InputError: the file cannot be opened, is empty or not text, or names a column twice or not at all.
    """
    import gzip

    if not path.is_file():
        raise InputError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        # Bytes that are not UTF-8 further down are found later, with their line.
        with opener(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            names = next(csv.reader(lines, strict=True), [])
        "".join(names).encode()
    except (OSError, EOFError, UnicodeEncodeError, csv.Error) as error:
        what = "it is not UTF-8 text" if isinstance(error, UnicodeEncodeError) else str(error)
        raise InputError(f"{path}:1: cannot read the header ({what}); the file must be UTF-8 text") from None
    if not names:
        raise InputError(f"{path}:1: the file is empty; the first line must name the columns")
    for k, name in enumerate(names):
        if not name.strip():
            raise InputError(f"{path}:1: column {k + 1} has no name")
        if name.lower() in (other.lower() for other in names[:k]):
            raise InputError(f"{path}:1: two columns are named {shown(name)}; rename one")
    return names


def numeric_columns(database: Any, path: Path, names: list[str]) -> set[str]:
    """The columns in which every value that is not empty is a number."""
    tests = ", ".join(f"count({q}) = count(try_cast({q} AS DOUBLE)) AND count({q}) > 0" for q in map(quoted, names))
    flags = database.execute(*query(tests, path, dict.fromkeys(names, "VARCHAR"))).fetchone()
    return {name for name, flag in zip(names, flags, strict=True) if flag}


def filled(column: Any, numeric: bool) -> Array:
    """A fetched column with its missing entries as NaN or None."""
    if numeric:
        return np.ma.filled(column.astype(np.float64), np.nan)
    values = np.ma.getdata(column).astype(object)
    values[np.ma.getmaskarray(column)] = None
    return values


def refused(path: Path, error: Exception) -> InputError:
    """DuckDB's complaint about a file as one line of ours."""
    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    where = f"{path}:{line[1]}" if line else str(path)
    if found := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text):
        more = "too many; quote values that contain commas" if int(found[2]) > int(found[1]) else "too few"
        return InputError(f"{where}: the line has {found[2]} values and the header {found[1]}: {more}")
    if "unterminated quote" in text:
        return InputError(f"{where}: a quote is opened and never closed; close it, or double it to mean the character")
    if "not utf-8" in text or "unicode" in text.lower():
        return InputError(f"{where}: the file is not UTF-8 text; save it as UTF-8")
    return InputError(f"{where}: cannot be read as CSV ({text.splitlines()[0]})")
