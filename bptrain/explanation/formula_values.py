"""Computing: the value of a formula on whole arrays, and the same formula for a single entry with its numbers in place.

This is for showing how a number comes about. The numbers that are shown come from training itself; a formula that does
not agree with them is shown without.
"""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.explanation.expressions import (
    Binary,
    Call,
    Cases,
    Group,
    Minus,
    Name,
    Node,
    Number,
    Power,
    Root,
    Size,
    Sum,
    Transposed,
    Truth,
)

Letters = Mapping[str, Array | float]
"""What the names of a formula stand for."""

Index = tuple[int, ...]

MOST_TERMS = 4
"""A sum with more terms than this is abridged."""

DOTS = Number("…")

MATRICES = ("W",)
"""Letters beside which another one is a product of matrices."""


class UnknownError(LookupError):
    """A formula has a letter that stands for nothing here."""


def value(node: Node, letters: Letters) -> Array:
    """The value of an expression, entry by entry, in double precision.

    Raises:
        UnknownError: a letter stands for nothing.
    """
    with np.errstate(all="ignore"):
        return _value(node, letters)


def _value(node: Node, letters: Letters) -> Array:
    if isinstance(node, Number):
        return np.asarray(float(node.text))
    if isinstance(node, Name):
        return letter(node.text, letters)
    if isinstance(node, Transposed):
        return _value(node.name, letters).T
    if isinstance(node, Group):
        return _value(node.body, letters)
    if isinstance(node, Minus):
        return -_value(node.body, letters)
    if isinstance(node, Binary):
        return binary(node, letters)
    if isinstance(node, Power):
        return np.asarray(_value(node.base, letters) ** _value(node.exponent, letters))
    if isinstance(node, Root):
        return np.asarray(np.sqrt(_value(node.body, letters)))
    if isinstance(node, Size):
        known = f"|{node.body.text}|" if isinstance(node.body, Name) else ""
        return np.asarray(letters[known]) if known in letters else np.abs(_value(node.body, letters))
    if isinstance(node, Truth):
        return truth(node, letters).astype(np.float64)
    if isinstance(node, Cases):
        chosen = truth(node.condition, letters)
        return np.where(chosen, _value(node.then, letters), _value(node.otherwise, letters))
    if isinstance(node, Sum):
        return total(_value(node.body, letters), node.over)
    assert isinstance(node, Call)
    return call(node, letters)


def letter(name: str, letters: Letters) -> Array:
    """What a letter stands for."""
    if name not in letters:
        raise UnknownError(name)
    return np.asarray(letters[name], dtype=np.float64)


def total(body: Array, over: str) -> Array:
    """A sum over all entries, over the rows, or over the units of each row."""
    if over == "":
        return np.asarray(body.sum())
    return np.asarray(body.sum(axis=0) if over == "rows" else body.sum(axis=-1, keepdims=True))


def is_product_of_matrices(node: Binary) -> bool:
    """Whether two factors side by side are matrices."""
    pair = (node.left, node.right)
    some = any(isinstance(one, Transposed) or (isinstance(one, Name) and one.text in MATRICES) for one in pair)
    return node.sign == " " and some


def binary(node: Binary, letters: Letters) -> Array:
    """A sum, difference, product or quotient."""
    left, right = _value(node.left, letters), _value(node.right, letters)
    if is_product_of_matrices(node):
        return np.asarray(left @ right)
    operation: dict[str, Callable[[Any, Any], Any]] = {"+": np.add, "-": np.subtract, "/": np.divide}
    return np.asarray(operation.get(node.sign, np.multiply)(left, right))


def truth(node: Truth, letters: Letters) -> Array:
    """Where a chain of comparisons holds."""
    values = [_value(one, letters) for one in node.operands]
    compare: dict[str, Callable[[Any, Any], Any]] = {
        "<": np.less, ">": np.greater, "≤": np.less_equal, "≥": np.greater_equal,
    }  # fmt: skip
    links = (compare[sign](a, b) for sign, a, b in zip(node.signs, values, values[1:], strict=False))
    return np.asarray(np.logical_and.reduce(list(links)))


def call(node: Call, letters: Letters) -> Array:
    """A function of its arguments."""
    inner = node.arguments[0]
    if node.function == "ln" and isinstance(inner, Call) and inner.function in ("softmax", "σ", "sigmoid"):
        # Stable where the probability itself would be 0.
        x = _value(inner.arguments[0], letters)
        if inner.function != "softmax":
            return np.asarray(-np.logaddexp(0, -x))
        return np.asarray(x - np.logaddexp.reduce(x, axis=-1, keepdims=True))
    values = [_value(one, letters) for one in node.arguments]
    if node.function == "onehot":
        return np.eye(int(letters["width"]))[values[0].astype(np.int64)]
    functions: dict[str, Callable[..., Any]] = {
        "exp": np.exp, "ln": np.log, "tanh": np.tanh, "cosh": np.cosh, "sinh": np.sinh, "sign": np.sign,
        "max": np.maximum, "min": np.minimum, "floor": np.floor,
        "sigmoid": lambda x: np.exp(-np.logaddexp(0, -x)), "σ": lambda x: np.exp(-np.logaddexp(0, -x)),
        "softmax": lambda x: np.exp(x - np.logaddexp.reduce(x, axis=-1, keepdims=True)),
        "mean": lambda x: x.mean(axis=-1, keepdims=True),
    }  # fmt: skip
    return np.asarray(functions[node.function](*values))


