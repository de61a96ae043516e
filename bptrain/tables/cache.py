"""The cache: parsed tables in the user's cache directory, so that the next run starts at once.

A table belongs to its files, by path, size, times of change and inode, and to the options with which they were read. It
is written whole or not at all, and checked when it is read; a damaged one is read from its source again. Several
processes may use the directory at the same time.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from bptrain import __version__
from bptrain.atomic import replace_atomically
from bptrain.errors import BptrainNote, StorageError
from bptrain.registry import name_of
from bptrain.tables.files import is_packed
from bptrain.tables.mapped import UNREADABLE
from bptrain.tables.source import Source
from bptrain.tables.store import Stored, Writer
from bptrain.tables.table import PLACES, Table

MOST_BYTES = 5 << 30
"""Bytes that the cache may hold; beyond that, the least recently used files are removed."""

CACHE_VERSION = 5
"""Increased when a source reads the same file differently, or a store is written differently."""

TABLE_SUFFIX = ".table"
"""The suffix of parsed tables."""

ROWS_SUFFIX = ".rows"
"""The suffix of files of encoded rows, for tables larger than `data.memory`."""

in_use: set[Path] = set()
"""Files that this process still reads, and so does not remove."""

LEAST_AGE_NS = 100_000_000
"""Nanoseconds for which the files must be unchanged before their table is cached. Of two changes within one tick of the
clock, the second would not show."""

ABANDONED_SECONDS = 86_400
"""An unfinished file older than this was left by a process that died."""

GZIP_RATIO = 4
"""A gzipped file is taken to need this many times its size in memory."""

State = tuple[str, int, int, int, int]
"""The path, size, times of change and inode of a file."""


def get_folder() -> Path:
    """Return the directory of the cache: `BPTRAIN_CACHE`, or a folder in the user's cache directory."""
    if own := os.environ.get("BPTRAIN_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):
        return Path(base, "bptrain")
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local, "bptrain", "cache")
    home = Path(os.path.expanduser("~"))
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "bptrain"


def load_table(source: Source, *, cached: bool = True, memory: int | None = None) -> Table:
    """Return the table of a source, from the cache if it is there; a table that had to be parsed is cached.

    Args:
        source: where the table comes from.
        cached: whether the cache is used.
        memory: bytes above which files are converted once and mapped, and not held in memory. None: no limit.

    Raises:
        InputError: it cannot be read.
        StorageError: it may not be read, or there is no room to convert it.

    Warns:
        BptrainNote: it is converted; or the cache cannot be written, or a file in it is damaged.
    """
    files = source.files()
    before = get_states(files)
    in_memory = memory is None or not is_larger(source, before, memory)
    if in_memory and not (cached and before and source.is_parsed()):
        return source.load()
    path = get_folder() / f"{compute_key(source, before)}{TABLE_SUFFIX}"
    if not in_memory:
        in_use.add(path)
    if cached and (found := read_cached(path, in_memory=in_memory)) is not None:
        return found

    def is_unchanged() -> bool:
        age = time.time_ns() - max(max(changed, moved) for _, _, changed, moved, _ in before)
        return get_states(files) == before and age > LEAST_AGE_NS

    facts = {"source": name_of(source), "files": [str(one) for one in files]}
    if in_memory:
        table = source.load()
        if is_unchanged():
            try:
                write_file(path, lambda file: write_table(file, [table], facts))
            except OSError as error:
                what = f"the parsed table cannot be cached for the next run ({error.strerror or error})"
                note(f"{path.parent}: {what}; write data: {{cache: false}} to turn the cache off")
        return table
    note(f"{files[0]}: larger than data.memory, and so converted to a file that is mapped into memory")
    with write_cached(
        path, lambda file: write_table(file, source.chunks(), facts), cached=cached, keep=is_unchanged
    ) as path:
        mapped = read_cached(path, in_memory=False)
    if mapped is None:
        raise StorageError(f"{path}: the converted table cannot be read back; try again")
    return mapped


def is_larger(source: Source, files: list[State], memory: int) -> bool:
    """Tell whether the files of a source would take more than `memory` bytes in memory."""
    return sum(size * (GZIP_RATIO if is_packed(Path(path)) else source.packing) for path, size, *_ in files) > memory


