"""Expressions: formulas as trees. Each node says how it is computed, filled with numbers, and written.

The numbers are for showing how a result comes about. The numbers that are shown come from training itself; a formula
that does not agree with them is shown without.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from string import ascii_uppercase
from typing import Any, ClassVar

import numpy as np

from bptrain.arrays import Array
from bptrain.explanation.notation import SUPERSCRIPTS, latex_name, latex_number

Letters = Mapping[str, Array | float]
"""What the names of a formula stand for."""

Index = tuple[int, ...]


class UnknownError(LookupError):
    """A formula has a letter that stands for nothing here."""


@dataclass(frozen=True)
class Place:
    """An entry of a result: what the letters stand for, its index, and how a number is written."""

    letters: Letters
    index: Index
    write: Callable[[float], str]

    def at(self, *index: int) -> "Place":
        """Return the place with another index."""
        return replace(self, index=index)

    def entry(self, array: Array | float) -> float:
        """Return the entry here of an array that was broadcast to the result."""
        array = np.asarray(array)
        own = (*(0,) * array.ndim, *self.index)[len(self.index) :]
        return float(array[tuple(k if size > 1 else 0 for k, size in zip(own, array.shape, strict=True))])

    def number(self, array: Array | float) -> "Number":
        """Write the entry here of an array that was broadcast to the result."""
        return Number(self.write(self.entry(array)))


@dataclass(frozen=True)
class Node:
    """A part of a formula."""

    @property
    def parts(self) -> "Iterator[Node]":
        """What it is made of."""
        for field in fields(self):
            value = getattr(self, field.name)
            for one in value if isinstance(value, tuple) else (value,):
                if isinstance(one, Node):
                    yield one

    @property
    def names(self) -> set[str]:
        """The letters that it needs."""
        return set().union(*(part.names for part in self.parts))

    @property
    def is_sum(self) -> bool:
        """Whether something is added up in it."""
        return any(part.is_sum for part in self.parts)

    @property
    def bare(self) -> "Node":
        """What stands in its brackets, if it has any."""
        return self

    def value(self, letters: Letters) -> Array:
        """Return its value, entry by entry, in double precision.

        Raises:
            UnknownError: a letter stands for nothing.
        """
        with np.errstate(all="ignore"):
            return np.asarray(self.compute(letters))

    def compute(self, letters: Letters) -> Any:
        """Compute its value from the values of its parts."""
        raise NotImplementedError

    def fill(self, place: Place) -> "Node":
        """Put numbers in place of the letters, for one entry of the value.

        Products of matrices and sums over rows are written out, long ones abridged.

        Raises:
            UnknownError: a letter stands for nothing.
        """

        def fill(part: Any) -> Any:
            if isinstance(part, tuple):
                return tuple(map(fill, part))
            return part.fill(place) if isinstance(part, Node) else part

        return replace(self, **{field.name: fill(getattr(self, field.name)) for field in fields(self)})

    def to_text(self) -> str:
        """Write it as docstrings do; negative numbers stand in brackets."""
        written = re.sub(r"\(\((-?[\d.e+-]+)\)\)", r"(\1)", self.inline())
        if self.bare is not self:
            written = written[1:-1]
        return re.sub(r"^\((-[\d.e+-]+)\)", r"\1", written)

    def inline(self) -> str:
        """Write it as a part of another one's text."""
        raise NotImplementedError

    def to_latex(self) -> str:
        """Write it in LaTeX's mathematics."""
        raise NotImplementedError


@dataclass(frozen=True)
class Number(Node):
    """A number, as it is written; dots stand for what is left out of a long sum."""

    text: str

    def compute(self, letters: Letters) -> Any:
        return np.asarray(float(self.text))

    def inline(self) -> str:
        return f"({self.text})" if self.text.startswith("-") else self.text

    def to_latex(self) -> str:
        written = latex_number(self.text)
        return rf"\left({written}\right)" if self.text.startswith("-") else written


