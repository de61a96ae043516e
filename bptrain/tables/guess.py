"""Files that are given without a source: which source reads each, and with which options."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from bptrain.arrays import Array
from bptrain.errors import InputError, OptionError
from bptrain.tables.cache import note
from bptrain.tables.files import match_files, read_first_bytes
from bptrain.tables.formats import find_format, find_suffix, is_json
from bptrain.tables.names import clean_names, rename_table
from bptrain.tables.number_signs import Signs, guess_signs, is_code
from bptrain.tables.reading_options import ReadingOptions
from bptrain.tables.source import Chunks, join_tables, split_table
from bptrain.tables.sources import SOURCES, Csv, Excel, Jsonl, Source
from bptrain.tables.sources.csv_text.csv_guess import guess_options
from bptrain.tables.sources.csv_text.csv_layout import resolve_format
from bptrain.tables.sources.csv_text.csv_lines import read_rows
from bptrain.tables.sources.excel.excel_guess import guess_sheet_options
from bptrain.tables.table import Table

ADVICE = {
    **dict.fromkeys((".pkl", ".pickle"), "pickles can run code; save the table as CSV or Parquet"),
    **dict.fromkeys((".feather", ".arrow"), "save the table as Parquet"),
    **dict.fromkeys((".h5", ".hdf5", ".mat"), "save the table as CSV, Parquet or npz"),
    **dict.fromkeys((".yaml", ".yml"), "name the data, not the config"),
}
"""What to do about files of formats that are not read, by their suffix."""

MOST_SAMPLED, LEAST_SAMPLED = 200_000, 20
"""At most so many values, but at least so many of the first rows, tell how numbers are written."""


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


def open_chunks(
    path: str | Path, like: Source | None = None, text: Iterable[str] = (), reading: ReadingOptions | None = None
) -> Chunks:
    """Open a file with the source that `choose_source` returns, and the options that are given; columns named in `text`
    are always read as text.

    Raises:
        InputError: there is no such file, or it cannot be read whole.
        StorageError: it exists but may not be read.
    """
    try:
        found = (reading or ReadingOptions()).apply(choose_source(path, like)).as_text(text).chunks()
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


def read_clean_table(path: str | Path, like: Source | None = None, text: Iterable[str] = ()) -> Table:
    """Read a file into memory, and give its columns normalized names; arguments and errors are those of
    `open_chunks`."""
    table = read_table(path, like, text)
    return rename_table(table, clean_names(list(table.columns)))


def read_with_source(
    path: str | Path, text: Sequence[str] = (), reading: ReadingOptions | None = None
) -> tuple[Source, Table]:
    """Return the source that reads a file, with the options that a text file or a sheet needs, and the table.

    Args:
        path: of the file.
        text: columns that are always read as text.
        reading: options of the source that are given, and so not guessed.

    Raises:
        InputError, StorageError: as `open_chunks`; or two ways to read the file fit equally, and the message shows
            both.

    Warns:
        BptrainNote: what was guessed.
    """
    reading = reading or ReadingOptions()
    try:
        source, given = reading.apply(choose_source(path)), reading.list_given()
        if isinstance(source, Csv | Excel):
            guess: Any = guess_options if isinstance(source, Csv) else guess_sheet_options
            source, notes = guess(source, given)
            for one in notes:
                note(f"{path}: {one}")
    except OptionError as error:
        raise describe_mistakes(path, error) from None
    table = read_table(path, like=source, text=text)
    if isinstance(source, Csv | Excel):
        source, table = guess_numbers(source, table, text, given)
    return source, rename_table(table, clean_names(list(table.columns)))


def guess_numbers(
    source: Csv | Excel, table: Table, text: Sequence[str], given: Collection[str]
) -> tuple[Csv | Excel, Table]:
    """Return the source that reads the numbers of a file as they are written, and the table that it then gives.

    Args:
        source: without options about numbers.
        table: what it gives.
        text: columns that are always read as text.
        given: options that are not guessed.

    Raises:
        InputError: a column can be read in two ways; the message shows both.

    Warns:
        BptrainNote: what was guessed.
    """
    sample = sample_columns(source)
    codes = [name for name, values in sample.items() if name not in (*text, *source.text) and is_code(values)]
    if codes:
        some = ", ".join(f"{name} ({sample[name][0]})" for name in codes[:3]) + ", ..." * (len(codes) > 3)
        note(f"{source.path}: codes are read as text: {some}")
    changed = replace(source, text=(*source.text, *codes))
    if "missing" not in given and any(is_country(values) for values in sample.values()):
        note(f"{source.path}: NA is read as a text, as the other codes of two letters in its column")
        changed = replace(changed, missing=tuple(mark for mark in source.missing if mark != "NA"))
    numbers = [name for name in table.columns if name not in codes]
    columns = {name: count_texts(table.columns[name], ()) for name in numbers if table.columns[name].dtype == object}
    if any(any(map(str.isdigit, one)) for texts in columns.values() for one in texts):
        # Columns that are numbers as they are tell how the numbers in texts are written.
        columns = {name: count_texts(table.columns[name], sample.get(name, ())) for name in numbers}
    wanted = Signs(source.decimal, source.thousands, source.strip, changed.missing)
    try:
        signs, notes = guess_signs(columns, wanted, given)
    except InputError as error:
        raise InputError(f"{source.path}: {error}") from None
    for one in notes:
        note(f"{source.path}: {one}")
    changed = replace(changed, **vars(signs))
    return changed, table if changed == source else read_table(source.path, like=changed, text=text)


def sample_columns(source: Csv | Excel) -> dict[str, list[str]]:
    """Return the texts in the first rows of each column that are not missing."""
    if isinstance(source, Excel):
        names: Sequence[str] = source.chunks().names
        columns = source.as_text(names).load().columns
        return {name: [value for value in columns[name].tolist() if value not in (None, "NA")] for name in names}
    path = match_files(source.path)[0]
    form, names, _ = resolve_format(path, source.make_format())
    missing = {"", *source.missing} - {"NA"}
    rows = [row for _, row in islice(read_rows(path, form), max(LEAST_SAMPLED, MOST_SAMPLED // len(names)))]
    return {
        name: [value for value in values if value not in missing]
        for name, values in zip(names, zip(*rows, strict=False), strict=False)
    }


def count_texts(values: Array, sample: Sequence[str]) -> Counter[str]:
    """Return how often each text is in a column; those in the first rows of a column of numbers."""
    return Counter(sample if values.dtype != object else (value for value in values.tolist() if value is not None))


def is_country(values: Sequence[str]) -> bool:
    """Tell whether a column has NA among other codes of two capital letters, as Namibia among countries."""
    others = {*values} - {"NA"}
    return "NA" in values and len(others) > 1 and all(re.fullmatch("[A-Z]{2}", value) for value in others)
