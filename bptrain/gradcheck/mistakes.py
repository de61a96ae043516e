"""The bugs that people plant in a backward pass, each with a recogniser.

A recogniser is given the evidence on one wrong array and says, in words, what is wrong, or None. The first that speaks
is believed, so the special stand before the general.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.evidence import Evidence, same, slope_of
from bptrain.gradcheck.witness import BackwardError
from bptrain.nn import ACTIVATIONS, Activation
from bptrain.registry import name_of


@dataclass(frozen=True)
class Bug:
    """What is wrong: the kind in one word, and a sentence."""

    kind: str
    sentence: str


Recogniser = Callable[[Evidence], Bug | None]

BY_OUTPUT: dict[str, Callable[[Array], Array]] = {"y (1 - y)": lambda y: y * (1 - y), "1 - y²": lambda y: 1 - y * y}
"""The derivatives of sigmoid and tanh, which are written by the output."""

RECOGNISERS: list[Recogniser] = []


def recogniser(function: Recogniser) -> Recogniser:
    """Put a recogniser at the end of the list."""
    RECOGNISERS.append(function)
    return function


def recognised(evidence: Evidence) -> Bug:
    """The bug behind a wrong array, as far as it can be told."""
    with np.errstate(all="ignore"):
        for one in RECOGNISERS:
            # What was guessed of a layer need not fit it: its shapes, or values that it was never meant to see.
            with suppress(BackwardError, ValueError, TypeError, LookupError):
                if bug := one(evidence):
                    return bug
    return in_some_entries(evidence)


def subject(evidence: Evidence) -> str:
    """The array in words: `dx`, or `the gradient of weight`."""
    return "dx" if evidence.tensor == "dx" else f"the gradient of {evidence.tensor}"


def is_elementwise(evidence: Evidence) -> bool:
    """Whether the array is the dx of a layer whose outputs each depend on their own input alone."""
    return (
        evidence.tensor == "dx"
        and evidence.passage.x.shape == evidence.passage.y.shape
        and (evidence.witness.planned.elementwise or isinstance(evidence.witness.layer, Activation))
    )


def is_bias(evidence: Evidence) -> bool:
    """Whether the array is a parameter that is just added to the outputs of every row."""
    dy = evidence.passage.dy
    if evidence.tensor == "dx" or dy is None or evidence.given.shape != dy.shape[1:]:
        return False
    return same(dy.sum(axis=0).reshape(-1)[evidence.at], evidence.exact)


@recogniser
def all_zero(evidence: Evidence) -> Bug | None:
    """Nothing at all."""
    if evidence.given.any():
        return None
    if evidence.tensor == "dx":
        return Bug("zero", "dx is all zero: nothing flows back through this layer")
    return Bug("zero", f"the gradient of {evidence.tensor} is all zero: it is frozen and never learns")


@recogniser
def sign(evidence: Evidence) -> Bug | None:
    """The opposite."""
    if evidence.is_like(-evidence.exact):
        return Bug("sign", f"{subject(evidence)} has the wrong sign")
    return None


@recogniser
def bias(evidence: Evidence) -> Bug | None:
    """A sum over something else than the rows."""
    if not is_bias(evidence):
        return None
    dy = cast(Array, evidence.passage.dy)
    n, name = len(dy), evidence.tensor
    if evidence.would_be(dy.mean(axis=0)):
        return Bug("bias_mean", f"the gradient of {name} is a mean over the {n} rows; it must be their sum")
    ones = np.ones_like(evidence.given)
    across = dy.reshape(n, -1).sum(axis=1)
    padded = np.resize(across, evidence.given.size)
    wrong_sums: list[tuple[Array, str]] = [
        (ones * dy.sum(), "is summed over rows and units together"),
        (ones * dy.mean(), "is a mean over rows and units together"),
        (padded, "is summed over the units (axis 1)"),
        (padded / evidence.given.size, "is a mean over the units (axis 1)"),
        (dy[0], "has the first row only"),
        (dy[-1], "has the last row only"),
    ]
    for array, what in wrong_sums:
        if evidence.would_be(array):
            return Bug("wrong_axis", f"the gradient of {name} {what}; it must be summed over the rows (axis 0)")
    return None


@recogniser
def transposed(evidence: Evidence) -> Bug | None:
    """A matrix on its side, or its memory read on its side."""
    given, dy = evidence.given, cast(Array, evidence.passage.dy)
    if evidence.tensor != "dx":
        if given.ndim == 2 and (
            evidence.is_like(evidence.exact, given.T.reshape(-1)[evidence.at])
            or evidence.is_like(evidence.exact, given.reshape(given.shape[::-1]).T.reshape(-1)[evidence.at])
        ):
            return Bug("transposed", f"{subject(evidence)} is transposed")
        return None
    for name, weight in evidence.parameters.items():
        fits = weight.ndim == 2 and dy.ndim == 2 and dy.shape[1] == weight.shape[1]
        if fits and evidence.would_be(dy @ weight.reshape(weight.T.shape)):
            return Bug("transposed", f"dx is dy times {name}; it must be dy times the transposed {name}")
    return None


@recogniser
def dropout(evidence: Evidence) -> Bug | None:
    """A mask that is not the one of the forward pass."""
    if evidence.tensor != "dx" or evidence.passage.x.shape != evidence.passage.y.shape:
        return None
    x, _, dy = (array.reshape(-1)[evidence.at] for array in signals(evidence))
    known = (dy != 0) & (x != 0)
    slope = np.where(known, evidence.exact / np.where(known, dy, 1), 0)
    kept = slope[slope != 0]
    masked = len(kept) and np.allclose(kept, kept[0]) and kept[0] > 1.001 and (slope[known] == 0).any()
    if not masked or evidence.witness.inner:
        return None
    if evidence.is_like(dy):
        return Bug("mask_missing", "dx is dy: the mask of the forward pass is missing")
    if evidence.is_like(dy * (slope != 0)):
        return Bug("mask_unscaled", f"dx has the mask, but not the factor 1/(1 - rate) = {kept[0]:.6g}")
    if evidence.is_like(dy * (slope != 0) * kept[0] ** 2):
        return Bug("ratio_keep", f"dx has the factor 1/(1 - rate) = {kept[0]:.6g} twice")
    ratio = np.where(known, evidence.values / np.where(known, dy, 1), 0)[known]
    if all(np.isclose(value, (0, 1, kept[0])).any() for value in ratio):
        return Bug("mask_redrawn", "dx has another mask than the forward pass: it was drawn anew")
    return None


@recogniser
def softmax(evidence: Evidence) -> Bug | None:
    """The Jacobian of a softmax without its off-diagonal part, or without its diagonal."""
    _, y, dy = signals(evidence)
    if evidence.tensor != "dx" or y.ndim != 2 or not (np.allclose(y.sum(axis=1), 1) and (y >= 0).all()):
        return None
    if evidence.would_be(dy * y * (1 - y)):
        what = "dx has the diagonal of the softmax Jacobian alone, y (1 - y); it must be y (dy - Σ dy y)"
        return Bug("softmax_diagonal", what)
    if evidence.would_be(dy * y):
        return Bug("softmax_diagonal", "dx is dy · y: the sum over the row is missing; it must be y (dy - Σ dy y)")
    return None


@recogniser
def normalization(evidence: Evidence) -> Bug | None:
    """Mean and variance held for constants."""
    x, _, dy = signals(evidence)
    if evidence.tensor != "dx" or x.ndim != 2 or x.shape != dy.shape:
        return None
    scales = [one for one in evidence.parameters.values() if one.shape == x.shape[1:]]
    for scale in [*scales, np.ones(x.shape[1:])]:
        for axis, over in ((0, "the rows"), (1, "the units")):
            if bug := without_terms(evidence, x, dy * scale, axis, over):
                return bug
    return None


def without_terms(evidence: Evidence, x: Array, d: Array, axis: int, over: str) -> Bug | None:
    """The dx of a normalization over an axis without one of its terms; d is dy times the scale."""
    deviation = np.sqrt(x.var(axis=axis, keepdims=True) + getattr(evidence.witness.layer, "epsilon", 1e-5))
    normal = (x - x.mean(axis=axis, keepdims=True)) / deviation
    mean, variance = d.mean(axis=axis, keepdims=True), normal * (d * normal).mean(axis=axis, keepdims=True)
    right = (d - mean - variance) / deviation
    if not same(right.reshape(-1)[evidence.at], evidence.exact, evidence.precision):
        return None
    for array, kind, what in (
        ((d - variance) / deviation, "norm_mean_term", "the mean"),
        ((d - mean) / deviation, "norm_variance_term", "the variance"),
        (d / deviation, "norm_both_terms", "mean and variance"),
    ):
        if evidence.would_be(array):
            return Bug(kind, f"dx takes {what} over {over} for a constant: that term is missing")
    if evidence.would_be(d - mean - variance):
        return Bug("norm_scale", f"dx is not divided by the standard deviation over {over}")
    return None


@recogniser
def residual(evidence: Evidence) -> Bug | None:
    """One of the two ways through a block."""
    if evidence.tensor != "dx" or not evidence.witness.inner:
        return None
    dy = signals(evidence)[2].reshape(-1)[evidence.at]
    if evidence.is_like(dy):
        return Bug("branch_missing", "dx is dy: what comes back through the layers of the block is missing")
    if evidence.is_like(evidence.exact - dy):
        return Bug("skip_missing", "dx lacks dy itself, which comes back along the skip connection")
    return None


@recogniser
def derivative_missing(evidence: Evidence) -> Bug | None:
    """An activation that hands dy on."""
    dy = signals(evidence)[2]
    if is_elementwise(evidence) and evidence.would_be(dy):
        return Bug("derivative_missing", f"dx is dy: the derivative of {name_of(evidence.witness.layer)} is missing")
    return None


@recogniser
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


@recogniser
def derivative_of_another(evidence: Evidence) -> Bug | None:
    """The derivative of a different activation."""
    if not is_elementwise(evidence):
        return None
    x, y, dy = signals(evidence)
    for formula, by_output in BY_OUTPUT.items():
        if evidence.would_be(dy * by_output(y)):
            what = f"the derivative is {formula}, which is not that of {name_of(evidence.witness.layer)}"
            return Bug("derivative_of_another", what)
    for name, cls in ACTIVATIONS.members.items():
        if cls.__module__.startswith("bptrain.") and name != name_of(evidence.witness.layer):
            slope = slope_of(cls(), x)
            if slope is not None and evidence.would_be(dy * slope):
                what = f"the derivative is that of {name}, not that of {name_of(evidence.witness.layer)}"
                return Bug("derivative_of_another", what)
    return None


@recogniser
def squared_slope(evidence: Evidence) -> Bug | None:
    """The derivative twice."""
    if not is_elementwise(evidence):
        return None
    dy = signals(evidence)[2].reshape(-1)[evidence.at]
    if evidence.is_like(np.where(dy != 0, evidence.exact**2 / np.where(dy, dy, 1), 0)):
        return Bug("derivative_twice", f"the derivative of {name_of(evidence.witness.layer)} is there twice")
    return None


@recogniser
def constant_ratio(evidence: Evidence) -> Bug | None:
    """A factor."""
    ratio = ratio_of(evidence.values, evidence.exact, evidence.precision)
    if ratio is None:
        return None
    return Bug(*ratio_in_words(ratio, subject(evidence), len(evidence.passage.x), evidence.passage.y.shape[-1]))


def ratio_of(values: Array, exact: Array, precision: float = 1e-7) -> float | None:
    """The factor between two arrays, if it is the same everywhere."""
    at = int(np.argmax(np.abs(exact)))
    if not exact[at]:
        return None
    ratio = float(values[at] / exact[at])
    return ratio if same(values, ratio * exact, precision) else None


def ratio_in_words(ratio: float, what: str, rows: int, outputs: int) -> tuple[str, str]:
    """The kind of a constant factor, and where it may come from: everything that it fits."""
    known = [
        ("ratio_rows", rows, f"the number of rows, {rows}"),
        ("ratio_outputs", outputs, f"the number of outputs, {outputs}"),
        ("ratio_rows", rows * outputs, f"the number of rows times outputs, {rows * outputs}"),
        ("ratio_two", 2, "2, that of a square, or of a half that is missing"),
    ]
    for larger, factor in ((True, ratio), (False, 1 / ratio if ratio else 0.0)):
        fitting = [(kind, text) for kind, number, text in known if number > 1 and abs(factor - number) < 1e-6 * number]
        if fitting:
            meaning = "; or ".join(dict.fromkeys(text for _, text in fitting))
            return fitting[-1][0], f"{what} is too {'large' if larger else 'small'} by {meaning}"
    return "ratio", f"{what} is {ratio:.9g} times what it must be, everywhere"


def in_some_entries(evidence: Evidence) -> Bug:
    """No pattern: how many entries are wrong, and whether they lie in one row or column."""
    scale = max(float(np.abs(evidence.exact).max(initial=0)), 1e-300)
    wrong = np.abs(evidence.values - evidence.exact) > evidence.precision / 100 * scale
    count, of = int(wrong.sum()), len(evidence.at)
    where = f" (of {evidence.given.size} a sample was tried)" if of < evidence.given.size else ""
    if evidence.given.ndim == 2 and 0 < count < of:
        rows, columns = np.unravel_index(evidence.at[wrong], evidence.given.shape)
        if len(set(rows.tolist())) == 1 and count > 1:
            where += f", all in row {rows[0]}"
        elif len(set(columns.tolist())) == 1 and count > 1:
            where += f", all in column {columns[0]}"
    if count == of:
        return Bug("unknown", f"{subject(evidence)} is wrong everywhere, in no way that is known")
    return Bug("entries", f"{count} of {of} entries of {subject(evidence)} are wrong{where}")


def signals(evidence: Evidence) -> tuple[Array, Array, Array]:
    """x, y and dy."""
    return evidence.passage.x, evidence.passage.y, cast(Array, evidence.passage.dy)
