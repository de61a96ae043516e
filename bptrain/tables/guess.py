"""Files that are given without a source: which source reads each, and with which options."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bptrain.errors import InputError, OptionError
from bptrain.tables.cache import note
from bptrain.tables.files import read_first_bytes
from bptrain.tables.formats import find_format, find_suffix, is_json
from bptrain.tables.source import Chunks, join_tables, split_table
from bptrain.tables.sources import SOURCES, Csv, Excel, Jsonl, Source
from bptrain.tables.sources.csv_text.csv_guess import guess_options
from bptrain.tables.table import Table, is_number

ADVICE = {
    **dict.fromkeys((".pkl", ".pickle"), "pickles can run code; save the table as CSV or Parquet"),
    **dict.fromkeys((".feather", ".arrow"), "save the table as Parquet"),
    **dict.fromkeys((".h5", ".hdf5", ".mat"), "save the table as CSV, Parquet or npz"),
    **dict.fromkeys((".yaml", ".yml"), "name the data, not the config"),
}
"""What to do about files of formats that are not read, by their suffix."""

THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+")
"""A whole number whose commas may separate thousands."""


def choose_source(path: str | Path, like: Source | None = None) -> Any:
    """Return the source that reads a file, chosen by its first bytes where they tell its format, or else by the suffix
    of its name; CSV for an unknown suffix.

    Args:
        path: of the file, which may be gzipped, or alone in a zip archive; or a pattern for several CSV files.
        like: a source whose options, such as the delimiter, are used for a file of the same kind; it is also the choice
            for an unknown suffix.

    Returns:
        An instance of one of the sources that have a `path`; `Idx` without labels if `like` is one.

    Raises:
        InputError: files of this format are not read.
    """
    path = Path(path)
    suffix = find_suffix(path)
    if suffix in ADVICE:
        raise InputError(f"{path}: {suffix} files are not read; {ADVICE[suffix]}")
    members: dict[str, Any] = dict(SOURCES.members)
    cls = members.get(find_format(path) or "") or next((c for c in members.values() if suffix in c.suffixes), None)
    if cls is Excel and find_format(path) is None and read_first_bytes(path, 1):
        # Text, whatever its name says.
        cls = None
    if cls in (None, Csv) and is_json(path):
        cls = Jsonl
    return (like and like.at(path, cls)) or (cls or Csv)(path)


def open_chunks(path: str | Path, like: Source | None = None, text: Iterable[str] = ()) -> Chunks:
    """Open a file with the source that `choose_source` returns; columns named in `text` are always read as text.

    Raises:
        InputError: there is no such file, or it cannot be read whole.
        StorageError: it exists but may not be read.
    """
    try:
        found = choose_source(path, like).as_text(text).chunks()
    except OptionError as error:
        raise describe_mistakes(path, error) from None
    chunks = found if isinstance(found, Chunks) else split_table(join_tables(list(found)))
    for one in chunks.notes:
        note(one)
    return chunks


def describe_mistakes(path: str | Path, error: OptionError) -> InputError:
    """Return what is wrong with the options of the source of a file."""
    what = "; ".join(mistake.message for mistake in error.mistakes)
    return InputError(f"{path}: {what.removesuffix(f' (got {path})')}")


def read_table(path: str | Path, like: Source | None = None, text: Iterable[str] = ()) -> Table:
    """Read a file into memory; arguments and errors are those of `open_chunks`."""
    return open_chunks(path, like, text).load()


def read_with_source(
    path: str | Path, text: Sequence[str] = (), given: Mapping[str, Any] | None = None
) -> tuple[Source, Table]:
    """Return the source that reads a file, with the options that a text file or a sheet needs, and the table.

    Args:
        path: of the file.
        text: columns that are always read as text.
        given: options of the source that are not guessed, such as `header`.

    Raises:
        InputError, StorageError: as `open_chunks`; or two ways to read the file fit equally, and the message shows
            both.

    Warns:
        BptrainNote: what was guessed.
    """
    source = choose_source(path)
    try:
        source = replace(source, **(given or {}))
        if isinstance(source, Csv):
            source, notes = guess_options(source, given or {})
            for one in notes:
                note(f"{path}: {one}")
        elif isinstance(source, Excel):
            source = source.with_layout()
    except OptionError as error:
        raise describe_mistakes(path, error) from None
    table = read_table(path, like=source, text=text)
    if isinstance(source, Csv) and any(has_decimal_commas(values.tolist()) for values in table.columns.values()):
        source = replace(source, decimal=",")
        table = read_table(path, like=source, text=text)
    return source, table


def has_decimal_commas(values: Sequence[object]) -> bool:
    """Tell whether a column is text of numbers with decimal commas; commas that may separate thousands do not count."""
    texts = [value for value in values if isinstance(value, str)]
    if not any("," in text and not THOUSANDS.fullmatch(text.strip()) for text in texts):
        return False
    return all(is_number(text, ",") for text in texts)
