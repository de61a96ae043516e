"""The profile of splits: the rows and classes of each, and rows that appear in several and inflate the test score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.targets import Classes
from bptrain.tables.table import Selection
from bptrain.tables.values import encode_labels, find_missing

SPLITS = ("train", "validation", "test")

CHUNK_ROWS = 1 << 15

CHUNK_VALUES = 1 << 18
"""Values of several columns that are hashed together: a call for each of thousands would take longer."""

VARIED_COLUMNS = 8
"""At most this many columns are compared first; they usually show that no two rows are equal."""

SAMPLE_ROWS = 1000
"""About this many rows tell which columns have the most distinct values."""


@dataclass(frozen=True)
class SplitDescription:
    """A split: its rows, the rows of each class by target and label, how many rows repeat a row before them in the same
    split, and how many a row of an earlier split, in all features and targets."""

    name: str
    rows: int
    classes: dict[str, dict[str, int]]
    duplicates: int
    repeated: int


def describe_splits(
    splits: Mapping[str, Selection], names: Sequence[str], classes: Mapping[str, Classes]
) -> tuple[SplitDescription, ...]:
    """Describe the splits in order: train, validation, test.

    Args:
        splits: the rows of each split, by name.
        names: the columns in which equal rows are equal.
        classes: the classes of each target that has some, by name.
    """
    order = [name for name in SPLITS if name in splits]
    seen: Array = np.empty(0, np.uint64)
    found = []
    for name, keys in zip(order, hash_columns([splits[name] for name in order], names), strict=True):
        distinct = np.unique(keys)
        counts, repeated = count_classes(splits[name], classes), int(np.isin(keys, seen).sum())
        found.append(SplitDescription(name, len(keys), counts, len(keys) - len(distinct), repeated))
        seen = np.concatenate([seen, distinct])
    return tuple(found)


def count_classes(rows: Selection, classes: Mapping[str, Classes]) -> dict[str, dict[str, int]]:
    """Return the number of rows of each class, by target and label; rows of unknown classes are left out."""
    found = {}
    for name, one in classes.items():
        values = encode_labels(rows.column(name), one.labels, rows.decimal)
        counts = np.bincount(values[values >= 0], minlength=len(one.labels))
        found[name] = {str(label): int(count) for label, count in zip(one.labels, counts, strict=True)}
    return found


def hash_columns(splits: Sequence[Selection], names: Sequence[str]) -> list[Array]:
    """Return a hash of each row of each split, equal for rows that are equal in the named columns."""
    each = [(rows, np.zeros(len(rows), np.uint64), np.random.default_rng(0)) for rows in splits]
    most = max(1, CHUNK_VALUES // max([1, *map(len, splits)]))
    for start in range(0, len(names), most):
        known: dict[str, dict[object, int]] = {name: {None: -1} for name in names[start : start + most]}
        for rows, keys, rng in each:
            columns = [number_texts(rows.column(name), numbers) for name, numbers in known.items()]
            add_hashes(keys, columns[0] if most == 1 else np.stack(columns, axis=1), rng)
    return [keys for _, keys, _ in each]


def number_texts(values: Array, numbers: dict[object, int]) -> Array:
    """Return a column as float64 that is equal where the values are; texts are numbered in `numbers`."""
    if values.dtype != object:
        # NaN has many bit patterns.
        return np.where(find_missing(values), np.nan, values)
    texts = values.tolist()
    for text in dict.fromkeys(texts):
        numbers.setdefault(text, len(numbers))
    return np.fromiter(map(numbers.__getitem__, texts), np.float64, len(texts))


def count_duplicates(inputs: Mapping[str, Array], targets: Mapping[str, Array]) -> dict[str, int]:
    """Return how many rows of `validation` repeat a row of `train`, and of `test` a row of `train` or `validation`;
    splits without any are left out.

    Args:
        inputs: by split, `(rows, columns)`.
        targets: by split, `(rows,)` or `(rows, columns)`.
    """
    if len(inputs) < 2:
        return {}
    order = [name for name in SPLITS if name in inputs]
    varied = find_varied_columns(inputs["train"])
    keys = [hash_rows(inputs[name][:, varied], targets[name]) for name in order]
    borders = np.cumsum([len(one) for one in keys])[:-1]
    suspects = zip(order, np.split(find_repeated(np.concatenate(keys)), borders), strict=True)
    return count_repeated({name: hash_rows(inputs[name][rows], targets[name][rows]) for name, rows in suspects})


def count_repeated(keys: Mapping[str, Array]) -> dict[str, int]:
    """Return how many keys of each split, `(rows,)` each, are also in an earlier split; splits without any are left
    out. The keys are sorted in place.
    """
    counts: dict[str, int] = {}
    earlier: list[Array] = []
    for name in [name for name in SPLITS if name in keys]:
        for start in range(0, len(keys[name]), CHUNK_ROWS):
            chunk = keys[name][start : start + CHUNK_ROWS]
            repeated = np.any([are_among(chunk, one) for one in earlier], axis=0)
            counts[name] = counts.get(name, 0) + int(repeated.sum())
        keys[name].sort()
        earlier.append(keys[name])
    return {name: count for name, count in counts.items() if count}


def are_among(keys: Array, known: Array) -> Array:
    """Return which keys are among known ones, which are sorted, `(rows,)` bool."""
    if not len(known):
        return np.zeros(len(keys), bool)
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.asarray(known[places] == keys)


def find_repeated(keys: Array) -> Array:
    """Return which keys `(rows,)` occur more than once, `(rows,)` bool."""
    ordered = np.sort(keys)
    return are_among(keys, np.unique(ordered[1:][ordered[1:] == ordered[:-1]]))


def find_varied_columns(inputs: Array) -> Array:
    """Return the numbers of the columns with the most distinct values in a sample of the rows."""
    some = np.sort(inputs[:: -(-len(inputs) // SAMPLE_ROWS)], axis=0)
    distinct = np.count_nonzero(np.diff(some, axis=0), axis=0)
    return np.sort(np.argsort(-distinct, kind="stable")[:VARIED_COLUMNS])


def hash_rows(*blocks: Array) -> Array:
    """Return a hash of each row of arrays side by side, `(rows,)` uint64; that any two distinct rows are equal has a
    chance of about rows² in 2^64.

    blocks `(rows, columns)` or `(rows,)`.
    """
    total, rng = np.zeros(len(blocks[0]), np.uint64), np.random.default_rng(0)
    for block in blocks:
        add_hashes(total, block, rng)
    return total


def add_hashes(total: Array, block: Array, rng: np.random.Generator) -> None:
    """Add the hashes of further columns to `total` `(rows,)`, which starts with 0 and `default_rng(0)`."""
    wide = block if block.ndim > 1 else block[:, None]
    words = (wide[:0] + 0).dtype.itemsize // 4 * wide.shape[1]
    factors = rng.integers(0, 1 << 63, words, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    for start in range(0, len(total), CHUNK_ROWS):
        # Adding 0 turns -0.0 into 0.0.
        some = np.ascontiguousarray(wide[start : start + CHUNK_ROWS] + 0).view(np.uint32).astype(np.uint64)
        some *= np.uint64(0x9E3779B97F4A7C15)
        some ^= some >> np.uint64(29)
        some *= factors
        some ^= some >> np.uint64(32)
        total[start : start + CHUNK_ROWS] += some.sum(axis=1, dtype=np.uint64)
