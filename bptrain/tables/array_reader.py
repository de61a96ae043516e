"""Reading arrays of numbers as tables: NumPy's `.npy` and `.npz`, and the IDX format of MNIST.

What a file declares is checked against its size before memory is taken, and nothing is ever unpickled.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.npy import Header, read_header
from bptrain.spelling import suggestion
from bptrain.tables.files import checked, entries, opened, reading, refuse_bomb, refuse_too_large
from bptrain.tables.table import Table, Take, shown

INPUTS = ("x", "X", "data", "inputs", "features")
TARGETS = ("y", "Y", "target", "targets", "label", "labels")

ZIP = b"PK\x03\x04"

MOST_MEMBERS = 10_000

IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}

MOST_DIMENSIONS = 8


def read_npy(path: Path) -> Table:
    """An array as a table: rows of numbers, columns x0, x1, ...; further dimensions are flattened in C order.

    Raises:
        InputError: it is no such file, does not have the size that it declares, or holds something else than numbers.
        StorageError: it cannot be read.
    """
    checked(path)
    with reading(path), opened(path) as file:
        array = npy(file, path, path)
    return Table(Widened(columns_of("x", array, path, always=True)), str(path))


PORTION = 1 << 22
"""Bytes that are handed over at a time."""


def give_npy(path: Path, take: Take) -> Table:
    """An array as a table, given to `take` a portion of its rows at a time; the table that is returned has no columns.

    Raises:
        InputError: as `read_npy` does, or it is stored column by column.
        StorageError: it cannot be read.
    """
    size = checked(path)
    with reading(path), open(path, "rb") as file:
        header = head(file, path)
        if header.fortran and len(header.shape) > 1:
            raise InputError(f"{path}: it is stored column by column; save it with np.ascontiguousarray, or raise "
                             "data.memory")  # fmt: skip
        if size - file.tell() != header.nbytes:
            raise InputError(f"{path}: it declares {header.nbytes:,} bytes and has {size - file.tell():,}")
        row = header.nbytes // header.shape[0]
        for start in range(0, header.shape[0], max(PORTION // row, 1)):
            count = min(max(PORTION // row, 1), header.shape[0] - start)
            part = replace(header, shape=(count, *header.shape[1:])).array(file.read(count * row))
            take(Widened(columns_of("x", part, path, always=True)))
    return Table({}, str(path))


def npy(file: BinaryIO, path: Path, where: object) -> Array:
    """The array in an opened file."""
    header = head(file, where)
    return header.array(entries(path, file, header.nbytes, where))


def head(file: BinaryIO, where: object) -> Header:
    """The header of an array in an opened file, which is left behind it.

    Raises:
        InputError: it is none, or that of an array without rows or of something else than numbers or text.
    """
    try:
        header = read_header(file)
    except (ValueError, TypeError, SyntaxError, KeyError, RecursionError, MemoryError) as error:
        reason = shown(str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise InputError(f"{where}: not an array that can be read ({reason}); save numbers with np.save") from None
    refuse_kind(header.dtype, where)
    if not all(header.shape):
        raise InputError(f"{where}: the array has the shape {header.shape} and so nothing in it; add at least one row")
    return header


def refuse_kind(dtype: "np.dtype[np.generic]", where: object) -> None:
    """Refuse an array that is neither numbers nor text."""
    if dtype.names:
        raise InputError(
            f"{where}: it has named fields ({', '.join(dtype.names[:5])}); save each as an array in an npz"
        )
    if dtype.kind not in "biufU":
        raise InputError(f"{where}: it holds {dtype} and not numbers; save it as numbers")


class Widened(Mapping[str, Array]):
    """Columns of a table, kept as they were written, pixels in a byte each: numbers are float64 when asked for, texts
    objects."""

    def __init__(self, columns: Mapping[str, Array]) -> None:
        self._columns = columns
        self.rows = len(next(iter(columns.values())))

    def __len__(self) -> int:
        return len(self._columns)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> Array:
        values = self._columns[name]
        return values if values.dtype == object else values.astype(np.float64, copy=False)


def columns_of(name: str, array: Array, where: object, *, always: bool = False) -> dict[str, Array]:
    """The columns of an array `(rows, ...)`, as they were written: the name alone where there is one, unless `always`
    numbered.

    Raises:
        InputError: it has no rows, or texts in rows.
    """
    if array.ndim == 0:
        raise InputError(f"{where}: it is a single value; a table has rows")
    if array.dtype.kind == "U":
        if array.ndim > 1:
            raise InputError(f"{where}: it has rows of text; save each column of text as an array of its own")
        return {name: np.array(array.tolist(), dtype=object)}
    rows, width = len(array), prod(array.shape[1:])
    refuse_too_large(where, rows, width)
    # What is looked at is a column at a time.
    by_column = np.asfortranarray(array.reshape(rows, width))
    if array.ndim == 1 and not always:
        return {name: by_column[:, 0]}
    return {f"{name}{k}": by_column[:, k] for k in range(width)}


def read_npz(path: Path, inputs: str | None = None, target: str | None = None) -> Table:
    """The arrays of an archive as a table.

    The array of inputs gives the columns x0, x1, ..., and that of the targets y (or y0, y1, ...). Without inputs, each
    array is a column of its name, or several if it has rows of numbers.

    Args:
        path: written by `np.savez` or `np.savez_compressed`.
        inputs: name of an array; None: x, X, data, inputs or features, if there is one.
        target: name of an array; None: y, Y, target, targets, label or labels, if there is one.

    Raises:
        InputError: it is no such file or damaged, holds something else than numbers, or arrays of several lengths; an
            `OptionError` where there is no array of a name.
        StorageError: it cannot be read.
    """
    checked(path)
    with reading(path), open(path, "rb") as file:
        if file.read(4) != ZIP:
            raise InputError(f"{path}: not an npz file; write one with np.savez")
        try:
            with zipfile.ZipFile(file) as archive:
                members = listed(archive, path)
                x = chosen("inputs", inputs, INPUTS, members)
                y = chosen("target", target, TARGETS, members)
                wanted = [name for name in (x, y) if name] if x else list(members)
                arrays = {name: member(archive, members[name], path) for name in wanted}
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
            raise InputError(f"{path}: cut short or damaged ({error}); write or fetch it again") from None
    refuse_lengths(arrays, path)
    columns: dict[str, Array] = {}
    names: list[str] = []
    for name, array in arrays.items():
        found = columns_of({x: "x", y: "y"}.get(name, name), array, f"{path}: {name}", always=name == x)
        if twice := next((one for one in found if one in columns), None):
            raise InputError(f"{path}: {name}: two columns are named {shown(twice)}; name inputs and target")
        columns |= found
        names += found if name == y else []
    return Table(Widened(columns), str(path), target=tuple(names))


def listed(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The arrays of an archive by name.

    Raises:
        InputError: there are none, or very many, or one is there twice, or they are said to be larger than the file.
    """
    infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    if not infos or len(infos) > MOST_MEMBERS:
        raise InputError(f"{path}: it has {len(infos):,} arrays; write it with np.savez")
    if sum(info.compress_size for info in infos) > path.stat().st_size:
        raise InputError(f"{path}: its arrays are said to be larger than the file; it is damaged")
    members = {info.filename.removesuffix(".npy"): info for info in infos}
    if len(members) < len(infos):
        raise InputError(f"{path}: two arrays have one name; it is damaged")
    return members


