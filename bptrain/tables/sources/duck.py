"""DuckDB as it is used here: in memory, without extensions from outside, its columns as arrays."""

import re
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.tables.table import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def connect() -> "DuckDBPyConnection":
    """Open a database in memory, for which nothing is fetched from the network."""
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "enable_external_file_cache": False,
    }
    database = duckdb.connect(":memory:", config=settings)
    # It would go to stdout after two seconds.
    database.execute("SET enable_progress_bar = false; SET enable_progress_bar_print = false")
    return database


@contextmanager
def report_errors(describe: Callable[[str], InputError]) -> Iterator[None]:
    """Turn an error of DuckDB, by its text, into the one that `describe` returns.

    Raises:
        InputError: there was one.
    """
    import duckdb

    try:
        yield
    except (duckdb.Error, UnicodeError) as error:
        raise describe(str(error)) from None


def escape_path(path: Path) -> str:
    """Return a path in which DuckDB finds no wildcards: brackets make each of their characters stand for itself."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def quote_name(name: str) -> str:
    """Write the name of a column in SQL."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Write a text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def fetch(found: Any, names: Sequence[str], numeric: Container[str]) -> dict[str, Array]:
    """Fetch all rows of an executed statement as columns of those names: NaN or None where a value is missing."""
    columns = found.fetchnumpy()
    keys = list(columns)
    return {name: fill_missing(columns.pop(key), name in numeric) for name, key in zip(names, keys, strict=True)}


def fill_missing(column: Any, numeric: bool) -> Array:
    """Return a fetched column with NaN or None for missing values."""
    if numeric:
        return np.ma.filled(column.astype(np.float64), np.nan)
    values = np.ma.getdata(column).astype(object)
    values[np.ma.getmaskarray(column)] = None
    return values


def check_names(names: Sequence[str], where: object, what: str = "column") -> None:
    """Check that names tell columns apart.

    Raises:
        InputError: one is empty, or two are the same but for capital letters.
    """
    seen: dict[str, str] = {}
    for k, name in enumerate(names):
        if not name.strip() or "\0" in name:
            raise InputError(f"{where}: {what} {k + 1} has no usable name (got {quote(name)}); give it one")
        if name.lower() in seen:
            both = "" if seen[name.lower()] == name else f" and {quote(seen[name.lower()])}"
            raise InputError(f"{where}: two {what}s are named {quote(name)}{both}; rename one")
        seen[name.lower()] = name
