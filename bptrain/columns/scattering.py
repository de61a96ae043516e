"""Scattering: a permutation of any number of rows that takes no memory, for those that do not fit into it.

A Feistel network over the bits of a number is a permutation whatever its rounds do; numbers beyond the last row go
through it again until they are below.
"""

import numpy as np

from bptrain.arrays import Array

ROUNDS = 6

PORTION = 1 << 15
"""Places that are worked out at a time."""


class Scattered:
    """A permutation of `range(count)`, read by slices.

    Args:
        count: of what is permuted.
        keys: `(ROUNDS,)` uint64, which decide; none: the rows as they are.
    """

    def __init__(self, count: int, keys: Array | None = None) -> None:
        self.count = count
        self.keys = np.zeros(0, np.uint64) if keys is None else keys
        self._half = np.uint64((max(count - 1, 1).bit_length() + 1) // 2)
        self._start, self._portion = 0, np.zeros(0, np.int64)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, part: slice) -> Array:
        """The numbers at some places, int64."""
        start, stop, _ = part.indices(self.count)
        if not start >= self._start or not stop <= self._start + len(self._portion):
            self._start = start
            end = min(max(stop, start + PORTION), self.count)
            self._portion = self._scattered(np.arange(start, end, dtype=np.uint64))
        return self._portion[start - self._start : stop - self._start]

    def _scattered(self, places: Array) -> Array:
        found = self._once(places)
        while len(beyond := np.flatnonzero(found >= self.count)):
            found[beyond] = self._once(found[beyond])
        return found.astype(np.int64)

    def _once(self, values: Array) -> Array:
        """One way through the network."""
        mask = (np.uint64(1) << self._half) - np.uint64(1)
        left, right = values >> self._half, values & mask
        for key in self.keys:
            left, right = right, left ^ (mixed(right, key) & mask)
        return left << self._half | right


def mixed(values: Array, key: np.uint64) -> Array:
    """Bits of numbers and a key, mixed as SplitMix64 does."""
    values = values ^ key
    values = (values ^ values >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ values >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ values >> np.uint64(31))
