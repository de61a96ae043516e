"""A page: a training step as sections of lines, with one line for each quantity."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.explanation.expressions import Node, Number
from bptrain.explanation.notation import format_shape

Kind = Literal["given", "forward", "loss", "backward", "gradient", "update", "result"]


@dataclass(frozen=True)
class Line:
    """A quantity: how it is computed, and its value in training.

    `name` is unique in the page, such as `0.dense.y`; `alias` is the textbook name, such as `z1`; `symbol` is the
    letter in formulas. `words` describe the quantity, or replace its formula. `numbers` is the formula with numbers in
    it, for the entry at `place`; None where there is no formula, or where its result differs from training. A `blank`
    line shows blanks in place of numbers.
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
        """The shape of the value; empty for a single number."""
        return self.value.shape

    @property
    def shape_text(self) -> str:
        """The shape as text, such as `(2, 3)`; empty for a single number."""
        return format_shape(self.shape) if self.shape else ""

    @property
    def is_single(self) -> bool:
        """Whether the value has only one entry."""
        return bool(self.value.size == 1)

    @property
    def place_text(self) -> str:
        """The place of the entry that is computed, such as `[1, 2]`; empty if there is only one."""
        return f"[{', '.join(str(k + 1) for k in self.place)}]" if self.place and not self.is_single else ""

    @property
    def is_worked(self) -> bool:
        """Whether there is a formula with numbers, and not only the result."""
        return self.numbers is not None and not isinstance(self.numbers, Number)

    @property
    def entry(self) -> float:
        """The value at the place."""
        return float(self.value[self.place or (0,) * self.value.ndim])

    def to_json(self) -> dict[str, Any]:
        """Return the keys that scripts may rely on; a number that is not finite is null."""
        value = np.asarray(self.value).astype(object)
        value[~np.isfinite(self.value)] = None
        return {
            "name": self.name,
            "alias": self.alias or None,
            "symbol": self.symbol,
            "formula": self.formula.to_text() if self.formula else self.words or None,
            "place": [k + 1 for k in self.place],
            "numbers": self.numbers.to_text() if self.numbers else None,
            "shape": list(self.shape),
            "value": None if self.blank else value.tolist(),
        }


@dataclass(frozen=True)
class Section:
    """The lines about one topic, such as a layer's forward pass, the loss, or the update of a parameter."""

    title: str
    kind: Kind
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Page:
    """A training step as a worked example; `rows` count from 1."""

    title: str
    config: str
    step: int
    rows: tuple[int, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """The first line of the page."""
        return f"{self.title}: step {self.step} of training"

    @property
    def lines(self) -> dict[str, Line]:
        """All lines by name."""
        return {line.name: line for section in self.sections for line in section.lines}

    @property
    def aliases(self) -> dict[str, Line]:
        """The lines that have a textbook name, by that name."""
        return {line.alias: line for line in self.lines.values() if line.alias}

    def to_json(self) -> dict[str, Any]:
        """Return what `bptrain explain --format json` prints."""
        sections = [
            {"title": section.title, "kind": section.kind, "lines": [line.to_json() for line in section.lines]}
            for section in self.sections
        ]
        return {
            "config": self.config,
            "step": self.step,
            "rows": list(self.rows),
            "notes": list(self.notes),
            "sections": sections,
        }
