"""Arrays: their types, named random streams, vectors split into views, headers of `.npy` files, memory in use."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, prod
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]
RandomState = dict[str, Any]

CHUNK_ROWS = 1 << 16

STREAMS = ("split", "init", "shuffle", "dropout", "augmentation")


class Streams:
    """One random generator (NumPy's PCG64) for each purpose, all spawned from one seed.

    Drawing more numbers for one purpose never changes another: switching dropout on leaves the initial weights and
    the order of the rows unchanged. A new purpose goes to the end of `STREAMS`, so that older seeds keep their meaning.
    """

    split: np.random.Generator
    init: np.random.Generator
    shuffle: np.random.Generator
    dropout: np.random.Generator
    augmentation: np.random.Generator

    def __init__(self, seed: int, member: int = 0) -> None:
        """Begin all streams of a seed; those of further members of an ensemble are others."""
        sequence = np.random.SeedSequence([seed, member] if member else seed)
        for name, child in zip(STREAMS, sequence.spawn(len(STREAMS)), strict=True):
            setattr(self, name, np.random.Generator(np.random.PCG64(child)))

    def state(self) -> dict[str, RandomState]:
        """Return the state of every stream as plain JSON values."""
        return {name: dict(getattr(self, name).bit_generator.state) for name in STREAMS}

    def restore(self, state: Mapping[str, RandomState]) -> None:
        """Continue from a state that `state()` returned."""
        for name in STREAMS:
            getattr(self, name).bit_generator.state = state[name]


def split_views(vector: Array, shapes: Mapping[str, Shape]) -> Iterator[tuple[str, slice, Array]]:
    """Yield consecutive views of a vector: the name, the slice of the vector, and the view in its shape."""
    start = 0
    for name, shape in shapes.items():
        entries = slice(start, start + prod(shape))
        yield name, entries, vector[entries].reshape(shape)
        start = entries.stop


def number_rows(count: int) -> Array:
    """Return the numbers 0 to `count - 1`, as int32 if they fit, which takes half the memory of int64."""
    return np.arange(count, dtype=np.int32 if count < 1 << 31 else np.int64)


def iter_chunks(values: Array) -> Iterator[Array]:
    """Yield a vector `CHUNK_ROWS` entries at a time, so that what is computed from it needs little memory."""
    for start in range(0, len(values), CHUNK_ROWS):
        yield values[start : start + CHUNK_ROWS]


def find_first(values: Array, is_wanted: Callable[[Array], Array]) -> int | None:
    """Return the index of the first entry for which `is_wanted(chunk)` is true; None if there is none."""
    start = 0
    for chunk in iter_chunks(values):
        if len(places := np.flatnonzero(is_wanted(chunk))):
            return start + int(places[0])
        start += len(chunk)
    return None


def is_finite(theta: Array) -> bool:
    """Return whether all entries are finite; one pass of BLAS tells, unless the sum of their squares overflows."""
    return isfinite(theta.dot(theta)) or bool(np.isfinite(theta).all())


@dataclass(frozen=True)
class Header:
    """The header of a `.npy` file: the shape, the type of the entries, and the order in which they are stored."""

    shape: tuple[int, ...]
    dtype: "np.dtype[Any]"
    fortran: bool

    @property
    def nbytes(self) -> int:
        """The number of bytes that must follow the header."""
        return prod(self.shape) * self.dtype.itemsize

    def read_array(self, raw: bytes | memoryview) -> Array:
        """Return a view of the bytes after the header as an array of its shape.

        Raises:
            ValueError: there are more or fewer bytes than the header declares.
        """
        if len(raw) != self.nbytes:
            raise ValueError("it does not have the size that it declares")
        return np.frombuffer(raw, self.dtype).reshape(self.shape, order="F" if self.fortran else "C")


def read_header(file: BinaryIO) -> Header:
    """Read the header of a `.npy` file strictly, before any memory is taken for its entries.

    Raises:
        ValueError: the file does not begin with such a header, or the header declares Python objects, entries without
            size, or negative lengths.
    """
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"version {version[0]}.{version[1]} of the format is unknown")
    if dtype.hasobject:
        raise ValueError("it holds pickled Python objects, which could run code")
    if dtype.itemsize == 0 or any(not isinstance(length, int) or length < 0 for length in shape):
        raise ValueError(f"it declares the impossible shape {shape} of {dtype}")
    return Header(shape, dtype, fortran)


def get_physical_memory() -> int:
    """Return the memory of the machine in bytes; if the system does not tell, a number larger than any machine has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 1 << 62


def get_process_memory() -> tuple[int, int]:
    """Return the bytes that this process uses now, and the most it has used; zeros if the system does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["VmRSS"].split()[0]) * 1024, int(lines["VmHWM"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 0, 0
