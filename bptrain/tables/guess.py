"""Files that are named without a source: which one reads them, and with which options."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bptrain.errors import InputError, OptionError
from bptrain.tables.files import is_zipped
from bptrain.tables.source import Chunks, chunks_of_table, join_tables
from bptrain.tables.sources import SOURCES, Csv, Source
from bptrain.tables.table import Table, is_number

ADVICE = {
    ".xlsx": "save the sheet as CSV",
    ".xls": "save the sheet as CSV",
    ".ods": "save the sheet as CSV",
    ".pkl": "pickles can run code; save the table as CSV or Parquet",
    ".pickle": "pickles can run code; save the table as CSV or Parquet",
    ".feather": "save the table as Parquet",
    ".arrow": "save the table as Parquet",
    ".h5": "save the table as CSV, Parquet or npz",
    ".hdf5": "save the table as CSV, Parquet or npz",
    ".mat": "save the table as CSV, Parquet or npz",
    ".zip": "unpack it",
    ".yaml": "name the data, not the config",
    ".yml": "name the data, not the config",
}
"""What to do about files that are no tables for us, by their suffix."""


def source_for(path: str | Path, like: Source | None = None) -> Any:
    """The source that reads a file, chosen by the suffix of its name; CSV where that says nothing.

    Args:
        path: of the file, `.gz` after the suffix for a gzipped one; or a pattern for several CSV files.
        like: a source whose options are taken over, such as the delimiter, where the file is of the same kind; it also
            decides where the suffix says nothing.

    Returns:
        An instance of one of the sources that have a `path`; `Idx` without labels where `like` is one.

    Raises:
        InputError: the suffix is that of a format which is not read.
    """
    path = Path(path)
    suffix = (path.with_suffix("") if is_zipped(path) else path).suffix.lower()
    if suffix in ADVICE:
        raise InputError(f"{path}: {suffix} files are not read; {ADVICE[suffix]}")
    cls: Any = next((cls for cls in SOURCES.members.values() if suffix in cls.suffixes), None)  # type: ignore[attr-defined]
    return (like and like.at(path, cls)) or (cls or Csv)(path)


def read_table(path: str | Path, like: Source | None = None, text: Iterable[str] = ()) -> Table:
    """A file as a table, read by the source that `source_for` chooses; columns named in `text` are text in any case.

    Raises:
        InputError: there is no such file, or it cannot be read whole.
        StorageError: it is there and may not be read.
    """
    try:
        table: Table = source_for(path, like).as_text(text).load()
    except OptionError as error:
        raise naming(path, error) from None
    return table


def open_chunks(path: str | Path, like: Source | None = None, text: Iterable[str] = ()) -> Chunks:
    """Open a file to be read in chunks as `read_table` reads it: with the same types, and refused for the same reasons.

    Raises:
        InputError: there is no such file, or it cannot be read whole.
        StorageError: it is there and may not be read.
    """
    try:
        found = source_for(path, like).as_text(text).chunks()
        return found if isinstance(found, Chunks) else chunks_of_table(join_tables(list(found)))
    except OptionError as error:
        raise naming(path, error) from None


def naming(path: str | Path, error: OptionError) -> InputError:
    """Return what is wrong with a file that was named outside of a config."""
    what = "; ".join(mistake.message for mistake in error.mistakes)
    return InputError(f"{path}: {what.removesuffix(f' (got {path})')}")


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
