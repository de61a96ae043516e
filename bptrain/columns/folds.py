"""Folds: the training rows in groups of about the same size, each held out once in cross-validation."""

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.dates.times import read_times
from bptrain.columns.splits.split import Split, number_groups, read_complete
from bptrain.errors import Mistake, OptionError
from bptrain.tables.table import Selection


def draw_folds(
    split: Split, rows: Selection, codes: Array | None, folds: int, rng: np.random.Generator, form: str | None = None
) -> Array:
    """Return the fold of each row, `(rows,)` int64 from 0, in the manner in which the splits are drawn.

    Rows of the same group are in the same fold; by time, a fold has the rows of a period; for classes each fold has its
    share of every class.

    Args:
        split: the method, and its column.
        rows: the training rows.
        codes: the class number of each row `(rows,)`; None for numeric targets.
        folds: how many.
        rng: draws the rows of each fold.
        form: how the dates of the column are written, as in `split_rows`.

    Raises:
        OptionError: a fold would have no rows.
        InputError: a value of the column is missing or not understood.
    """
    count, what, name = len(rows), "training rows", split.column or ""
    if split.method == "group":
        groups = number_groups(rows, name)
        count, what = int(groups.max()) + 1, "groups of training rows"
    if folds > count:
        got = f"every fold needs rows of its own, and there are {count:,} {what} (got {folds})"
        raise OptionError(Mistake("training.folds", f"{got}; write {count} or fewer"))
    if split.method == "group":
        return deal_groups(groups, folds, rng)
    if split.method == "time":
        order = np.argsort(read_times(rows, name, read_complete(rows, name), form), kind="stable")
        found = np.empty(count, np.int64)
        found[order] = np.arange(count) * folds // count
        return found
    order = rng.permutation(count)
    if codes is not None and split.method != "random":
        order = order[np.argsort(codes[order], kind="stable")]
    found = np.empty(count, np.int64)
    found[order] = np.arange(count) % folds
    return found


def deal_groups(groups: Array, folds: int, rng: np.random.Generator) -> Array:
    """Return the fold of each row, given its group `(rows,)`: the largest groups first, each to the fold with the
    fewest rows so far."""
    sizes = np.bincount(groups)
    shuffled = rng.permutation(len(sizes))
    filled, fold = np.zeros(folds, np.int64), np.empty(len(sizes), np.int64)
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")].tolist():
        fold[group] = int(np.argmin(filled))
        filled[fold[group]] += sizes[group]
    found: Array = fold[groups]
    return found
