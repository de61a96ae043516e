"""`bptrain data FILE`: a file of data without a config."""

import shlex
from pathlib import Path

from bptrain.columns.profile.profile import TableProfile
from bptrain.commands.data import DataDescription, describe_column
from bptrain.tables.guess import read_with_source
from bptrain.tables.reading_options import ReadingOptions


def describe_file(file: str | Path, *, reading: ReadingOptions | None = None) -> DataDescription:
    """Describe the columns of a file of data: their kinds, missing values, ranges, and what is risky about them.

    Args:
        file: path of the data: CSV, Excel, Parquet, JSON, npy or npz, by its first bytes or its suffix.
        reading: options of the source that are given, and so not guessed.

    Returns:
        The description of the table and of each column, without a target, classes or splits.

    Raises:
        InputError: the file cannot be read.
        StorageError: it exists but may not be read.

    Warns:
        BptrainNote: what was guessed about how the file is written.

    Example:
        >>> bptrain.describe_file("houses.csv").rows
    """
    _, table = read_with_source(file, reading=reading)
    names = tuple(table.columns)
    profile = TableProfile(table, names)
    columns = tuple(describe_column(one, "feature", "", one.warnings) for one in map(profile.column, names))
    line = f"bptrain init {shlex.quote(str(file))} --target COLUMN -o CONFIG.yaml"
    notes = (f"to learn from it, write a config with: {line}",)
    return DataDescription(table.origin, len(table), "", (), {}, columns, (), (), notes)
