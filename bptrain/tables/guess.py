"""Guessing how a file that nothing is said about is to be read."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bptrain.tables.sources import Csv, Source, read_table, source_for
from bptrain.tables.table import Table, is_number

THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+")


def read(file: str | Path, text: Sequence[str] = ()) -> tuple[Source, Table]:
    """A file, and the source that reads it; decimal commas are found out. Columns named in `text` are read as such.

    Raises:
        InputError: it cannot be read.
        StorageError: it is there and may not be read.
    """
    source, table = source_for(file), read_table(file, text=text)
    if isinstance(source, Csv) and any(has_decimal_commas(values.tolist()) for values in table.columns.values()):
        source = replace(source, decimal=",")
        table = read_table(file, like=source, text=text)
    return source, table


def has_decimal_commas(values: Sequence[object]) -> bool:
    """Whether a column is texts that are numbers with decimal commas; a comma before three digits alone may mean
    thousands."""
    texts = [value for value in values if isinstance(value, str)]
    if not any("," in text and not THOUSANDS.fullmatch(text.strip()) for text in texts):
        return False
    return all(is_number(text, ",") for text in texts)
