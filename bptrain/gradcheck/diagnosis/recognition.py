"""Recognition: which bug is behind a wrong array.

A recogniser takes a gradient of a layer and returns the bug that explains it, or None. The first answer counts, so
special recognisers come before general ones.
"""

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.diagnosis.bug import Bug, Kind, are_close, describe_ratio, find_ratio
from bptrain.gradcheck.diagnosis.layer_gradient import LayerGradient, compute_activation_slope
from bptrain.nn import ACTIVATIONS, Activation
from bptrain.nn.observer import KernelError
from bptrain.registry import name_of

DERIVATIVES_BY_OUTPUT: dict[str, Callable[[Array], Array]] = {
    "y (1 - y)": lambda y: y * (1 - y),
    "1 - y²": lambda y: 1 - y * y,
}
"""The derivatives of sigmoid and tanh, which are written in terms of the output."""


def recognise(gradient: LayerGradient) -> Bug:
    """Return the bug behind a wrong array, as far as it can be known."""
    derivative = DERIVATIVE_RECOGNISERS if is_elementwise(gradient) else ()
    with np.errstate(all="ignore"):
        for recogniser in (*RECOGNISERS, *derivative, recognise_ratio):
            # A guess may fail on a layer that it is not made for: on its shapes, or on its values.
            with suppress(KernelError, ValueError, TypeError, LookupError):
                bug: Bug | None = recogniser(gradient)
                if bug:
                    return bug
    return count_wrong_entries(gradient)


def is_elementwise(gradient: LayerGradient) -> bool:
    """Return whether the array is the dx of a layer whose outputs each depend on their own input alone."""
    return (
        gradient.tensor == "dx"
        and gradient.passage.x.shape == gradient.passage.y.shape
        and (gradient.observed.planned.elementwise or isinstance(gradient.observed.layer, Activation))
    )


def recognise_zero(gradient: LayerGradient) -> Bug | None:
    """Recognise an array that is all zero."""
    if gradient.given.any():
        return None
    effect = "nothing flows back through this layer" if gradient.tensor == "dx" else f"{gradient.tensor} never learns"
    return Bug("zero", f"{gradient.label} is all zero: {effect}")


def recognise_sign(gradient: LayerGradient) -> Bug | None:
    """Recognise a wrong sign."""
    return Bug("sign", f"{gradient.label} has the wrong sign") if gradient.matches_entries(-gradient.exact) else None


def recognise_bias(gradient: LayerGradient) -> Bug | None:
    """Recognise the gradient of a bias that is not summed over the rows."""
    _, _, dy = gradient.signals
    if gradient.tensor == "dx" or gradient.given.shape != dy.shape[1:]:
        return None
    if not are_close(dy.sum(axis=0).reshape(-1)[gradient.at], gradient.exact):
        return None
    n, size = len(dy), gradient.given.size
    if gradient.matches(dy.mean(axis=0)):
        return Bug("bias_mean", f"{gradient.label} is a mean over the {n} rows; it must be their sum")
    row_sums = np.resize(dy.reshape(n, -1).sum(axis=1), size)
    wrong_sums: list[tuple[Array, str]] = [
        (np.full(size, dy.sum()), "is summed over rows and units together"),
        (np.full(size, dy.mean()), "is a mean over rows and units together"),
        (row_sums, "is summed over the units (axis 1)"),
        (row_sums / size, "is a mean over the units (axis 1)"),
        (dy[0], "uses the first row only"),
        (dy[-1], "uses the last row only"),
    ]
    for array, what in wrong_sums:
        if gradient.matches(array):
            return Bug("wrong_axis", f"{gradient.label} {what}; it must be summed over the rows (axis 0)")
    return None


def recognise_transpose(gradient: LayerGradient) -> Bug | None:
    """Recognise a transposed matrix, also one whose memory is read in the wrong order."""
    given, (_, _, dy) = gradient.given, gradient.signals
    if gradient.tensor != "dx":
        if given.ndim == 2 and any(
            are_close(array.reshape(-1)[gradient.at], gradient.exact, gradient.precision)
            for array in (given.T, given.reshape(given.shape[::-1]).T)
        ):
            return Bug("transposed", f"{gradient.label} is transposed")
        return None
    for name, weight in gradient.parameters.items():
        fits = weight.ndim == 2 and dy.ndim == 2 and dy.shape[1] == weight.shape[1]
        if fits and gradient.matches(dy @ weight.reshape(weight.T.shape)):
            return Bug("transposed", f"dx is dy times {name}; it must be dy times the transposed {name}")
    return None