def get_states(files: tuple[Path, ...]) -> list[State]:
    """Return the path, size, times of change and inode of each file, which differ after a change; an empty list if
    one cannot be accessed."""
    found = []
    for path in files:
        try:
            status = path.stat()
        except (OSError, ValueError):
            return []
        found.append((str(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino))
    return found


def compute_key(source: Source, files: list[State]) -> str:
    """Return the name under which the table of a source and its files is cached, in hexadecimal."""
    options = {"source": name_of(source), **asdict(source)}  # type: ignore[call-overload]
    content = [CACHE_VERSION, __version__, os.getcwd() if not os.path.isabs(files[0][0]) else "", options, files]
    return sha256(json.dumps(content, default=str, sort_keys=True).encode()).hexdigest()[:32]


def read_cached(path: Path, *, in_memory: bool) -> Table | None:
    """Return a table from the cache; None: it is not there.

    Warns:
        BptrainNote: it is damaged, and was removed.
    """
    try:
        columns = Stored(path, in_memory=in_memory)
        facts = columns.facts
        place = facts["place"] and PLACES[facts["place"][0]].from_json(facts["place"][1])
        notes = tuple(facts.get("notes", ()))
        table = Table(columns, facts["origin"], tuple(facts["target"]), place, facts["decimal"], notes=notes)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UNREADABLE as error:
        note(f"{path}: cannot be used ({error}); the table is read from its source again")
        with contextlib.suppress(OSError):
            path.unlink()
        return None
    # It counts as used now: the least recently used files are removed first.
    with contextlib.suppress(OSError):
        os.utime(path)
    return table


def write_table(file: BinaryIO, chunks: Iterable[Table], facts: Mapping[str, Any]) -> None:
    """Write a table, a chunk of its rows at a time; `facts` say what it was read from."""
    writer, first = Writer(file), None
    for table in chunks:
        first = replace(table, columns={}) if first is None else first
        writer.add(table.columns)
    assert first is not None
    place: Any = first.place
    name = type(place).__name__
    known = {
        "origin": first.origin,
        "target": first.target,
        "decimal": first.decimal,
        "notes": first.notes,
        "place": [name, place.to_json()] if name in PLACES else None,
        "rows": writer.rows,
    }
    writer.finish({**facts, **known})


def write_file(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file of the cache, and remove others if the cache is then too large.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_atomically(path) as file:
        write(file)
    shrink(path)


@contextmanager
def write_cached(
    path: Path, write: Callable[[BinaryIO], None], *, cached: bool, keep: Callable[[], bool] = lambda: True
) -> Iterator[Path]:
    """Write a file, and yield its path: in the cache, or else in a temporary folder until the end of the context.

    Args:
        path: in the cache.
        write: writes the content.
        cached: whether the cache is used.
        keep: tells at the end of the context whether the file may stay in the cache.

    Raises:
        StorageError: there is no room for it.
    """
    if cached:
        try:
            write_file(path, write)
        except OSError as error:
            note(f"{path.parent}: cannot be written ({error.strerror or error}); a temporary file is used instead")
        else:
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
            raise StorageError(f"{other}: {what}; free some disk space, or raise data.memory") from None
        yield other


def note(message: str) -> None:
    """Issue a note to the user."""
    warnings.warn(message, BptrainNote, stacklevel=2)


def list_files() -> list[tuple[Path, os.stat_result]]:
    """Return the files of the cache, unfinished ones too, the most recently used first."""
    found = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for entry in os.scandir(get_folder()):
            if entry.name.endswith((TABLE_SUFFIX, ROWS_SUFFIX)) or is_unfinished(entry.name):
                with contextlib.suppress(FileNotFoundError):
                    found.append((Path(entry.path), entry.stat()))
    return sorted(found, key=lambda one: -one[1].st_mtime)


def is_unfinished(name: str) -> bool:
    """Tell whether a file of that name is being written, or was left by a process that died while writing it."""
    return name.startswith(".") and name.endswith(".tmp") and any(one in name for one in (TABLE_SUFFIX, ROWS_SUFFIX))


def shrink(newest: Path) -> None:
    """Remove the least recently used files beyond the limit of the cache, and unfinished files of dead processes."""
    total = 0
    for path, status in list_files():
        total += status.st_size
        if is_unfinished(path.name):
            useless = time.time() - status.st_mtime > ABANDONED_SECONDS
        else:
            useless = total > MOST_BYTES and path != newest and path not in in_use
        if useless:
            with contextlib.suppress(OSError):
                path.unlink()
                total -= status.st_size


@contextmanager
def report_folder_errors() -> Iterator[None]:
    """Turn operating system errors about the directory of the cache into messages.

    Raises:
        StorageError: it cannot be read or changed.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(f"{error.filename or get_folder()}: {error.strerror or error}") from None