@dataclass(frozen=True)
class Name(Node):
    """A letter or a word."""

    text: str

    @property
    def names(self) -> set[str]:
        return {self.text}

    def compute(self, letters: Letters) -> Any:
        if self.text not in letters:
            raise UnknownError(self.text)
        return np.asarray(letters[self.text], dtype=np.float64)

    def is_matrix(self, letters: Letters) -> bool:
        """Whether it is a matrix: those are the Latin capitals; Δ is a size of steps."""
        return self.text in ascii_uppercase and np.ndim(letters.get(self.text, 0)) == 2

    def fill(self, place: Place) -> Node:
        return place.number(self.value(place.letters))

    def inline(self) -> str:
        return self.text

    def to_latex(self) -> str:
        return latex_name(self.text)


@dataclass(frozen=True)
class Transposed(Node):
    """`xᵀ`."""

    name: Name

    @property
    def is_sum(self) -> bool:
        return True

    def compute(self, letters: Letters) -> Any:
        return self.name.compute(letters).T

    def is_matrix(self, letters: Letters) -> bool:
        """Whether it is a matrix: always."""
        return True

    def fill(self, place: Place) -> Node:
        return place.number(self.value(place.letters))

    def inline(self) -> str:
        return f"{self.name.text}ᵀ"

    def to_latex(self) -> str:
        return rf"{{{self.name.to_latex()}}}^{{\mathsf{{T}}}}"


@dataclass(frozen=True)
class Unary(Node):
    """A sign or brackets around a body, for which `{}` stands in text and in LaTeX."""

    body: Node
    operation: ClassVar[np.ufunc]
    in_text: ClassVar[str]
    in_latex: ClassVar[str]

    def compute(self, letters: Letters) -> Any:
        return self.operation(self.body.compute(letters))

    def inline(self) -> str:
        return self.in_text.format(self.body.inline())

    def to_latex(self) -> str:
        return self.in_latex.format(self.body.to_latex())


@dataclass(frozen=True)
class Minus(Unary):
    """`-a`."""

    operation, in_text, in_latex = np.negative, "-{}", "-{}"


@dataclass(frozen=True)
class Group(Unary):
    """`(a)`."""

    operation, in_text, in_latex = np.positive, "({})", r"\left({}\right)"

    @property
    def bare(self) -> Node:
        return self.body

    def to_latex(self) -> str:
        return self.body.to_latex() if isinstance(self.body, Number | Name) else super().to_latex()


@dataclass(frozen=True)
class Root(Unary):
    """`√a`."""

    operation, in_text, in_latex = np.sqrt, "√{}", r"\sqrt{{{}}}"

    def to_latex(self) -> str:
        return self.in_latex.format(self.body.bare.to_latex())


@dataclass(frozen=True)
class Size(Unary):
    """`|a|`: of each entry, or the norm where that is known."""

    operation, in_text, in_latex = np.abs, "|{}|", r"\left|{}\right|"

    def compute(self, letters: Letters) -> Any:
        known = letters.get(self.inline())
        return super().compute(letters) if known is None else known

    def fill(self, place: Place) -> Node:
        known = place.letters.get(self.inline())
        return super().fill(place) if known is None else place.number(known)


@dataclass(frozen=True)
class Power(Node):
    """`a²`, `a^b`."""

    base: Node
    exponent: Node

    def compute(self, letters: Letters) -> Any:
        return np.asarray(self.base.compute(letters)) ** np.asarray(self.exponent.compute(letters))

    def inline(self) -> str:
        exponent = self.exponent.inline()
        raised = {plain: sign for sign, plain in SUPERSCRIPTS.items()}.get(exponent)
        return self.base.inline() + (raised or f"^{exponent}")

    def to_latex(self) -> str:
        return f"{{{self.base.to_latex()}}}^{{{self.exponent.bare.to_latex()}}}"
