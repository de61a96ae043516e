"""Recognition: which bug is behind a wrong array.

A recogniser is given a gradient of a layer and says, in words, what is wrong, or None. The first that speaks is
believed, so the special stand before the general.
"""

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from bptrain.gradcheck.diagnosis import activation_bugs, layer_bugs
from bptrain.gradcheck.diagnosis.bug import Bug, ratio_in_words, ratio_of, subject
from bptrain.gradcheck.diagnosis.layer_gradient import LayerGradient
from bptrain.nn.observer import BackwardError


def all_zero(gradient: LayerGradient) -> Bug | None:
    """Nothing at all."""
    if gradient.given.any():
        return None
    if gradient.tensor == "dx":
        return Bug("zero", "dx is all zero: nothing flows back through this layer")
    return Bug("zero", f"the gradient of {gradient.tensor} is all zero: it is frozen and never learns")


def sign(gradient: LayerGradient) -> Bug | None:
    """The opposite."""
    if gradient.is_like(-gradient.exact):
        return Bug("sign", f"{subject(gradient)} has the wrong sign")
    return None


def constant_ratio(gradient: LayerGradient) -> Bug | None:
    """A factor."""
    ratio = ratio_of(gradient.values, gradient.exact, gradient.precision)
    if ratio is None:
        return None
    return Bug(*ratio_in_words(ratio, subject(gradient), len(gradient.passage.x), gradient.passage.y.shape[-1]))


RECOGNISERS: tuple[Callable[[LayerGradient], Bug | None], ...] = (
    all_zero,
    sign,
    layer_bugs.bias,
    layer_bugs.transposed,
    layer_bugs.dropout,
    layer_bugs.softmax,
    layer_bugs.normalization,
    layer_bugs.residual,
    activation_bugs.derivative_missing,
    activation_bugs.derivative_misplaced,
    activation_bugs.derivative_of_another,
    activation_bugs.squared_slope,
    constant_ratio,
)


def recognise(gradient: LayerGradient) -> Bug:
    """The bug behind a wrong array, as far as it can be told."""
    with np.errstate(all="ignore"):
        for one in RECOGNISERS:
            # What was guessed of a layer need not fit it: its shapes, or values that it was never meant to see.
            with suppress(BackwardError, ValueError, TypeError, LookupError):
                if bug := one(gradient):
                    return bug
    return in_some_entries(gradient)


def in_some_entries(gradient: LayerGradient) -> Bug:
    """No pattern: how many entries are wrong, and whether they lie in one row or column."""
    scale = max(float(np.abs(gradient.exact).max(initial=0)), 1e-300)
    wrong = np.abs(gradient.values - gradient.exact) > gradient.precision / 100 * scale
    count, of = int(wrong.sum()), len(gradient.at)
    where = f" (of {gradient.given.size} a sample was tried)" if of < gradient.given.size else ""
    if gradient.given.ndim == 2 and 0 < count < of:
        rows, columns = np.unravel_index(gradient.at[wrong], gradient.given.shape)
        if len(set(rows.tolist())) == 1 and count > 1:
            where += f", all in row {rows[0]}"
        elif len(set(columns.tolist())) == 1 and count > 1:
            where += f", all in column {columns[0]}"
    if count == of:
        return Bug("unknown", f"{subject(gradient)} is wrong everywhere, in no way that is known")
    return Bug("entries", f"{count} of {of} entries of {subject(gradient)} are wrong{where}")
