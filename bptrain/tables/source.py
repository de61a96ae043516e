"""A source: a class that names its files and reads them as a table, whole or some rows at a time."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from bptrain.arrays import Array
from bptrain.registry import Component, Family
from bptrain.tables.files import check_memory
from bptrain.tables.table import Table

CHUNK_VALUES = 1 << 18
"""Values that a chunk has at most, unless one row has more."""

CHUNK_ROWS = 1 << 14
"""Rows that a chunk has at most."""


class Source(Protocol):
    """Something that can be read as a table, by `load` or by `chunks`: one of the two must be defined.

    In memory, a file takes `packing` times its size. `suffixes` are those of the files that it reads.
    """

    packing: ClassVar[int] = 1
    suffixes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def load(self) -> Table:
        """Read the whole table into memory.

        Raises:
            InputError: there is nothing to read, or it cannot be read whole.
            StorageError: it exists but may not be read.
        """

    def files(self) -> tuple[Path, ...]:
        """Return the files that it reads; a source without any is neither cached nor mapped.

        Raises:
            OptionError: there is no such file.
        """
        return ()

    def chunks(self) -> Iterable[Table]:
        """Return the table some rows at a time, in order, all chunks with the same columns, each of the same type.

        Raises:
            InputError, StorageError: as `load`.
        """
        return (self.load(),)

    def is_parsed(self) -> bool:
        """Tell whether reading it takes so long that the cache pays off even for a table that fits into memory."""
        return True

    def as_text(self, names: Iterable[str]) -> "Source":
        """Return the source that reads some columns as text, even if they look like numbers; itself for a source whose
        files say what is text."""
        return self

    def at(self, path: Path, cls: Any) -> "Source | None":
        """Return a source with the same options for another file; None if it cannot read that file.

        Args:
            path: of the file.
            cls: the class of source that the suffix of the file suggests; None: it suggests none.
        """
        if cls in (None, type(self)) and "path" in {field.name for field in fields(self)}:  # type: ignore[arg-type]
            return replace(self, path=path)  # type: ignore[type-var]
        return None


class Sources(Family):
    """The sources. A class that a user registers gets from `Source` the methods that it does not define."""

    def named(self, name: str) -> Callable[[type[Component]], type[Component]]:
        register = super().named(name)

        def complete(cls: type[Component]) -> type[Component]:
            cls = register(cls)
            for method in ("files", "chunks", "is_parsed", "as_text", "at", "packing", "suffixes"):
                if not hasattr(cls, method):
                    setattr(cls, method, getattr(Source, method))
            if not hasattr(cls, "load") and cls.chunks is not Source.chunks:  # type: ignore[attr-defined]
                cls.load = lambda self: join_tables(list(self.chunks()))  # type: ignore[attr-defined]
            return cls

        return complete


SOURCES = Sources("source", contract=Source)


@dataclass(frozen=True)
class Chunks:
    """A table of `rows` rows and columns `names`, opened for reading. What `opened` holds open is closed with the
    context, or after the last row.

    `read(names, rows)` yields some columns in order, about `rows` rows at a time; `place`, `decimal`, `target` and
    `notes` are as in `Table`.
    """

    origin: str
    names: tuple[str, ...]
    rows: int
    read: Callable[[Sequence[str], int], Iterator[Mapping[str, Array]]]
    place: Callable[[int], str] | None = None
    decimal: str = "."
    target: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    opened: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "Chunks":
        return self

    def __exit__(self, *_: Any) -> None:
        self.opened.close()

    def __iter__(self) -> Iterator[Table]:
        """Yield the table a chunk of rows at a time."""
        start = 0
        with self:
            for columns in self.read_columns(self.names):
                table = self.make_table(columns, start)
                yield table
                start += len(table)

    def read_columns(self, names: Sequence[str]) -> Iterator[Mapping[str, Array]]:
        """Yield some columns a chunk of rows at a time."""
        return self.read(names, max(1, min(CHUNK_ROWS, CHUNK_VALUES // max(len(names), 1))))

    def load(self) -> Table:
        """Read the whole table into memory.

        Raises:
            InputError: it does not fit, or cannot be read.
        """
        check_memory(self.origin, self.rows, len(self.names))
        with self:
            found = list(self.read(self.names, self.rows))
        return self.make_table(found[0] if len(found) == 1 else join_columns([dict(columns) for columns in found]))

    @property
    def header(self) -> Table:
        """A table of the same columns without rows."""
        return Table({name: np.empty(0) for name in self.names}, self.origin, decimal=self.decimal)

    def make_table(self, columns: Mapping[str, Array], start: int = 0) -> Table:
        """Return columns that begin at row `start` as a table that knows the places of its rows."""
        empty = Table({}, self.origin, self.target, self.place, self.decimal, notes=self.notes)
        return replace(empty.shift(start), columns=columns)


class FileSource(Source):
    """A source that opens files."""

    @abstractmethod
    def chunks(self) -> Chunks:
        """Open the files."""

    def load(self) -> Table:
        return self.chunks().load()


def join_columns(chunks: list[dict[str, Array]]) -> dict[str, Array]:
    """Return the columns of all chunks, joined one by one, so that no more than one is in memory twice."""
    return {name: np.concatenate([chunk.pop(name) for chunk in chunks]) for name in list(chunks[0])}


def join_tables(tables: list[Table]) -> Table:
    """Return the chunks of a table, in order, as one; the first one knows the places of all rows."""
    if len(tables) == 1:
        return tables[0]
    return replace(tables[0], columns=join_columns([dict(table.columns) for table in tables]))


def split_table(table: Table) -> Chunks:
    """Return a table that is in memory as chunks."""

    def read(names: Sequence[str], rows: int) -> Iterator[Mapping[str, Array]]:
        for start in range(0, len(table), rows):
            yield {name: table.column(name)[start : start + rows] for name in names}

    return Chunks(
        table.origin, tuple(table.columns), len(table), read, table.place, table.decimal, table.target, table.notes
    )
