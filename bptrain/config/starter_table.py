"""The table of a first config: a file of data, read as it is written, and a target of numbers as numbers."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bptrain.columns.column_errors import build_text_error
from bptrain.columns.dates.marks import find_date_marks
from bptrain.columns.kinds import MOST_MARKS, find_odd_texts
from bptrain.columns.target_position import Position, find_position
from bptrain.columns.targets import convert_to_numbers, guess_task
from bptrain.config.recipe import FEWEST_TO_SPLIT
from bptrain.tables.cache import note
from bptrain.tables.guess import read_clean_table, read_with_source
from bptrain.tables.reading_options import ReadingOptions
from bptrain.tables.sources import Csv, Excel, Source
from bptrain.tables.table import Selection, Table, quote


def read_file(
    file: str | Path, target: str | None, reading: ReadingOptions | None = None
) -> tuple[Source, Table, Position | None]:
    """Return the source of a file, its table, and the target if it was named by its position. A few texts among the
    numbers of the target, such as n/a, count as missing.

    Raises:
        InputError: it cannot be read; or there is other text among the numbers of the target.
        StorageError: it exists but may not be read."""
    text = () if target is None else (target,)
    source, table = mark_missing_dates(*read_with_source(file, text, reading), text)
    position = None if target is None else find_position(target, list(table.columns))
    if position:
        target, text = position.name, (position.name,)
        table = replace(read_clean_table(file, like=source, text=text), notes=())
    if target is None or target not in table.columns:
        return source, table, position
    table = convert_to_numbers(table, target)
    values = table.columns[target]
    if values.dtype != object or guess_task(table, target) == "classification":
        return source, table, position
    odd = find_odd_texts(values, table.decimal)
    rows = len(table) - sum(len(one.rows) for one in odd)
    if (
        not isinstance(source, Csv | Excel)
        or rows < FEWEST_TO_SPLIT
        or len(odd) > MOST_MARKS
        or not all(one.is_mark for one in odd)
    ):
        raise build_text_error(Selection(table), target, values, "correct it")
    source = replace(source, missing=(*source.missing, *(one.text for one in odd)))
    return source, convert_to_numbers(read_clean_table(file, like=source, text=text), target), position


def mark_missing_dates(source: Source, table: Table, text: Sequence[str]) -> tuple[Source, Table]:
    """Return the source and the table with the texts as missing that mean a missing date, such as 0000-00-00.

    Warns:
        BptrainNote: which texts these are.
    """
    marks = find_date_marks(table.columns) if isinstance(source, Csv | Excel) else {}
    if not isinstance(source, Csv | Excel) or not marks:
        return source, table
    some = ", ".join(f"{quote(mark)} ({count:,} value{'s' * (count > 1)})" for mark, count in marks.items())
    note(f"{source.path}: {some} {'means' if len(marks) == 1 else 'mean'} a missing date")
    source = replace(source, missing=(*source.missing, *marks))
    return source, read_clean_table(source.path, like=source, text=text)
