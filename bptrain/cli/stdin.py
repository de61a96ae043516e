"""Data from stdin, which commands take for a file of the name `-`."""

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bptrain.errors import InputError, Mistake, OptionError, StorageError

STDIN = Path("-")


@contextmanager
def save_stdin(file: Path) -> Iterator[Path]:
    """Return the path of a file: the one that is given, or a temporary one with what stdin has, for `-`.

    Raises:
        InputError: stdin is a terminal.
        StorageError: the temporary file cannot be written.
    """
    if file != STDIN:
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="bptrain-") as folder:
        path = Path(folder, "stdin")
        copy_stdin(path)
        with rename_file(path, "stdin"):
            yield path


@contextmanager
def keep_stdin(file: Path, config: Path | None, *, force: bool) -> Iterator[Path]:
    """Return the path of a file as `save_stdin`, but keep what stdin has beside a config, which needs a file to name:
    as `NAME.csv` for the config `NAME.yaml`, with the suffix of its format. It is removed after an error.

    Raises:
        InputError: stdin is a terminal; no config is written; or a file has that name, and `force` is not given.
        StorageError: the file cannot be written.
    """
    if file != STDIN:
        yield file
        return
    with save_stdin(file) as saved:
        if config is None:
            yield saved
            what = "a config names the file of its data, and - has no name"
            raise InputError(f"-: {what}; write -o CONFIG.yaml, and the data is kept beside it")
        path = config.with_name(config.stem + find_kept_suffix(saved))
        if path.exists() and not force:
            raise InputError(f"{path}: exists already, and is not overwritten by the data from stdin; use --force")
        before = path.read_bytes() if path.exists() else None
        try:
            with rename_file(path, "stdin"):
                shutil.copyfile(saved, path)
                yield path
        except OSError as error:
            raise StorageError(f"{path}: cannot be written ({error.strerror or error})") from None
        except BaseException:
            with suppress(OSError):
                path.unlink(missing_ok=True)
                if before is not None:
                    path.write_bytes(before)
            raise


def find_kept_suffix(path: Path) -> str:
    """Return the suffix for a file of the format that its bytes tell."""
    from bptrain.tables.files import is_gzipped, is_zip, read_first_bytes
    from bptrain.tables.formats import OLE, find_format
    from bptrain.tables.guess import choose_source

    if find_format(path) == "excel":
        return ".xls" if read_first_bytes(path, len(OLE)) == OLE else ".xlsx"
    suffix: str = type(choose_source(path)).suffixes[0]
    return suffix + (".gz" if is_gzipped(path) else ".zip" if find_format(path) is None and is_zip(path) else "")


def copy_stdin(path: Path) -> None:
    """Write what stdin has to a file.

    Raises:
        InputError: stdin is a terminal, or closed.
        StorageError: the file cannot be written.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError("-: is stdin, and nothing is piped into it; write cat data.csv | bptrain ..., or name a file")
    try:
        with open(path, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror or error})") from None


@contextmanager
def rename_file(path: Path, name: str) -> Iterator[None]:
    """Name a file otherwise in errors, warnings and notes."""
    shown, old = warnings.showwarning, os.fspath(path)

    def rename(text: str) -> str:
        # A command to type names it as it was given.
        return text.replace(f"{old} --target", "- --target").replace(old, name)

    def show(message: Any, category: Any, *place: Any, **options: Any) -> None:
        shown(category(rename(str(message))), category, *place, **options)

    warnings.showwarning = show
    try:
        yield
    except InputError as error:
        raise OptionError(*(Mistake("", rename(line)) for line in error.lines)) from None
    finally:
        warnings.showwarning = shown
