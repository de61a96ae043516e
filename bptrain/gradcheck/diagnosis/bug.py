"""Bugs in a backward pass, and the words and numbers that describe them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.twin import UNDERFLOW

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
    """A mistake: its kind, and a sentence that describes it."""

    kind: Kind
    sentence: str


def are_close(values: Array, other: Array, precision: float = 1e-7) -> bool:
    """Return whether two arrays agree, relative to the largest entry; never where a number is not finite."""
    scale = float(np.abs(other).max(initial=0.0))
    if not np.isfinite(scale) or not np.isfinite(values).all():
        return False
    return bool((np.abs(values - other) <= precision * scale + UNDERFLOW).all())


def find_ratio(values: Array, exact: Array, precision: float = 1e-7) -> float | None:
    """Return the factor between two arrays, if it is the same for all entries."""
    largest = int(np.argmax(np.abs(exact)))
    if not exact[largest]:
        return None
    ratio = float(values[largest] / exact[largest])
    return ratio if are_close(values, ratio * exact, precision) else None


def describe_ratio(ratio: float, what: str, rows: int, outputs: int) -> Bug:
    """Return the bug of a constant factor, with every explanation that fits it."""
    known: list[tuple[Kind, int, str]] = [
        ("ratio_rows", rows, "the number of rows"),
        ("ratio_outputs", outputs, "the number of outputs"),
        ("ratio_rows", rows * outputs if outputs > 1 else 1, "the number of rows times outputs"),
        ("ratio_two", 2, "the 2 of a square, or a missing 1/2"),
    ]
    for size, factor in (("large", ratio), ("small", 1 / ratio if ratio else 0.0)):
        fitting = [(kind, text) for kind, number, text in known if number > 1 and abs(factor - number) < 1e-6 * number]
        if fitting:
            meaning = "; or ".join(dict.fromkeys(text for _, text in fitting))
            return Bug(fitting[-1][0], f"{what} is too {size} by a factor of {round(factor)}: {meaning}")
    return Bug("ratio", f"every entry of {what} is {ratio:.9g} times the correct value")