def chosen(option: str, name: str | None, usual: tuple[str, ...], members: dict[str, zipfile.ZipInfo]) -> str | None:
    """The name of an array: the one that is wanted, or else the first usual one that is there.

    Raises:
        OptionError: there is none of the wanted name.
    """
    if name is None:
        return next((one for one in usual if one in members), None)
    if name not in members:
        raise OptionError(Mistake(option, f"no array of that name (got {name!r}); {suggestion(name, members)}"))
    return name


def member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> Array:
    """An array of an archive, unpacked no further than it says."""
    where = f"{path}: {info.filename.removesuffix('.npy')}"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(f"{where}: packed in a way that np.savez does not use; write it with np.savez")
    if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
        raise InputError(f"{where}: it does not have the size that it declares; it is damaged")
    refuse_bomb(where, info.file_size, info.compress_size)
    refuse_too_large(where, -(-info.file_size // 8), 1)
    with archive.open(info) as file:
        try:
            header = read_header(file)  # type: ignore[arg-type]
        except (ValueError, TypeError, SyntaxError, KeyError, RecursionError, MemoryError) as error:
            raise InputError(f"{where}: not an array that can be read ({shown(str(error).splitlines()[0])})") from None
        refuse_kind(header.dtype, where)
        if not all(header.shape):
            raise InputError(f"{where}: the array has the shape {header.shape} and so nothing in it")
        if header.nbytes > info.file_size:
            raise InputError(f"{where}: it declares {header.nbytes:,} bytes and has {info.file_size:,} at most")
        raw = file.read(header.nbytes + 1)
    if len(raw) != header.nbytes:
        raise InputError(f"{where}: it does not have the {header.nbytes:,} bytes that it declares; it is damaged")
    return header.array(raw)


def refuse_lengths(arrays: dict[str, Array], path: Path) -> None:
    """Refuse arrays of several lengths."""
    (first, one), *others = arrays.items()
    for name, array in others:
        if array.shape[:1] != one.shape[:1]:
            what = f"{len(array) if array.ndim else 'no'} rows, and {first} has {len(one) if one.ndim else 'none'}"
            raise InputError(f"{path}: {name}: it has {what}; choose arrays that belong together by inputs and target")


def read_idx(images: Path, labels: Path | None = None) -> Table:
    """Images, a row each, columns p0, p1, ... line by line, and their labels as the target `label`.

    Raises:
        InputError: a file is no IDX file, does not have the size that it declares, or labels are more or fewer.
        StorageError: one cannot be read.
    """
    pixels = idx(images)
    if not pixels.size:
        raise InputError(f"{images}: it has the shape {pixels.shape} and so nothing in it")
    columns = columns_of("p", pixels, images, always=True)
    if labels is None:
        return Table(Widened(columns), str(images))
    marks = idx(labels)
    if marks.ndim != 1:
        raise InputError(f"{labels}: labels are one number each (got the shape {marks.shape}); did you name images?")
    if len(marks) != len(pixels):
        raise InputError(f"{labels}: {len(marks):,} labels for {len(pixels):,} images of {images}; name its own file")
    return Table(Widened({**columns, "label": marks}), str(images), target=("label",))


def idx(path: Path) -> Array:
    """The array of an IDX file.

    Raises:
        InputError: it is none, or does not have the size that it declares.
        StorageError: it cannot be read.
    """
    checked(path)
    with reading(path), opened(path) as file:
        magic = file.read(4)
        if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in IDX_TYPES:
            raise InputError(f"{path}: not an IDX file (it begins with {shown(magic)}); MNIST's files are such")
        if not 1 <= magic[3] <= MOST_DIMENSIONS:
            raise InputError(f"{path}: it declares {magic[3]} dimensions; 1 to {MOST_DIMENSIONS} are read")
        lengths = file.read(4 * magic[3])
        if len(lengths) < 4 * magic[3]:
            raise InputError(f"{path}: it is cut short; fetch it again")
        shape = struct.unpack(f">{magic[3]}I", lengths)
        dtype = np.dtype(IDX_TYPES[magic[2]])
        raw = entries(path, file, prod(shape) * dtype.itemsize, path)
    return np.frombuffer(raw, dtype).reshape(shape)
