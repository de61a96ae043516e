"""A page: a step of training as sections of lines, a line for each quantity."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.explanation.expressions import Node, Number

Kind = Literal["given", "forward", "loss", "backward", "gradient", "update", "result"]


@dataclass(frozen=True)
class Line:
    """A quantity: how it comes about, and what training had there.

    `name` is its own in the page, such as `0.dense.y`; `alias` what textbooks call it, such as `z1`; `symbol` what it
    is in the formula. `words` stand where the formula cannot be computed. `numbers` is the formula for the entry at
    `place` with numbers in it; None where it does not agree with training, or there is none. A `blank` is shown without
    its numbers.
    """

    name: str
    symbol: str
    value: Array
    alias: str = ""
    formula: Node | None = None
    words: str = ""
    numbers: Node | None = None
    place: tuple[int, ...] = ()
    blank: bool = False

    @property
    def shape(self) -> Shape:
        """Of the value; empty for a single number."""
        return self.value.shape

    @property
    def is_worked(self) -> bool:
        """Whether there is a formula with numbers that says more than the result."""
        return self.numbers is not None and not isinstance(self.numbers, Number)

    @property
    def entry(self) -> float:
        """The value at the place."""
        return float(self.value[self.place or (0,) * self.value.ndim])

    def to_json(self) -> dict[str, Any]:
        """The keys that scripts may rely on; a number that is not finite is null."""
        return {
            "name": self.name,
            "alias": self.alias or None,
            "symbol": self.symbol,
            "formula": self.formula.to_text() if self.formula else self.words or None,
            "place": [k + 1 for k in self.place],
            "numbers": self.numbers.to_text() if self.numbers else None,
            "shape": list(self.shape),
            "value": None if self.blank else finite(self.value),
        }


def finite(array: Array) -> Any:
    """An array as JSON can hold it, null where it is not finite."""
    if np.isfinite(array).all():
        return array.tolist()
    if array.ndim == 0:
        return None
    return [finite(part) for part in array]


@dataclass(frozen=True)
class Section:
    """Lines about one thing: a layer forward or backward, the loss, the update of a parameter."""

    title: str
    kind: Kind
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Page:
    """A step as a worked example."""

    title: str
    config: str
    step: int
    rows: tuple[int, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> dict[str, Line]:
        """All lines by name."""
        return {line.name: line for section in self.sections for line in section.lines}

    @property
    def aliases(self) -> dict[str, Line]:
        """The lines that textbooks have a name for, by that."""
        return {line.alias: line for line in self.lines.values() if line.alias}

    def to_json(self) -> dict[str, Any]:
        """What `bptrain explain --format json` prints; rows count from 1."""
        return {
            "config": self.config,
            "step": self.step,
            "rows": list(self.rows),
            "notes": list(self.notes),
            "sections": [
                {
                    "title": section.title,
                    "kind": section.kind,
                    "lines": [line.to_json() for line in section.lines],
                }
                for section in self.sections
            ],
        }
