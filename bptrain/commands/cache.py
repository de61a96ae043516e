"""`bptrain cache`"""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bptrain.tables.cache import MOST_BYTES, ROWS_SUFFIX, get_folder, is_unfinished, list_files, report_folder_errors
from bptrain.tables.mapped import ARRAYS, TABLE, UNREADABLE, read_end


@dataclass(frozen=True)
class CachedTable:
    """A cached table.

    Attributes:
        path: of its file in the cache.
        files: the files that it was read from.
        source: the format of these files, `encoded rows` for the rows of a model, or `damaged` for an unreadable file.
        rows: of the table.
        columns: of the table.
        bytes: of its file.
        used: when it was last used, in seconds since 1970.
    """

    path: str
    files: tuple[str, ...]
    source: str
    rows: int
    columns: int
    bytes: int
    used: float


@dataclass(frozen=True)
class Contents:
    """The contents of the cache.

    Attributes:
        folder: of the cache.
        tables: all cached tables, the most recently used first.
        limit: the most bytes that the tables may take together.
    """

    folder: str
    tables: tuple[CachedTable, ...]
    limit: int

    @property
    def bytes(self) -> int:
        """The bytes that the tables take together."""
        return sum(table.bytes for table in self.tables)

    def to_json(self) -> dict[str, Any]:
        """Return the keys of `bptrain cache show --json`."""
        return {**asdict(self), "bytes": self.bytes}


def cache_contents() -> Contents:
    """List the parsed tables in the cache.

    Returns:
        The folder of the cache and its tables, the most recently used first.

    Raises:
        StorageError: the folder cannot be read.

    Example:
        >>> bptrain.cache_contents().bytes
    """
    with report_folder_errors():
        found = [read_entry(path, status) for path, status in list_files() if not is_unfinished(path.name)]
    return Contents(str(get_folder()), tuple(found), MOST_BYTES)


def read_entry(path: Path, status: os.stat_result) -> CachedTable:
    """Read the facts about a cached table from the end of its file."""
    try:
        document = read_end(path, ARRAYS if path.suffix == ROWS_SUFFIX else TABLE)
        facts = document["facts"]
        files, source, rows = tuple(facts["files"]), facts["source"], facts["rows"]
        columns = facts["columns"] if path.suffix == ROWS_SUFFIX else len(document["columns"])
    except UNREADABLE:
        files, source, rows, columns = (), "damaged", 0, 0
    return CachedTable(str(path), files, source, rows, columns, status.st_size, status.st_mtime)


def clear_cache() -> Contents:
    """Remove every table from the cache.

    Returns:
        The contents that the cache had before.

    Raises:
        StorageError: a file cannot be removed.
    """
    before = cache_contents()
    with report_folder_errors():
        for path, _ in list_files():
            path.unlink(missing_ok=True)
    return before
