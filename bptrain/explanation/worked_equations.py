"""Worked equations: each is computed after those that it needs, and its result is compared with training."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.equations import get_symbol
from bptrain.explanation.expressions import Node, Number, Place, Transposed, UnknownError
from bptrain.explanation.formula_parser import Equation, parse_equations
from bptrain.explanation.notation import format_number
from bptrain.explanation.operations import Sum
from bptrain.explanation.page import Line

Letters = dict[str, Array | float]

CLOSE = {"float32": 1e-4, "float64": 1e-9}
"""The largest difference from training, relative to the largest entry, at which a formula is still shown with
numbers."""


class Working:
    """Some equations, worked one after another, and the values of all names known so far.

    Args:
        statements: the equations as they are declared.
        letters: the values known from the start, by name: arguments, options, and what the equations change.
        real: the results that training had, by name.
        digits: significant digits of the numbers in formulas.
    """

    def __init__(
        self, statements: Iterable[str], letters: Mapping[str, Array | float], real: Mapping[str, Array], digits: int
    ) -> None:
        self.known: Letters = dict(letters)
        self.real = real
        self.digits = digits
        self.done: list[Line] = []
        self.todo: list[Equation] = []
        for equation in parse_equations(statements):
            # Where a result has several formulas, the first is the one that training computes.
            if equation.name in letters or equation.name not in [one.name for one in self.todo]:
                self.todo.append(equation)

    def compute(self, wanted: Iterable[str]) -> list[Line]:
        """Compute the equations for some names, in the order of declaration, each after those that it needs.

        Returns:
            A line for each computed equation, named by its symbol. The value is that of training if training had it,
            and the formula is filled with numbers if it gives that value.
        """
        names = set(wanted)
        while equation := next((one for one in self.todo if one.name in names), None):
            self.compute_one(equation)
        return self.done

    def compute_one(self, equation: Equation) -> None:
        """Compute one equation, after those that it needs."""
        self.todo.remove(equation)
        name, expression = equation.name, equation.expression
        for needed in sorted(expression.names - self.known.keys()):
            for other in [one for one in self.todo if one.name in (needed, f"{needed}²")]:
                self.compute_one(other)
        try:
            result = expression.value(self.known)
        except (UnknownError, ValueError):
            result = None
        # A name that another equation computes again later has only an intermediate result here, unknown in training.
        real = None if name in [one.name for one in self.todo] else self.real.get(name)
        value = result if real is None else np.asarray(real)
        if value is None:
            return
        agrees = result is not None and (real is None or self.is_close(result, value, expression))
        place = (0,) * value.ndim
        numbers = None
        if agrees and not isinstance(expression, Number):
            numbers = expression.fill(Place(self.known, place, lambda x: format_number(x, self.digits)))
        self.done.append(Line(name, name, value, formula=expression, numbers=numbers, place=place))
        self.known[name] = value
        if name.endswith("²"):
            self.known[name[:-1]] = np.sqrt(value)

    def is_close(self, result: Array, real: Array, expression: Node) -> bool:
        """Tell whether the result of a formula equals the value of training, up to rounding."""
        try:
            result = np.broadcast_to(result, real.shape)
        except ValueError:
            return False
        scale = np.max(np.abs(real), initial=0.0)
        if any(isinstance(node, Sum | Transposed) for node in expression.walk()):
            # The terms of a sum may cancel, so its error depends on their size.
            sizes = [np.max(np.abs(self.known[name]), initial=0.0) for name in expression.names]
            scale = max(scale, 0.01 * max(sizes, default=0.0))
        tolerance = CLOSE.get(str(real.dtype), 1e-9)
        return bool(np.allclose(result, real, rtol=tolerance, atol=tolerance * scale))


def get_options(component: object) -> Letters:
    """Return the options of a component that are numbers, under their names and under their symbols."""
    found: Letters = {}
    if not is_dataclass(component):
        return found
    for field in fields(component):
        option: Any = getattr(component, field.name)
        if isinstance(option, int | float) and not isinstance(option, bool):
            found[field.name] = found[get_symbol(component, field.name)] = float(option)
    return found
