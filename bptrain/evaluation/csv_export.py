"""CSV export: a file of predictions that is safe to open in a spreadsheet, and is written completely or not at all."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from bptrain.arrays import Array
from bptrain.atomic import write_atomically
from bptrain.errors import InputError, OptionError
from bptrain.tables.files import match_files
from bptrain.tables.table import is_number
from bptrain.text import printable

FORMULA_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""Spreadsheets run a cell that starts with one of these, even after spaces, as a formula; only some run full-width
signs."""

CONTROLS = ("\t", "\r", "\n")
"""Characters that some spreadsheets drop at the start of a cell before they look at it."""


def escape_formula(value: Any) -> Any:
    """Return a cell with an apostrophe before text that a spreadsheet would run as a formula; numbers, and text that is
    a number such as -5 or +49, are unchanged."""
    if not isinstance(value, str) or value[:1].isalnum():
        return value
    is_formula = value.startswith(CONTROLS) or (value.lstrip().startswith(FORMULA_SIGNS) and not is_number(value))
    return f"'{value}" if is_formula else value


def make_printable(value: Any) -> Any:
    """Return a cell without characters that control a terminal."""
    return printable(value) if isinstance(value, str) else value


class CsvExport:
    """Writes columns to a text stream as CSV: a header, then rows; text is quoted, numbers are not.

    Nothing is written before the first rows, so that a failed prediction leaves nothing behind in a pipe. Names and
    classes are made printable; the first `ids` columns are copied unchanged.
    """

    def __init__(self, stream: TextIO, names: Sequence[str], ids: int = 0) -> None:
        self.names = names
        self.ids = ids
        self.has_header = False
        # With QUOTE_MINIMAL, a carriage return in a cell would end the line.
        self.writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")

    def write(self, columns: Sequence[Array]) -> None:
        """Write rows, given columns `(rows,)` each; None is an empty cell."""
        if not self.has_header:
            self.writer.writerow(map(escape_formula, map(printable, self.names)))
            self.has_header = True
        cells: list[Iterable[Any]] = list(columns)
        for k, one in enumerate(columns):
            if one.dtype == object:
                cells[k] = map(escape_formula, one if k < self.ids else map(make_printable, one))
        self.writer.writerows(zip(*cells, strict=True))


def check_output(path: Path, read: Path, *, force: bool) -> None:
    """Check that a CSV file can be written, before any work is done for it.

    Args:
        path: path of the file to write.
        read: path or pattern of the input.
        force: whether an existing file may be overwritten.

    Raises:
        InputError: the name does not end in .csv, its folder does not exist, or the file exists and is the input or may
            not be overwritten.
    """
    if path.suffix.lower() != ".csv":
        raise InputError(f"{path}: predictions are written as CSV; end the name in .csv")
    if path.is_dir():
        raise InputError(f"{path}: this is a folder; name a file in it")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {str(path.parent)!r}; create it first")
    if not path.exists():
        return
    with suppress(OptionError):
        if any(one.exists() and one.samefile(path) for one in match_files(read)):
            raise InputError(f"{path}: it is the input, which is not overwritten; choose another path")
    if not force:
        raise InputError(f"{path}: exists already and is not overwritten; choose another path, or use --force")


@contextmanager
def export_csv(path: Path, names: Sequence[str], ids: int = 0) -> Iterator[CsvExport]:
    """Open a CSV file for this block; it replaces an existing file only if the block succeeds.

    Raises:
        StorageError: it cannot be written; an existing file is intact.
    """
    with write_atomically(path) as file:
        text = TextIOWrapper(file, encoding="utf-8", newline="")
        yield CsvExport(text, names, ids)
        # `write_atomically` closes the file once it is on disk.
        text.detach()
