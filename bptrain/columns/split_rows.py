"""Dividing: rows into those that train, validate and test, by what stands in a column."""

import warnings
from collections.abc import Callable

import numpy as np

from bptrain.arrays import Array, iter_chunks, number_rows
from bptrain.columns.split import Split, check_rows
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.tables.table import Selection, quote
from bptrain.tables.values import missing

NAMES = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What a column may say, in small or capital letters, and the part that it means."""

Parts = dict[str, Array]


def split_rows(split: Split, rows: Selection, codes: Array | None, rng: np.random.Generator) -> Parts:
    """Return the numbers in the table of the rows of `train`, `validation` and `test`, each ascending; together all
    given rows.

    Args:
        split: how.
        rows: to be divided.
        codes: their class numbers `(rows,)`, or None for numeric targets.
        rng: decides where rows are drawn.

    Raises:
        OptionError: a part would be without rows, or the column cannot be used.
        InputError: a value of the column is missing or means nothing; the message names its row.
    """
    ways: dict[str, Callable[[], Parts]] = {
        "time": lambda: split_by_time(split, read_times(rows, str(split.column))),
        "group": lambda: split_by_group(split, number_groups(rows, str(split.column)), rng),
        "column": lambda: split_by_column(rows, str(split.column)),
    }
    places = ways[split.method]() if split.method in ways else split.rows(len(rows), codes, rng)
    if not len(places["train"]):
        raise OptionError(Mistake("method", f"no row is left to train on, of {len(rows):,}; hold less out"))
    return places if rows.rows is None else {name: rows.rows[part] for name, part in places.items()}


def read_complete(rows: Selection, name: str) -> Array:
    """Return a column in which nothing may be missing.

    Raises:
        InputError: something is.
    """
    values = rows.column(name)
    holes = np.flatnonzero(missing(values))
    if len(holes):
        more = f", one of {len(holes):,} such rows" if len(holes) > 1 else ""
        what = f"nothing stands there{more}, and the split looks at it; fill it in or remove the row"
        raise InputError(f"{rows.where(int(holes[0]))}: {name}: {what}")
    return values


def read_times(rows: Selection, name: str) -> Array:
    """Return a column of numbers or dates as numbers that can be sorted.

    Raises:
        InputError: a value is missing or no date.
    """
    values = read_complete(rows, name)
    if values.dtype != object:
        return values
    texts = values.tolist()
    try:
        return parse_dates(texts)
    except ValueError:
        row = next(k for k, text in enumerate(texts) if not is_date(text))
        what = f"no number and no date (got {quote(texts[row])}); write dates as 2024-01-31 or 2024-01-31 23:59"
        raise InputError(f"{rows.where(row)}: {name}: {what}") from None


def parse_dates(texts: list[str]) -> Array:
    """Dates as int64 microseconds."""
    with warnings.catch_warnings():
        # NumPy converts times with a time zone as it should, and warns of it.
        warnings.simplefilter("ignore")
        found = np.array([text.strip() for text in texts], dtype="datetime64[us]")
    if np.isnat(found).any():
        raise ValueError("NaT is no date")
    return found.astype(np.int64)


def is_date(text: str) -> bool:
    """Tell whether a text is a date."""
    try:
        parse_dates([text])
    except ValueError:
        return False
    return True


def split_by_time(split: Split, values: Array) -> Parts:
    """Hold out the latest rows for the test, those before them for validation; rows of one time stay together."""
    count, order = len(values), np.argsort(values, kind="stable")
    changes = np.flatnonzero(np.diff(values[order]) > 0) + 1
    validation, test = split.shares
    ends = []
    left = count
    for name, share in (("test", test), ("validation", validation)):
        wanted = left - round(share * count)
        fitting = changes[(changes < left)] if share else changes[:0]
        end = int(fitting[np.argmin(np.abs(fitting - wanted))]) if len(fitting) and wanted < left else left
        check_rows(name, share, order[end:left], count)
        ends.append(end)
        left = end
    return {
        "train": np.sort(order[: ends[1]]),
        "validation": np.sort(order[ends[1] : ends[0]]),
        "test": np.sort(order[ends[0] :]),
    }


def number_groups(rows: Selection, name: str) -> Array:
    """Return the number of each row's group, groups in the order of their first rows.

    Raises:
        InputError: a group is missing.
    """
    place: dict[object, int] = {}
    numbers, start = number_rows(len(rows)), 0
    for chunk in iter_chunks(read_complete(rows, name)):
        values = chunk.tolist()
        for value in dict.fromkeys(values):
            place.setdefault(value, len(place))
        numbers[start : start + len(values)] = [place[value] for value in values]
        start += len(values)
    return numbers


def split_by_group(split: Split, numbers: Array, rng: np.random.Generator) -> Parts:
    """Groups drawn at random, each taken whole as long as it fits into what a part still wants of the rows."""
    sizes = np.bincount(numbers)
    waiting = rng.permutation(len(sizes)).tolist()
    owner = np.zeros(len(sizes), np.int8)
    for part, (name, share) in enumerate(zip(("validation", "test"), split.shares, strict=True), start=1):
        room = round(share * len(numbers))
        taken: list[int] = []
        for group in waiting:
            if sizes[group] <= room:
                taken.append(group)
                room -= int(sizes[group])
        if share and not taken and len(waiting) > 1:
            taken = [min(waiting, key=lambda group: int(sizes[group]))]
        chosen = set(taken)
        waiting = [group for group in waiting if group not in chosen]
        if not waiting:
            waiting = [taken.pop()]
        owner[taken] = part
        if share and not taken:
            what = f"no group is left for {name} (there are {len(sizes):,}, and one must train)"
            raise OptionError(Mistake(name, f"{what}; use a smaller share or another column", "BP127"))
    return {name: np.flatnonzero(owner[numbers] == part) for part, name in enumerate(("train", "validation", "test"))}


def split_by_column(rows: Selection, name: str) -> Parts:
    """Put each row into the split that the column names.

    Raises:
        InputError: something is missing, or means no part.
    """
    values = read_complete(rows, name)
    texts = values.tolist() if values.dtype == object else [f"{value:g}" for value in values]
    part = {text: NAMES.get(str(text).strip().lower()) for text in dict.fromkeys(texts)}
    if unknown := [text for text, one in part.items() if one is None]:
        row = texts.index(unknown[0])
        what = f"expected train, validation or test (got {quote(unknown[0])})"
        raise InputError(f"{rows.where(row)}: {name}: {what}; correct it, or choose another split")
    names = np.array([part[text] for text in texts])
    return {one: np.flatnonzero(names == one) for one in ("train", "validation", "test")}
