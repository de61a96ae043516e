"""Duplicates: rows that stand in several splits, so that the score tells what was learned by heart."""

from collections.abc import Mapping

import numpy as np

from bptrain.arrays import Array

SPLITS = ("train", "validation", "test")

CHUNK = 1 << 15

TELLING = 8
"""So many columns are compared at first; mostly they tell already that no row is like another."""

LOOKED_AT = 1000
"""So many rows tell which columns have the most values."""


def count_duplicates(inputs: Mapping[str, Array], targets: Mapping[str, Array]) -> dict[str, int]:
    """Return how many rows of `validation` also stand in `train`, and of `test` in `train` or `validation`; splits
    without any are left out.

    Args:
        inputs: by split, `(rows, columns)`.
        targets: by split, `(rows,)` or `(rows, columns)`.
    """
    if len(inputs) < 2:
        return {}
    order = [name for name in SPLITS if name in inputs]
    telling = most_telling(inputs["train"])
    keys = [digests(inputs[name][:, telling], targets[name]) for name in order]
    borders = np.cumsum([len(one) for one in keys])[:-1]
    suspects = zip(order, np.split(comes_again(np.concatenate(keys)), borders), strict=True)
    return count_alike({name: digests(inputs[name][rows], targets[name][rows]) for name, rows in suspects})


def count_alike(keys: Mapping[str, Array]) -> dict[str, int]:
    """Return how many keys of each split, `(rows,)` each, also stand in a split before it; splits without any are left
    out. The keys are sorted in place.
    """
    counts: dict[str, int] = {}
    before: list[Array] = []
    for name in SPLITS:
        if name not in keys:
            continue
        for start in range(0, len(keys[name]), CHUNK):
            chunk = keys[name][start : start + CHUNK]
            counts[name] = counts.get(name, 0) + int(np.any([is_in(chunk, one) for one in before], axis=0).sum())
        keys[name].sort()
        before.append(keys[name])
    return {name: count for name, count in counts.items() if count}


def is_in(keys: Array, known: Array) -> Array:
    """Return which keys are among known ones, which are sorted, `(rows,)` bool."""
    if not len(known):
        return np.zeros(len(keys), bool)
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.asarray(known[places] == keys)


def comes_again(keys: Array) -> Array:
    """Return which keys `(rows,)` are there more than once, `(rows,)` bool."""
    ordered = np.sort(keys)
    return is_in(keys, np.unique(ordered[1:][ordered[1:] == ordered[:-1]]))


def most_telling(inputs: Array) -> Array:
    """Return the numbers of the columns with the most values in some of the rows."""
    some = np.sort(inputs[:: -(-len(inputs) // LOOKED_AT)], axis=0)
    different = np.count_nonzero(np.diff(some, axis=0), axis=0)
    return np.sort(np.argsort(-different, kind="stable")[:TELLING])


def digests(*blocks: Array) -> Array:
    """Return a number for each row of blocks side by side, `(rows,)` uint64; other rows have other ones, but for a
    chance of about rows² in 2^64.

    blocks `(rows, columns)` or `(rows,)`.
    """
    total, rng = np.zeros(len(blocks[0]), np.uint64), np.random.default_rng(0)
    for block in blocks:
        add_digests(total, block, rng)
    return total


def add_digests(total: Array, block: Array, rng: np.random.Generator) -> None:
    """Add what the next block comes to for each row to digests `(rows,)`, which begin with 0 and `default_rng(0)`."""
    wide = block if block.ndim > 1 else block[:, None]
    words = (wide[:0] + 0).dtype.itemsize // 4 * wide.shape[1]
    factors = rng.integers(0, 1 << 63, words, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    for start in range(0, len(total), CHUNK):
        # A zero has two signs.
        some = np.ascontiguousarray(wide[start : start + CHUNK] + 0).view(np.uint32).astype(np.uint64)
        some *= np.uint64(0x9E3779B97F4A7C15)
        some ^= some >> np.uint64(29)
        some *= factors
        some ^= some >> np.uint64(32)
        total[start : start + CHUNK] += some.sum(axis=1, dtype=np.uint64)
