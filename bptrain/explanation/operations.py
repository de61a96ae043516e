"""Operations: nodes of formulas with several operands. Sums and matrix products are written term by term."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.explanation.expressions import Group, Letters, Name, Node, Number, Place, Transposed
from bptrain.explanation.notation import latex_function, latex_number

MOST_TERMS = 4
"""The most terms of a sum that are all shown."""

DOTS = Number("…")


def log_sigmoid(x: Array) -> Array:
    """Return the logarithm of the sigmoid, finite even where the sigmoid would round to 0."""
    return np.asarray(-np.logaddexp(0, -x))


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)), without overflow."""
    return np.asarray(np.exp(log_sigmoid(x)))


def log_softmax(x: Array) -> Array:
    """Return the logarithm of softmax, finite even where the probability would round to 0."""
    return np.asarray(x - np.logaddexp.reduce(x, axis=-1, keepdims=True))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "ln": np.log, "tanh": np.tanh, "cosh": np.cosh, "sinh": np.sinh, "sigmoid": sigmoid, "σ": sigmoid,
    "softmax": lambda x: np.exp(log_softmax(x)), "sign": np.sign, "max": np.maximum, "min": np.minimum,
    "mean": lambda x: x.mean(axis=-1, keepdims=True), "floor": np.floor,
    "cos": np.cos, "sin": np.sin,
    "join": lambda *parts: np.concatenate([one.reshape(len(one), -1) for one in parts], axis=1),
    "onehot": lambda classes, width: np.eye(int(width))[classes.astype(np.int64)],
}  # fmt: skip

LOGARITHMS: dict[str, Callable[[Any], Any]] = {"softmax": log_softmax, "sigmoid": log_sigmoid}
"""The logarithms of these functions, finite even where the function would round to 0."""

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less, ">": np.greater, "≤": np.less_equal, "≥": np.greater_equal,
}  # fmt: skip

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add, "-": np.subtract, "/": np.divide, "·": np.multiply, " ": np.multiply,
}  # fmt: skip


@dataclass(frozen=True)
class Binary(Node):
    """Two operands with `+`, `-`, `·` or `/` between them, or a space for factors side by side."""

    sign: str
    left: Node
    right: Node

    def is_product_of_matrices(self, letters: Letters) -> bool:
        """Tell whether it is a product of two factors side by side, at least one of them a matrix."""
        factors = [one for one in (self.left, self.right) if isinstance(one, Name | Transposed)]
        return self.sign == " " and any(one.is_matrix(letters) for one in factors)

    def compute(self, letters: Letters) -> Any:
        operation = np.matmul if self.is_product_of_matrices(letters) else OPERATIONS[self.sign]
        return operation(self.left.compute(letters), self.right.compute(letters))

    def fill(self, place: Place) -> Node:
        if self.is_product_of_matrices(place.letters):
            i, j = place.index[-2:]
            count = self.left.value(place.letters).shape[-1]
            return build_sum(
                count, lambda k: Binary("·", self.left.fill(place.at(i, k)), self.right.fill(place.at(k, j)))
            )
        left, right = self.left.fill(place), self.right.fill(place)
        if self.sign == "+":
            # A sum that was written term by term needs no brackets inside another sum.
            left = left if isinstance(self.left, Group) else left.bare
            right = right if isinstance(self.right, Group) else right.bare
        return Binary("·" if self.sign == " " else self.sign, left, right)

    def inline(self) -> str:
        between = " " if self.sign == " " else f" {self.sign} "
        return f"{self.left.inline()}{between}{self.right.inline()}"

    def to_latex(self) -> str:
        if self.sign == "/":
            return rf"\frac{{{self.left.bare.to_latex()}}}{{{self.right.bare.to_latex()}}}"
        between = {" ": r" \, ", "·": r" \cdot "}.get(self.sign, f" {self.sign} ")
        return f"{self.left.to_latex()}{between}{self.right.to_latex()}"


@dataclass(frozen=True)
class Call(Node):
    """A function with its arguments: `max(a, b)`, `ln a`."""

    function: str
    arguments: tuple[Node, ...]

    @property
    def common_name(self) -> str:
        """The name of the function, where it has two names."""
        return "sigmoid" if self.function == "σ" else self.function

    def compute(self, letters: Letters) -> Any:
        inner = self.arguments[0]
        if self.function == "ln" and isinstance(inner, Call) and inner.common_name in LOGARITHMS:
            return LOGARITHMS[inner.common_name](inner.arguments[0].compute(letters))
        values = [one.compute(letters) for one in self.arguments]
        if self.function == "onehot":
            values.append(letters["width"])
        return FUNCTIONS[self.common_name](*values)

    def fill(self, place: Place) -> Node:
        known = place.letters.get(f"{self.common_name}({self.arguments[0].inline()})")
        if known is not None:
            return place.make_number(known)
        if self.function in ("join", "mean", "onehot", "softmax"):
            return place.make_number(self.value(place.letters))
        return super().fill(place)

    def inline(self) -> str:
        return f"{self.function}({', '.join(one.inline() for one in self.arguments)})"

    def to_latex(self) -> str:
        written = (latex_number(one.text) if isinstance(one, Number) else one.to_latex() for one in self.arguments)
        return rf"{latex_function(self.function)}\left({', '.join(written)}\right)"


