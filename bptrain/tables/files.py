"""Files of data: what must hold before one is read, and how much may come out of it."""

import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob, has_magic
from pathlib import Path
from typing import Any, BinaryIO

from bptrain.errors import InputError, Mistake, OptionError, StorageError

MOST_EXPANDED = 1 << 30
"""Bytes up to which a packed file may hold anything."""

MOST_RATIO = 200
"""How many times its size a packed file may grow beyond that. Tables on disk grow three to twenty times."""

DEFLATE_RATIO = 1040
"""More than deflate can save: what declares more is not true."""

GIB = 1 << 30


def match_files(path: Path) -> list[Path]:
    """The file of that name, or else all that match it as a pattern, sorted.

    Raises:
        OptionError: there are none.
    """
    if os.path.lexists(path):
        return [path]
    if not has_magic(str(path)):
        raise OptionError(Mistake("path", f"no such file (got {path})"))
    found = sorted(Path(name) for name in glob(str(path), recursive=True))
    if not found:
        raise OptionError(Mistake("path", f"no file matches the pattern (got {path})"))
    return found


def check_file(path: Path) -> int:
    """The size of a plain file in bytes.

    Raises:
        InputError: there is none, or it is a folder, a pipe or a device.
        StorageError: it is there and may not be looked at.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not stat.S_ISREG(status.st_mode):
        what = "a folder; name a file in it, or a pattern such as folder/*.csv" if path.is_dir() else "not a plain file"
        raise InputError(f"{path}: {what}")
    return status.st_size


def is_zipped(path: Path) -> bool:
    """Whether a file is gzipped, by its name."""
    return path.suffix.lower() == ".gz"


def open_file(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked if its name ends in `.gz`."""
    opener: Any = gzip.open if is_zipped(path) else open
    file: BinaryIO = opener(path, "rb")
    return file


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what can go wrong in reading a file into messages.

    Raises:
        InputError: it is not what its name says, cut short, or damaged.
        StorageError: it is there and may not be read.
    """
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        what = f"not a gzip file, cut short or damaged ({error}); fetch it again, or take .gz off the name"
        raise InputError(f"{path}: {what}") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None


def check_expansion(where: object, expanded: int, packed: int) -> None:
    """Refuse what grows from so many bytes to so many more that it must be meant to fill the memory.

    Raises:
        InputError: it does.
    """
    if expanded > MOST_EXPANDED and expanded > MOST_RATIO * packed:
        what = f"{packed:,} bytes unpack to {expanded:,} or more, which looks like a trap"
        raise InputError(f"{where}: {what}; if it is meant, unpack the file yourself")


def check_memory(where: object, rows: int, columns: int) -> None:
    """Refuse a table that does not fit into memory.

    Raises:
        InputError: it does not.
    """
    needed, room = rows * columns * 8, memory() // 2
    if needed > room:
        what = f"{rows:,} rows of {columns:,} columns take {needed / GIB:,.1f} GiB of memory"
        raise InputError(f"{where}: {what}, and there is room for {room / GIB:,.1f} GiB; take fewer rows")


def memory() -> int:
    """The memory of this machine, or of the container, in bytes."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        total = 8 * GIB
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):
        return total
    return min(total, limit)


def check_declared(path: Path, count: int, size: int) -> None:
    """Refuse a packed file of `size` bytes that declares more bytes than can come out of it.

    Raises:
        InputError: it does, or looks like a trap.
    """
    if count > size * DEFLATE_RATIO:
        raise InputError(f"{path}: it declares {count:,} bytes and has {size:,} at most; it is cut short or damaged")
    check_expansion(path, count, size)
