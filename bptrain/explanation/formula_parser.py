"""The parser: declared equations read into trees.

The notation: factors side by side or with `·`, `²`, `ᵗ` and `^`, `√`, `|x|`, `[x > 0]` (1 or
0), `Σ` over everything to its right in a product. `x W`, `xᵀ dy` and `dy Wᵀ` are products of matrices.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bptrain.explanation.expressions import Group, Minus, Name, Node, Number, Power, Root, Size, Transposed
from bptrain.explanation.notation import SUPERSCRIPTS
from bptrain.explanation.operations import COMPARISONS, FUNCTIONS, Binary, Call, Cases, Sum, Truth

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:e[-+]?\d+)?)"
    r"|(?P<sum>Σ(?:_(?:rows|k))?)"
    r"|(?P<name>(?![²³ᵗᵀ])[^\W\d_][\u0302\u0304]?(?:[^\W\d_²³ᵗᵀ]|[₀-₉ₜ₊]|[\u0302\u0304]|(?<=[a-z])\d|_[a-z])*)"
    r"|(?P<other>[-+·*/^()\[\]|<>≤≥,√²³ᵗᵀ]))"
)


class FormulaError(ValueError):
    """A text is no formula in this notation."""


@dataclass(frozen=True)
class Equation:
    """`name = expression`."""

    name: str
    expression: Node


def parse(text: str) -> Node:
    """An expression.

    Raises:
        FormulaError: it is none.
    """
    parser = _Parser(text)
    node = parser.sum()
    parser.end()
    return node


def parse_condition(text: str) -> Truth:
    """Return a condition such as `x > 0` as a tree.

    Raises:
        FormulaError: it is none.
    """
    parser = _Parser(text)
    node = parser.truth()
    parser.end()
    return node


def parse_equations(statements: Iterable[str]) -> tuple[Equation, ...]:
    """Return the equations among some statements, in order; a statement that cannot be computed is left out.

    `y = x for x > 0, else 0` has two cases; without the `else`, what follows `for` is a remark, as what follows `with`.
    """
    found: list[Equation] = []
    for statement in statements:
        name, equals, expression = statement.partition(" = ")
        expression, _, condition = expression.partition(" with ")[0].partition(" for ")
        condition, two_cases, otherwise = condition.partition(", else ")
        if not equals or " " in name:
            continue
        try:
            node = parse(expression)
            if two_cases:
                node = Cases(parse_condition(condition), node, parse(otherwise))
        except FormulaError:
            continue
        found.append(Equation(strip_index(name), node))
    return tuple(found)


def strip_index(name: str) -> str:
    """Return a name without the index of a unit: `y_j` is y."""
    return re.sub(r"_[jk]$", "", name.strip())


class _Parser:
    """Reads a formula from left to right."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            match = TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise FormulaError(text)
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()
        self.at = 0
        self.text = text

    @property
    def token(self) -> tuple[str, str]:
        """The one that is next."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, *texts: str) -> str:
        """Take the next token if it is one of these."""
        text = self.token[1]
        if self.token[0] == "other" and text in texts:
            self.at += 1
            return text
        return ""

    def need(self, text: str) -> None:
        """Take a token that must come."""
        if not self.take(text):
            raise FormulaError(self.text)

    def end(self) -> None:
        """Nothing may be left."""
        if self.token[0] != "end":
            raise FormulaError(self.text)

    def sum(self) -> Node:
        """Terms with + and - between."""
        node = self.product()
        while sign := self.take("+", "-"):
            node = Binary(sign, node, self.product())
        return node

    def product(self) -> Node:
        """Factors with ·, / or nothing between."""
        if self.take("-"):
            return Minus(self.product())
        node = self.factor()
        while True:
            if sign := self.take("·", "*", "/"):
                node = Binary("·" if sign == "*" else sign, node, self.factor())
            elif self.token[0] in ("number", "name", "sum") or self.token[1] in ("(", "√", "["):
                node = Binary(" ", node, self.factor())
            else:
                return node

    def factor(self) -> Node:
        """An atom with its powers; a sum reaches to the end of the product."""
        kind, text = self.token
        if kind == "sum":
            self.at += 1
            return Sum(text.partition("_")[2], self.product())
        if self.take("-"):
            return Minus(self.factor())
        node = self.atom()
        while True:
            if mark := self.take(*SUPERSCRIPTS):
                exponent = SUPERSCRIPTS[mark]
                node = Power(node, Name("t") if exponent == "t" else Number(exponent))
            elif self.take("ᵀ"):
                if not isinstance(node, Name):
                    raise FormulaError(self.text)
                node = Transposed(node)
            elif self.take("^"):
                node = Power(node, self.atom())
            else:
                return node

    def atom(self) -> Node:
        """A number, a name, a call, or something in brackets."""
        kind, text = self.token
        if kind in ("number", "name"):
            self.at += 1
            if kind == "number":
                return Number(text)
            return self.call(text) if text in FUNCTIONS and self.calls(text) else Name(strip_index(text))
        if self.take("√"):
            return Root(self.atom())
        if self.take("("):
            node = Group(self.sum())
            self.need(")")
            return node
        if self.take("|"):
            size = Size(self.sum())
            self.need("|")
            return size
        if self.take("["):
            truth = self.truth()
            self.need("]")
            return truth
        raise FormulaError(self.text)

    def calls(self, function: str) -> bool:
        """Whether a name is that of a function here: `σ(x)`, `ln t`, and not `σ²`."""
        return self.token[1] == "(" or (function != "σ" and self.token[0] == "name")

    def call(self, function: str) -> Node:
        """A function with its arguments; without brackets it takes the next factor."""
        if not self.take("("):
            return Call(function, (self.factor(),))
        arguments = [self.sum()]
        while self.take(","):
            arguments.append(self.sum())
        self.need(")")
        return Call(function, tuple(arguments))

    def truth(self) -> Truth:
        """A chain of comparisons."""
        operands, signs = [self.sum()], []
        while sign := self.take(*COMPARISONS):
            signs.append(sign)
            operands.append(self.sum())
        if not signs:
            raise FormulaError(self.text)
        return Truth(tuple(operands), tuple(signs))
