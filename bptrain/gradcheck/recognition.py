"""Recognition: which bug is behind a wrong array.

A recogniser is given the evidence on the array and says, in words, what is wrong, or None. The first that speaks is
believed, so the special stand before the general.
"""

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from bptrain.gradcheck import activation_bugs, layer_bugs
from bptrain.gradcheck.bugs import Bug, ratio_in_words, ratio_of, subject
from bptrain.gradcheck.evidence import Evidence
from bptrain.nn.observer import BackwardError


def all_zero(evidence: Evidence) -> Bug | None:
    """Nothing at all."""
    if evidence.given.any():
        return None
    if evidence.tensor == "dx":
        return Bug("zero", "dx is all zero: nothing flows back through this layer")
    return Bug("zero", f"the gradient of {evidence.tensor} is all zero: it is frozen and never learns")


def sign(evidence: Evidence) -> Bug | None:
    """The opposite."""
    if evidence.is_like(-evidence.exact):
        return Bug("sign", f"{subject(evidence)} has the wrong sign")
    return None


def constant_ratio(evidence: Evidence) -> Bug | None:
    """A factor."""
    ratio = ratio_of(evidence.values, evidence.exact, evidence.precision)
    if ratio is None:
        return None
    return Bug(*ratio_in_words(ratio, subject(evidence), len(evidence.passage.x), evidence.passage.y.shape[-1]))


RECOGNISERS: tuple[Callable[[Evidence], Bug | None], ...] = (
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


def recognised(evidence: Evidence) -> Bug:
    """The bug behind a wrong array, as far as it can be told."""
    with np.errstate(all="ignore"):
        for one in RECOGNISERS:
            # What was guessed of a layer need not fit it: its shapes, or values that it was never meant to see.
            with suppress(BackwardError, ValueError, TypeError, LookupError):
                if bug := one(evidence):
                    return bug
    return in_some_entries(evidence)


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
