"""The options that a sheet needs, guessed once for a first config: what is guessed is written into it."""

from collections.abc import Container
from dataclasses import replace

from bptrain.tables.sources.csv_text.csv_guess import guess_header
from bptrain.tables.sources.excel.excel_reader import describe_row, describe_sheets, read_sheet, write_cell
from bptrain.tables.sources.excel.excel_source import Excel
from bptrain.tables.sources.file_sources import require_path

MOST_SAMPLED = 100
"""The most rows that tell whether the first one names the columns."""


def guess_sheet_options(source: Excel, given: Container[str] = ()) -> tuple[Excel, list[str]]:
    """Return a source with the options that its sheet needs, and notes on what was guessed.

    Args:
        source: as it is by default.
        given: names of the options that are not guessed.

    Raises:
        InputError: the first row may be names or data; or the file cannot be read.
        OptionError: there is no such file or sheet.
        StorageError: it cannot be read.
    """
    sheet = read_sheet(require_path(source.path), source.sheet)
    notes = [one.removeprefix(f"{source.path}: ") for one in describe_sheets(sheet)]
    if notes and source.sheet is None:
        source = replace(source, sheet=sheet.name)
    titles = sheet.count_title_rows()
    if titles >= sheet.first:
        source = replace(source, skip=titles)
        notes.append(f"the table begins in row {titles + 1}, and what is above it is not read")
    rows = [row for row in sheet.rows[max(titles + 1 - sheet.first, 0) :] if any(cell != "" for cell in row)]
    used = [k for k in range(len(rows[0])) if any(row[k] != "" for row in rows)]
    records = [[write_cell(row[k], source.decimal) for k in used] for row in rows[:MOST_SAMPLED]]
    if "header" not in given:
        place = describe_row(source.path, sheet.name, titles + 1)
        header, more = guess_header(source.make_format(), place, records)
        source, notes = replace(source, header=header), notes + more
    return source, notes
