"""Names of columns: those that a person takes for the same, and columns under the names by which they are asked for."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from bptrain.arrays import Array
from bptrain.tables.source import Chunks
from bptrain.tables.table import Columns, Table


def normalize_name(name: str) -> str:
    """Return a name without outer spaces, its letters and accents composed (NFC)."""
    return unicodedata.normalize("NFC", name).strip()


def match_names(names: Collection[str], wanted: Iterable[str]) -> dict[str, str]:
    """Return by which wanted name to call each column that has another spelling of it: with other spaces around it, or
    with accents written as characters of their own."""
    known, asked = set(names), dict.fromkeys(wanted)
    absent = {normalize_name(name): name for name in asked if name not in known}
    if not absent:
        return {}
    others = [name for name in names if name not in asked]
    count = Counter(map(normalize_name, others))
    return {name: absent[key] for name in others if (key := normalize_name(name)) in absent and count[key] == 1}


def clean_names(names: Sequence[str]) -> dict[str, str]:
    """Return the normalized name of each column that has another one, unless two columns would share it."""
    count = Counter(normalize_name(name).lower() for name in names)
    clean = {name: normalize_name(name) for name in names}
    return {name: new for name, new in clean.items() if new != name and count[new.lower()] == 1}


def rename_columns(table: Table, wanted: Iterable[str]) -> Table:
    """Return a table whose columns have the names that are wanted, as far as they are spellings of the same name."""
    return rename_table(table, match_names(table.columns, wanted))


def rename_table(table: Table, renamed: Mapping[str, str]) -> Table:
    """Return a table with other names for some columns."""
    if not renamed:
        return table
    names = {renamed.get(name, name): name for name in table.columns}
    columns = table.columns
    if isinstance(columns, Columns):
        return replace(table, columns=RenamedColumns(columns, names))
    return replace(table, columns={new: columns[old] for new, old in names.items()})


def rename_chunks(chunks: Chunks, wanted: Iterable[str]) -> Chunks:
    """Return chunks of a table whose columns have the names that are wanted, as `rename_columns`."""
    renamed = match_names(chunks.names, wanted)
    if not renamed:
        return chunks
    names = {renamed.get(name, name): name for name in chunks.names}

    def read(chosen: Sequence[str], rows: int) -> Iterator[Mapping[str, Array]]:
        for columns in chunks.read([names[name] for name in chosen], rows):
            yield {name: columns[names[name]] for name in chosen}

    return replace(chunks, names=tuple(names), read=read)


class RenamedColumns(Columns):
    """Columns under other names.

    Args:
        columns: the columns.
        names: the name there of each column, by its name here.
    """

    def __init__(self, columns: Columns, names: Mapping[str, str]) -> None:
        super().__init__(names, columns.rows)
        self._columns, self._old = columns, names
        self.in_memory, self.digest = columns.in_memory, columns.digest

    def __getitem__(self, name: str) -> Array:
        return self._columns[self._old[name]]

    def take(self, name: str, rows: Array) -> Array:
        return self._columns.take(self._old[name], rows)

    def chunks(self) -> Iterator[Columns]:
        for chunk in self._columns.chunks():
            yield RenamedColumns(chunk, self._old)
