"""A store: a table in a file that is mapped into memory, in chunks of rows, and one column after the other in a chunk.

A number is kept in the narrowest type that gives the same bits back, text as the number of its label in the chunk. Each
chunk has a CRC-32. What is in which place stands at the end of the file, as JSON with a CRC-32 of its own.
"""

import json
import mmap
import struct
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bptrain.arrays import Array

TABLE = b"BPTABLE1"

ARRAYS = b"BPARRAY1"

CHUNK_ROWS = 1 << 16
"""Rows that a chunk has at most."""

CHUNK_VALUES = 1 << 20
"""Values that a chunk of many columns has at most, but for `LEAST_ROWS` rows."""

LEAST_ROWS = 256

NARROW = ("u1", "i2", "i4", "f4", "f8")
"""The types of numbers, the narrowest first."""

CODES = ("u1", "u2", "i4")

ALIGNMENT = 8

TAIL = struct.Struct("<QI8s")
"""The end of a file: the length of the JSON before it, its CRC-32, and the magic once more."""


Places = list[tuple[str, int, int]]
"""For each part of a column of a chunk its type, the number of its values, and its place in the file."""


class Damaged(Exception):  # noqa: N818
    """A file is not what was written."""


class Writer:
    """Writes a table, however large, a chunk of its rows at a time.

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
        """Write rows: columns by name, each float64 or objects, text and None."""
        self._columns = self._columns or {name: values.dtype != object for name, values in columns.items()}
        count = len(next(iter(columns.values())))
        most = min(CHUNK_ROWS, max(CHUNK_VALUES // max(len(columns), 1), LEAST_ROWS))
        size = -(-count // -(-count // most)) if count else 1
        for start in range(0, count, size):
            self._add_chunk(columns, slice(start, start + size))
        self.rows += count

    def _add_chunk(self, columns: Mapping[str, Array], rows: slice) -> None:
        start, checksum, chunks = self._at, 0, []
        for name, numeric in self._columns.items():
            values = columns[name][rows]
            parts = [narrow(values)] if numeric else encode_text(values)
            chunks.append([[part.dtype.str[1:], len(part)] for part in parts])
            for part in parts:
                raw = part.tobytes()
                raw += bytes(-len(raw) % ALIGNMENT)
                self._file.write(raw)
                self._at += len(raw)
                checksum = zlib.crc32(raw, checksum)
        self._chunks.append(
            {"rows": len(values), "at": start, "bytes": self._at - start, "crc": checksum, "in": chunks}
        )

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Write the end of the file; `facts` are kept with the table, as JSON can hold them."""
        document = {"facts": facts, "columns": list(self._columns.items()), "blocks": self._chunks, "bytes": self._at}
        text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
        self._file.write(text)
        self._file.write(TAIL.pack(len(text), zlib.crc32(text), TABLE))


def narrow(values: Array) -> Array:
    """Numbers in the narrowest type that gives the same bits back; a zero has two signs, and NaN has many."""
    wanted = np.ascontiguousarray(values, np.float64).view(np.int64)
    for kind in NARROW:
        with np.errstate(all="ignore"):
            narrow = values.astype(f"<{kind}")
        if np.array_equal(narrow.astype(np.float64).view(np.int64), wanted):
            break
    return narrow


def encode_text(values: Array) -> list[Array]:
    """Text as the bytes of its labels, where each of them ends, and the place of each value among them; 0 is none."""
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