def substitute(node: Node, letters: Letters, index: Index, written: Callable[[float], str]) -> Node:
    """The expression for one entry of its value, with numbers in place of the letters.

    Products of matrices and sums over rows are written out, long ones abridged.

    Args:
        node: the expression.
        letters: what its letters stand for.
        index: of the entry.
        written: how a number is written.

    Raises:
        UnknownError: a letter stands for nothing.
    """

    def number(array: Array, index: Index) -> Number:
        return Number(written(float(entry(array, index))))

    def inside(part: Node, index: Index = index) -> Node:
        return substitute(part, letters, index, written)

    if isinstance(node, Number):
        return node
    if isinstance(node, Name | Transposed) or (isinstance(node, Call) and node.function in ("mean", "onehot")):
        return number(value(node, letters), index)
    if isinstance(node, Call) and isinstance(node.arguments[0], Name):
        whole = f"{node.function}({node.arguments[0].text})"
        if whole in letters:
            return number(np.asarray(letters[whole]), index)
    if isinstance(node, Call) and node.function == "softmax":
        return number(value(node, letters), index)
    if isinstance(node, Call):
        return Call(node.function, tuple(inside(one) for one in node.arguments))
    if isinstance(node, Group):
        return Group(inside(node.body))
    if isinstance(node, Minus):
        return Minus(inside(node.body))
    if isinstance(node, Root):
        return Root(inside(node.body))
    if isinstance(node, Size):
        known = isinstance(node.body, Name) and f"|{node.body.text}|" in letters
        return number(value(node, letters), index) if known else Size(inside(node.body))
    if isinstance(node, Power):
        return Power(inside(node.base), inside(node.exponent))
    if isinstance(node, Truth):
        return Truth(tuple(inside(one) for one in node.operands), node.signs)
    if isinstance(node, Cases):
        holds = bool(entry(value(node.condition, letters), index))
        return inside(node.then if holds else node.otherwise)
    if isinstance(node, Sum):
        return expand_sum(node, letters, index, written)
    assert isinstance(node, Binary)
    if is_product_of_matrices(node):
        i, j = index[-2:]
        inner = value(node.left, letters).shape[-1]
        return series(inner, lambda k: Binary("·", inside(node.left, (i, k)), inside(node.right, (k, j))))
    left, right = inside(node.left), inside(node.right)
    if node.sign == "+":
        # Sums that were written out need no brackets within a sum.
        left = left.body if isinstance(left, Group) and not isinstance(node.left, Group) else left
        right = right.body if isinstance(right, Group) and not isinstance(node.right, Group) else right
    return Binary("·" if node.sign == " " else node.sign, left, right)


def expand_sum(node: Sum, letters: Letters, index: Index, written: Callable[[float], str]) -> Node:
    """A sum, term by term."""
    shape = value(node.body, letters).shape
    if node.over == "":
        places = [tuple(map(int, np.unravel_index(k, shape))) for k in few(prod(shape))]
        return series(prod(shape), lambda k: substitute(node.body, letters, places[few(prod(shape)).index(k)], written))
    if node.over == "rows":
        return series(shape[0], lambda k: substitute(node.body, letters, (k, *index[-(len(shape) - 1) :]), written))
    return series(shape[-1], lambda k: substitute(node.body, letters, (*index[:-1], k), written))


def few(count: int) -> list[int]:
    """The terms of a sum that are written out: all, or the first ones and the last."""
    return list(range(count)) if count <= MOST_TERMS else [*range(MOST_TERMS - 2), count - 1]


def series(count: int, term: Callable[[int], Node]) -> Node:
    """Terms with + between, dots where some are left out; in brackets if there are several."""
    kept = few(count)
    node = term(kept[0])
    for k in kept[1:]:
        if k == kept[-1] and len(kept) < count:
            node = Binary("+", node, DOTS)
        node = Binary("+", node, term(k))
    return Group(node) if len(kept) > 1 else node


def entry(array: Array, index: Index) -> Any:
    """The entry of an array for an entry of what it was broadcast to."""
    own = index[len(index) - array.ndim :] if array.ndim <= len(index) else (*(0,) * (array.ndim - len(index)), *index)
    return array[tuple(k if size > 1 else 0 for k, size in zip(own, array.shape, strict=True))]
