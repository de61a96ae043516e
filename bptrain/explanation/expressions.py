"""Expressions: formulas as trees of nodes that can be computed, filled with numbers, and written as text or LaTeX."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from string import ascii_uppercase
from typing import Any, ClassVar

import numpy as np

from bptrain.arrays import Array
from bptrain.explanation.notation import SUPERSCRIPTS, latex_name, latex_number

Letters = Mapping[str, Array | float]
"""The values of the names in a formula."""

Index = tuple[int, ...]


class UnknownError(LookupError):
    """A formula has a name without a value."""


@dataclass(frozen=True)
class Place:
    """One entry of a result: its index, the values of all names, and a function that writes a number."""

    letters: Letters
    index: Index
    write: Callable[[float], str]

    def at(self, *index: int) -> "Place":
        """Return the place with another index."""
        return replace(self, index=index)

    def entry(self, array: Array | float) -> float:
        """Return the entry at this place of an array that broadcasts to the shape of the result."""
        array = np.asarray(array)
        own = (*(0,) * array.ndim, *self.index)[len(self.index) :]
        return float(array[tuple(k if size > 1 else 0 for k, size in zip(own, array.shape, strict=True))])

    def make_number(self, array: Array | float) -> "Number":
        """Return the same entry as `entry`, as a node."""
        return Number(self.write(self.entry(array)))


@dataclass(frozen=True)
class Node:
    """A node of a formula."""

    def walk(self) -> "Iterator[Node]":
        """Yield the node and all nodes inside it."""
        yield self
        for field in fields(self):
            value = getattr(self, field.name)
            for one in value if isinstance(value, tuple) else (value,):
                if isinstance(one, Node):
                    yield from one.walk()

    @property
    def names(self) -> set[str]:
        """The names in the formula."""
        return {node.text for node in self.walk() if isinstance(node, Name)}

    @property
    def bare(self) -> "Node":
        """The node without its brackets, if it has any."""
        return self

    def value(self, letters: Letters) -> Array:
        """Return its value in double precision.

        Raises:
            UnknownError: a name has no value.
        """
        with np.errstate(all="ignore"):
            return np.asarray(self.compute(letters))

    def compute(self, letters: Letters) -> Any:
        """Compute its value from the values of the nodes inside."""
        raise NotImplementedError

    def fill(self, place: Place) -> "Node":
        """Return the formula with numbers in place of the names, for one entry of the value.

        Matrix products and sums are written term by term; of long ones the middle is replaced by dots.

        Raises:
            UnknownError: a name has no value.
        """

        def fill(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(map(fill, value))
            return value.fill(place) if isinstance(value, Node) else value

        return replace(self, **{field.name: fill(getattr(self, field.name)) for field in fields(self)})

    def to_text(self) -> str:
        """Return it as text, with negative numbers in brackets."""
        written = re.sub(r"\(\((-?[\d.e+-]+)\)\)", r"(\1)", self.inline())
        if self.bare is not self:
            written = written[1:-1]
        return re.sub(r"^\((-[\d.e+-]+)\)", r"\1", written)

    def inline(self) -> str:
        """Return it as text to put inside the text of another node."""
        raise NotImplementedError

    def to_latex(self) -> str:
        """Return it as LaTeX for math mode."""
        raise NotImplementedError


@dataclass(frozen=True)
class Number(Node):
    """A number as text, or the dots in an abridged sum."""

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

    def compute(self, letters: Letters) -> Any:
        if self.text not in letters:
            raise UnknownError(self.text)
        return np.asarray(letters[self.text], dtype=np.float64)

    def is_matrix(self, letters: Letters) -> bool:
        """Tell whether it is a matrix: an array of two dimensions whose name is a Latin capital (Δ is a step size)."""
        return self.text in ascii_uppercase and np.ndim(letters.get(self.text, 0)) == 2

    def fill(self, place: Place) -> Node:
        return place.make_number(self.value(place.letters))

    def inline(self) -> str:
        return self.text

    def to_latex(self) -> str:
        return latex_name(self.text)


@dataclass(frozen=True)
class Transposed(Node):
    """`xᵀ`."""

    name: Name

    def compute(self, letters: Letters) -> Any:
        return self.name.compute(letters).T

    def is_matrix(self, letters: Letters) -> bool:
        """Return True: a transposed name is always a matrix."""
        return True

    def fill(self, place: Place) -> Node:
        return place.make_number(self.value(place.letters))

    def inline(self) -> str:
        return f"{self.name.text}ᵀ"

    def to_latex(self) -> str:
        return rf"{{{self.name.to_latex()}}}^{{\mathsf{{T}}}}"


@dataclass(frozen=True)
class Unary(Node):
    """A sign or brackets around a body; the body takes the place of `{}` in `in_text` and `in_latex`."""

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
    """`|a|`: the absolute value of each entry, or the norm where `|a|` has a value of its own."""

    operation, in_text, in_latex = np.abs, "|{}|", r"\left|{}\right|"

    def compute(self, letters: Letters) -> Any:
        known = letters.get(self.inline())
        return super().compute(letters) if known is None else known

    def fill(self, place: Place) -> Node:
        known = place.letters.get(self.inline())
        return super().fill(place) if known is None else place.make_number(known)


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
