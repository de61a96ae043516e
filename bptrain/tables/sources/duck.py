"""DuckDB as it is used here: in memory, without extensions from outside, its columns as arrays."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.tables.table import quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def connect() -> "DuckDBPyConnection":
    """A database of its own, which nothing is fetched from the network for."""
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


def literal(path: Path) -> str:
    """A path as DuckDB takes it: it expands wildcards, and brackets make each of them stand for itself."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def quote_name(name: str, mark: str = '"') -> str:
    """A name as SQL writes it between marks."""
    return mark + name.replace(mark, mark * 2) + mark


def fill_missing(column: Any, numeric: bool) -> Array:
    """A fetched column with its missing entries as NaN or None."""
    if numeric:
        return np.ma.filled(column.astype(np.float64), np.nan)
    values = np.ma.getdata(column).astype(object)
    values[np.ma.getmaskarray(column)] = None
    return values


def check_names(names: list[str], where: object, what: str = "column") -> None:
    """Refuse names that cannot tell columns apart.

    Raises:
        InputError: one is empty, or is there twice, in capital letters or not.
    """
    seen: dict[str, str] = {}
    for k, name in enumerate(names):
        if not name.strip() or "\0" in name:
            raise InputError(f"{where}: {what} {k + 1} has no usable name (got {quote(name)}); write one")
        if name.lower() in seen:
            both = "" if seen[name.lower()] == name else f" and {quote(seen[name.lower()])}"
            raise InputError(f"{where}: two {what}s are named {quote(name)}{both}; rename one")
        seen[name.lower()] = name
