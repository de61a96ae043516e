"""`bptrain cache`"""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bptrain.tables.cache import LIMIT, ROWS, get_folder, is_unfinished, list_files, report_folder_errors
from bptrain.tables.mapped import ARRAYS, TABLE, UNREADABLE, read_end


@dataclass(frozen=True)
class Kept:
    """A table that is kept: its file in the cache, what it was read from, its size and when it was last used, in
    seconds since 1970. A damaged one has no columns."""

    path: str
    files: tuple[str, ...]
    source: str
    rows: int
    columns: int
    bytes: int
    used: float


@dataclass(frozen=True)
class Contents:
    """The folder of the cache, the tables in it, the latest used first, and the bytes that they may have together."""

    folder: str
    tables: tuple[Kept, ...]
    limit: int

    @property
    def bytes(self) -> int:
        """What the tables take."""
        return sum(table.bytes for table in self.tables)

    def to_json(self) -> dict[str, Any]:
        """What `bptrain cache show --json` prints."""
        return {**asdict(self), "bytes": self.bytes}


def cache_contents() -> Contents:
    """What is in the cache of parsed tables.

    Raises:
        StorageError: it cannot be looked at.
    """
    with report_folder_errors():
        found = [read_entry(path, status) for path, status in list_files() if not is_unfinished(path.name)]
    return Contents(str(get_folder()), tuple(found), LIMIT)


def read_entry(path: Path, status: os.stat_result) -> Kept:
    """Return a cached table by the end of its file."""
    try:
        document = read_end(path, ARRAYS if path.suffix == ROWS else TABLE)
        facts = document["facts"]
        columns = facts["columns"] if path.suffix == ROWS else len(document["columns"])
        return Kept(str(path), tuple(facts["files"]), facts["source"], facts["rows"], columns, status.st_size,
                    status.st_mtime)  # fmt: skip
    except UNREADABLE:
        return Kept(str(path), (), "damaged", 0, 0, status.st_size, status.st_mtime)


def clear_cache() -> Contents:
    """Remove every table from the cache. What was removed.

    Raises:
        StorageError: something cannot be removed.
    """
    before = cache_contents()
    with report_folder_errors():
        for path, _ in list_files():
            path.unlink(missing_ok=True)
    return before
