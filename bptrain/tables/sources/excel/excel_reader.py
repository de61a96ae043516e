"""Reading sheets of Excel and LibreOffice files, which are written as CSV to a temporary file and read from there."""

import csv
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from bptrain.arrays import Array
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.tables.files import check_file, report_read_errors
from bptrain.tables.source import Chunks
from bptrain.tables.sources.csv_text.csv_format import CsvFormat
from bptrain.tables.sources.csv_text.csv_reader import open_csv
from bptrain.tables.table import quote, register_place
from bptrain.text import suggest_word

LEAST_TITLED = 3
"""Columns that a sheet has at least if a row with a single value above them can be a title."""

LONGEST_WHOLE = 1 << 53
"""Above this, float64 cannot hold every whole number."""


@dataclass(frozen=True)
class Sheet:
    """A sheet of a file: its name, the names of all sheets with data, and the rows of its used cells. The first of them
    is row `first` of the sheet, counted from 1."""

    path: Path
    name: str
    others: tuple[str, ...]
    first: int
    rows: list[list[Any]]

    def count_title_rows(self) -> int:
        """Return how many rows of the sheet stand above the header: empty ones, and those with fewer than half as many
        values as the fullest of the rows below, such as titles."""
        counts = [sum(cell != "" for cell in row) for row in self.rows]
        widest = max(counts)
        header = next(k for k, count in enumerate(counts) if widest < LEAST_TITLED or 2 * count >= widest)
        return self.first - 1 + header


@register_place
@dataclass(frozen=True)
class ExcelRows:
    """Tells the row of a sheet: the first row of data has the number `first`, and the rows `empty` are left out."""

    path: Path
    sheet: str
    first: int
    empty: tuple[int, ...]

    def __call__(self, row: int) -> str:
        number = self.first + row
        for one in self.empty:
            number += one <= number
        return describe_row(self.path, self.sheet, number)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "path": str(self.path)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ExcelRows":
        return cls(Path(stored["path"]), stored["sheet"], stored["first"], tuple(stored["empty"]))


def describe_row(path: Path, sheet: str, number: int) -> str:
    """Return the place of a row for messages."""
    return f"{path}, sheet {quote(sheet)}, row {number}"


