"""Arrays and randomness: the dtypes, the named random streams, and vectors cut into named views."""

import os
from collections.abc import Callable, Iterator, Mapping
from math import isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]
RandomState = dict[str, Any]

CHUNK_ROWS = 1 << 16

STREAMS = ("split", "init", "shuffle", "dropout", "augmentation")


class Streams:
    """One random generator for each purpose, all spawned from one seed.

    Drawing more numbers for one purpose never changes another: switching dropout on leaves the initial weights and
    the order of the rows as they were. A new purpose is added at the end of `STREAMS`, so older seeds keep their
    meaning. The generators are NumPy's PCG64.
    """

    split: np.random.Generator
    init: np.random.Generator
    shuffle: np.random.Generator
    dropout: np.random.Generator
    augmentation: np.random.Generator

    def __init__(self, seed: int) -> None:
        for name, child in zip(STREAMS, np.random.SeedSequence(seed).spawn(len(STREAMS)), strict=True):
            setattr(self, name, np.random.Generator(np.random.PCG64(child)))

    def state(self) -> dict[str, RandomState]:
        """The whole state of every stream, as JSON can hold it."""
        return {name: dict(getattr(self, name).bit_generator.state) for name in STREAMS}

    def restore(self, state: Mapping[str, RandomState]) -> None:
        """Continue exactly where `state()` was taken."""
        for name in STREAMS:
            getattr(self, name).bit_generator.state = state[name]


def views(vector: Array, shapes: Mapping[str, Shape]) -> Iterator[tuple[str, slice, Array]]:
    """Cut a vector into consecutive views: name, the slice of the vector, and the slice in its shape."""
    start = 0
    for name, shape in shapes.items():
        part = slice(start, start + prod(shape))
        yield name, part, vector[part].reshape(shape)
        start = part.stop


def number_rows(count: int) -> Array:
    """Return the numbers of `count` rows, ascending, in half of the memory of int64 where they fit into int32."""
    return np.arange(count, dtype=np.int32 if count < 1 << 31 else np.int64)


def chunks_of(values: Array) -> Iterator[Array]:
    """Yield a vector `CHUNK_ROWS` entries at a time, so that what is computed of it takes no memory of its size."""
    for start in range(0, len(values), CHUNK_ROWS):
        yield values[start : start + CHUNK_ROWS]


def find_first(values: Array, is_wanted: Callable[[Array], Array]) -> int | None:
    """Return the place of the first entry of a vector for which a function of some of them is true, if there is one."""
    start = 0
    for chunk in chunks_of(values):
        if len(places := np.flatnonzero(is_wanted(chunk))):
            return start + int(places[0])
        start += len(chunk)
    return None


def is_finite(theta: Array) -> bool:
    """Whether all entries of a vector are finite. One pass of BLAS, unless the sum of their squares overflows."""
    return isfinite(theta.dot(theta)) or bool(np.isfinite(theta).all())


def physical_memory() -> int:
    """The memory of the machine in bytes; where the system does not say, more than any machine has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 1 << 62


def process_memory() -> tuple[int, int]:
    """Return the bytes that the process has in use, and the most that it had; zero where the system does not say."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["VmRSS"].split()[0]) * 1024, int(lines["VmHWM"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 0, 0
