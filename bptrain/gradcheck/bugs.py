"""Bugs in a backward pass: what is said of one, and the words and numbers that the recognisers share."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.evidence import Evidence, same


@dataclass(frozen=True)
class Bug:
    """What is wrong: the kind in one word, and a sentence."""

    kind: str
    sentence: str


def subject(evidence: Evidence) -> str:
    """The array in words: `dx`, or `the gradient of weight`."""
    return "dx" if evidence.tensor == "dx" else f"the gradient of {evidence.tensor}"


def signals(evidence: Evidence) -> tuple[Array, Array, Array]:
    """x, y and dy."""
    return evidence.passage.x, evidence.passage.y, cast(Array, evidence.passage.dy)


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
