"""Writing files: completely or not at all, and never over a file that the user may want to keep."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bptrain.errors import InputError, StorageError
from bptrain.text import join_or


@contextmanager
def replace_atomically(path: Path, *, keep: Path | None = None) -> Iterator[BinaryIO]:
    """Open a file for the `with` block to write; when the block ends, it replaces the file at the path.

    A crash at any moment leaves either the old file or the new one, complete: the new one is written under a temporary
    name, flushed to the disk, and renamed.

    Args:
        path: the file to write or replace.
        keep: where to keep the old file, if there is one.

    Raises:
        OSError: it could not be written; the old file is intact.
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
    """Open a file as `replace_atomically` does, for a file that the user asked for.

    Raises:
        StorageError: it could not be written; the old file is intact.
    """
    try:
        with replace_atomically(path) as file:
            yield file
    except OSError as error:
        why = error.strerror or error
        if isinstance(error, FileNotFoundError) and not path.parent.exists():
            why = f"there is no folder {str(path.parent)!r}; create it first"
        raise StorageError(f"{path}: cannot be written ({why})") from None


def require_suffix(output: str | Path, suffixes: tuple[str, ...], option: str = "-o") -> Path:
    """Return the path of a file to write, the value of an option.

    Raises:
        InputError: it has the suffix of another kind of file, or is a directory.
    """
    path = Path(output)
    if path.suffix.lower() not in suffixes or path.is_dir():
        raise InputError(f"{path}: expected a file that ends in {join_or(suffixes)}; choose another path for {option}")
    return path


def write_new(path: Path, text: str, *, force: bool = False, advice: str = "choose another path") -> None:
    """Write a text file, over an existing one only with `force`; `advice` says what to do if one exists.

    Raises:
        InputError: the path exists already, or its folder is missing.
        StorageError: it cannot be written.
    """
    try:
        with open(path, "w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path}: exists already and is not overwritten; {advice}") from None
    except FileNotFoundError:
        raise InputError(f"{path}: there is no folder {str(path.parent)!r}; create it first") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror or error})") from None


def keep_copy(path: Path, keep: Path) -> None:
    """Give a file a second name, replacing any file there; it keeps its first name throughout."""
    second = keep.with_name(f".{keep.name}.{os.getpid()}.tmp")
    if keep.exists() and keep.samefile(path):
        # An earlier process was killed before it replaced the file: `keep` is still a second name of it.
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
    """Flush a folder to the disk, so that renames in it survive a power cut, where the system supports it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
