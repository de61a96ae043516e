"""Mapped arrays: arrays in a file that is mapped into memory, for rows that do not fit into it.

The file has one array after the other, and at its end what is where, with a CRC-32 of each array and a SHA-256 of all.
Pages of the file that were looked at count as memory of the process until they are released, which costs nothing but to
map them again.
"""

import hashlib
import json
import mmap
import os
import weakref
import zlib
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.errors import StorageError
from bptrain.tables.store import ARRAYS, TAIL, Damaged, end_of

CHUNK_BYTES = 1 << 23
"""Bytes that are looked at before they are released."""


RESIDENT_BYTES = 1 << 30
"""Bytes of pages that may count as memory of the process while rows are gathered from far apart."""

FAULT_BYTES = 1 << 16
"""Bytes that the system maps around a row that is looked at."""


class ArrayWriter:
    """Writes arrays a chunk of their rows at a time.

    Args:
        file: new, opened for writing bytes.
        arrays: for each the type and the shape.
    """

    def __init__(self, file: BinaryIO, arrays: Mapping[str, tuple[str, Shape]]) -> None:
        self._file = file
        self._places: dict[str, dict[str, Any]] = {}
        at = len(ARRAYS)
        for name, (kind, shape) in arrays.items():
            self._places[name] = {"type": kind, "shape": list(shape), "at": at, "crc": 0}
            at += prod(shape) * np.dtype(kind).itemsize
        self._end = at
        self._written = dict.fromkeys(arrays, 0)
        self._digests = {name: hashlib.sha256() for name in arrays}
        file.write(ARRAYS)

    def add(self, arrays: Mapping[str, Array]) -> None:
        """Write the next rows of some arrays."""
        for name, values in arrays.items():
            place = self._places[name]
            raw = np.ascontiguousarray(values, place["type"]).tobytes()
            self._file.seek(place["at"] + self._written[name])
            self._file.write(raw)
            self._written[name] += len(raw)
            place["crc"] = zlib.crc32(raw, place["crc"])
            self._digests[name].update(raw)

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Write the end of the file; `facts` are kept with the arrays, as JSON can hold them."""
        digest = hashlib.sha256("".join(one.hexdigest() for one in self._digests.values()).encode()).hexdigest()
        document = {"facts": facts, "digest": digest, "arrays": self._places, "bytes": self._end}
        text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
        self._file.seek(self._end)
        self._file.write(text)
        self._file.write(TAIL.pack(len(text), zlib.crc32(text), ARRAYS))


class MappedArrays:
    """Arrays in a file, by name, read-only. `digest` tells whether they are the same as others.

    Raises:
        Damaged: the file is not, bit for bit, what was written.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        document = end_of(path, ARRAYS)
        # It stays open, and readable where somebody removes it.
        self._handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._handle)
        self._map = mmap.mmap(self._handle, 0, access=mmap.ACCESS_READ)
        self._gathered = 0
        self.digest: str = document["digest"]
        self.facts: dict[str, Any] = document["facts"]
        self.arrays: dict[str, Array] = {}
        self._places: dict[str, int] = {}
        for name, place in document["arrays"].items():
            shape, kind = tuple(place["shape"]), np.dtype(place["type"])
            if self._checksum(place["at"], prod(shape) * kind.itemsize) != place["crc"]:
                raise Damaged("a checksum does not match its content")
            self.arrays[name] = np.frombuffer(self._map, kind, prod(shape), place["at"]).reshape(shape)
            self._places[name] = place["at"]
        if hasattr(mmap, "MADV_RANDOM"):
            # What is gathered from far apart needs no pages around it.
            self._map.madvise(mmap.MADV_RANDOM)

    def _checksum(self, at: int, count: int) -> int:
        total = 0
        with memoryview(self._map) as whole:
            for start in range(at, at + count, CHUNK_BYTES):
                with whole[start : min(start + CHUNK_BYTES, at + count)] as part:
                    total = zlib.crc32(part, total)
                self.release()
        return total

    def release(self) -> None:
        """Let the system take the pages that were looked at."""
        self._gathered = 0
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)

    def take(self, name: str, rows: Array) -> Array:
        """Return some rows of an array of bytes, fresh.

        Rows one after the other are read, which needs no pages of the map; others are gathered through the map, which
        is ten times as fast as reading them one by one. Of a large file the pages are released now and then.

        Raises:
            StorageError: the file was cut short.
        """
        array, count = self.arrays[name], len(rows)
        size, first = array.shape[1], int(rows[0])
        # Pages beyond the end of the file would kill the process.
        if os.fstat(self._handle).st_size < len(self._map):
            raise StorageError("a file of mapped rows was cut short while it was in use; start again")
        if hasattr(os, "pread") and int(rows[-1]) - first == count - 1 and (np.diff(rows) == 1).all():
            raw = os.pread(self._handle, count * size, self._places[name] + first * size)
            return np.frombuffer(raw, np.uint8).reshape(count, size)
        found = array.take(rows, axis=0, mode="clip")
        self._gathered += count * FAULT_BYTES
        if min(self._gathered, len(self._map)) > RESIDENT_BYTES:
            self.release()
        return found


class Records:
    """Rows in a file, each a record with the fields `inputs`, `targets` and perhaps `weights`, one after the other.

    Args:
        arrays: of the file.
        name: of the array that has them, as bytes.
        kind: of a record.
    """

    def __init__(self, arrays: MappedArrays, name: str, kind: "np.dtype[Any]") -> None:
        self._arrays, self._name, self.kind = arrays, name, kind

    @property
    def digest(self) -> str:
        """Tells whether the whole file is the same as another."""
        return self._arrays.digest

    @property
    def records(self) -> Array:
        """All of them, mapped, `(rows,)`."""
        return self._arrays.arrays[self._name].view(self.kind)[:, 0]

    def take(self, rows: Array) -> Array:
        """Return some of them, `(n,)`, fresh.

        Raises:
            StorageError: the file was cut short.
        """
        return self._arrays.take(self._name, rows).view(self.kind)[:, 0]

    def release(self) -> None:
        """Let the system take the pages that were looked at."""
        self._arrays.release()
