"""Files of data: what must hold before one is read, and how much may come out of it."""

import gzip
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob, has_magic
from pathlib import Path
from typing import Any, BinaryIO, cast

from bptrain.arrays import get_physical_memory
from bptrain.errors import InputError, Mistake, OptionError, StorageError

MOST_EXPANDED = 1 << 30
"""Bytes that any compressed file may expand to."""

MOST_RATIO = 200
"""A compressed file may exceed that if it expands to at most this many times its size. Tables usually expand three to
twenty times."""

DEFLATE_RATIO = 1040
"""Deflate cannot compress more than this: a file that declares to expand further is damaged."""

GIB = 1 << 30

GZIP, ZIP, EMPTY_ZIP = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06"
"""The first bytes of gzipped files and of zip archives."""


def match_files(path: Path) -> list[Path]:
    """Return the file of that name, or else all that match it as a pattern, sorted.

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
    """Check that a path is a regular file, and return its size in bytes.

    Raises:
        InputError: it does not exist, or is a folder, a pipe or a device.
        StorageError: it exists but may not be accessed.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not stat.S_ISREG(status.st_mode):
        folder = "a folder; name a file in it, or a pattern such as folder/*.csv"
        raise InputError(f"{path}: {folder if path.is_dir() else 'not a regular file; copy the data into a file'}")
    return status.st_size


def read_first_bytes(path: Path, count: int) -> bytes:
    """Read the first bytes of a file as it is stored; none if it is not there, not a regular file or not readable."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return b""
        with open(path, "rb") as file:
            return file.read(count)
    except (OSError, ValueError):
        return b""


def is_gzipped(path: Path) -> bool:
    """Tell whether a file is gzipped, by its name or its first bytes."""
    return path.suffix.lower() == ".gz" or read_first_bytes(path, 2) == GZIP


def is_zip(path: Path) -> bool:
    """Tell whether a file is a zip archive, by its first bytes."""
    return read_first_bytes(path, 4) in (ZIP, EMPTY_ZIP)


def is_packed(path: Path) -> bool:
    """Tell whether a file is gzipped or a zip archive."""
    return is_gzipped(path) or is_zip(path)


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading bytes: unpacked if it is gzipped, or a zip archive of one file.

    Raises:
        InputError: a zip archive has several files, or cannot be read.
    """
    if is_zip(path):
        return open_member(path)
    opener: Any = gzip.open if is_gzipped(path) else open
    file: BinaryIO = opener(path, "rb")
    return file


def list_members(path: Path) -> list[str]:
    """Return the names of the files in a zip archive, without folders and what macOS adds; none if it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return []
    return [name for name in names if not name.endswith("/") and not name.startswith("__MACOSX/")]


def open_member(path: Path) -> BinaryIO:
    """Open the only file in a zip archive.

    Raises:
        InputError: there are several or none, or it cannot be read.
    """
    names = list_members(path)
    if len(names) > 1:
        some = ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
        raise InputError(f"{path}: a zip archive of {len(names):,} files ({some}); unpack it, and name one of them")
    try:
        with zipfile.ZipFile(path) as archive:
            if not names:
                raise InputError(f"{path}: a zip archive without a file in it; put the data there")
            # The archive stays open as long as the file in it.
            return cast(BinaryIO, archive.open(names[0]))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{path}: a zip archive that cannot be read ({error}); unpack it yourself") from None


@contextmanager
def report_read_errors(path: Path) -> Iterator[None]:
    """Turn errors in reading a file into messages.

    Raises:
        InputError: its name ends in `.gz` and it is not a gzip file, or a packed file is cut short or damaged.
        StorageError: it exists but may not be read.
    """
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        what = f"not a gzip file, cut short or damaged ({error}); fetch it again, or take .gz off the name"
        raise InputError(f"{path}: {what}") from None
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: cut short or damaged ({error}); write or fetch it again") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None


def check_expansion(where: object, expanded: int, packed: int) -> None:
    """Check that a compressed file does not look like a decompression bomb: one made to fill the memory.

    Raises:
        InputError: it does.
    """
    if expanded > MOST_EXPANDED and expanded > MOST_RATIO * packed:
        what = f"{packed:,} bytes unpack to {expanded:,} or more, which looks like a decompression bomb"
        raise InputError(f"{where}: {what}; if it is not, unpack the file yourself")


def check_declared(path: Path, count: int, size: int) -> None:
    """Check that a compressed file of `size` bytes can expand to the `count` bytes that it declares.

    Raises:
        InputError: it cannot, or looks like a decompression bomb.
    """
    if count > size * DEFLATE_RATIO:
        raise InputError(f"{path}: it declares {count:,} bytes and has {size:,} at most; it is damaged, fetch it again")
    check_expansion(path, count, size)


def check_memory(where: object, rows: int, columns: int) -> None:
    """Check that a table fits into half of the memory.

    Raises:
        InputError: it does not.
    """
    needed, room = rows * columns * 8, get_memory() // 2
    if needed > room:
        what = f"{rows:,} rows of {columns:,} columns take {needed / GIB:,.1f} GiB of memory"
        raise InputError(f"{where}: {what}, and there is room for {room / GIB:,.1f} GiB; take fewer rows")


def get_memory() -> int:
    """Return the memory of this machine, or of the container, in bytes."""
    try:
        return min(get_physical_memory(), int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):
        return get_physical_memory()
