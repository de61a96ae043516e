"""Bugs of when rather than of what: a layer that is right by itself, on fresh arrays, and wrong in the run."""

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.diagnosis.bug import Bug, subject
from bptrain.gradcheck.diagnosis.layer_gradient import LayerGradient
from bptrain.gradcheck.diagnosis.recognition import recognise
from bptrain.nn import Workspace
from bptrain.nn.observer import BackwardError, ObservedLayer, Passage, guard_kernels

STALE = "backward uses what an earlier pass left behind, not what the latest forward computed"


def bug_of(observed: ObservedLayer, passage: Passage, wrong: list[LayerGradient], one: LayerGradient) -> Bug:
    """What is wrong with one array of a layer, of which several may be wrong."""
    if one.tensor in passage.rebound:
        return rebound_bug(one, passage)
    return history(observed, passage, wrong) or local(one)


def local(gradient: LayerGradient) -> Bug:
    """What is wrong with an array, by its values alone."""
    given = gradient.given
    if np.isnan(given).all():
        what = f"{subject(gradient)} is never written"
        return Bug(
            "not_written",
            f"{what}: backward must fill it, as in g.{gradient.tensor}[...] = ..."
            if gradient.tensor != "dx"
            else f"{what}: backward must fill it, as in dx[...] = ...",
        )
    if not np.isfinite(given).all():
        count = int((~np.isfinite(given)).sum())
        return Bug("not_finite", f"{count} of {given.size} entries of {subject(gradient)} are not finite")
    return recognise(gradient)


def rebound_bug(gradient: LayerGradient, passage: Passage) -> Bug:
    """A gradient put beside the array that was to be filled."""
    array = passage.rebound[gradient.tensor]
    shape = getattr(array, "shape", ())
    if shape != gradient.given.shape:
        what = f"the gradient of {gradient.tensor} has the shape {shape}; it must have {gradient.given.shape}"
        return Bug("wrong_shape", what)
    what = f"g.{gradient.tensor} = ... makes a new array that nobody sees; write g.{gradient.tensor}[...] = ..."
    return Bug("rebound", what)


def history(observed: ObservedLayer, passage: Passage, wrong: list[LayerGradient]) -> Bug | None:
    """A mistake of when rather than of what: right with fresh arrays, wrong with those of the run."""
    if not is_deterministic(observed, passage):
        return Bug("not_repeatable", "the same pass gives other gradients each time: something is drawn anew")
    if not all(np.isfinite(one.given).all() for one in wrong):
        if not mends(observed, passage, wrong, fill=0.0):
            return None
        return Bug("accumulated", f"{subject(wrong[0])} is added to what was there; backward must overwrite it")
    if mends(observed, passage, wrong, pristine="", forward_again=False):
        return Bug("stale", STALE)
    for letter in ("x", "y"):
        if mends(observed, passage, wrong, pristine=letter, forward_again=False):
            return Bug("overwritten", overwritten(observed, passage, letter))
    if mends(observed, passage, wrong, kept=True) or mends(observed, passage, wrong, kept=False):
        return Bug("stale", STALE)
    return None


def overwritten(observed: ObservedLayer, passage: Passage, letter: str) -> str:
    """Who lost the values of x or y between forward and backward."""
    if passage.changed_x and letter == "x":
        return "forward writes into its own input x, which backward then reads"
    if letter not in observed.planned.reads:
        reads = "".join(sorted(observed.planned.reads + letter))
        what = f"backward reads {letter}, but the plan does not say so, and it was overwritten"
        return f"{what}: let the plan say reads={reads!r}"
    return f"its {letter} was overwritten between forward and backward"


def mends(
    observed: ObservedLayer,
    passage: Passage,
    wrong: list[LayerGradient],
    *,
    fill: float = np.nan,
    pristine: str = "xy",
    forward_again: bool = True,
    kept: bool = True,
) -> bool:
    """Whether the layer gets everything right if its backward is run by itself, on fresh arrays.

    Args:
        observed: the layer.
        passage: its pass.
        wrong: its gradients that are wrong.
        fill: what is in the gradients before; NaN shows what is not written.
        pristine: which of x and y are as forward saw them; the others as backward saw them.
        forward_again: whether forward runs just before.
        kept: whether forward finds what the layer itself left in its workspace.
    """
    try:
        dx, g = rerun(observed, passage, fill, pristine, forward_again, kept)
    except BackwardError:
        return False
    arrays = {**g, "dx": dx}
    return all(one.is_right(arrays[one.tensor]) for one in wrong)


def rerun(
    observed: ObservedLayer,
    passage: Passage,
    fill: float = np.nan,
    pristine: str = "xy",
    forward_again: bool = True,
    kept: bool = True,
) -> tuple[Array, dict[str, Array]]:
    """The layer's passes by themselves: its dx and the gradients of its parameters."""
    step, dy = observed.step, passage.dy
    assert dy is not None
    assert passage.x_later is not None
    assert passage.y_later is not None
    x = (passage.x if "x" in pristine else passage.x_later).copy()
    y = (passage.y if "y" in pristine else passage.y_later).copy()
    s = step.s
    if not kept:
        planned = {"ones", "rows", "rng", "training", "inner", *observed.planned.scratch, *observed.planned.state}
        s = Workspace(**{key: value for key, value in vars(s).items() if key in planned})
    dx = np.full(passage.x.shape, fill)
    views = dict(vars(step.g))
    g = {key: np.full_like(view, fill) for key, view in views.items()}
    vars(step.g).update(g)
    passage.rewind(s)
    try:
        with guard_kernels(observed.name):
            if forward_again:
                observed.layer.forward(step.p, passage.x.copy(), np.empty_like(passage.y), s)
            observed.layer.backward(step.p, step.g, x, y, dy.copy(), dx, s)
    finally:
        vars(step.g).update(views)
    return dx, g


def is_deterministic(observed: ObservedLayer, passage: Passage) -> bool:
    """Whether the layer gives the same gradients twice."""
    try:
        (dx, g), (again, g_again) = (rerun(observed, passage, 0.0) for _ in range(2))
    except BackwardError:
        return True
    every_one = [(dx, again), *((g[key], g_again[key]) for key in g)]
    return all(np.array_equal(one, two, equal_nan=True) for one, two in every_one)