@dataclass(frozen=True)
class Truth(Node):
    """A condition: `[a < b < c]` is 1 where it holds, else 0."""

    operands: tuple[Node, ...]
    signs: tuple[str, ...]

    def compute_truth(self, letters: Letters) -> Array:
        """Return for each entry whether all comparisons hold."""
        values = [one.compute(letters) for one in self.operands]
        links = [COMPARISONS[sign](a, b) for sign, a, b in zip(self.signs, values, values[1:], strict=False)]
        return np.asarray(np.logical_and.reduce(links))

    def compute(self, letters: Letters) -> Any:
        return self.compute_truth(letters).astype(np.float64)

    def join(self, write: Callable[[Node], str]) -> str:
        """Return the operands with the signs between them."""
        rest = (f" {sign} {write(one)}" for sign, one in zip(self.signs, self.operands[1:], strict=True))
        return write(self.operands[0]) + "".join(rest)

    def inline(self) -> str:
        return f"[{self.join(lambda one: one.inline())}]"

    def condition_to_latex(self) -> str:
        """Return the comparisons in LaTeX, without the brackets."""
        return self.join(lambda one: one.to_latex()).replace("≤", r"\le ").replace("≥", r"\ge ")

    def to_latex(self) -> str:
        return rf"\left[{self.condition_to_latex()}\right]"


@dataclass(frozen=True)
class Sum(Node):
    """A sum: `Σ` over all entries, `Σ_rows` over the rows, `Σ_k` over the units of each row."""

    over: str
    body: Node

    def compute(self, letters: Letters) -> Any:
        body = self.body.compute(letters)
        if not self.over:
            return body.sum()
        return body.sum(axis=0) if self.over == "rows" else body.sum(axis=-1, keepdims=True)

    def fill(self, place: Place) -> Node:
        shape, index = self.body.value(place.letters).shape, place.index

        def term(k: int) -> Node:
            if not self.over:
                return self.body.fill(place.at(*map(int, np.unravel_index(k, shape))))
            rows = self.over == "rows"
            return self.body.fill(place.at(k, *index[-(len(shape) - 1) :]) if rows else place.at(*index[:-1], k))

        return build_sum(prod(shape) if not self.over else shape[0] if self.over == "rows" else shape[-1], term)

    def inline(self) -> str:
        return f"Σ{'_' * bool(self.over)}{self.over} {self.body.inline()}"

    def to_latex(self) -> str:
        under = {"": "", "rows": r"_{\mathrm{rows}}", "k": "_{k}"}[self.over]
        return rf"\sum{under} {self.body.to_latex()}"


@dataclass(frozen=True)
class Cases(Node):
    """Two cases: `then` where the condition holds, else `otherwise`."""

    condition: Truth
    then: Node
    otherwise: Node

    def compute(self, letters: Letters) -> Any:
        then, otherwise = self.then.compute(letters), self.otherwise.compute(letters)
        return np.where(self.condition.compute_truth(letters), then, otherwise)

    def fill(self, place: Place) -> Node:
        return (self.then if place.entry(self.condition.value(place.letters)) else self.otherwise).fill(place)

    def inline(self) -> str:
        return f"{self.then.inline()} for {self.condition.inline()[1:-1]}, else {self.otherwise.inline()}"

    def to_latex(self) -> str:
        then, otherwise = self.then.to_latex(), self.otherwise.to_latex()
        rows = rf"{then} & {self.condition.condition_to_latex()} \\ {otherwise} & \text{{else}}"
        return rf"\begin{{cases}} {rows} \end{{cases}}"


def build_sum(count: int, term: Callable[[int], Node]) -> Node:
    """Return the sum of `term(0)`, `term(1)` ..., in brackets if there are several; dots replace the middle."""
    few = list(range(count)) if count <= MOST_TERMS else [*range(MOST_TERMS - 2), count - 1]
    node = term(few[0])
    for k in few[1:]:
        if k == few[-1] and len(few) < count:
            node = Binary("+", node, DOTS)
        node = Binary("+", node, term(k))
    return Group(node) if len(few) > 1 else node
