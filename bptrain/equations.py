"""Equations: what a component computes, declared as class data and written with the numbers of its options.

A component declares its equations once, as `equations: ClassVar[Equations]`. The manual, `explain`, `show --summary`
and `verify` read them from there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from bptrain.registry import get_summary

Side = Literal["forward", "backward", "update", "factor", "value"]

GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "rho": "ρ"}
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class Equations:
    """The equations of a component, the result first and then what it needs, or in the order of computing.

    A layer or loss has `forward` and `backward`, an optimizer `update`, a schedule `factor`, an initializer `value`.
    Each entry is one statement: an equation such as `y = x W + b`, one with two cases such as
    `y = x for x > 0, else slope · x`, or any other short statement such as `m ~ Bernoulli(1 - rate) for each value`.
    Only equations are computed, without what follows a `for` that has no `else`. The name of an option stands for its
    value wherever it is in a statement.

    `variants` are the equations for other options, by a phrase for the manual such as `with momentum`; the method
    `choose_equations` of the component chooses among them.

    Raises:
        TypeError: a side is not a tuple of texts.
    """

    forward: tuple[str, ...] = ()
    backward: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    factor: tuple[str, ...] = ()
    value: tuple[str, ...] = ()
    variants: Mapping[str, "Equations"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for side in self.sides:
            statements = getattr(self, side)
            if not isinstance(statements, tuple) or not all(isinstance(one, str) for one in statements):
                raise TypeError(f'{side} is a tuple of texts, such as ("y = x W + b",) (got {statements!r})')

    @property
    def sides(self) -> tuple[str, ...]:
        """The names of the fields that hold equations."""
        return tuple(one.name for one in fields(self) if one.name != "variants")

    def to_text(self) -> str:
        """Return all of them for the manual, an equation a line, with the variants below."""
        lines = []
        for side in self.sides:
            for k, statement in enumerate(getattr(self, side)):
                label = "" if k else f"{side.capitalize()}:"
                lines.append(f"{label:10}{statement}")
        for phrase, variant in self.variants.items():
            lines += [f"{phrase.capitalize()}:", *(f"  {line}" for line in variant.to_text().split("\n"))]
        return "\n".join(lines)


def equations_of(component: object, *width: int) -> Equations:
    """Return the equations that the options of a component lead to; none at all if it declares none.

    Args:
        component: with `choose_equations()` where they depend on its options, or `equations` alone.
        width: for a loss, the number of scores of a row.
    """
    choose = getattr(component, "choose_equations", None)
    found = choose(*width) if choose else getattr(component, "equations", None)
    return found if isinstance(found, Equations) else Equations()


def describe(component: object, side: Side, *width: int) -> str:
    """Return the equations of one side in a line. For a component that declares none, return what its docstring says:
    all of it if there may be formulas in it, which stand between backticks, else its first sentence."""
    if statements := getattr(equations_of(component, *width), side):
        return ", ".join(statements)
    text = " ".join((type(component).__doc__ or "").split())
    text = text.replace("`", "") if "`" in text else get_summary(type(component))
    return text.removesuffix(".")


def symbol_of(component: object, option: str) -> str:
    """Return how equations write an option: by its entry in the component's `symbols`, by the Greek letter that it is
    named after, such as β₁ for beta1, or else by its own name."""
    letter = option.rstrip("0123456789")
    greek = GREEK[letter] + option.removeprefix(letter).translate(SUBSCRIPTS) if letter in GREEK else option
    return str(getattr(component, "symbols", {}).get(option, greek))


def with_numbers(text: str, component: Any, **others: float) -> str:
    """Return equations with the numbers of a component's options, and others by name, in place of their symbols."""
    numbers = {one.name: getattr(component, one.name) for one in fields(component)} | others
    for name, value in numbers.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            # An exponent such as ᵗ may follow.
            symbols = rf"(?<![\w.])({name}|{symbol_of(component, name)})(?![A-Za-z0-9_])"
            text = re.sub(symbols, f"{value:g}", text)
    return text
