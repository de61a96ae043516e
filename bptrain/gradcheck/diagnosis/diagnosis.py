"""Diagnosis: from a gradient that is wrong to the layer that makes it wrong, and to what the layer does wrong."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.diagnosis.bug import Bug
from bptrain.gradcheck.diagnosis.layer_gradient import LayerGradient, by_layer, derivative_of_loss, record_pass
from bptrain.gradcheck.diagnosis.loss_bugs import bug_of_loss
from bptrain.gradcheck.diagnosis.timing_bugs import bug_of
from bptrain.gradcheck.twin import Twin
from bptrain.gradcheck.verdict import index
from bptrain.nn.observer import BackwardError, ObservedLayer, Passage


@dataclass(frozen=True)
class Diagnosis:
    """A layer or the loss, with what it does wrong: the array that it gets wrong, and the worst entry of that."""

    layer: str
    tensor: str
    bug: Bug
    entry: str = ""
    given: float = float("nan")
    exact: float = float("nan")

    def __str__(self) -> str:
        text = f"{self.layer}: {self.bug.sentence}"
        if self.entry:
            text += f" ({self.tensor}{self.entry}: {values(self.given, self.exact)})"
        return text


def values(given: float, exact: float) -> str:
    """Both values and their ratio."""
    ratio = f", ratio {given / exact:.6g}" if exact and np.isfinite(given) else ""
    return f"backward gives {given:.9g}, the truth is {exact:.9g}{ratio}"


@dataclass(frozen=True)
class Diagnoses:
    """All that is wrong in a network, in backward order; `between` is what is wrong where no layer is."""

    loss: Diagnosis | None
    layers: tuple[Diagnosis, ...]
    between: Diagnosis | None

    def culprit(self, name: str) -> Diagnosis | None:
        """Who makes a gradient wrong, the first in backward order: the loss, the dx of a layer behind it, or its own
        layer."""
        if self.loss:
            return self.loss
        for one in self.layers:
            layer, _, _ = name.rpartition(".")
            if one.tensor == name:
                return one
            # The dx of a layer reaches what lies before it, and nothing inside or behind it.
            if one.tensor.startswith("dx of ") and (name == "inputs" or before(layer, one.layer)):
                return one
        return self.between


def before(layer: str, other: str) -> bool:
    """Whether a layer lies before another one: `1.residual.0.dense` before `1.residual.2.dense` and before `2.relu`."""
    mine, others = places_of(layer), places_of(other)
    return mine < others[: len(mine)] if len(others) >= len(mine) else mine[: len(others)] < others


def places_of(layer: str) -> tuple[int, ...]:
    """The places in a name: 1, 0 for `1.residual.0.dense`."""
    return tuple(int(part) for part in layer.split(".") if part.isdigit())


def diagnose(twin: Twin) -> Diagnoses:
    """What is wrong in the network of a twin, as it stands.

    Raises:
        BackwardError: a pass does not run through.
    """
    passages, scores, dscores = record_pass(twin)
    found: list[Diagnosis] = []
    for observed, gradients in by_layer(twin, passages):
        found += diagnose_layer(observed, passages[observed.name], gradients)
    # What is wrong inside a block makes the block wrong.
    inner = tuple(one for one in found if not any(other.layer.startswith(f"{one.layer}.") for other in found))
    return Diagnoses(diagnose_loss(twin, scores, dscores), inner, between(twin, passages))


def diagnose_exception(error: BackwardError) -> Diagnosis:
    """The layer in which a pass stopped."""
    cause = error.__cause__
    what = f"{error.what} stops".strip() + f" with {type(cause).__name__}: {cause}"
    shapes = isinstance(cause, ValueError) and any(
        word in str(cause) for word in ("shape", "dimension", "broadcast", "align")
    )
    return Diagnosis(error.layer, error.layer, Bug("wrong_shape" if shapes else "exception", what))


def diagnose_loss(twin: Twin, scores: Array, dscores: Array) -> Diagnosis | None:
    """The loss, if its dscores are wrong."""
    exact = derivative_of_loss(twin, scores)
    precision = 1e-9 if twin.loss_is_complex_safe else 1e-5
    # Output minus target is no more exact than the numbers that are subtracted.
    if np.isfinite(dscores).all() and (np.abs(dscores - exact) <= precision * np.abs(exact).max() + 1e-15).all():
        return None
    k = worst(dscores, exact)
    given, truth = float(dscores.reshape(-1)[k]), float(exact.reshape(-1)[k])
    bug = bug_of_loss(twin, scores, dscores, exact, len(scores))
    return Diagnosis(twin.loss_name, "dscores", bug, index(exact.shape, k), given, truth)


def diagnose_layer(observed: ObservedLayer, passage: Passage, gradients: list[LayerGradient]) -> list[Diagnosis]:
    """What the backward of a layer gave that is wrong."""
    if passage.dy is None or not np.isfinite(passage.dy).all():
        return []
    wrong = [one for one in gradients if one.tensor in passage.rebound or one.is_wrong()]
    return [diagnose_array(observed, one, bug_of(observed, passage, wrong, one)) for one in wrong]


def diagnose_array(observed: ObservedLayer, gradient: LayerGradient, bug: Bug) -> Diagnosis:
    """The blame, with the worst entry of the array."""
    k = worst(gradient.values, gradient.exact)
    tensor = f"dx of {observed.name}" if gradient.tensor == "dx" else f"{observed.name}.{gradient.tensor}"
    entry = index(gradient.given.shape, int(gradient.at[k]))
    return Diagnosis(observed.name, tensor, bug, entry, float(gradient.values[k]), float(gradient.exact[k]))


def between(twin: Twin, passages: dict[str, Passage]) -> Diagnosis | None:
    """Two neighbours of which one does not get what the other gave."""
    seen = [observed for observed in twin.observed[0] if passages[observed.name].dy is not None]
    for before, after in pairwise(seen):
        given, got = passages[after.name].dx, passages[before.name].dy
        if given is not None and got is not None and not np.array_equal(given, got, equal_nan=True):
            what = f"dx of {after.name} is overwritten before {before.name} reads it"
            return Diagnosis(before.name, f"dy of {before.name}", Bug("overwritten", what))
    return None


def worst(given: Array, exact: Array) -> int:
    """The entry with the largest error; one that is not finite before all."""
    errors = np.abs(given.reshape(-1) - exact.reshape(-1))
    return int(np.argmax(np.where(np.isfinite(errors), errors, np.inf)))
