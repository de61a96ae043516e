"""What a source is: a class that names its files and gives their table in chunks of rows, or whole."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

from bptrain.registry import Component, Family
from bptrain.tables.chunks import Chunks, join_tables
from bptrain.tables.table import Table


class Source(Protocol):
    """Something that can be read as a table: whole, or in chunks, of which one must be defined.

    `packing` is how many times its size a file of it takes in memory, `suffixes` are the names of files that it reads.
    """

    packing: ClassVar[int] = 1
    suffixes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def load(self) -> Table:
        """Read the whole table into memory.

        Raises:
            InputError: there is nothing to read, or it cannot be read whole.
            StorageError: it is there and may not be read.
        """

    def files(self) -> tuple[Path, ...]:
        """Return the files that it reads; none where its table is neither kept in the cache nor mapped.

        Raises:
            OptionError: there is no such file.
        """
        return ()

    def chunks(self) -> Iterable[Table]:
        """Return the table some rows at a time, from first to last, each with the same columns, a column numbers in all
        of them or text in all.

        Raises:
            InputError, StorageError: as `load`.
        """
        return (self.load(),)

    def is_parsed(self) -> bool:
        """Tell whether reading it takes so much longer than reading the cache that a table in memory is kept there."""
        return True

    def as_text(self, names: Iterable[str]) -> "Source":
        """Return the source that reads some columns as text, also where they look like numbers; where it knows what is
        text, itself."""
        return self

    def at(self, path: Path, cls: Any) -> "Source | None":
        """Return a source with the same options for another file, of the class `cls` that its suffix suggests (None:
        of any), or None where that does not go."""
        if cls in (None, type(self)) and "path" in {field.name for field in fields(self)}:  # type: ignore[arg-type]
            return replace(self, path=path)  # type: ignore[type-var]
        return None


class Sources(Family):
    """The sources; what a newcomer does not define is as `Source` has it."""

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


class FileSource(Source):
    """A source that opens files."""

    @abstractmethod
    def chunks(self) -> Chunks:
        """Open the files."""

    def load(self) -> Table:
        """Read the whole table into memory."""
        return self.chunks().load()
