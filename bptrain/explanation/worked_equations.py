"""Working: equations carried out one after the other, each result held against what training had."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.equations import symbol_of
from bptrain.explanation.expressions import Node, Number, Place, Transposed, UnknownError
from bptrain.explanation.formula_parser import Equation, parse_equations
from bptrain.explanation.notation import number
from bptrain.explanation.operations import Sum

Letters = dict[str, Array | float]

CLOSE = {"float32": 1e-4, "float64": 1e-9}
"""How near a formula must come to what training had, as a share of the largest entry, to be shown with numbers."""


@dataclass(frozen=True)
class Worked:
    """An equation that was carried out: the result, and the formula with the numbers of one entry.

    `agrees` says whether the formula gives what training had; None where training keeps no such number.
    """

    name: str
    formula: Node
    value: Array
    numbers: Node | None
    place: tuple[int, ...]
    agrees: bool | None


class Working:
    """Equations with the letters known so far.

    Args:
        statements: the equations, as they are declared.
        letters: what is known before: arguments, options, and what the equations change.
        real: what training had for some of the results.
        digits: of the numbers in formulas.
    """

    def __init__(
        self,
        statements: Iterable[str],
        letters: Mapping[str, Array | float],
        real: Mapping[str, Array],
        digits: int,
    ) -> None:
        self.known: Letters = dict(letters)
        self.states = set(letters)
        self.real = real
        self.digits = digits
        self.done: list[Worked] = []
        self.todo: list[Equation] = []
        for equation in parse_equations(statements):
            # Of several formulas for the same result the first is that of training.
            if equation.name in self.states or equation.name not in [one.name for one in self.todo]:
                self.todo.append(equation)

    def carry_out(self, wanted: Sequence[str]) -> list[Worked]:
        """Carry out the equations for some names in their order, and what those need before them."""
        while mine := [equation for equation in self.todo if equation.name in wanted]:
            self.carry_out_one(mine[0])
        return self.done

    def carry_out_one(self, equation: Equation) -> None:
        """Carry out an equation, after those that it needs."""
        self.todo.remove(equation)
        for name in sorted(equation.expression.names - self.known.keys()):
            for other in [one for one in self.todo if one.name in (name, f"{name}²")]:
                self.carry_out_one(other)
        try:
            result = equation.expression.value(self.known)
        except (UnknownError, ValueError):
            result = None
        last = equation.name not in [one.name for one in self.todo]
        real = self.real.get(equation.name) if last else None
        shown = result if real is None else np.asarray(real)
        if shown is None:
            return
        agrees = None
        if real is not None:
            agrees = result is not None and alike(result, np.asarray(real), self.size_of_terms(equation))
        place = (0,) * shown.ndim
        numbers = None
        if result is not None and agrees is not False and not isinstance(equation.expression, Number):
            numbers = equation.expression.fill(Place(self.known, place, lambda x: number(x, self.digits)))
        self.done.append(Worked(equation.name, equation.expression, shown, numbers, place, agrees))
        self.known[equation.name] = shown
        if equation.name.endswith("²"):
            self.known[equation.name[:-1]] = np.sqrt(shown)

    def size_of_terms(self, equation: Equation) -> float:
        """Return a hundredth of the largest number that a sum adds up, where numbers may cancel."""
        if not any(isinstance(node, Sum | Transposed) for node in equation.expression.walk()):
            return 0.0
        sizes = (np.max(np.abs(self.known[name]), initial=0.0) for name in equation.expression.names)
        return 0.01 * float(max(sizes, default=0.0))


def alike(result: Array, real: Array, summed: float = 0.0) -> bool:
    """Whether a formula gives what training had, up to rounding; `summed` is the size of what was added up."""
    tolerance = CLOSE.get(str(real.dtype), 1e-9)
    try:
        wide = np.broadcast_to(result, real.shape)
    except ValueError:
        return False
    scale = max(float(np.max(np.abs(real), initial=0.0)), summed)
    return bool(np.allclose(wide, real, rtol=tolerance, atol=tolerance * scale))


def options_of(component: object) -> Letters:
    """The numbers among the options of a component, by name and by symbol."""
    found: Letters = {}
    if not is_dataclass(component):
        return found
    for field in fields(component):
        option: Any = getattr(component, field.name)
        if isinstance(option, int | float) and not isinstance(option, bool):
            found[field.name] = found[symbol_of(component, field.name)] = float(option)
    return found
