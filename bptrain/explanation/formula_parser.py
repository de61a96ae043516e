"""The parser: it turns declared equations into trees.

The notation has factors side by side or with `·` between them; `²`, `ᵗ`, `^`, `√` and `|x|`; `[x > 0]`, which is 1 or
0; and `Σ`, which sums everything to its right in a product. `x W`, `xᵀ dy` and `dy Wᵀ` are products of matrices.
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
    r"|(?P<sign>[-+·*/^()\[\]|<>≤≥,√²³ᵗᵀ])"
    r"|(?P<unknown>\S))"
)


class FormulaError(ValueError):
    """A text is not a formula in this notation."""


@dataclass(frozen=True)
class Equation:
    """`name = expression`."""

    name: str
    expression: Node


def parse_equations(statements: Iterable[str]) -> tuple[Equation, ...]:
    """Return the equations among some statements, in order; statements that cannot be computed are left out.

    `y = x for x > 0, else 0` has two cases; without `, else`, the text after `for` or `with` is a remark.
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


def parse(text: str) -> Node:
    """Return an expression as a tree.

    Raises:
        FormulaError: it is not one.
    """
    parser = _Parser(text)
    node = parser.parse_sum()
    parser.require(parser.kind == "end")
    return node


def parse_condition(text: str) -> Truth:
    """Return a condition such as `x > 0` as a tree.

    Raises:
        FormulaError: it is not one.
    """
    parser = _Parser(text)
    node = parser.parse_truth()
    parser.require(parser.kind == "end")
    return node


def strip_index(name: str) -> str:
    """Return a name without the index of a unit: `y_j` is y."""
    return re.sub(r"_[jk]$", "", name.strip())


class _Parser:
    """Reads a formula from left to right."""

    def __init__(self, text: str) -> None:
        self.formula = text
        self.tokens = [(match.lastgroup or "", match[match.lastgroup or 0]) for match in TOKEN.finditer(text)]
        self.at = 0

    @property
    def kind(self) -> str:
        """The kind of the next token."""
        return self.tokens[self.at][0] if self.at < len(self.tokens) else "end"

    @property
    def text(self) -> str:
        """The text of the next token; empty at the end."""
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, *signs: str) -> str:
        """Return the next token and go on, if it is one of these signs; otherwise return an empty text and stay."""
        return self.take_any() if self.kind == "sign" and self.text in signs else ""

    def take_any(self) -> str:
        """Return the next token and go on."""
        text = self.text
        self.at += 1
        return text

    def require(self, condition: object) -> None:
        """Require that a condition holds.

        Raises:
            FormulaError: it does not; the text is not a formula.
        """
        if not condition:
            raise FormulaError(self.formula)

    def parse_sum(self) -> Node:
        """Parse terms with + and - between them."""
        node = self.parse_product()
        while sign := self.take("+", "-"):
            node = Binary(sign, node, self.parse_product())
        return node

    def parse_product(self) -> Node:
        """Parse factors with ·, / or nothing between them."""
        if self.take("-"):
            return Minus(self.parse_product())
        node = self.parse_factor()
        while True:
            if sign := self.take("·", "*", "/"):
                node = Binary("·" if sign == "*" else sign, node, self.parse_factor())
            elif self.kind in ("number", "name", "sum") or self.text in ("(", "√", "["):
                node = Binary(" ", node, self.parse_factor())
            else:
                return node

    def parse_factor(self) -> Node:
        """Parse an atom with its powers; a sum extends to the end of the product."""
        if self.kind == "sum":
            return Sum(self.take_any().partition("_")[2], self.parse_product())
        if self.take("-"):
            return Minus(self.parse_factor())
        node = self.parse_atom()
        while True:
            if mark := self.take(*SUPERSCRIPTS):
                exponent = SUPERSCRIPTS[mark]
                node = Power(node, Name("t") if exponent == "t" else Number(exponent))
            elif isinstance(node, Name) and self.take("ᵀ"):
                node = Transposed(node)
            elif self.take("^"):
                node = Power(node, self.parse_atom())
            else:
                return node

    def parse_atom(self) -> Node:
        """Parse a number, a name, a call, or an expression in brackets."""
        if self.kind == "number":
            return Number(self.take_any())
        if self.kind == "name":
            name = self.take_any()
            # `σ(x)` and `ln t` are calls, `σ²` is not.
            called = self.text == "(" or (name != "σ" and self.kind == "name")
            return self.parse_call(name) if name in FUNCTIONS and called else Name(strip_index(name))
        if self.take("√"):
            return Root(self.parse_atom())
        node: Node
        if self.take("("):
            node, closing = Group(self.parse_sum()), ")"
        elif self.take("|"):
            node, closing = Size(self.parse_sum()), "|"
        else:
            self.require(self.take("["))
            node, closing = self.parse_truth(), "]"
        self.require(self.take(closing))
        return node

    def parse_call(self, function: str) -> Node:
        """Parse the arguments of a function; without brackets its argument is the next factor."""
        if not self.take("("):
            return Call(function, (self.parse_factor(),))
        arguments = [self.parse_sum()]
        while self.take(","):
            arguments.append(self.parse_sum())
        self.require(self.take(")"))
        return Call(function, tuple(arguments))

    def parse_truth(self) -> Truth:
        """Parse a chain of comparisons."""
        operands, signs = [self.parse_sum()], []
        while sign := self.take(*COMPARISONS):
            signs.append(sign)
            operands.append(self.parse_sum())
        self.require(signs)
        return Truth(tuple(operands), tuple(signs))
