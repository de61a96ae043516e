"""Recognisers for the bugs of single kinds of layers: dense, dropout, softmax, normalizations, residual blocks."""

from typing import cast

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.diagnosis.bug import Bug, Kind, signals, subject
from bptrain.gradcheck.diagnosis.layer_gradient import LayerGradient, same


def bias(gradient: LayerGradient) -> Bug | None:
    """A sum over something else than the rows."""
    if not is_bias(gradient):
        return None
    dy = cast(Array, gradient.passage.dy)
    n, name = len(dy), gradient.tensor
    if gradient.would_be(dy.mean(axis=0)):
        return Bug("bias_mean", f"the gradient of {name} is a mean over the {n} rows; it must be their sum")
    ones = np.ones_like(gradient.given)
    across = dy.reshape(n, -1).sum(axis=1)
    padded = np.resize(across, gradient.given.size)
    wrong_sums: list[tuple[Array, str]] = [
        (ones * dy.sum(), "is summed over rows and units together"),
        (ones * dy.mean(), "is a mean over rows and units together"),
        (padded, "is summed over the units (axis 1)"),
        (padded / gradient.given.size, "is a mean over the units (axis 1)"),
        (dy[0], "has the first row only"),
        (dy[-1], "has the last row only"),
    ]
    for array, what in wrong_sums:
        if gradient.would_be(array):
            return Bug("wrong_axis", f"the gradient of {name} {what}; it must be summed over the rows (axis 0)")
    return None


def is_bias(gradient: LayerGradient) -> bool:
    """Whether the array is a parameter that is just added to the outputs of every row."""
    dy = gradient.passage.dy
    if gradient.tensor == "dx" or dy is None or gradient.given.shape != dy.shape[1:]:
        return False
    return same(dy.sum(axis=0).reshape(-1)[gradient.at], gradient.exact)


def transposed(gradient: LayerGradient) -> Bug | None:
    """A matrix on its side, or its memory read on its side."""
    given, dy = gradient.given, cast(Array, gradient.passage.dy)
    if gradient.tensor != "dx":
        if given.ndim == 2 and (
            gradient.is_like(gradient.exact, given.T.reshape(-1)[gradient.at])
            or gradient.is_like(gradient.exact, given.reshape(given.shape[::-1]).T.reshape(-1)[gradient.at])
        ):
            return Bug("transposed", f"{subject(gradient)} is transposed")
        return None
    for name, weight in gradient.parameters.items():
        fits = weight.ndim == 2 and dy.ndim == 2 and dy.shape[1] == weight.shape[1]
        if fits and gradient.would_be(dy @ weight.reshape(weight.T.shape)):
            return Bug("transposed", f"dx is dy times {name}; it must be dy times the transposed {name}")
    return None


def dropout(gradient: LayerGradient) -> Bug | None:
    """A mask that is not the one of the forward pass."""
    if gradient.tensor != "dx" or gradient.passage.x.shape != gradient.passage.y.shape:
        return None
    x, _, dy = (array.reshape(-1)[gradient.at] for array in signals(gradient))
    known = (dy != 0) & (x != 0)
    slope = np.where(known, gradient.exact / np.where(known, dy, 1), 0)
    kept = slope[slope != 0]
    masked = len(kept) and np.allclose(kept, kept[0]) and kept[0] > 1.001 and (slope[known] == 0).any()
    if not masked or gradient.observed.inner:
        return None
    if gradient.is_like(dy):
        return Bug("mask_missing", "dx is dy: the mask of the forward pass is missing")
    if gradient.is_like(dy * (slope != 0)):
        return Bug("mask_unscaled", f"dx has the mask, but not the factor 1/(1 - rate) = {kept[0]:.6g}")
    if gradient.is_like(dy * (slope != 0) * kept[0] ** 2):
        return Bug("ratio_keep", f"dx has the factor 1/(1 - rate) = {kept[0]:.6g} twice")
    ratio = np.where(known, gradient.values / np.where(known, dy, 1), 0)[known]
    if all(np.isclose(value, (0, 1, kept[0])).any() for value in ratio):
        return Bug("mask_redrawn", "dx has another mask than the forward pass: it was drawn anew")
    return None


def softmax(gradient: LayerGradient) -> Bug | None:
    """The Jacobian of a softmax without its off-diagonal part, or without its diagonal."""
    _, y, dy = signals(gradient)
    if gradient.tensor != "dx" or y.ndim != 2 or not (np.allclose(y.sum(axis=1), 1) and (y >= 0).all()):
        return None
    if gradient.would_be(dy * y * (1 - y)):
        what = "dx has the diagonal of the softmax Jacobian alone, y (1 - y); it must be y (dy - Σ dy y)"
        return Bug("softmax_diagonal", what)
    if gradient.would_be(dy * y):
        return Bug("softmax_diagonal", "dx is dy · y: the sum over the row is missing; it must be y (dy - Σ dy y)")
    return None


def normalization(gradient: LayerGradient) -> Bug | None:
    """Mean and variance held for constants."""
    x, _, dy = signals(gradient)
    if gradient.tensor != "dx" or x.ndim != 2 or x.shape != dy.shape:
        return None
    scales = [one for one in gradient.parameters.values() if one.shape == x.shape[1:]]
    for scale in [*scales, np.ones(x.shape[1:])]:
        for axis, over in ((0, "the rows"), (1, "the units")):
            if bug := without_terms(gradient, x, dy * scale, axis, over):
                return bug
    return None


def without_terms(gradient: LayerGradient, x: Array, d: Array, axis: int, over: str) -> Bug | None:
    """The dx of a normalization over an axis without one of its terms; d is dy times the scale."""
    deviation = np.sqrt(x.var(axis=axis, keepdims=True) + getattr(gradient.observed.layer, "epsilon", 1e-5))
    normal = (x - x.mean(axis=axis, keepdims=True)) / deviation
    mean, variance = d.mean(axis=axis, keepdims=True), normal * (d * normal).mean(axis=axis, keepdims=True)
    right = (d - mean - variance) / deviation
    if not same(right.reshape(-1)[gradient.at], gradient.exact, gradient.precision):
        return None
    missing: list[tuple[Array, Kind, str]] = [
        ((d - variance) / deviation, "norm_mean_term", "the mean"),
        ((d - mean) / deviation, "norm_variance_term", "the variance"),
        (d / deviation, "norm_both_terms", "mean and variance"),
    ]
    for array, kind, what in missing:
        if gradient.would_be(array):
            return Bug(kind, f"dx takes {what} over {over} for a constant: that term is missing")
    if gradient.would_be(d - mean - variance):
        return Bug("norm_scale", f"dx is not divided by the standard deviation over {over}")
    return None


def residual(gradient: LayerGradient) -> Bug | None:
    """One of the two ways through a block."""
    if gradient.tensor != "dx" or not gradient.observed.inner:
        return None
    dy = signals(gradient)[2].reshape(-1)[gradient.at]
    if gradient.is_like(dy):
        return Bug("branch_missing", "dx is dy: what comes back through the layers of the block is missing")
    if gradient.is_like(gradient.exact - dy):
        return Bug("skip_missing", "dx lacks dy itself, which comes back along the skip connection")
    return None