def recognise_dropout(gradient: LayerGradient) -> Bug | None:
    """Recognise a mask that is missing, unscaled, or not the one of the forward pass."""
    if gradient.tensor != "dx" or gradient.passage.x.shape != gradient.passage.y.shape:
        return None
    x, _, dy = (array.reshape(-1)[gradient.at] for array in gradient.signals)
    known = (dy != 0) & (x != 0)
    slope = np.where(known, gradient.exact / np.where(known, dy, 1), 0)
    nonzero = slope[slope != 0]
    masked = len(nonzero) and np.allclose(nonzero, nonzero[0]) and nonzero[0] > 1.001 and (slope[known] == 0).any()
    if not masked or gradient.observed.inner:
        return None
    factor = nonzero[0]
    if gradient.matches_entries(dy):
        return Bug("mask_missing", "dx is dy: the mask of the forward pass is missing")
    if gradient.matches_entries(dy * (slope != 0)):
        return Bug("mask_unscaled", f"dx has the mask, but not the factor 1/(1 - rate) = {factor:.6g}")
    if gradient.matches_entries(dy * (slope != 0) * factor**2):
        return Bug("ratio_keep", f"dx has the factor 1/(1 - rate) = {factor:.6g} twice")
    ratio = np.where(known, gradient.values / np.where(known, dy, 1), 0)[known]
    if all(np.isclose(value, (0, 1, factor)).any() for value in ratio):
        return Bug("mask_redrawn", "dx has a different mask from the forward pass: it was drawn again")
    return None


def recognise_softmax(gradient: LayerGradient) -> Bug | None:
    """Recognise the Jacobian of a softmax without its off-diagonal part, or without its diagonal."""
    _, y, dy = gradient.signals
    if gradient.tensor != "dx" or y.ndim != 2 or not (np.allclose(y.sum(axis=1), 1) and (y >= 0).all()):
        return None
    if gradient.matches(dy * y * (1 - y)):
        what = "dx has only the diagonal of the softmax Jacobian, y (1 - y); it must be y (dy - Σ dy y)"
        return Bug("softmax_diagonal", what)
    if gradient.matches(dy * y):
        return Bug("softmax_diagonal", "dx is dy · y: the sum over the row is missing; it must be y (dy - Σ dy y)")
    return None


def recognise_normalization(gradient: LayerGradient) -> Bug | None:
    """Recognise a mean or a variance that is treated as a constant."""
    x, _, dy = gradient.signals
    if gradient.tensor != "dx" or x.ndim != 2 or x.shape != dy.shape:
        return None
    scales = [one for one in gradient.parameters.values() if one.shape == x.shape[1:]]
    for scale in [*scales, np.ones(x.shape[1:])]:
        for axis, over in ((0, "the rows"), (1, "the units")):
            if bug := find_missing_terms(gradient, x, dy * scale, axis, over):
                return bug
    return None


def find_missing_terms(gradient: LayerGradient, x: Array, d: Array, axis: int, over: str) -> Bug | None:
    """Recognise the dx of a normalization over an axis that lacks one of its terms; d is dy times the scale."""
    deviation = np.sqrt(x.var(axis=axis, keepdims=True) + getattr(gradient.observed.layer, "epsilon", 1e-5))
    normal = (x - x.mean(axis=axis, keepdims=True)) / deviation
    mean, variance = d.mean(axis=axis, keepdims=True), normal * (d * normal).mean(axis=axis, keepdims=True)
    right = (d - mean - variance) / deviation
    if not are_close(right.reshape(-1)[gradient.at], gradient.exact, gradient.precision):
        return None
    missing: list[tuple[Array, Kind, str]] = [
        ((d - variance) / deviation, "norm_mean_term", f"the mean over {over} as a constant: its term is"),
        ((d - mean) / deviation, "norm_variance_term", f"the variance over {over} as a constant: its term is"),
        (d / deviation, "norm_both_terms", f"mean and variance over {over} as constants: their terms are"),
    ]
    for array, kind, what in missing:
        if gradient.matches(array):
            return Bug(kind, f"dx treats {what} missing")
    if gradient.matches(d - mean - variance):
        return Bug("norm_scale", f"dx is not divided by the standard deviation over {over}")
    return None


def recognise_residual(gradient: LayerGradient) -> Bug | None:
    """Recognise that one of the two paths through a block is missing."""
    if gradient.tensor != "dx" or not gradient.observed.inner:
        return None
    dy = gradient.signals[2].reshape(-1)[gradient.at]
    if gradient.matches_entries(dy):
        return Bug("branch_missing", "dx is dy: the gradient through the layers of the block is missing")
    if gradient.matches_entries(gradient.exact - dy):
        return Bug("skip_missing", "dx lacks dy itself, the gradient along the skip connection")
    return None


