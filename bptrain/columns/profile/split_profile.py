"""The profile of a split: its rows, their classes, and rows that are there twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.duplicates import add_digests
from bptrain.columns.targets import Classes
from bptrain.tables.table import Selection
from bptrain.tables.values import codes, missing


@dataclass(frozen=True)
class PartDescription:
    """A split: its rows, the rows of each class by target and label, how many rows are alike to one before them in the
    same split, and how many to one of a split before it, in all features and targets."""

    name: str
    rows: int
    classes: dict[str, dict[str, int]]
    duplicates: int
    repeated: int


def describe_splits(
    splits: Mapping[str, Selection], names: Sequence[str], classes: Mapping[str, Classes]
) -> tuple[PartDescription, ...]:
    """Describe the splits in order: train, validation, test.

    Args:
        splits: by name.
        names: of the columns in which alike rows are alike.
        classes: of the targets that have some.
    """
    order = [name for name in ("train", "validation", "test") if name in splits]
    keys = dict(zip(order, row_keys([splits[name] for name in order], names), strict=True))
    seen: Array = np.empty(0, np.uint64)
    found = []
    for name in order:
        own = np.unique(keys[name])
        repeated = int(np.isin(keys[name], seen).sum())
        found.append(
            PartDescription(
                name, len(splits[name]), count_classes(splits[name], classes), len(keys[name]) - len(own), repeated
            )
        )
        seen = np.concatenate([seen, own])
    return tuple(found)


def count_classes(rows: Selection, classes: Mapping[str, Classes]) -> dict[str, dict[str, int]]:
    """Return how many rows each class has, by target and label; rows of unknown classes are left out."""
    found = {}
    for name, one in classes.items():
        values = codes(rows.column(name), one.labels, rows.decimal)
        counts = np.bincount(values[values >= 0], minlength=len(one.labels))
        found[name] = {str(label): int(count) for label, count in zip(one.labels, counts, strict=True)}
    return found


def present(rows: Selection, name: str) -> Selection:
    """Return the rows in which a column is not missing."""
    return Selection(rows.table, rows.numbers[~missing(rows.column(name))])


def row_keys(splits: Sequence[Selection], names: Sequence[str]) -> list[Array]:
    """Return a number for each row of each split, the same for rows that are alike in the named columns."""
    each = [(rows, np.zeros(len(rows), np.uint64), np.random.default_rng(0)) for rows in splits]
    for name in names:
        places: dict[object, int] = {None: -1}
        for rows, keys, rng in each:
            add_digests(keys, as_numbers(rows.column(name), places), rng)
    return [keys for _, keys, _ in each]


def as_numbers(values: Array, places: dict[object, int]) -> Array:
    """Return a column as float64 of which only equality means something; text is numbered as it comes, in `places`."""
    if values.dtype != object:
        # What is missing has many forms in bits.
        return np.where(missing(values), np.nan, values)
    texts = values.tolist()
    for text in dict.fromkeys(texts):
        places.setdefault(text, len(places))
    return np.fromiter(map(places.__getitem__, texts), np.float64, len(texts))