class Stored(Mapping[str, Array]):
    """The columns of a table in a file, as they were written: float64, or objects.

    A column is put together when it is asked for, and then kept as narrow as its chunks are in the file, unless the
    table is not meant to be in memory.
    `digest` tells whether two tables are the same.

    Args:
        path: of the file.
        in_memory: whether it is.

    Raises:
        Damaged: it is not, bit for bit, what was written.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path, *, in_memory: bool = True) -> None:
        document = end_of(path)
        self.in_memory = in_memory
        self.facts: dict[str, Any] = document["facts"]
        self.digest = sha256(json.dumps([document["columns"], document["blocks"]]).encode()).hexdigest()
        self._numeric: dict[str, bool] = dict(document["columns"])
        self._chunks: list[dict[str, Any]] = document["blocks"]
        self.sizes: list[int] = [chunk["rows"] for chunk in self._chunks]
        self.rows = sum(self.sizes)
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        for chunk in self._chunks:
            with memoryview(self._map) as whole, whole[chunk["at"] : chunk["at"] + chunk["bytes"]] as raw:
                if zlib.crc32(raw) != chunk["crc"]:
                    raise Damaged("its checksum does not match its content")
            self.release()
        # Of very many chunks they would take memory that grows with the rows.
        self._places = [self.places(k) for k in range(len(self._chunks))] if in_memory else None
        self._kept: dict[str, Array] = {}

    def __len__(self) -> int:
        return len(self._numeric)

    def __iter__(self) -> Iterator[str]:
        return iter(self._numeric)

    def __contains__(self, name: object) -> bool:
        return name in self._numeric

    def __getitem__(self, name: str) -> Array:
        if not self.in_memory:
            return self.take(name)
        if name not in self._kept:
            self._kept[name] = self._narrow(name)
        values = self._kept[name]
        return values.astype(np.float64, copy=False) if self._numeric[name] else values

    def chunks(self) -> Iterator[Mapping[str, Array]]:
        """Yield the columns of a chunk of rows at a time, each put together when it is asked for."""
        for k in range(len(self._chunks)):
            yield StoredChunk(self, k)
            self.release()

    def release(self) -> None:
        """Let the system take the pages that were looked at."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)

    def _narrow(self, name: str) -> Array:
        """A column of all chunks, in the narrowest type that holds what each of them is kept in."""
        assert self._places is not None
        values = np.concatenate([self.part(name, place[name]) for place in self._places])
        # What is copied need not be in memory twice.
        self.release()
        return values

    def take(self, name: str, rows: Array | None = None) -> Array:
        """Return some rows of a column, or all, put together from the file a chunk at a time; no more than them is in
        memory.

        rows `(n,)` ascending.
        """
        out = np.empty(self.rows if rows is None else len(rows), np.float64 if self._numeric[name] else object)
        ends = np.cumsum(self.sizes)
        # Of the same type, or all rows would be converted.
        lasts = ends if rows is None else np.searchsorted(rows, ends.astype(rows.dtype))
        first = 0
        for k, (end, last) in enumerate(zip(ends.tolist(), lasts.tolist(), strict=True)):
            if last > first:
                part = self.part(name, self.places(k)[name])
                out[first:last] = part if rows is None else part[rows[first:last] - (end - self.sizes[k])]
                self.release()
            first = last
        return out

    def places(self, k: int) -> dict[str, Places]:
        """What makes up each column of a chunk."""
        return dict(zip(self._numeric, places(self._chunks[k]), strict=True))

    def part(self, name: str, place: Places) -> Array:
        """A column of a chunk: text, or numbers of whatever type they are kept in."""
        parts = [np.frombuffer(self._map, kind, count, at) for kind, count, at in place]
        return parts[0] if self._numeric[name] else texts(*parts)


class StoredChunk(Mapping[str, Array]):
    """The columns of one chunk of a store."""

    def __init__(self, store: Stored, k: int) -> None:
        self._store, self._places = store, store.places(k)
        self.rows = store.sizes[k]

    def __len__(self) -> int:
        return len(self._store)

    def __iter__(self) -> Iterator[str]:
        return iter(self._store)

    def __contains__(self, name: object) -> bool:
        return name in self._store

    def __getitem__(self, name: str) -> Array:
        values = self._store.part(name, self._places[name])
        return values if values.dtype == object else values.astype(np.float64)


def places(chunk: Mapping[str, Any]) -> Iterator[Places]:
    """For each column of a chunk the type, the number and the place in the file of what makes it up."""
    at = chunk["at"]
    for parts in chunk["in"]:
        found = []
        for kind, count in parts:
            found.append((f"<{kind}", count, at))
            size = np.dtype(kind).itemsize * count
            at += size + -size % ALIGNMENT
        yield found


def texts(raw: Array, ends: Array, codes: Array) -> Array:
    """What `coded` made of text as that text again."""
    content, start = raw.tobytes(), 0
    labels: list[str | None] = [None]
    for end in ends.tolist():
        labels.append(content[start:end].decode("utf-8", "surrogatepass"))
        start = end
    return np.array(labels, object)[codes]


def end_of(path: Path, magic: bytes = TABLE) -> dict[str, Any]:
    """What the end of a file says.

    Raises:
        Damaged: it is none, or changed.
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - TAIL.size, 0))
        tail = file.read()
        if len(tail) != TAIL.size:
            raise Damaged("it is cut short")
        length, checksum, last = TAIL.unpack(tail)
        start = size - TAIL.size - length
        if last != magic or start < len(magic):
            raise Damaged("it is cut short or changed")
        file.seek(start)
        text = file.read(length)
        file.seek(0)
        if zlib.crc32(text) != checksum or file.read(len(magic)) != magic:
            raise Damaged("its end does not match its checksum")
    document: dict[str, Any] = json.loads(text)
    if document["bytes"] != start:
        raise Damaged("it does not have the size that it declares")
    return document