def recognise_missing_derivative(gradient: LayerGradient) -> Bug | None:
    """Recognise an activation whose dx is dy."""
    if gradient.matches(gradient.signals[2]):
        return Bug("derivative_missing", f"dx is dy: the derivative of {name_of(gradient.observed.layer)} is missing")
    return None


def recognise_misplaced_derivative(gradient: LayerGradient) -> Bug | None:
    """Recognise the right derivative at the wrong place."""
    x, y, dy = gradient.signals
    for name, place in (("the output y", y), ("dy", dy)):
        if gradient.matches(dy * gradient.compute_slope(place)):
            what = f"the derivative is taken at {name}; it must be taken at the input x"
            return Bug("derivative_misplaced", what)
    for formula, derivative in DERIVATIVES_BY_OUTPUT.items():
        if gradient.matches(dy * derivative(x)) and np.allclose(
            gradient.compute_slope(x), derivative(y), rtol=1e-7, atol=1e-12
        ):
            what = f"{formula} is computed from the input x; it must be computed from the output y"
            return Bug("derivative_misplaced", what)
    return None


def recognise_other_derivative(gradient: LayerGradient) -> Bug | None:
    """Recognise the derivative of a different activation."""
    x, y, dy = gradient.signals
    own = name_of(gradient.observed.layer)
    for formula, derivative in DERIVATIVES_BY_OUTPUT.items():
        if gradient.matches(dy * derivative(y)):
            return Bug("derivative_of_another", f"dx uses the derivative {formula}, which is wrong for {own}")
    for name, cls in ACTIVATIONS.members.items():
        if cls.__module__.startswith("bptrain.") and name != own:
            slope = compute_activation_slope(cls(), x)
            if slope is not None and gradient.matches(dy * slope):
                return Bug("derivative_of_another", f"dx uses the derivative of {name}, which is wrong for {own}")
    return None


def recognise_squared_derivative(gradient: LayerGradient) -> Bug | None:
    """Recognise a derivative that is multiplied twice."""
    dy = gradient.signals[2].reshape(-1)[gradient.at]
    if gradient.matches_entries(np.where(dy != 0, gradient.exact**2 / np.where(dy, dy, 1), 0)):
        return Bug("derivative_twice", f"dx has the derivative of {name_of(gradient.observed.layer)} twice")
    return None


def recognise_ratio(gradient: LayerGradient) -> Bug | None:
    """Recognise a constant factor."""
    ratio = find_ratio(gradient.values, gradient.exact, gradient.precision)
    if ratio is None:
        return None
    return describe_ratio(ratio, gradient.label, len(gradient.passage.x), gradient.passage.y.shape[-1])


RECOGNISERS = (
    recognise_zero,
    recognise_sign,
    recognise_bias,
    recognise_transpose,
    recognise_dropout,
    recognise_softmax,
    recognise_normalization,
    recognise_residual,
)
DERIVATIVE_RECOGNISERS = (
    recognise_missing_derivative,
    recognise_misplaced_derivative,
    recognise_other_derivative,
    recognise_squared_derivative,
)
"""These are tried on the dx of elementwise layers only."""


def count_wrong_entries(gradient: LayerGradient) -> Bug:
    """Return the bug of an array that fits no pattern: how many entries are wrong, and whether in one row or column."""
    scale = max(float(np.abs(gradient.exact).max(initial=0)), 1e-300)
    wrong = np.abs(gradient.values - gradient.exact) > gradient.precision / 100 * scale
    count, tried, size = int(wrong.sum()), len(gradient.at), gradient.given.size
    if count == tried:
        return Bug("unknown", f"{gradient.label} is wrong everywhere, in no known pattern")
    where = ""
    if gradient.given.ndim == 2 and count > 1:
        places = np.unravel_index(gradient.at[wrong], gradient.given.shape)
        for axis, numbers in zip(("row", "column"), places, strict=True):
            if len(set(numbers.tolist())) == 1:
                where = f", all in {axis} {numbers[0]}"
                break
    sampled, total = ("sampled ", f" ({size:,} in all)") if tried < size else ("", "")
    verb = "is" if count == 1 else "are"
    return Bug("entries", f"{count} of {tried} {sampled}entries of {gradient.label}{total} {verb} wrong{where}")
