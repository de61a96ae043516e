"""Export: a CSV file that no spreadsheet takes for a program, there whole or not at all."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from bptrain.arrays import Array
from bptrain.atomic import write_atomically
from bptrain.errors import InputError, OptionError
from bptrain.tables.files import match_files
from bptrain.tables.table import is_number
from bptrain.text import printable

STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""A cell that begins so, after spaces too, is a formula to a spreadsheet; full-width signs are to some."""

CONTROLS = ("\t", "\r", "\n")
"""What some spreadsheets drop at the start of a cell before they look at it."""


def harmless(value: Any) -> Any:
    """A value as a cell: text that a spreadsheet would take for a formula with an apostrophe before it; numbers, and
    text that is a plain number such as -5 or +49, as they are."""
    if not isinstance(value, str) or value[:1].isalnum():
        return value
    acts = value.startswith(CONTROLS) or (value.lstrip().startswith(STARTS) and not is_number(value))
    return f"'{value}" if acts else value


def make_printable(value: Any) -> Any:
    """Return a value with nothing in it that acts on a terminal."""
    return printable(value) if isinstance(value, str) else value


class CsvExport:
    """Writes columns to a stream of text as CSV: a header, then rows; text in quotes, numbers without.

    Nothing is written before there are rows, so that a file that cannot be predicted leaves nothing behind in a pipe.
    Names and classes are printable; the first `ids` columns are carried along as they stand.
    """

    def __init__(self, stream: TextIO, names: Sequence[str], ids: int = 0) -> None:
        self.names = names
        self.ids = ids
        self.begun = False
        # With the quotes of QUOTE_MINIMAL a carriage return inside of a cell would end the line.
        self.writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")

    def write(self, columns: Sequence[Array]) -> None:
        """Write rows, `(rows,)` each; None is an empty cell."""
        if not self.begun:
            self.writer.writerow(map(harmless, map(printable, self.names)))
            self.begun = True
        cells: list[Iterable[Any]] = list(columns)
        for k, one in enumerate(columns):
            if one.dtype == object:
                cells[k] = map(harmless, one if k < self.ids else map(make_printable, one))
        self.writer.writerows(zip(*cells, strict=True))


def check_output(path: Path, read: Path, *, force: bool) -> None:
    """Refuse a place for a CSV file, before any work is done for it.

    Args:
        path: where it is to be written.
        read: the file that is read meanwhile, or a pattern.
        force: whether a file may be there.

    Raises:
        InputError: the name says that it is no CSV file, something is there, its folder is not, or it is the input.
    """
    if path.suffix.lower() != ".csv":
        raise InputError(f"{path}: predictions are written as CSV; end the name in .csv")
    if path.is_dir():
        raise InputError(f"{path}: a folder; name a file in it")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {str(path.parent)!r}; make it first")
    if not path.exists():
        return
    if any(one.exists() and one.samefile(path) for one in inputs(read)):
        raise InputError(f"{path}: it is the input, which is not overwritten; choose another path")
    if not force:
        raise InputError(f"{path}: exists already and is not overwritten; choose another path, or use --force")


def inputs(path: Path) -> list[Path]:
    """The files that a path stands for, none where it stands for nothing."""
    try:
        return match_files(path)
    except OptionError:
        return []


@contextmanager
def export_csv(path: Path, names: Sequence[str], ids: int = 0) -> Iterator[CsvExport]:
    """A CSV file to write in this block; only when all is well does it take the place of what was there.

    Raises:
        StorageError: it cannot be written; what was there is intact.
    """
    with write_atomically(path) as file:
        text = TextIOWrapper(file, encoding="utf-8", newline="")
        yield CsvExport(text, names, ids)
        # The file itself is closed once it is on the disk.
        text.detach()
