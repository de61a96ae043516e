"""Splits and orders that runs of an earlier version drew chunk by chunk, on tables larger than data.memory: with them,
such runs resume and evaluate on the same rows, in the same order."""

import numpy as np

from bptrain.arrays import Array, number_rows
from bptrain.columns.splits.split import BY_COLUMN, RowsBySplit, Split, allot_rows, check_not_empty, split_rows
from bptrain.errors import Mistake, OptionError
from bptrain.tables.table import Selection

ROUNDS = 6


def split_by_chunks(
    split: Split, rows: Selection, codes: Array | None, rng: np.random.Generator, form: str | None = None
) -> RowsBySplit:
    """Split rows as `split_rows` does, but chunk by chunk: the number of rows of a class that are held out in a chunk
    is hypergeometric.

    Raises:
        OptionError, InputError: as `split_rows`.
    """
    if split.method in BY_COLUMN:
        return split_rows(split, rows, codes, rng, form)
    if codes is None and split.method == "stratified":
        raise OptionError(Mistake("method", "stratified needs a target of classes; use random", "BP126"))
    numbers = rows.numbers
    codes = np.zeros(len(numbers), np.uint8) if codes is None or split.method == "random" else codes
    left = np.bincount(codes)
    wanted, room = [], [max(count - 1, 0) for count in left.tolist()]
    for name, share in zip(("validation", "test"), split.shares, strict=True):
        wanted.append(allot_rows([share * count for count in left.tolist()], room))
        check_not_empty(name, share, number_rows(sum(wanted[-1])), len(numbers))
        room = [most - count for most, count in zip(room, wanted[-1], strict=True)]
    owner = np.zeros(len(numbers), np.uint8)
    end = 0
    for _, chunk in rows.chunks():
        start, end = end, end + len(chunk)
        for code in np.unique(codes[start:end]).tolist():
            places = rng.permutation(start + np.flatnonzero(codes[start:end] == code))
            # `others` counts the rows of the class, from here on, that no split up to this one takes.
            taken, others = 0, int(left[code])
            for split_number, goal in enumerate(wanted, start=1):
                others -= goal[code]
                count = int(rng.hypergeometric(goal[code], others, len(places) - taken)) if goal[code] else 0
                owner[places[taken : taken + count]] = split_number
                taken += count
                goal[code] -= count
            left[code] -= len(places)
    return {name: numbers[owner == k] for k, name in enumerate(("train", "validation", "test"))}


def draw_keys(rng: np.random.Generator) -> Array:
    """Draw the keys of `order_by_keys`, `(ROUNDS,)` uint64."""
    return rng.integers(0, 1 << 64, ROUNDS, dtype=np.uint64)


def order_by_keys(count: int, keys: Array) -> Array:
    """Return a permutation of `count` numbers: each goes through a Feistel network over its bits, repeatedly until it
    is below `count`. Without keys, the order is ascending."""
    half = np.uint64((max(count - 1, 1).bit_length() + 1) // 2)
    order = pass_rounds(np.arange(count, dtype=np.uint64), keys, half)
    while len(beyond := np.flatnonzero(order >= count)):
        order[beyond] = pass_rounds(order[beyond], keys, half)
    return order.astype(number_rows(count).dtype)


def pass_rounds(values: Array, keys: Array, half: np.uint64) -> Array:
    """Return numbers of `2 * half` bits after all rounds of the network, each of which mixes bits like SplitMix64."""
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = values >> half, values & mask
    for key in keys:
        mixed = right ^ key
        mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        left, right = right, left ^ ((mixed ^ mixed >> np.uint64(31)) & mask)
    return np.asarray(left << half | right)
