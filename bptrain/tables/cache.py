"""The cache: tables that were parsed are kept in the user's cache directory, so that the next run starts at once.

A table belongs to its files by path, size, times of change and inode, and to the options with which they were read. It
is written whole or not at all, and checked when it is read; what is damaged is read from its source again. Several
processes may use the directory at the same time.
"""

import contextlib
import json
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from bptrain import __version__
from bptrain.atomic import replaced
from bptrain.errors import BptrainNote, StorageError
from bptrain.registry import name_of
from bptrain.tables.csv_format import CsvLines
from bptrain.tables.files import matching, zipped
from bptrain.tables.jsonl_reader import JsonLines
from bptrain.tables.sources import Bundled, Csv, Idx, Jsonl, Npy, Npz, Parquet, Source, resources
from bptrain.tables.store import Damaged, Stored, Writer
from bptrain.tables.table import Table

LIMIT = 5 << 30
"""Bytes that all tables may have together; those that were not used for longest go."""

FORMAT = 1
"""Goes up when readers read something else than before, or stores are written in another way."""

SUFFIX = ".table"

ROWS = ".rows"
"""The suffix of rows as a network reads them, of tables that are larger than memory."""

in_use: set[Path] = set()
"""What this process needs, and so does not let go of."""

SETTLED = 100_000_000
"""Nanoseconds that a file must have been left alone: within a tick of the clock a change may not show."""

ABANDONED = 86_400
"""Seconds after which a file that somebody was writing is taken for left behind."""

PLACES: dict[str, Any] = {cls.__name__: cls for cls in (CsvLines, JsonLines)}


def folder() -> Path:
    """Where tables are kept: `BPTRAIN_CACHE`, or a folder in the user's cache directory as the system has it."""
    if own := os.environ.get("BPTRAIN_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):
        return Path(base, "bptrain")
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local, "bptrain", "cache")
    home = Path(os.path.expanduser("~"))
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "bptrain"


def load(source: Source, *, cached: bool = True) -> Table:
    """The table of a source, from the cache if it is there and wanted; what was parsed is put there.

    Raises:
        InputError, StorageError: as `source.load` does.

    Warns:
        BptrainNote: the cache cannot be written, or had something that is damaged.
    """
    files = files_of(source) if cached else ()
    before = states(files)
    if not before:
        return source.load()
    path = folder() / f"{key(source, before)}{SUFFIX}"
    if (found := kept(path)) is not None:
        return found
    table = source.load()
    lately = time.time_ns() - max(max(changed, moved) for _, _, changed, moved, _ in before)
    if states(files) == before and lately > SETTLED:
        keep(path, table, name_of(source), files)
    return table


def files_of(source: Source) -> tuple[Path, ...]:
    """The files of a source that take long to parse; none: it is not kept.

    Raises:
        OptionError: there is no such file.
    """
    if isinstance(source, Bundled):
        return tuple(resources("datasets").glob(f"{source.name}.csv*"))
    if isinstance(source, Csv):
        return tuple(matching(source.path))
    if isinstance(source, Idx):
        return (source.images,) if source.labels is None else (source.images, source.labels)
    if isinstance(source, Parquet | Jsonl | Npz) or (isinstance(source, Npy) and zipped(source.path)):
        return (source.path,)
    return ()


State = tuple[str, int, int, int, int]


def states(files: tuple[Path, ...]) -> list[State]:
    """What tells whether files are still the same: for each its path, size, times of change and inode; none where one
    cannot be looked at."""
    found = []
    for path in files:
        try:
            status = path.stat()
        except (OSError, ValueError):
            return []
        found.append((str(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino))
    return found


def key(source: Source, files: list[State]) -> str:
    """The name of what a source and its files come to, in hexadecimal."""
    options = {"source": name_of(source), **asdict(source)}  # type: ignore[call-overload]
    content = [FORMAT, __version__, os.getcwd() if not os.path.isabs(files[0][0]) else "", options, files]
    return sha256(json.dumps(content, default=str, sort_keys=True).encode()).hexdigest()[:32]


def kept(path: Path, *, in_memory: bool = True) -> Table | None:
    """A table as it was kept, if it was.

    Warns:
        BptrainNote: it is damaged, and gone now.
    """
    try:
        columns = Stored(path, in_memory=in_memory)
        facts = columns.facts
        place = facts["place"] and PLACES[facts["place"][0]].from_json(facts["place"][1])
        table = Table(columns, facts["origin"], tuple(facts["target"]), place, facts["decimal"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (Damaged, OSError, ValueError, LookupError, TypeError) as error:
        say(f"{path}: cannot be used ({error}); the table is read from its source again")
        with contextlib.suppress(OSError):
            path.unlink()
        return None
    # So the one that was not used for longest is known.
    with contextlib.suppress(OSError):
        os.utime(path)
    return table


def keep(path: Path, table: Table, source: str, files: tuple[Path, ...]) -> None:
    """Keep a table, if that can be done, and let go of what is too much then.

    Warns:
        BptrainNote: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path) as file:
            writer = Writer(file)
            writer.add(table.columns)
            writer.finish(facts_of(table, len(table), source, files))
        shrink(path)
    except OSError as error:
        what = f"the parsed table cannot be kept for the next run ({error.strerror or error})"
        say(f"{path.parent}: {what}; write data: {{cache: false}} to be spared this")


def facts_of(table: Table, rows: int, source: str, files: tuple[Path, ...]) -> dict[str, Any]:
    """What is kept of a table beside its columns."""
    place: Any = table.place
    return {
        "origin": table.origin,
        "target": table.target,
        "decimal": table.decimal,
        "place": [type(place).__name__, place.to_json()] if type(place).__name__ in PLACES else None,
        "source": source,
        "files": [str(one) for one in files],
        "rows": rows,
    }


def say(what: str) -> None:
    """Let a person know."""
    warnings.warn(what, BptrainNote, stacklevel=2)


def entries() -> list[tuple[Path, os.stat_result]]:
    """The tables that are kept, the latest used first; and files that somebody is writing, or has left behind."""
    found = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for entry in os.scandir(folder()):
            if entry.name.endswith((SUFFIX, ROWS)) or is_unfinished(entry.name):
                with contextlib.suppress(FileNotFoundError):
                    found.append((Path(entry.path), entry.stat()))
    return sorted(found, key=lambda one: -one[1].st_mtime)


def is_unfinished(name: str) -> bool:
    """Whether a file of that name is one that is being written."""
    return name.startswith(".") and name.endswith(".tmp") and any(one in name for one in (SUFFIX, ROWS))


def shrink(newest: Path) -> None:
    """Let go of the tables that were not used for longest, up to the limit, and of what dead processes left."""
    total = 0
    for path, status in entries():
        total += status.st_size
        if is_unfinished(path.name):
            useless = time.time() - status.st_mtime > ABANDONED
        else:
            useless = total > LIMIT and path != newest and path not in in_use
        if useless:
            with contextlib.suppress(OSError):
                path.unlink()
                total -= status.st_size


@contextmanager
def readable() -> Iterator[None]:
    """Turns what can go wrong with the folder into messages.

    Raises:
        StorageError: it does.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(f"{error.filename or folder()}: {error.strerror or error}") from None
