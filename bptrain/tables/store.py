"""A store: a table in a mapped file, in chunks of rows, each chunk one column after the other.

Numbers are stored in the narrowest type that gives the same bits back, text as codes of the labels in the chunk.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bptrain.arrays import Array
from bptrain.tables.mapped import TABLE, MappedFile, write_end
from bptrain.tables.table import Columns

CHUNK_ROWS = 1 << 16
"""Rows that a chunk has at most."""

CHUNK_VALUES = 1 << 20
"""Values that a chunk of more than `LEAST_ROWS` rows has at most."""

LEAST_ROWS = 256
"""A chunk has at least this many rows, if there are as many."""

NARROW = ("u1", "i2", "i4", "f4", "f8")
"""The types of numbers, the narrowest first."""

CODES = ("u1", "u2", "i4")
"""The types of the codes of labels, the narrowest first."""

ALIGNMENT = 8


class Writer:
    """Writes a table of any size, a chunk of its rows at a time.

    Args:
        file: new, opened for writing bytes.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.rows = 0
        self._file = file
        self._at = len(TABLE)
        self._columns: dict[str, bool] = {}
        self._chunks: list[dict[str, Any]] = []
        file.write(TABLE)

    def add(self, columns: Mapping[str, Array]) -> None:
        """Write rows: columns by name, each float64, or objects (text and None)."""
        self._columns = self._columns or {name: values.dtype != object for name, values in columns.items()}
        count = len(next(iter(columns.values())))
        most = min(CHUNK_ROWS, max(CHUNK_VALUES // max(len(columns), 1), LEAST_ROWS))
        # Chunks of about equal size.
        size = -(-count // -(-count // most)) if count else 1
        for start in range(0, count, size):
            self._add_chunk(columns, slice(start, start + size))
        self.rows += count

    def _add_chunk(self, columns: Mapping[str, Array], rows: slice) -> None:
        start, checksum, stored = self._at, 0, []
        for name, numeric in self._columns.items():
            values, entries = columns[name][rows], []
            for array in [narrow(values)] if numeric else encode_text(values):
                entries.append([array.dtype.str[1:], len(array), self._at])
                raw = array.tobytes()
                raw += bytes(-len(raw) % ALIGNMENT)
                self._file.write(raw)
                self._at += len(raw)
                checksum = zlib.crc32(raw, checksum)
            stored.append(entries)
        size = self._at - start
        self._chunks.append({"rows": len(values), "at": start, "bytes": size, "crc": checksum, "in": stored})

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Write the end of the file; `facts` are kept with the table, as JSON can hold them."""
        columns = list(self._columns.items())
        document = {"facts": facts, "columns": columns, "blocks": self._chunks, "bytes": self._at}
        write_end(self._file, document, TABLE)


def narrow(values: Array) -> Array:
    """Convert numbers to the narrowest type that gives the same bits back; a zero may have a sign, and NaN has
    many bit patterns."""
    wanted = np.ascontiguousarray(values, np.float64).view(np.int64)
    for kind in NARROW:
        with np.errstate(all="ignore"):
            found = values.astype(f"<{kind}")
        if np.array_equal(found.astype(np.float64).view(np.int64), wanted):
            break
    return found


def encode_text(values: Array) -> list[Array]:
    """Return text as the bytes of its labels, the end of each label in them, and the code of each value: the number of
    its label, counted from 1; 0 for a missing one."""
    listed = values.tolist()
    texts = [text for text in dict.fromkeys(listed) if text is not None]
    code: dict[str | None, int] = {None: 0} | {text: k for k, text in enumerate(texts, 1)}
    kind = next(kind for kind in CODES if len(texts) < np.iinfo(kind).max)
    labels = [text.encode("utf-8", "surrogatepass") for text in texts]
    return [
        np.frombuffer(b"".join(labels), "u1"),
        np.cumsum([len(label) for label in labels], dtype="<i8"),
        np.fromiter(map(code.__getitem__, listed), f"<{kind}", len(listed)),
    ]


def decode_text(raw: Array, ends: Array, codes: Array) -> Array:
    """Return the text that `encode_text` encoded."""
    content, start = raw.tobytes(), 0
    labels: list[str | None] = [None]
    for end in ends.tolist():
        labels.append(content[start:end].decode("utf-8", "surrogatepass"))
        start = end
    return np.array(labels, object)[codes]


class Stored(Columns):
    """The columns of a table in a file, as they were written: float64, or objects.

    In memory, a column is read when it is first asked for, and then kept in the narrowest type that holds its chunks.

    Args:
        path: of the file.
        in_memory: whether columns are kept in memory.

    Raises:
        Damaged: the file is not, bit for bit, what was written.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path, *, in_memory: bool = True) -> None:
        self._file = MappedFile(path, TABLE)
        document = self._file.document
        self._chunks: list[dict[str, Any]] = document["blocks"]
        self._columns = {name: (k, numeric) for k, (name, numeric) in enumerate(document["columns"])}
        super().__init__(self._columns, sum(chunk["rows"] for chunk in self._chunks))
        self.in_memory = in_memory
        self.facts: dict[str, Any] = document["facts"]
        self.digest = sha256(json.dumps([document["columns"], self._chunks]).encode()).hexdigest()
        self._kept: dict[str, Array] = {}
        for chunk in self._chunks:
            self._file.check(chunk["at"], chunk["bytes"], chunk["crc"])

    def __getitem__(self, name: str) -> Array:
        if not self.in_memory:
            return self._read(name)
        if name not in self._kept:
            self._kept[name] = np.concatenate([self.read_chunk(name, chunk) for chunk in self._chunks])
            # The pages were copied, and need not stay in memory.
            self._file.release()
        values = self._kept[name]
        return values if values.dtype == object else values.astype(np.float64, copy=False)

    def take(self, name: str, rows: Array) -> Array:
        return super().take(name, rows) if self.in_memory else self._read(name, rows)

    def chunks(self) -> Iterator[Columns]:
        if self.in_memory:
            yield self
            return
        for chunk in self._chunks:
            yield StoredChunk(self, chunk)
            self._file.release()

    def read_chunk(self, name: str, chunk: Mapping[str, Any]) -> Array:
        """Return a column of a chunk: text, or numbers of the type in which they are stored."""
        k, numeric = self._columns[name]
        arrays = [self._file.view_array(f"<{kind}", count, at) for kind, count, at in chunk["in"][k]]
        return arrays[0] if numeric else decode_text(*arrays)

    def _read(self, name: str, rows: Array | None = None) -> Array:
        """Return some rows of a column (None: all), read a chunk at a time, so that no others are in memory."""
        out = np.empty(self.rows if rows is None else len(rows), np.float64 if self._columns[name][1] else object)
        start = first = 0
        for chunk in self._chunks:
            end = start + chunk["rows"]
            # In the dtype of the rows: with another one, NumPy would convert all of them.
            last = end if rows is None else int(np.searchsorted(rows, np.array(end, rows.dtype)))
            if last > first:
                values = self.read_chunk(name, chunk)
                out[first:last] = values if rows is None else values[rows[first:last] - start]
                self._file.release()
            start, first = end, last
        return out


class StoredChunk(Columns):
    """The columns of one chunk of a store."""

    def __init__(self, store: Stored, chunk: Mapping[str, Any]) -> None:
        super().__init__(store, chunk["rows"])
        self._store, self._chunk = store, chunk

    def __getitem__(self, name: str) -> Array:
        values = self._store.read_chunk(name, self._chunk)
        return values if values.dtype == object else values.astype(np.float64)
