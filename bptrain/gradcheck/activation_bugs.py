"""Recognisers for the bugs of activations: the derivative missing, elsewhere, another one, or there twice."""

from collections.abc import Callable

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.bugs import Bug, signals
from bptrain.gradcheck.evidence import Evidence, slope_of
from bptrain.nn import ACTIVATIONS, Activation
from bptrain.registry import name_of

BY_OUTPUT: dict[str, Callable[[Array], Array]] = {"y (1 - y)": lambda y: y * (1 - y), "1 - y²": lambda y: 1 - y * y}
"""The derivatives of sigmoid and tanh, which are written by the output."""


def is_elementwise(evidence: Evidence) -> bool:
    """Whether the array is the dx of a layer whose outputs each depend on their own input alone."""
    return (
        evidence.tensor == "dx"
        and evidence.passage.x.shape == evidence.passage.y.shape
        and (evidence.observed.planned.elementwise or isinstance(evidence.observed.layer, Activation))
    )


def derivative_missing(evidence: Evidence) -> Bug | None:
    """An activation that hands dy on."""
    dy = signals(evidence)[2]
    if is_elementwise(evidence) and evidence.would_be(dy):
        return Bug("derivative_missing", f"dx is dy: the derivative of {name_of(evidence.observed.layer)} is missing")
    return None


def derivative_misplaced(evidence: Evidence) -> Bug | None:
    """The right derivative of the wrong thing."""
    if not is_elementwise(evidence):
        return None
    x, y, dy = signals(evidence)
    if x.shape != y.shape:
        return None
    if evidence.would_be(dy * evidence.curve(y)):
        return Bug("derivative_misplaced", "the derivative is taken at the output y; it must be taken at the input x")
    if evidence.would_be(dy * evidence.curve(dy)):
        return Bug("derivative_misplaced", "the derivative is taken at dy; it must be taken at the input x")
    for formula, by_output in BY_OUTPUT.items():
        if evidence.would_be(dy * by_output(x)) and np.allclose(evidence.curve(x), by_output(y), rtol=1e-7, atol=1e-12):
            what = f"{formula} is taken of the input x; it must be taken of the output y"
            return Bug("derivative_misplaced", what)
    return None


def derivative_of_another(evidence: Evidence) -> Bug | None:
    """The derivative of a different activation."""
    if not is_elementwise(evidence):
        return None
    x, y, dy = signals(evidence)
    for formula, by_output in BY_OUTPUT.items():
        if evidence.would_be(dy * by_output(y)):
            what = f"the derivative is {formula}, which is not that of {name_of(evidence.observed.layer)}"
            return Bug("derivative_of_another", what)
    for name, cls in ACTIVATIONS.members.items():
        if cls.__module__.startswith("bptrain.") and name != name_of(evidence.observed.layer):
            slope = slope_of(cls(), x)
            if slope is not None and evidence.would_be(dy * slope):
                what = f"the derivative is that of {name}, not that of {name_of(evidence.observed.layer)}"
                return Bug("derivative_of_another", what)
    return None


def squared_slope(evidence: Evidence) -> Bug | None:
    """The derivative twice."""
    if not is_elementwise(evidence):
        return None
    dy = signals(evidence)[2].reshape(-1)[evidence.at]
    if evidence.is_like(np.where(dy != 0, evidence.exact**2 / np.where(dy, dy, 1), 0)):
        return Bug("derivative_twice", f"the derivative of {name_of(evidence.observed.layer)} is there twice")
    return None
