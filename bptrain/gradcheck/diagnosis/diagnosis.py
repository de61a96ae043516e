"""Diagnosis: which layer makes a gradient wrong, or the loss or the penalty, and what it does wrong."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.diagnosis.bug import Bug, are_close, describe_ratio, find_ratio
from bptrain.gradcheck.diagnosis.layer_gradient import LayerGradient, compute_layer_gradients, differentiate_loss
from bptrain.gradcheck.diagnosis.timing_bugs import find_bug
from bptrain.gradcheck.twin import Twin
from bptrain.gradcheck.verdict import format_index
from bptrain.nn import Loss
from bptrain.nn.losses import MultiTask
from bptrain.nn.observer import KernelError, ObservedLayer, Passage, guard_kernels
from bptrain.registry import name_of


@dataclass(frozen=True)
class Diagnosis:
    """The mistake of a layer or the loss: the bug, the array that is wrong, and its worst entry with both values."""

    layer: str
    tensor: str
    bug: Bug
    entry: str = ""
    given: float = float("nan")
    exact: float = float("nan")

    def __str__(self) -> str:
        text = f"{self.layer}: {self.bug.sentence}"
        if self.entry:
            tensor = self.tensor.removesuffix(f" of {self.layer}").replace(f"{self.layer}.", "g.", 1)
            text += f" ({tensor}{self.entry}: {format_values(self.given, self.exact)})"
        return text


def format_values(given: float, exact: float) -> str:
    """Return both values and their ratio, in words."""
    ratio = f", ratio {given / exact + 0.0:.6g}" if exact and np.isfinite(given) else ""
    return f"backward gives {given + 0.0:.9g} instead of {exact:.9g}{ratio}"


@dataclass(frozen=True)
class Diagnoses:
    """All mistakes in a network, in backward order; `between` is a mistake between two layers that are both right."""

    loss: Diagnosis | None
    layers: tuple[Diagnosis, ...]
    between: Diagnosis | None

    def find_cause(self, name: str) -> Diagnosis | None:
        """Return the first mistake in backward order that makes a gradient wrong: in the loss, in the dx of a later
        layer, or in the layer itself."""
        if self.loss:
            return self.loss
        layer, _, _ = name.rpartition(".")
        for one in self.layers:
            # The dx of a layer affects the layers before it, and nothing inside or after it.
            is_dx = one.tensor.startswith("dx of ")
            if one.tensor == name or (is_dx and (name == "inputs" or is_before(layer, one.layer))):
                return one
        return self.between


def is_before(layer: str, other: str) -> bool:
    """Return whether a layer is before another: `1.residual.0.dense` before `1.residual.2.dense` and `2.relu`."""
    mine, others = parse_position(layer), parse_position(other)
    return mine < others[: len(mine)] if len(others) >= len(mine) else mine[: len(others)] < others


def parse_position(layer: str) -> tuple[int, ...]:
    """Return the numbers in a name: 1, 0 for `1.residual.0.dense`."""
    return tuple(int(word) for word in layer.split(".") if word.isdigit())


def diagnose(twin: Twin) -> Diagnoses:
    """Find all mistakes in the network of a twin, at its present parameters.

    Raises:
        KernelError: a pass stops with an exception.
    """
    twin.run_other_rows()
    passages = twin.record_passages()
    twin.compute_objective()
    frame = twin.batches[0].frame
    scores, dscores = frame.scores.copy(), frame.dscores.copy()
    found: list[Diagnosis] = []
    for observed, gradients in compute_layer_gradients(twin, passages):
        found += diagnose_layer(observed, passages[observed.name], gradients)
    # A mistake inside a block makes the block wrong too.
    inner = tuple(one for one in found if not any(other.layer.startswith(f"{one.layer}.") for other in found))
    return Diagnoses(diagnose_loss(twin, scores, dscores), inner, find_mistake_between(twin, passages))


def diagnose_exception(error: KernelError) -> Diagnosis:
    """Return the diagnosis of a pass that stopped with an exception."""
    cause = error.__cause__
    what = f"{error.what} stops".strip() + f" with {type(cause).__name__}: {cause}"
    shapes = isinstance(cause, ValueError) and any(
        word in str(cause) for word in ("shape", "dimension", "broadcast", "align")
    )
    return Diagnosis(error.layer, error.layer, Bug("wrong_shape" if shapes else "exception", what))


def diagnose_layer(observed: ObservedLayer, passage: Passage, gradients: list[LayerGradient]) -> list[Diagnosis]:
    """Return a diagnosis for each wrong array that the backward of a layer gave."""
    if passage.dy is None or not np.isfinite(passage.dy).all():
        return []
    wrong = [one for one in gradients if one.tensor in passage.rebound or not one.is_right(one.given)]
    found = []
    for one in wrong:
        k = find_worst(one.values, one.exact)
        tensor = f"dx of {observed.name}" if one.tensor == "dx" else f"{observed.name}.{one.tensor}"
        # An array that is not written at all has no worst entry.
        entry = "" if np.isnan(one.given).all() else format_index(one.given.shape, int(one.at[k]))
        bug = find_bug(observed, passage, wrong, one)
        found.append(Diagnosis(observed.name, tensor, bug, entry, float(one.values[k]), float(one.exact[k])))
    return found


def find_mistake_between(twin: Twin, passages: dict[str, Passage]) -> Diagnosis | None:
    """Find two neighbours where one does not receive the dx that the other gave."""
    seen = [observed for observed in twin.observed[0] if passages[observed.name].dy is not None]
    for before, after in pairwise(seen):
        given, received = passages[after.name].dx, passages[before.name].dy
        if given is not None and received is not None and not np.array_equal(given, received, equal_nan=True):
            what = f"dx of {after.name} is overwritten before {before.name} reads it"
            return Diagnosis(before.name, f"dy of {before.name}", Bug("overwritten", what))
    return None


def find_worst(given: Array, exact: Array) -> int:
    """Return the entry (counted flat) with the largest error; one that is not finite comes first."""
    errors = np.abs(given.reshape(-1) - exact.reshape(-1))
    return int(np.argmax(np.where(np.isfinite(errors), errors, np.inf)))


def diagnose_loss(twin: Twin, scores: Array, dscores: Array) -> Diagnosis | None:
    """Return the diagnosis of the loss, if its dscores `(n, width)` are wrong."""
    exact = differentiate_loss(twin, scores)
    precision = 1e-9 if twin.loss_is_complex_safe else 1e-5
    # Output minus target is no more exact than the numbers that are subtracted.
    if np.isfinite(dscores).all() and (np.abs(dscores - exact) <= precision * np.abs(exact).max() + 1e-15).all():
        return None
    k = find_worst(dscores, exact)
    given, truth = float(dscores.reshape(-1)[k]), float(exact.reshape(-1)[k])
    bug = find_loss_bug(twin, scores, dscores, exact)
    return Diagnosis(twin.loss_name, "dscores", bug, format_index(exact.shape, k), given, truth)


def find_loss_bug(twin: Twin, scores: Array, dscores: Array, exact: Array) -> Bug:
    """Return the bug behind wrong dscores; with several targets, of the first loss that is wrong."""
    loss, targets = twin.real.loss, twin.batches[0].targets
    if not isinstance(loss, MultiTask):
        return recognise_loss_bug(twin.loss_name, loss, scores, targets, dscores, exact)
    for part, own, columns in loss.slices():
        given, true = dscores[:, own] / part.weight, exact[:, own] / part.weight
        if not np.allclose(given, true, rtol=1e-9, atol=1e-9 * np.abs(true).max() + 1e-15):
            own_targets = targets[:, columns]
            if part.loss.encoding == "codes":
                own_targets = own_targets[:, 0]
            bug = recognise_loss_bug(twin.loss_name, part.loss, scores[:, own], own_targets, given, true)
            return Bug(bug.kind, f"{name_of(part.loss)} of target {part.name}: {bug.sentence}")
    return Bug("entries", "dscores is slightly wrong")


def recognise_loss_bug(name: str, loss: Loss, scores: Array, targets: Array, dscores: Array, exact: Array) -> Bug:
    """Return the bug behind wrong dscores `(n, width)` of one loss."""
    given, n = dscores.reshape(-1), len(scores)
    if not np.isfinite(given).all():
        return Bug("not_finite", "dscores is not finite, or not fully written")
    if not given.any():
        return Bug("zero", "dscores is all zero: nothing is learned")
    if are_close(given, -exact.reshape(-1)):
        return Bug("sign", "dscores has the wrong sign: target minus output, not output minus target")
    with guard_kernels(name):
        outputs = loss.outputs(scores.copy(), np.empty_like(scores))
    if targets.shape != scores.shape:
        codes = targets.reshape(-1).astype(int)
        targets = (codes[:, None] == np.arange(scores.shape[1])) if scores.shape[1] > 1 else codes[:, None]
    ratio = find_ratio(given, exact.reshape(-1))
    if ratio is not None:
        return describe_ratio(ratio, "dscores", n, scores.shape[1])
    for count in (n, n * scores.shape[1]):
        if are_close(given, (outputs / count).reshape(-1)):
            return Bug("target_missing", "dscores is the outputs: the target is not subtracted")
        if loss.link and are_close(given, ((scores - targets) / count).reshape(-1)):
            return Bug("output_missing", "dscores is scores minus targets; it must be outputs minus targets")
    if are_close(given, (exact * outputs * (1 - outputs)).reshape(-1)):
        what = "dscores has an extra factor y (1 - y): the derivative of the output cancels in this loss"
        return Bug("derivative_twice", what)
    off = np.abs(given - exact.reshape(-1)) > 1e-9 * np.abs(exact).max()
    return Bug("entries", f"{int(off.sum())} of {given.size} entries of dscores are wrong")


def diagnose_penalty(name: str, given: Array, exact: Array, rows: int) -> Bug:
    """Return the bug behind a wrong gradient of the penalty by one array, given flat."""
    if not exact.any():
        arrays, them = ("the biases", "them") if name.endswith("bias") else (name, "it")
        what = f"the gradient has a penalty on {arrays}, but the value of the penalty leaves {them} out"
        return Bug("penalty_on_biases", what)
    if not given.any():
        return Bug("penalty_missing", "the gradient of the penalty is missing")
    ratio = find_ratio(given, exact)
    if ratio is None:
        return Bug("entries", "the gradient of the penalty is wrong")
    if abs(ratio + 1) < 1e-6:
        return Bug("sign", "the gradient of the penalty has the wrong sign")
    if abs(ratio - 2) < 1e-6:
        what = "the gradient of the penalty is doubled: added twice, or without the 1/2 of l2/2"
        return Bug("penalty_doubled", what)
    return describe_ratio(ratio, "the gradient of the penalty", rows, 1)
