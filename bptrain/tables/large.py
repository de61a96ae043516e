"""Large tables: those that are not to be held in memory are converted once, a portion at a time, and then mapped.

Whoever works on such a table goes through its blocks, each a small table of its own.
"""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bptrain.atomic import replaced
from bptrain.errors import StorageError
from bptrain.registry import name_of
from bptrain.tables import cache
from bptrain.tables.array_reader import give_npy
from bptrain.tables.chunks import of_text
from bptrain.tables.files import matching, zipped
from bptrain.tables.jsonl_reader import read_jsonl
from bptrain.tables.parquet_reader import read_parquet
from bptrain.tables.selection import Selection
from bptrain.tables.sources import Csv, Jsonl, Npy, Parquet, Source, existing
from bptrain.tables.store import Writer
from bptrain.tables.table import Table, Take

PACKED = 4
"""A packed file (gzip, Parquet) counts so many times its size."""


def reader(source: Source) -> tuple[tuple[Path, ...], Callable[[Take], Table]] | None:
    """The files of a source that can be read a portion at a time, and what does so; None: it cannot.

    Raises:
        OptionError: there is no such file.
    """
    if isinstance(source, Csv):
        return tuple(matching(source.path)), lambda take: handed_over(source, take)
    if isinstance(source, Jsonl):
        return (existing(source.path),), lambda take: read_jsonl(source.path, take)
    if isinstance(source, Parquet):
        return (existing(source.path),), lambda take: read_parquet(source.path, take)
    if isinstance(source, Npy) and not zipped(source.path):
        return (existing(source.path),), lambda take: give_npy(source.path, take)
    return None


def handed_over(source: Csv, take: Take) -> Table:
    """Give away a CSV file a portion at a time. A table of the same places without columns.

    Raises:
        InputError: the file cannot be read.
        StorageError: it may not be read.
    """
    with contextlib.ExitStack() as stack:
        portions = of_text(source.path, source.format, stack)
        for columns in portions.stretches(portions.names):
            take(columns)
    return Table({}, portions.origin, place=portions.where, decimal=portions.decimal)


def is_large(source: Source, memory: int) -> bool:
    """Whether the files of a source are larger than a budget of so many bytes, and can be read a portion at a time.

    Raises:
        OptionError: there is no such file.
    """
    found = reader(source)
    if found is None:
        return False
    weight = PACKED if isinstance(source, Parquet) else 1
    sizes = [size * (PACKED if zipped(Path(path)) else weight) for path, size, *_ in cache.states(found[0])]
    return sum(sizes) > memory


def load(source: Source, *, cached: bool = True, memory: int) -> Table:
    """The table of a source: in memory, or mapped if it is larger than so many bytes.

    Raises:
        InputError: it cannot be read.
        StorageError: it may not be read, or there is no room to convert it.

    Warns:
        BptrainNote: it is converted, or the cache cannot be used.
    """
    if not is_large(source, memory):
        return cache.load(source, cached=cached)
    found = reader(source)
    assert found is not None
    files, read = found
    before = cache.states(files)
    path = cache.folder() / f"{cache.key(source, before)}{cache.SUFFIX}"
    cache.in_use.add(path)
    if cached and (table := cache.kept(path, in_memory=False)) is not None:
        return table
    cache.say(f"{files[0]}: larger than data.memory, and so converted to a file that is mapped into memory")

    def write(file: Any) -> None:
        writer = Writer(file)
        bare = read(writer.add)
        writer.finish(cache.facts_of(bare, writer.rows, name_of(source), files))

    written = made(path, write, cached=cached, keep=lambda: cache.states(files) == before and settled(before))
    with written as path:
        table = cache.kept(path, in_memory=False)
    if table is None:
        raise StorageError(f"{path}: what was written does not come back as it was")
    return table


def settled(files: list[cache.State]) -> bool:
    """Whether files have been left alone for a while."""
    return time.time_ns() - max(max(changed, moved) for _, _, changed, moved, _ in files) > cache.SETTLED


@contextlib.contextmanager
def made(
    path: Path, write: Callable[[Any], None], *, cached: bool, keep: Callable[[], bool] = lambda: True
) -> Iterator[Path]:
    """A file that `write` has written: in the cache, or where that cannot be, one that goes with the context.

    Args:
        path: in the cache.
        write: is given a file.
        cached: whether it is to be kept.
        keep: says afterwards whether it may be.

    Raises:
        StorageError: there is no room for it.
    """
    if cached:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replaced(path) as file:
                write(file)
        except OSError as error:
            cache.say(f"{path.parent}: cannot be written ({error.strerror or error}); a temporary file has to do")
        else:
            cache.shrink(path)
            yield path
            if not keep():
                path.unlink(missing_ok=True)
            return
    with tempfile.TemporaryDirectory(prefix="bptrain-", ignore_cleanup_errors=True) as folder:
        other = Path(folder) / path.name
        try:
            with open(other, "wb") as file:
                write(file)
        except OSError as error:
            what = f"a table larger than data.memory cannot be converted ({error.strerror or error})"
            raise StorageError(f"{other}: {what}; make room, or raise data.memory") from None
        yield other


@dataclass(frozen=True)
class Shifted:
    """Tells where the rows of a block stand: those of the whole table, from a row on."""

    table: Table
    start: int

    def __call__(self, row: int) -> str:
        return self.table.where(self.start + row)


def blocks(table: Table) -> Iterator[tuple[int, Table]]:
    """Yield the table in blocks of rows, each with the number of its first row; one in memory is a single block."""
    if not is_mapped(table):
        yield 0, table
        return
    start = 0
    for columns in table.columns.blocks():  # type: ignore[attr-defined]
        block = Table(columns, table.origin, table.target, Shifted(table, start), table.decimal)
        yield start, block
        start += len(block)


def chunks(rows: Selection, most: int | None = None) -> Iterator[tuple[int, Selection]]:
    """Yield selected rows from first to last, at most `most` at a time, each with the number of the first row of its
    own table in that of all. Of a table in a file, no more than a block is in memory."""
    every = rows.numbers
    for start, block in blocks(rows.table):
        first, last = np.searchsorted(every, (start, start + len(block)))
        numbers = every[first:last] - start if start else every[first:last]
        step = most or max(len(numbers), 1)
        for first in range(0, len(numbers), step):
            yield start, Selection(block, numbers[first : first + step])


def is_mapped(table: Table) -> bool:
    """Tell whether a table is one that is not to be held in memory."""
    return getattr(table.columns, "in_memory", True) is False
