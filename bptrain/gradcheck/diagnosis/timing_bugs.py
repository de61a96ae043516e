"""Timing bugs: a layer that is right on its own with fresh arrays, and wrong within a whole pass."""

from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.diagnosis.bug import Bug
from bptrain.gradcheck.diagnosis.layer_gradient import LayerGradient
from bptrain.gradcheck.diagnosis.recognition import recognise
from bptrain.nn import Workspace
from bptrain.nn.observer import KernelError, ObservedLayer, Passage, guard_kernels


def find_bug(observed: ObservedLayer, passage: Passage, wrong: list[LayerGradient], gradient: LayerGradient) -> Bug:
    """Return the bug behind one of the wrong arrays of a layer."""
    if gradient.tensor in passage.rebound:
        return describe_rebound(gradient, passage)
    return find_timing_bug(observed, passage, wrong) or find_value_bug(gradient)


def find_value_bug(gradient: LayerGradient) -> Bug:
    """Return the bug behind a wrong array, judged by its values alone."""
    given = gradient.given
    if np.isnan(given).all():
        name = "dx" if gradient.tensor == "dx" else f"g.{gradient.tensor}"
        return Bug("not_written", f"{gradient.label} is never written: backward must fill it, as in {name}[...] = ...")
    if not np.isfinite(given).all():
        count = int((~np.isfinite(given)).sum())
        verb = "is" if count == 1 else "are"
        return Bug("not_finite", f"{count} of {given.size} entries of {gradient.label} {verb} not finite")
    return recognise(gradient)


def describe_rebound(gradient: LayerGradient, passage: Passage) -> Bug:
    """Return the bug of a gradient that is put into a new array instead of the one to fill."""
    name, wanted = gradient.tensor, gradient.given.shape
    shape = getattr(passage.rebound[name], "shape", ())
    if shape != wanted:
        return Bug("wrong_shape", f"the gradient of {name} has the shape {shape}; it must have {wanted}")
    return Bug("rebound", f"g.{name} = ... makes a new array, which is ignored; write g.{name}[...] = ...")


@dataclass(frozen=True)
class Conditions:
    """The conditions under which a layer's backward is run again on its own.

    Attributes:
        fill: the value in the gradients beforehand; NaN shows entries that are not written.
        fresh: which of x and y have the values that forward saw; the rest have those that backward saw.
        forward_again: whether forward runs just before.
        keep_workspace: whether forward finds what the layer itself left in its workspace.
    """

    fill: float = np.nan
    fresh: str = "xy"
    forward_again: bool = True
    keep_workspace: bool = True


def find_timing_bug(observed: ObservedLayer, passage: Passage, wrong: list[LayerGradient]) -> Bug | None:
    """Return the bug of a layer that is right with fresh arrays and wrong with those of the pass; None if it is not."""

    def is_right_under(conditions: Conditions) -> bool:
        try:
            dx, g = run_again(observed, passage, conditions)
        except KernelError:
            return False
        arrays = {**g, "dx": dx}
        return all(one.is_right(arrays[one.tensor]) for one in wrong)

    if not is_deterministic(observed, passage):
        return Bug("not_repeatable", "the same pass gives different gradients each time: it draws new random numbers")
    if not all(np.isfinite(one.given).all() for one in wrong):
        if not is_right_under(Conditions(fill=0.0)):
            return None
        return Bug("accumulated", f"{wrong[0].label} is added to the old value; backward must overwrite it")
    stale = Bug("stale", "backward uses values of an earlier pass, not of the latest forward")
    if is_right_under(Conditions(fresh="", forward_again=False)):
        return stale
    for letter in ("x", "y"):
        if is_right_under(Conditions(fresh=letter, forward_again=False)):
            return Bug("overwritten", describe_overwritten(observed, passage, letter))
    if is_right_under(Conditions()) or is_right_under(Conditions(keep_workspace=False)):
        return stale
    return None


def describe_overwritten(observed: ObservedLayer, passage: Passage, letter: str) -> str:
    """Return in words why the values of x or y were lost between forward and backward."""
    if passage.changed_x and letter == "x":
        return "forward writes into its own input x, which backward then reads"
    if letter not in observed.planned.reads:
        reads = "".join(sorted(observed.planned.reads + letter))
        what = f"backward reads {letter}, which the plan does not declare, so it was overwritten"
        return f"{what}: return a plan with reads={reads!r}"
    return f"its {letter} was overwritten between forward and backward"


def run_again(observed: ObservedLayer, passage: Passage, conditions: Conditions) -> tuple[Array, dict[str, Array]]:
    """Run the layer's backward on its own, on fresh arrays; return its dx and the gradients of its parameters."""
    step, dy, fresh = observed.step, passage.dy, conditions.fresh
    assert dy is not None
    assert passage.x_later is not None
    assert passage.y_later is not None
    x = (passage.x if "x" in fresh else passage.x_later).copy()
    y = (passage.y if "y" in fresh else passage.y_later).copy()
    s = step.s
    if not conditions.keep_workspace:
        planned = {"ones", "rows", "rng", "training", "inner", *observed.planned.scratch, *observed.planned.state}
        s = Workspace(**{key: value for key, value in vars(s).items() if key in planned})
    dx = np.full(passage.x.shape, conditions.fill)
    views = dict(vars(step.g))
    g = {key: np.full_like(view, conditions.fill) for key, view in views.items()}
    vars(step.g).update(g)
    passage.rewind(s)
    try:
        with guard_kernels(observed.name):
            if conditions.forward_again:
                observed.layer.forward(step.p, passage.x.copy(), np.empty_like(passage.y), s)
            observed.layer.backward(step.p, step.g, x, y, dy.copy(), dx, s)
    finally:
        vars(step.g).update(views)
    return dx, g


def is_deterministic(observed: ObservedLayer, passage: Passage) -> bool:
    """Return whether the layer gives the same gradients twice."""
    try:
        (dx, g), (other_dx, other_g) = (run_again(observed, passage, Conditions(fill=0.0)) for _ in range(2))
    except KernelError:
        return True
    pairs = [(dx, other_dx), *((g[key], other_g[key]) for key in g)]
    return all(np.array_equal(one, other, equal_nan=True) for one, other in pairs)
