"""The source that reads a sheet of an Excel or LibreOffice file."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge

from bptrain.tables.formats import EXCEL_SUFFIXES
from bptrain.tables.source import SOURCES, Chunks, FileSource, Source
from bptrain.tables.sources.csv_text.csv_format import MISSING, CsvFormat
from bptrain.tables.sources.excel.excel_reader import open_excel
from bptrain.tables.sources.file_sources import require_path, share_options

EXCEL_OPTIONS = ("header", "decimal", "missing", "text", "skip", "thousands", "strip")
"""The options of a sheet, which it shares with files of separated values."""


@SOURCES.register
@dataclass(frozen=True)
class Excel(FileSource):
    """A sheet of an Excel or LibreOffice file (xlsx, xlsm, xlsb, xls, ods); needs `pip install 'bptrain[excel]'`.

    The sheet is read as if it were saved as CSV: numbers are numbers, dates become text such as 2024-12-31, truth
    values TRUE and FALSE, and durations seconds. Empty rows and columns are left out; a cell with an
    error, such as #N/A, is missing.
    """

    packing: ClassVar[int] = 8
    aliases: ClassVar[tuple[str, ...]] = ("xlsx", "xls", "ods", "xlsb")
    suffixes: ClassVar[tuple[str, ...]] = EXCEL_SUFFIXES

    path: Annotated[Path, "the file, relative to the config file"]
    sheet: Annotated[str | None, "name of the sheet; null: the first one with data"] = None
    header: Annotated[bool, "whether the first row names the columns; else they are column_1, column_2, ..."] = True
    decimal: Annotated[Literal[".", ","], "decimal sign of numbers that are stored as text"] = "."
    missing: Annotated[tuple[str, ...], "texts that mean a missing value, besides an empty cell"] = MISSING
    text: Annotated[tuple[str, ...], "columns to read as text even if they look like numbers, such as 01"] = ()
    skip: Annotated[int, Ge(0), "rows of the sheet above the header, such as a title, that are not read"] = 0
    thousands: Annotated[Literal["", ",", ".", "'", " ", "_"], "sign between thousands in text; '': none"] = ""
    strip: Annotated[tuple[str, ...], "texts before or after numbers that are not read, such as $, % or EUR"] = ()

    def files(self) -> tuple[Path, ...]:
        return (require_path(self.path),)

    def chunks(self) -> Chunks:
        return open_excel(require_path(self.path), self.sheet, self.make_format())

    def at(self, path: Path, cls: Any) -> Source | None:
        return super().at(path, cls) or share_options(self, path, cls)

    def make_format(self) -> CsvFormat:
        """Return the options of the source that are those of a format."""
        return CsvFormat(**{name: getattr(self, name) for name in EXCEL_OPTIONS})

    def as_text(self, names: Iterable[str]) -> "Excel":
        return replace(self, text=tuple(dict.fromkeys((*self.text, *names))))
