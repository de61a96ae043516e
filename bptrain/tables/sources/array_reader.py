"""Reading arrays of numbers as tables: NumPy's `.npy`, and the IDX format of MNIST.

What a file declares is checked against its size before memory is taken, and nothing is ever unpickled.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bptrain.arrays import Array, Header, read_header
from bptrain.errors import InputError
from bptrain.tables.files import check_declared, check_file, is_packed, open_file, report_read_errors
from bptrain.tables.source import Chunks
from bptrain.tables.table import Columns, quote

IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}

MOST_DIMENSIONS = 8


@dataclass(frozen=True)
class OpenArray:
    """An array in an opened file: its name in messages, what its header declares, and what reads its next bytes."""

    where: object
    header: Header
    read: Callable[[int], bytes]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.header.shape[0]

    def read_chunks(self, rows: int) -> Iterator[Array]:
        """Yield at most `rows` rows at a time; an array that is stored column by column is read at once."""
        header, size = self.header, self.header.nbytes // self.rows
        by_column = header.fortran and len(header.shape) > 1
        most = self.rows if by_column else rows
        for start in range(0, self.rows, most):
            count = min(most, self.rows - start)
            raw = self.read(count * size)
            if len(raw) != count * size:
                raise self.describe_size(start * size + len(raw))
            if start + count == self.rows and self.read(1):
                raise self.describe_size(header.nbytes + 1)
            array = replace(header, shape=(count, *header.shape[1:])).read_array(raw)
            for first in range(0, count, rows):
                yield array[first : first + rows]

    def describe_size(self, found: int) -> InputError:
        """Return what is wrong with an array that has another number of bytes than it declares."""
        declared = self.header.nbytes
        what = f"it declares {declared:,} bytes and has {'more' if found > declared else f'{found:,}'}"
        return InputError(f"{self.where}: {what}; it is cut short or damaged, fetch it again")


class Widened(Columns):
    """Columns as they were written, such as pixels of a byte each: numbers become float64 when asked for."""

    def __init__(self, columns: Mapping[str, Array]) -> None:
        super().__init__(columns, len(next(iter(columns.values()))))
        self._columns = columns

    def __getitem__(self, name: str) -> Array:
        values = self._columns[name]
        return values if values.dtype == object else values.astype(np.float64, copy=False)


def open_npy(path: Path) -> Chunks:
    """Open an array: rows of numbers, columns x0, x1, ...; further dimensions are flattened in C order.

    Raises:
        InputError: it is no such file, does not have the size that it declares, or holds anything but numbers.
        StorageError: it cannot be read.
    """
    with ExitStack() as stack:
        array = open_array(path, read_array_header, stack)
        return combine_arrays(path, {"x": array}, "x", (), stack)


def open_idx(images: Path, labels: Path | None = None) -> Chunks:
    """Open images, one a row, columns p0, p1, ... line by line, and their labels as the target `label`.

    Raises:
        InputError: a file is no IDX file, does not have the size that it declares, or labels are more or fewer.
        StorageError: one cannot be read.
    """
    with ExitStack() as stack:
        pixels = open_array(images, read_idx_header, stack)
        if not all(pixels.header.shape):
            raise InputError(f"{images}: it has the shape {pixels.header.shape}, which is empty; add images")
        if labels is None:
            return combine_arrays(images, {"p": pixels}, "p", (), stack)
        marks = open_array(labels, read_idx_header, stack)
        if len(marks.header.shape) != 1:
            what = f"labels are one number each (got the shape {marks.header.shape}); did you name a file of images?"
            raise InputError(f"{labels}: {what}")
        if marks.rows != pixels.rows:
            what = f"{marks.rows:,} labels for the {pixels.rows:,} images of {images}; name the labels of these images"
            raise InputError(f"{labels}: {what}")
        return combine_arrays(images, {"p": pixels, "label": marks}, "p", ("label",), stack)


def open_array(path: Path, read: Callable[[BinaryIO, object], Header], stack: ExitStack) -> OpenArray:
    """Open the only array of a file, whose header `read` reads."""
    size = check_file(path)
    with report_read_errors(path):
        file = stack.enter_context(open_file(path))
        header, left = read(file, path), size - file.tell()

    def read_bytes(count: int) -> bytes:
        with report_read_errors(path):
            return file.read(count)

    array = OpenArray(path, header, read_bytes)
    if is_packed(path):
        check_declared(path, header.nbytes, size)
    elif left != header.nbytes:
        raise array.describe_size(left)
    return array


def combine_arrays(
    path: Path, arrays: Mapping[str, OpenArray], numbered: str | None, target: tuple[str, ...], stack: ExitStack
) -> Chunks:
    """Return arrays of one length as a table.

    Args:
        path: names it in messages.
        arrays: by the names that their columns begin with.
        numbered: the array whose columns are numbered even if there is only one.
        target: the names of those that are to be predicted.
        stack: what they hold open.

    Raises:
        InputError: two columns have one name, or an array cannot be columns.
    """
    columns: dict[str, list[str]] = {}
    for name, array in arrays.items():
        columns[name] = name_columns(name, array, always=name == numbered)
        others = {one for other in columns if other != name for one in columns[other]}
        if twice := next((one for one in columns[name] if one in others), None):
            raise InputError(f"{array.where}: two columns are named {quote(twice)}; set inputs and target")
    rows = next(iter(arrays.values())).rows

    def read(names: Sequence[str], most: int) -> Iterator[Mapping[str, Array]]:
        for chunk in zip(*(array.read_chunks(most) for array in arrays.values()), strict=True):
            found: dict[str, Array] = {}
            for name, values in zip(arrays, chunk, strict=True):
                found.update(split_columns(columns[name], values))
            yield Widened({name: found[name] for name in names})

    every = tuple(one for name in arrays for one in columns[name])
    targets = tuple(one for name in target for one in columns[name])
    return Chunks(str(path), every, rows, read, target=targets, opened=stack.pop_all())


def name_columns(name: str, array: OpenArray, *, always: bool) -> list[str]:
    """Return the names of the columns of an array `(rows, ...)`: numbered if there are several, or `always`."""
    header = array.header
    if not header.shape:
        raise InputError(f"{array.where}: it is a single value, and a table has rows; save an array of rows")
    if header.dtype.kind == "U" and len(header.shape) > 1:
        raise InputError(f"{array.where}: it has rows of text; save each column of text as an array of its own")
    if header.dtype.kind == "U" or (len(header.shape) == 1 and not always):
        return [name]
    return [f"{name}{k}" for k in range(prod(header.shape[1:]))]


def split_columns(names: list[str], array: Array) -> dict[str, Array]:
    """Return the columns of some rows of an array, of the type in which they were written."""
    if array.dtype.kind == "U":
        return {names[0]: np.array(array.tolist(), dtype=object)}
    # Columns are used one at a time.
    by_column = np.asfortranarray(array.reshape(len(array), len(names)))
    return {name: by_column[:, k] for k, name in enumerate(names)}


def read_array_header(file: BinaryIO, where: object) -> Header:
    """Read the header of an array in NumPy's format; the file is left at its first entry.

    Raises:
        InputError: it is no header, or that of an array without rows, or of anything but numbers or text.
    """
    try:
        header = read_header(file)
    except (ValueError, TypeError, SyntaxError, KeyError, RecursionError, MemoryError) as error:
        reason = quote(str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise InputError(f"{where}: not an array that can be read ({reason}); save numbers with np.save") from None
    if names := header.dtype.names:
        raise InputError(f"{where}: it has named fields ({', '.join(names[:5])}); save each as an array in an npz")
    if header.dtype.kind not in "biufU":
        raise InputError(f"{where}: it holds {header.dtype} and not numbers; save it as numbers")
    if not all(header.shape):
        raise InputError(f"{where}: the array has the shape {header.shape}, which is empty; add at least one row")
    return header


def read_idx_header(file: BinaryIO, where: object) -> Header:
    """Read the header of an IDX file."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in IDX_TYPES:
        raise InputError(f"{where}: not an IDX file, such as those of MNIST (it begins with {quote(magic)})")
    if not 1 <= magic[3] <= MOST_DIMENSIONS:
        raise InputError(f"{where}: it declares {magic[3]} dimensions; use 1 to {MOST_DIMENSIONS}")
    lengths = file.read(4 * magic[3])
    if len(lengths) < 4 * magic[3]:
        raise InputError(f"{where}: it is cut short; fetch it again")
    return Header(struct.unpack(f">{magic[3]}I", lengths), np.dtype(IDX_TYPES[magic[2]]), fortran=False)
