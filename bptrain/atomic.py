"""Writing files: whole or not at all, and over nothing that a person may miss."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bptrain.errors import InputError, StorageError


@contextmanager
def replace_atomically(path: Path, *, keep: Path | None = None) -> Iterator[BinaryIO]:
    """Open a new file to write in this block, which then takes the place of the one at the path.

    A crash at any moment leaves the old file or the new one, whole: it is written under another name, pushed to the
    disk, and renamed.

    Args:
        path: the file to write or replace.
        keep: where the present file goes, if there is one.

    Raises:
        OSError: it could not be written; the present file is intact.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if keep is not None and path.exists():
            keep_copy(path, keep)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


@contextmanager
def write_atomically(path: Path) -> Iterator[BinaryIO]:
    """Do the same for a file that was asked for.

    Raises:
        StorageError: it could not be written; the present file is intact.
    """
    try:
        with replace_atomically(path) as file:
            yield file
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror or error})") from None


def write_new(path: Path, text: str, *, force: bool = False, advice: str = "choose another path") -> None:
    """Write a text file that was not there, or any with `force`; `advice` says what to do where one is.

    Raises:
        InputError: something is at the path already, or its folder is missing.
        StorageError: it cannot be written.
    """
    try:
        with open(path, "w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path}: exists already and is not overwritten; {advice}") from None
    except FileNotFoundError:
        raise InputError(f"{path}: there is no folder {str(path.parent)!r}; make it first") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror or error})") from None


def keep_copy(path: Path, keep: Path) -> None:
    """Give a file a second name, in place of what had it; the file has its first name throughout."""
    second = keep.with_name(f".{keep.name}.{os.getpid()}.tmp")
    if keep.exists() and keep.samefile(path):
        # A process died here before: to rename one name of a file to another does nothing.
        return
    try:
        second.unlink(missing_ok=True)
        try:
            os.link(path, second)
        except (NotImplementedError, PermissionError):
            shutil.copyfile(path, second)
        os.replace(second, keep)
    except BaseException:
        with contextlib.suppress(OSError):
            second.unlink()
        raise


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last through a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
