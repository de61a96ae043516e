"""Splits: which rows train, which validate, which test."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Lt

from bptrain.arrays import Array, number_rows
from bptrain.errors import Mistake, OptionError
from bptrain.tables.sources import SOURCES, Source

Share = Annotated[float, Ge(0), Lt(1)]

BY_COLUMN = ("time", "group", "column")
"""The methods that look at a column."""


@dataclass(frozen=True)
class Split:
    """What is held out: a share of the rows, or a source of its own such as `test: {csv: test.csv}`; the rest trains.

    `random` draws rows alone; `stratified` keeps the share of every class in each part, to within a row; `auto` is
    stratified for classes and random for numbers. `time` holds out the latest rows by `column` (numbers, or dates such
    as 2024-01-31), the test after the validation, and rows of one time together; `group` draws whole groups of rows
    that are alike in `column`, so that none is on both sides; `column` reads train, validation or test from `column`,
    and no share.
    """

    validation: Annotated[Share | Annotated[Source, SOURCES], "share of the rows for validation, or its source"] = 0.15
    test: Annotated[Share | Annotated[Source, SOURCES], "share of the rows for the final test, or its source"] = 0.15
    method: Annotated[
        Literal["auto", "random", "stratified", "time", "group", "column"], "how the rows are divided"
    ] = "auto"
    column: Annotated[str | None, "that time, group and column look at; it is no feature unless it is named"] = None

    def __post_init__(self) -> None:
        validation, test = self.shares
        if validation + test >= 1:
            what = f"validation and test leave nothing to train on (got {validation:g} and {test:g})"
            raise OptionError(Mistake("", f"{what}; let them add up to less than 1"))
        if self.method in BY_COLUMN and self.column is None:
            raise OptionError(Mistake("method", f"{self.method} needs a column to look at; name it with column"))
        if self.column is not None and self.method not in BY_COLUMN:
            what = f"goes with the methods {', '.join(BY_COLUMN)} (got {self.method}); name one of them, or take it out"
            raise OptionError(Mistake("column", what))
        if self.method == "column" and self.sources:
            raise OptionError(Mistake("method", "column says what is held out; take the other sources out"))

    @property
    def shares(self) -> tuple[float, float]:
        """The shares of the rows for validation and test; 0 where they come from elsewhere."""
        validation, test = (share if isinstance(share, float | int) else 0.0 for share in (self.validation, self.test))
        return validation, test

    @property
    def sources(self) -> dict[str, Source]:
        """The parts that come from elsewhere."""
        parts = {"validation": self.validation, "test": self.test}
        return {name: part for name, part in parts.items() if not isinstance(part, float | int)}

    def rows(self, count: int, codes: Array | None, rng: np.random.Generator) -> dict[str, Array]:
        """Row numbers of `train`, `validation` and `test`, each ascending, drawn at random; together every row once.

        Args:
            count: of all rows.
            codes: the class number of each row `(count,)`, or None for numeric targets.
            rng: decides.

        Raises:
            OptionError: stratified without classes or with a class of one row, or nothing left to train on.
        """
        if self.method == "stratified" and codes is None:
            raise OptionError(Mistake("method", "stratified needs a target of classes; use random", "BP126"))
        groups = [number_rows(count)] if codes is None or self.method == "random" else rows_of_classes(codes)
        for group in groups:
            rng.shuffle(group)
        cut = [0] * len(groups)
        parts: dict[str, Array] = {}
        for name, share in zip(("validation", "test"), self.shares, strict=True):
            # Every class keeps a row to train on.
            room = [len(group) - 1 - start for group, start in zip(groups, cut, strict=True)]
            taken = allot_rows([share * len(group) for group in groups], room)
            parts[name] = np.concatenate(
                [group[start : start + k] for group, start, k in zip(groups, cut, taken, strict=True)]
            )
            cut = [start + k for start, k in zip(cut, taken, strict=True)]
            check_rows(name, share, parts[name], count)
        train = np.concatenate([group[start:] for group, start in zip(groups, cut, strict=True)])
        for part in (train, *parts.values()):
            part.sort()
        return {"train": train, **parts}


def check_rows(name: str, share: float, rows: Array, count: int) -> None:
    """Refuse a share that comes to nothing.

    Raises:
        OptionError: rows are wanted and there are none.
    """
    if share and not len(rows):
        what = f"no row is left for {name} (got {share:g} of {count} rows)"
        raise OptionError(Mistake(name, f"{what}; use a larger share, or 0", "BP127"))


def rows_of_classes(codes: Array) -> list[Array]:
    """Return the row numbers of each class."""
    numbers = number_rows(len(codes))
    return [numbers[codes == code] for code in np.unique(codes)]


def allot_rows(ideal: list[float], room: list[int]) -> list[int]:
    """Whole numbers near the ideal ones, none above its room: by largest remainders, up to the rounded sum."""
    taken = [min(int(share), most) for share, most in zip(ideal, room, strict=True)]
    missing = round(sum(ideal)) - sum(taken)
    for k in sorted(range(len(ideal)), key=lambda k: taken[k] - ideal[k]):
        if missing > 0 and taken[k] < room[k]:
            taken[k] += 1
            missing -= 1
    return taken
