"""NumPy's `.npy` format, read strictly: what a header declares is known, and checked, before memory is taken."""

from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO

import numpy as np

from bptrain.arrays import Array

MAGIC = b"\x93NUMPY"


@dataclass(frozen=True)
class Header:
    """What a header declares: the shape, the type of the entries, and the order in which they are stored."""

    shape: tuple[int, ...]
    dtype: "np.dtype[Any]"
    fortran: bool

    @property
    def nbytes(self) -> int:
        """How many bytes must follow the header."""
        return prod(self.shape) * self.dtype.itemsize

    def array(self, raw: bytes | memoryview) -> Array:
        """The entries behind the header as an array of that shape, a view of them.

        Raises:
            ValueError: there are more or fewer than declared.
        """
        if len(raw) != self.nbytes:
            raise ValueError("it does not have the size that it declares")
        return np.frombuffer(raw, self.dtype).reshape(self.shape, order="F" if self.fortran else "C")


def read_header(file: BinaryIO) -> Header:
    """The header at the present place of a file, which is left behind it.

    Raises:
        ValueError: it is none, or declares Python objects, entries without size, or lengths below zero.
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
