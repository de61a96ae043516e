"""Splits: which rows train, which validate, which test."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Lt

from bptrain.arrays import Array
from bptrain.errors import Mistake, OptionError


@dataclass(frozen=True)
class Split:
    """Shares of the rows that are held out; the rest trains.

    `random` draws rows alone; `stratified` keeps the share of every class in each part, to within a row; `auto` is
    stratified for classes and random for numbers.
    """

    validation: Annotated[float, Ge(0), Lt(1), "share of the rows for validation"] = 0.15
    test: Annotated[float, Ge(0), Lt(1), "share of the rows for the final test"] = 0.15
    method: Annotated[Literal["auto", "random", "stratified"], "how the rows are drawn"] = "auto"

    def __post_init__(self) -> None:
        if self.validation + self.test >= 1:
            what = f"validation and test leave nothing to train on (got {self.validation:g} and {self.test:g})"
            raise OptionError(Mistake("", f"{what}; let them add up to less than 1"))

    def rows(self, count: int, codes: Array | None, rng: np.random.Generator) -> dict[str, Array]:
        """Row numbers of `train`, `validation` and `test`, each ascending int64; together every row once.

        Args:
            count: of all rows.
            codes: the class number of each row `(count,)`, or None for numeric targets.
            rng: decides.

        Raises:
            OptionError: stratified without classes, or nothing left to train on.
        """
        if self.method == "stratified" and codes is None:
            raise OptionError(Mistake("method", "stratified needs a target of classes; use random", "BP126"))
        groups = [np.arange(count)] if codes is None or self.method == "random" else by_class(codes)
        groups = [rng.permutation(group) for group in groups]
        cut = [0] * len(groups)
        parts: dict[str, Array] = {}
        for name, share in (("validation", self.validation), ("test", self.test)):
            # Every class keeps a row to train on.
            room = [len(group) - 1 - start for group, start in zip(groups, cut, strict=True)]
            taken = quotas([share * len(group) for group in groups], room)
            pieces = [group[start : start + k] for group, start, k in zip(groups, cut, taken, strict=True)]
            parts[name] = np.sort(np.concatenate(pieces))
            cut = [start + k for start, k in zip(cut, taken, strict=True)]
            if share and not len(parts[name]):
                what = f"no row is left for {name} (got {share:g} of {count} rows)"
                raise OptionError(Mistake(name, f"{what}; use a larger share, or 0", "BP127"))
        train = np.sort(np.concatenate([group[start:] for group, start in zip(groups, cut, strict=True)]))
        return {"train": train, **parts}


def by_class(codes: Array) -> list[Array]:
    """The row numbers of each class."""
    return [np.flatnonzero(codes == code) for code in np.unique(codes)]


def quotas(ideal: list[float], room: list[int]) -> list[int]:
    """Whole numbers near the ideal ones, none above its room: by largest remainders, up to the rounded sum."""
    taken = [min(int(share), most) for share, most in zip(ideal, room, strict=True)]
    missing = round(sum(ideal)) - sum(taken)
    for k in sorted(range(len(ideal)), key=lambda k: taken[k] - ideal[k]):
        if missing > 0 and taken[k] < room[k]:
            taken[k] += 1
            missing -= 1
    return taken
