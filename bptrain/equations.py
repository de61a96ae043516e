"""Equations: the formulas of a component, declared in its class, and shown with the values of its options.

A component declares its equations once, as `equations = Equations(...)`. The manual, `explain`, `show --summary`
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
    """The equations of a component: either the result and then its intermediate values, or all in order of computation.

    A layer or loss has `forward` and `backward`, which may use intermediate values of `forward`, an optimizer `update`,
    a schedule `factor`, an initializer `value`. Each entry is one statement: an equation such as `y = x W + b`, one
    with two cases such as `y = x for x > 0, else slope · x`, or another short statement such as
    `m ~ Bernoulli(1 - rate) for each value`. Code that computes the equations skips statements of other forms, and
    remarks such as `with d = -H g` or `for weights only`. An option's name in a statement always stands for its value.

    `variants` are the equations for other values of the options, each under a phrase for the manual such as
    `with momentum`; the method `choose_equations` of the component chooses among them.

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
        """Return all equations for the manual, each on its line, with the variants below."""
        lines = []
        for side in self.sides:
            for k, statement in enumerate(getattr(self, side)):
                label = "" if k else f"{side.capitalize()}:"
                lines.append(f"{label:10}{statement}")
        for phrase, variant in self.variants.items():
            lines += [f"{phrase.capitalize()}:", *(f"  {line}" for line in variant.to_text().split("\n"))]
        return "\n".join(lines)


def get_equations(component: object, *width: int) -> Equations:
    """Return the equations of a component for the values of its options; empty if it declares none.

    Args:
        component: has `choose_equations()` if they depend on its options, or else `equations`.
        width: for a loss, the number of scores of a row.
    """
    choose = getattr(component, "choose_equations", None)
    found = choose(*width) if choose else getattr(component, "equations", None)
    return found if isinstance(found, Equations) else Equations()


def describe(component: object, side: Side, *width: int) -> str:
    """Return the equations of one side on one line. For a component that declares none, return its docstring if that
    has backticks, which may hold formulas, or else its first sentence."""
    if statements := getattr(get_equations(component, *width), side):
        return ", ".join(statements)
    text = " ".join((type(component).__doc__ or "").split())
    text = text.replace("`", "") if "`" in text else get_summary(type(component))
    return text.removesuffix(".")


def describe_with_numbers(component: object, side: Side, **others: float | None) -> str:
    """Return what `describe` does, with `insert_numbers` in equations but not in a docstring."""
    text = describe(component, side)
    return insert_numbers(text, component, **others) if getattr(get_equations(component), side) else text


def get_symbol(component: object, option: str) -> str:
    """Return the symbol of an option in equations: its entry in the component's `symbols`, the Greek letter that it is
    named after, such as β₁ for beta1, or else its own name."""
    letter = option.rstrip("0123456789")
    greek = GREEK[letter] + option.removeprefix(letter).translate(SUBSCRIPTS) if letter in GREEK else option
    return str(getattr(component, "symbols", {}).get(option, greek))


def insert_numbers(text: str, component: Any, **others: float | None) -> str:
    """Return equations with numbers in place of the symbols of a component's options, and of `others` by name; None
    keeps the symbol of an option."""
    numbers = {one.name: getattr(component, one.name) for one in fields(component)} | others
    for name, value in numbers.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            # No \b at the end: an exponent such as ᵗ, which counts as a letter, may follow.
            symbols = rf"(?<![\w.])({name}|{get_symbol(component, name)})(?![A-Za-z0-9_])"
            text = re.sub(symbols, f"{value:g}", text)
    return text
