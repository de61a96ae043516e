"""Bugs in a backward pass: what is said of one, and the words and numbers that the recognisers share."""

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.diagnosis.layer_gradient import LayerGradient, same

Kind = Literal[
    "accumulated", "bias_mean", "branch_missing", "coarse", "derivative_misplaced", "derivative_missing",
    "derivative_of_another", "derivative_twice", "entries", "exception", "mask_missing", "mask_redrawn",
    "mask_unscaled", "norm_both_terms", "norm_mean_term", "norm_scale", "norm_variance_term", "not_finite",
    "not_repeatable", "not_written", "output_missing", "overwritten", "penalty_doubled", "penalty_missing",
    "penalty_on_biases", "ratio", "ratio_keep", "ratio_outputs", "ratio_rows", "ratio_two", "rebound", "sign",
    "skip_missing", "softmax_diagonal", "stale", "target_missing", "transposed", "unknown", "wrong_axis",
    "wrong_shape", "zero",
]  # fmt: skip
"""Every kind of mistake that the check can name, as `--json` gives it."""


@dataclass(frozen=True)
class Bug:
    """What is wrong: the kind in one word, and a sentence."""

    kind: Kind
    sentence: str


def subject(gradient: LayerGradient) -> str:
    """The array in words: `dx`, or `the gradient of weight`."""
    return "dx" if gradient.tensor == "dx" else f"the gradient of {gradient.tensor}"


def signals(gradient: LayerGradient) -> tuple[Array, Array, Array]:
    """x, y and dy."""
    return gradient.passage.x, gradient.passage.y, cast(Array, gradient.passage.dy)


def ratio_of(values: Array, exact: Array, precision: float = 1e-7) -> float | None:
    """The factor between two arrays, if it is the same everywhere."""
    at = int(np.argmax(np.abs(exact)))
    if not exact[at]:
        return None
    ratio = float(values[at] / exact[at])
    return ratio if same(values, ratio * exact, precision) else None


def ratio_in_words(ratio: float, what: str, rows: int, outputs: int) -> tuple[Kind, str]:
    """The kind of a constant factor, and where it may come from: everything that it fits."""
    known: list[tuple[Kind, int, str]] = [
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
