"""Recognisers for the bugs of activations: the derivative missing, elsewhere, another one, or there twice."""

from collections.abc import Callable

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.diagnosis.bug import Bug, signals
from bptrain.gradcheck.diagnosis.layer_gradient import LayerGradient, slope_of
from bptrain.nn import ACTIVATIONS, Activation
from bptrain.registry import name_of

BY_OUTPUT: dict[str, Callable[[Array], Array]] = {"y (1 - y)": lambda y: y * (1 - y), "1 - y²": lambda y: 1 - y * y}
"""The derivatives of sigmoid and tanh, which are written by the output."""


def is_elementwise(gradient: LayerGradient) -> bool:
    """Whether the array is the dx of a layer whose outputs each depend on their own input alone."""
    return (
        gradient.tensor == "dx"
        and gradient.passage.x.shape == gradient.passage.y.shape
        and (gradient.observed.planned.elementwise or isinstance(gradient.observed.layer, Activation))
    )


def derivative_missing(gradient: LayerGradient) -> Bug | None:
    """An activation that hands dy on."""
    dy = signals(gradient)[2]
    if is_elementwise(gradient) and gradient.would_be(dy):
        return Bug("derivative_missing", f"dx is dy: the derivative of {name_of(gradient.observed.layer)} is missing")
    return None


def derivative_misplaced(gradient: LayerGradient) -> Bug | None:
    """The right derivative of the wrong thing."""
    if not is_elementwise(gradient):
        return None
    x, y, dy = signals(gradient)
    if x.shape != y.shape:
        return None
    if gradient.would_be(dy * gradient.curve(y)):
        return Bug("derivative_misplaced", "the derivative is taken at the output y; it must be taken at the input x")
    if gradient.would_be(dy * gradient.curve(dy)):
        return Bug("derivative_misplaced", "the derivative is taken at dy; it must be taken at the input x")
    for formula, by_output in BY_OUTPUT.items():
        if gradient.would_be(dy * by_output(x)) and np.allclose(gradient.curve(x), by_output(y), rtol=1e-7, atol=1e-12):
            what = f"{formula} is taken of the input x; it must be taken of the output y"
            return Bug("derivative_misplaced", what)
    return None


def derivative_of_another(gradient: LayerGradient) -> Bug | None:
    """The derivative of a different activation."""
    if not is_elementwise(gradient):
        return None
    x, y, dy = signals(gradient)
    for formula, by_output in BY_OUTPUT.items():
        if gradient.would_be(dy * by_output(y)):
            what = f"the derivative is {formula}, which is not that of {name_of(gradient.observed.layer)}"
            return Bug("derivative_of_another", what)
    for name, cls in ACTIVATIONS.members.items():
        if cls.__module__.startswith("bptrain.") and name != name_of(gradient.observed.layer):
            slope = slope_of(cls(), x)
            if slope is not None and gradient.would_be(dy * slope):
                what = f"the derivative is that of {name}, not that of {name_of(gradient.observed.layer)}"
                return Bug("derivative_of_another", what)
    return None


def squared_slope(gradient: LayerGradient) -> Bug | None:
    """The derivative twice."""
    if not is_elementwise(gradient):
        return None
    dy = signals(gradient)[2].reshape(-1)[gradient.at]
    if gradient.is_like(np.where(dy != 0, gradient.exact**2 / np.where(dy, dy, 1), 0)):
        return Bug("derivative_twice", f"the derivative of {name_of(gradient.observed.layer)} is there twice")
    return None
