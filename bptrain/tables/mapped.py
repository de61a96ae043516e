"""Mapped files: arrays in a file that is mapped into memory, for tables and rows that do not fit into it.

A file begins with a magic word and has arrays one after the other. At its end a JSON document says where each of them
is, and its CRC-32; the document has a CRC-32 of its own. Pages of the file that were read count as memory of the
process until they are released, after which they can be read again at little cost.
"""

import hashlib
import json
import mmap
import os
import struct
import weakref
import zlib
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.errors import StorageError

TABLE = b"BPTABLE1"
"""The magic word of a file with a table."""

ARRAYS = b"BPARRAY1"
"""The magic word of a file with arrays."""

TAIL = struct.Struct("<QI8s")
"""The last bytes of a file: the length of the JSON document before them, its CRC-32, and the magic word again."""

CHUNK_BYTES = 1 << 23
"""Bytes that are read before their pages are released."""

RESIDENT_BYTES = 1 << 30
"""Bytes of pages that may count as memory of the process while rows are gathered from all over a file."""

FAULT_BYTES = 1 << 16
"""Bytes that the system maps around a row that is read."""


class Damaged(Exception):  # noqa: N818
    """The content of a file is not what was written."""


UNREADABLE = (Damaged, OSError, ValueError, LookupError, TypeError)
"""What reading a file that is damaged, or written by another version, can raise."""


def write_end(file: BinaryIO, document: Mapping[str, Any], magic: bytes) -> None:
    """Write the end of a file: a document that JSON can hold, in which `bytes` is the size of the file so far."""
    text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
    file.write(text)
    file.write(TAIL.pack(len(text), zlib.crc32(text), magic))


def read_end(path: Path, magic: bytes) -> dict[str, Any]:
    """Return the document at the end of a file.

    Raises:
        Damaged: there is none, or it was changed.
        OSError: the file cannot be read.
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


class MappedFile:
    """A file that is mapped into memory, read-only; `document` is what its end says.

    Raises:
        Damaged: its end is not what was written.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path, magic: bytes) -> None:
        self.document = read_end(path, magic)
        # The file stays open, and readable after somebody removes it.
        self.handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self.handle)
        self.map = mmap.mmap(self.handle, 0, access=mmap.ACCESS_READ)

    def check(self, at: int, count: int, checksum: int) -> None:
        """Check `count` bytes from `at` on against their CRC-32.

        Raises:
            Damaged: they do not match.
        """
        total = 0
        with memoryview(self.map) as whole:
            for start in range(at, at + count, CHUNK_BYTES):
                with whole[start : min(start + CHUNK_BYTES, at + count)] as raw:
                    total = zlib.crc32(raw, total)
                self.release()
        if total != checksum:
            raise Damaged("a checksum does not match its content")

    def view_array(self, dtype: Any, count: int, at: int) -> Array:
        """Return a view of `count` entries from byte `at` on, `(count,)`."""
        return np.frombuffer(self.map, dtype, count, at)

    def release(self) -> None:
        """Release the pages that were read, so that they no longer count as memory of the process."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.map.madvise(mmap.MADV_DONTNEED)


class ArrayWriter:
    """Writes arrays a chunk of their rows at a time.

    Args:
        file: new, opened for writing bytes.
        arrays: the dtype and the shape of each, by name.
    """

    def __init__(self, file: BinaryIO, arrays: Mapping[str, tuple[str, Shape]]) -> None:
        self._file = file
        self._arrays: dict[str, dict[str, Any]] = {}
        at = len(ARRAYS)
        for name, (dtype, shape) in arrays.items():
            self._arrays[name] = {"type": dtype, "shape": list(shape), "at": at, "crc": 0}
            at += prod(shape) * np.dtype(dtype).itemsize
        self._end = at
        self._written = dict.fromkeys(arrays, 0)
        self._digests = {name: hashlib.sha256() for name in arrays}
        file.write(ARRAYS)

    def add(self, arrays: Mapping[str, Array]) -> None:
        """Write the next rows of some arrays."""
        for name, values in arrays.items():
            entry = self._arrays[name]
            raw = np.ascontiguousarray(values, entry["type"]).tobytes()
            self._file.seek(entry["at"] + self._written[name])
            self._file.write(raw)
            self._written[name] += len(raw)
            entry["crc"] = zlib.crc32(raw, entry["crc"])
            self._digests[name].update(raw)

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Write the end of the file; `facts` are kept with the arrays, as JSON can hold them."""
        digest = hashlib.sha256("".join(one.hexdigest() for one in self._digests.values()).encode()).hexdigest()
        self._file.seek(self._end)
        document = {"facts": facts, "digest": digest, "arrays": self._arrays, "bytes": self._end}
        write_end(self._file, document, ARRAYS)


