"""The cache: tables that were parsed are kept in the user's cache directory, so that the next run starts at once.

A table belongs to its files by path, size, times of change and inode, and to the options with which they were read. It
is written whole or not at all, and checked when it is read; what is damaged is read from its source again. Several
processes may use the directory at the same time.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from bptrain import __version__
from bptrain.atomic import replace_atomically
from bptrain.errors import BptrainNote, StorageError
from bptrain.registry import name_of
from bptrain.tables.files import is_zipped
from bptrain.tables.source import Source
from bptrain.tables.store import Damaged, Stored, Writer
from bptrain.tables.table import PLACES, Table

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

PACKED = 4
"""A gzipped file counts so many times its size."""

State = tuple[str, int, int, int, int]
"""The path, size, times of change and inode of a file."""


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


def load(source: Source, *, cached: bool = True, memory: int | None = None) -> Table:
    """Return the table of a source, from the cache if it is there and wanted; what was parsed is put there.

    Args:
        source: where the table comes from.
        cached: whether the cache is used.
        memory: bytes above which files are converted once and mapped, and not held in memory. None: none.

    Raises:
        InputError: it cannot be read.
        StorageError: it may not be read, or there is no room to convert it.

    Warns:
        BptrainNote: it is converted; or the cache cannot be written, or had something that is damaged.
    """
    files = source.files()
    before = states(files)
    in_memory = memory is None or not is_larger(source, before, memory)
    if in_memory and not (cached and before and source.is_parsed()):
        return source.load()
    path = folder() / f"{key(source, before)}{SUFFIX}"
    if not in_memory:
        in_use.add(path)
    if cached and (found := read_cached(path, in_memory=in_memory)) is not None:
        return found

    def unchanged() -> bool:
        lately = time.time_ns() - max(max(changed, moved) for _, _, changed, moved, _ in before)
        return states(files) == before and lately > SETTLED

    if in_memory:
        table = source.load()
        if unchanged():
            keep(path, table, name_of(source), files)
        return table
    say(f"{files[0]}: larger than data.memory, and so converted to a file that is mapped into memory")

    def write(file: BinaryIO) -> None:
        write_table(file, source.chunks(), name_of(source), files)

    with write_cached(path, write, cached=cached, keep=unchanged) as path:
        mapped = read_cached(path, in_memory=False)
    if mapped is None:
        raise StorageError(f"{path}: what was written does not come back as it was")
    return mapped


def is_larger(source: Source, files: list[State], memory: int) -> bool:
    """Tell whether the files of a source would take more than so many bytes in memory."""
    return sum(size * (PACKED if is_zipped(Path(path)) else source.packing) for path, size, *_ in files) > memory


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


def read_cached(path: Path, *, in_memory: bool = True) -> Table | None:
    """Return a table as it was cached, if it was.

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
        with replace_atomically(path) as file:
            write_table(file, [table], source, files)
        shrink(path)
    except OSError as error:
        what = f"the parsed table cannot be kept for the next run ({error.strerror or error})"
        say(f"{path.parent}: {what}; write data: {{cache: false}} to be spared this")


def write_table(file: BinaryIO, chunks: Iterable[Table], source: str, files: tuple[Path, ...]) -> None:
    """Write a table, a chunk of its rows after the other."""
    writer, first = Writer(file), None
    for table in chunks:
        if first is None:
            first = replace(table, columns={})
        writer.add(table.columns)
    assert first is not None
    writer.finish(facts_of(first, writer.rows, source, files))


@contextmanager
def write_cached(
    path: Path, write: Callable[[BinaryIO], None], *, cached: bool, keep: Callable[[], bool] = lambda: True
) -> Iterator[Path]:
    """Have a file written: in the cache, or where that cannot be, one that goes with the context.

    Args:
        path: in the cache.
        write: is given a file.
        cached: whether it is to be kept.
        keep: says afterwards whether it may be.

    Raises:
        StorageError: there is no room for it.
    """
    if cached:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replace_atomically(path) as file:
                write(file)
        except OSError as error:
            say(f"{path.parent}: cannot be written ({error.strerror or error}); a temporary file has to do")
        else:
            shrink(path)
            yield path
            if not keep():
                path.unlink(missing_ok=True)
            return
    with tempfile.TemporaryDirectory(prefix="bptrain-", ignore_cleanup_errors=True) as temporary:
        other = Path(temporary) / path.name
        try:
            with open(other, "wb") as file:
                write(file)
        except OSError as error:
            what = f"a table larger than data.memory cannot be converted ({error.strerror or error})"
            raise StorageError(f"{other}: {what}; make room, or raise data.memory") from None
        yield other


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