def open_excel(path: Path, sheet: str | None, form: CsvFormat) -> Chunks:
    """Open a sheet as a table.

    Numbers are numbers; dates and times become text as in ISO 8601, durations seconds, and truth values TRUE and FALSE;
    cells with errors are empty. Empty rows and empty columns are left out.

    Args:
        path: of an xlsx, xlsm, xlsb, xls or ods file.
        sheet: name of the sheet; None: the first one with data.
        form: how it is read; its `skip` counts the rows of the sheet above the header.

    Raises:
        InputError: python-calamine is not installed; there is no such file or sheet; or the table cannot be used. The
            message names the row. An `OptionError` if there is no sheet of that name, or `skip` is too small.
        StorageError: the file cannot be read.
    """
    found = read_sheet(path, sheet)
    titles = found.count_title_rows()
    if form.header and form.skip < titles and titles >= found.first:
        what = f"the table begins in row {titles + 1} of the sheet {quote(found.name)}; write skip: {titles}"
        raise OptionError(Mistake("skip", f"{what} (got {form.skip})"))
    rows = {number: row for number, row in enumerate(found.rows, found.first) if number > form.skip and any_value(row)}
    if not rows:
        raise InputError(f"{path}: the sheet {quote(found.name)} has no rows after the first {form.skip:,}")
    used = [k for k in range(len(found.rows[0])) if any(row[k] != "" for row in rows.values())]
    numbers = list(rows)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bptrain-"))
        copy = Path(folder, "sheet")
        with report_read_errors(copy), open(copy, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([write_cell(row[k], form.decimal) for k in used] for row in rows.values())
        with report_rows(copy, found, numbers):
            plain = replace(form, delimiter=",", quote='"', encoding="utf-8", comment="", skip=0)
            chunks = stack.enter_context(open_csv(copy, plain))
        opened = stack.pop_all()

    def read(names: Sequence[str], count: int) -> Iterator[Mapping[str, Array]]:
        with report_rows(copy, found, numbers):
            yield from chunks.read(names, count)

    data = numbers[form.header :]
    empty = tuple(sorted(set(range(data[0], data[-1])) - set(data)))
    place = ExcelRows(path, found.name, data[0], empty)
    notes = [*([] if sheet else describe_sheets(found)), *chunks.notes]
    reworded = tuple(reword(one, copy, found, numbers) for one in notes)
    return replace(chunks, origin=str(path), place=place, read=read, notes=reworded, opened=opened)


def describe_sheets(sheet: Sheet) -> list[str]:
    """Return a note about the other sheets with data, if there are some."""
    if len(sheet.others) < 2:
        return []
    names = ", ".join(map(quote, sheet.others))
    what = f"has {len(sheet.others)} sheets with data ({names}), of which the first is read"
    return [f"{sheet.path}: {what}; --sheet, or sheet: in the options of the source, names another"]


def read_sheet(path: Path, name: str | None) -> Sheet:
    """Read a sheet of a file; None: the first one with data.

    Raises:
        InputError, StorageError: as `open_excel`.
    """
    check_file(path)
    try:
        from python_calamine import CalamineError, SheetTypeEnum, SheetVisibleEnum, load_workbook
    except ImportError:
        what = "Excel files are read by python-calamine, which is not installed"
        raise InputError(f"{path}: {what}; pip install 'bptrain[excel]'") from None
    try:
        with report_read_errors(path), load_workbook(path) as book:
            sheets = [one for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
            shown = [one.name for one in sheets if one.visible == SheetVisibleEnum.Visible]
            names = [one.name for one in sheets]
            if name is not None and name not in names:
                raise OptionError(
                    Mistake("sheet", f"no sheet of that name (got {name!r}); {suggest_word(name, names)}")
                )
            full = [one for one in (shown if name is None else [name]) if book.get_sheet_by_name(one).start is not None]
            if not full:
                where = f"the sheet {quote(name)} has" if name else "its sheets have"
                raise InputError(f"{path}: {where} no data; write a header, and a row below it")
            sheet = book.get_sheet_by_name(full[0])
            start = sheet.start
            rows = sheet.to_python()
    except CalamineError as error:
        reason = quote(str(error).splitlines()[0] if str(error) else type(error).__name__)
        what = f"cannot be read as an Excel file ({reason}); open it in Excel, and save it again, or as CSV"
        raise InputError(f"{path}: {what}") from None
    return Sheet(path, full[0], tuple(full), 1 + (start[0] if start else 0), rows)


def any_value(row: list[Any]) -> bool:
    """Tell whether a row has a cell that is not empty."""
    return any(cell != "" for cell in row)


def write_cell(value: Any, decimal: str) -> str:
    """Return a cell as text."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, int | float):
        is_whole = abs(value) < LONGEST_WHOLE and value == int(value)
        return (str(int(value)) if is_whole else repr(value)).replace(".", decimal)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    # A line of the copy is a row of the sheet.
    return re.sub(r"[\r\n]+", " ", str(value)).replace("\0", "")


@contextmanager
def report_rows(copy: Path, sheet: Sheet, numbers: list[int]) -> Iterator[None]:
    """Name the row of the sheet in errors that name a line of its copy."""
    try:
        yield
    except InputError as error:
        raise InputError(reword(str(error), copy, sheet, numbers)) from None


def reword(message: str, copy: Path, sheet: Sheet, numbers: list[int]) -> str:
    """Return a message about the copy of a sheet as one about the sheet; `numbers` are the rows of its lines."""

    def describe(found: re.Match[str]) -> str:
        line = int(found[1] or 0)
        if not 0 < line <= len(numbers):
            return str(sheet.path)
        return describe_row(sheet.path, sheet.name, numbers[line - 1])

    return re.sub(re.escape(str(copy)) + r"(?::(\d+))?", describe, message)