class MappedArrays(MappedFile):
    """Arrays in a file, by name, read-only. `digest` identifies their content.

    Raises:
        Damaged: the file is not, bit for bit, what was written.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, ARRAYS)
        self._gathered = 0
        self.digest: str = self.document["digest"]
        self.facts: dict[str, Any] = self.document["facts"]
        self.arrays: dict[str, Array] = {}
        self._starts: dict[str, int] = {}
        for name, entry in self.document["arrays"].items():
            shape, dtype = tuple(entry["shape"]), np.dtype(entry["type"])
            self.check(entry["at"], prod(shape) * dtype.itemsize, entry["crc"])
            self.arrays[name] = self.view_array(dtype, prod(shape), entry["at"]).reshape(shape)
            self._starts[name] = entry["at"]
        if hasattr(mmap, "MADV_RANDOM"):
            # Rows are gathered from all over the file, so reading ahead would be wasted.
            self.map.madvise(mmap.MADV_RANDOM)

    def release(self) -> None:
        self._gathered = 0
        super().release()

    def take(self, name: str, rows: Array) -> Array:
        """Return some rows of an array of bytes, as a new array.

        Consecutive rows are read from the file, which needs no pages of the map; others are gathered through the map,
        ten times as fast as reading them one by one. The pages of a large file are released now and then.

        Raises:
            StorageError: the file was cut short.
        """
        array, count = self.arrays[name], len(rows)
        size, first = array.shape[1], int(rows[0])
        # Reading pages beyond the end of the file would kill the process.
        if os.fstat(self.handle).st_size < len(self.map):
            raise StorageError("a file of mapped rows was cut short while it was in use; start again")
        if hasattr(os, "pread") and int(rows[-1]) - first == count - 1 and (np.diff(rows) == 1).all():
            raw = os.pread(self.handle, count * size, self._starts[name] + first * size)
            return np.frombuffer(raw, np.uint8).reshape(count, size)
        found = array.take(rows, axis=0, mode="clip")
        self._gathered += count * FAULT_BYTES
        if min(self._gathered, len(self.map)) > RESIDENT_BYTES:
            self.release()
        return found


class Records:
    """Rows in a file, each a record with the fields `inputs`, `targets` and perhaps `weights`.

    Args:
        arrays: the arrays of the file.
        name: the array that holds the records as bytes.
        dtype: the dtype of a record.
    """

    def __init__(self, arrays: MappedArrays, name: str, dtype: "np.dtype[Any]") -> None:
        self._arrays, self._name, self.dtype = arrays, name, dtype
        self.digest, self.release = arrays.digest, arrays.release

    @property
    def records(self) -> Array:
        """All records, mapped, `(rows,)`."""
        return self._arrays.arrays[self._name].view(self.dtype)[:, 0]

    def take(self, rows: Array) -> Array:
        """Return some records, `(n,)`, as a new array.

        Raises:
            StorageError: the file was cut short.
        """
        return self._arrays.take(self._name, rows).view(self.dtype)[:, 0]
