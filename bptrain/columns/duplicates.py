"""Duplicates: rows that stand in several parts of a split, so that the score tells what was learned by heart."""

from collections.abc import Mapping

import numpy as np

from bptrain.arrays import Array

CHUNK = 1 << 15

TELLING = 8
"""So many columns are compared at first; mostly they tell already that no row is like another."""

LOOKED_AT = 1000
"""So many rows tell which columns have the most values."""


def count_duplicates(inputs: Mapping[str, Array], targets: Mapping[str, Array]) -> dict[str, int]:
    """How many rows of `validation` also stand in `train`, and of `test` in `train` or `validation`; parts without any
    are left out.

    Args:
        inputs: by part, `(rows, columns)`.
        targets: by part, `(rows,)` or `(rows, columns)`.
    """
    if len(inputs) < 2:
        return {}
    order = [name for name in ("train", "validation", "test") if name in inputs]
    telling = most_telling(inputs["train"])
    keys = [digests(inputs[name][:, telling], targets[name]) for name in order]
    borders = np.cumsum([len(one) for one in keys])[:-1]
    suspects = zip(order, np.split(comes_again(np.concatenate(keys)), borders), strict=True)
    whole = {name: digests(inputs[name][rows], targets[name][rows]) for name, rows in suspects}
    seen, counts = whole["train"], {}
    for name in order[1:]:
        counts[name] = int(np.isin(whole[name], seen).sum())
        seen = np.concatenate([seen, whole[name]])
    return {name: count for name, count in counts.items() if count}


def comes_again(keys: Array) -> Array:
    """Which keys `(rows,)` are there more than once, `(rows,)` bool."""
    order = np.argsort(keys)
    same = keys[order[1:]] == keys[order[:-1]]
    found = np.zeros(len(keys), bool)
    found[order[1:]] |= same
    found[order[:-1]] |= same
    return found


def most_telling(inputs: Array) -> Array:
    """The numbers of the columns with the most values in some of the rows."""
    some = np.sort(inputs[:: -(-len(inputs) // LOOKED_AT)], axis=0)
    different = np.count_nonzero(np.diff(some, axis=0), axis=0)
    return np.sort(np.argsort(-different, kind="stable")[:TELLING])


def digests(*blocks: Array) -> Array:
    """A number for each row of blocks side by side, `(rows,)` uint64; other rows have other ones, but for a chance of
    about rows² in 2^64.

    blocks `(rows, columns)` or `(rows,)`.
    """
    rows = len(blocks[0])
    total = np.zeros(rows, np.uint64)
    rng = np.random.default_rng(0)
    for block in blocks:
        wide = block if block.ndim > 1 else block[:, None]
        # A zero has two signs.
        words = np.ascontiguousarray(wide + 0).view(np.uint32)
        factors = rng.integers(0, 1 << 63, words.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        for start in range(0, rows, CHUNK):
            part = words[start : start + CHUNK].astype(np.uint64)
            part *= np.uint64(0x9E3779B97F4A7C15)
            part ^= part >> np.uint64(29)
            part *= factors
            part ^= part >> np.uint64(32)
            total[start : start + CHUNK] += part.sum(axis=1, dtype=np.uint64)
    return total
