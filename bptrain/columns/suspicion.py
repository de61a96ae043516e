"""Suspicion: columns that say nothing, that number the rows, or that give the target away."""

from collections.abc import Iterator

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.kinds import ENOUGH, looks_like_id, named_like_id
from bptrain.columns.profile import Objection
from bptrain.tables.values import codes, distinct, missing

NEARLY = 0.99
"""A correlation with the target from which on it is nearly told."""

EXACT = 1 - 1e-9


def suspicions(name: str, values: Array, *, numbered: bool) -> Iterator[Objection]:
    """What speaks against a feature `(rows,)` by itself; `numbered`: it is one of many, such as the pixels of an image,
    which may be constant."""
    present = values[~missing(values)]
    if values.dtype != object:
        present = present[np.isfinite(present)]
    if not len(present):
        return
    found = distinct(present)
    if len(found) == 1:
        if len(present) == len(values) and not numbered:
            yield Objection("warning", "it is the same in every row; there is nothing to learn from it", "BP222")
        return
    if values.dtype != object:
        identifies = looks_like_id(name, present)
    else:
        identifies = len(found) == len(present) and (len(found) >= ENOUGH or named_like_id(name))
    if identifies:
        yield Objection("warning", "it looks like an ID, which says nothing about new rows", "BP223")


def leak_into_classes(values: Array, classes: Array) -> Objection | None:
    """Whether a feature `(rows,)` tells the class numbers `(rows,)` by itself."""
    if len(values) < ENOUGH:
        return None
    if told_by_value(values, classes):
        return leaks("each of its values goes with a single class")
    if values.dtype == object or not np.isfinite(values).all():
        return None
    order = np.argsort(values, kind="stable")
    changes = np.flatnonzero(np.diff(classes[order]))
    apart = np.diff(values[order])[changes] > 0
    if len(changes) == len(np.unique(classes)) - 1 and apart.all():
        return leaks("each class has a range of its own")
    return None


def leak_into_numbers(values: Array, target: Array) -> Objection | None:
    """Whether a feature `(rows,)` tells the numbers `(rows,)` to predict by itself; NaN where one is missing."""
    there = ~np.isnan(target)
    if values.dtype != object:
        there &= np.isfinite(values)
    values, target = values[there], target[there]
    if len(values) < ENOUGH or np.ptp(target) == 0:
        return None
    if values.dtype == object:
        return leaks("each of its values goes with a single number") if told_by_value(values, target) else None
    straight, ordered = correlation(values, target), correlation(ranks(values), ranks(target))
    if abs(straight) > EXACT:
        return leaks("it is the target but for a factor and a shift")
    if abs(straight) >= NEARLY:
        return leaks(f"its correlation with the target is {straight:.4f}")
    if abs(ordered) >= NEARLY:
        return leaks(f"it rises and falls with the target (rank correlation {ordered:.4f})")
    return leaks("each of its values goes with a single number") if told_by_value(values, target) else None


def leaks(why: str) -> Objection:
    """What is said of a leak."""
    return Objection("warning", f"it tells the target by itself (a leak?): {why}", "BP224")


def told_by_value(values: Array, target: Array) -> bool:
    """Whether all rows with a value have one target, and a value has two rows or more on average; missing ones are a
    value too."""
    if values.dtype == object:
        found = codes(values, [str(value) for value in distinct(values)])
    else:
        found = np.unique(values, return_inverse=True)[1].reshape(-1)
    kinds = len(np.unique(found))
    if kinds < 2 or 2 * kinds > len(values):
        return False
    answers = np.unique(target, return_inverse=True)[1].reshape(-1)
    pairs = (found - found.min()) * (int(answers.max()) + 1) + answers
    return len(np.unique(pairs)) == kinds


def correlation(x: Array, y: Array) -> float:
    """Pearson's correlation; 0 where one does not change."""
    with np.errstate(all="ignore"):
        a, b = x - x.mean(), y - y.mean()
        found = float((a / np.sqrt(a @ a)) @ (b / np.sqrt(b @ b)))
    return found if np.isfinite(found) else 0.0


def ranks(values: Array) -> Array:
    """The rank of each value, equal ones sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse.reshape(-1)])
