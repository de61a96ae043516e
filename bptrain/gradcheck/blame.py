"""Blame: from a gradient that is wrong to the layer that makes it wrong, and to what the layer does wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.comparison import Wrong, index
from bptrain.gradcheck.evidence import Evidence, by_layer, derivative_of_loss, gathered, same
from bptrain.gradcheck.mistakes import Mistake, ratio_in_words, ratio_of, recognised, subject
from bptrain.gradcheck.twin import BackwardError, Twin, running
from bptrain.gradcheck.witness import Passage, Recorder, Witness, every
from bptrain.nn import Workspace
from bptrain.registry import name_of

STALE = "backward uses what an earlier pass left behind, not what the latest forward computed"


@dataclass(frozen=True)
class Blame:
    """The first wrong layer in backward order, or the loss, or the penalty, with its mistake and the worst entry."""

    layer: str
    tensor: str
    mistake: Mistake
    entry: str = ""
    given: float = float("nan")
    exact: float = float("nan")

    def __str__(self) -> str:
        text = f"{self.layer}: {self.mistake.sentence}"
        if self.entry:
            text += f" ({self.tensor}{self.entry}: {values(self.given, self.exact)})"
        return text


def values(given: float, exact: float) -> str:
    """Both values and their ratio."""
    ratio = f", ratio {given / exact:.6g}" if exact and np.isfinite(given) else ""
    return f"backward gives {given:.9g}, the truth is {exact:.9g}{ratio}"


def blame(twin: Twin, wrong: Sequence[Wrong]) -> Blame | None:
    """Who is to blame for wrong gradients, as the twin stands; None if no one can be found."""
    if wrong and all(one.part == "penalty" for one in wrong):
        return None
    passages, scores, dscores = gathered(twin)
    if found := of_loss(twin, scores, dscores):
        return found
    for witness, evidence in by_layer(twin, passages):
        if found := of_layer(witness, passages[witness.name], evidence):
            # What is wrong inside a block makes the block wrong.
            inside = {one.name for one in every(witness.inner)}
            deeper = (
                of_layer(one, passages[one.name], list(proofs))
                for one, proofs in by_layer(twin, passages)
                if one.name in inside
            )
            return next((one for one in deeper if one), found)
    return between(twin, passages)


def of_exception(twin: Twin, error: BackwardError) -> Blame:
    """The layer in which a pass stopped."""
    recorder, cause = Recorder(), error.__cause__
    what = f"stops with {type(cause).__name__}: {cause}"
    try:
        with twin.observed(recorder):
            twin.gradients()
    except BackwardError:
        pass
    names = [witness.name for witness in every(twin.witnesses[0])]
    begun = [name for name in names if name in recorder.passages]
    if len(begun) < len(names):
        first = next(name for name in reversed(names) if name not in recorder.passages)
        return Blame(first, first, Mistake("exception", f"forward {what}"))
    stopped = [name for name in names if recorder.passages[name].dy is not None]
    if not stopped:
        loss = f"loss {name_of(twin.real.loss)}"
        return Blame(loss, loss, Mistake("exception", what))
    last = min(stopped, key=lambda name: -names.index(name))
    return Blame(last, last, Mistake("wrong_shape" if "shape" in str(cause) else "exception", f"backward {what}"))


def of_loss(twin: Twin, scores: Array, dscores: Array) -> Blame | None:
    """The loss, if its dscores are wrong."""
    exact = derivative_of_loss(twin, scores)
    if np.isfinite(dscores).all() and same(dscores, exact, 1e-9 if twin.loss_is_complex_safe else 1e-5):
        return None
    loss, n = twin.real.loss, len(scores)
    name = f"loss {name_of(loss)}"
    k = worst(dscores, exact)
    return Blame(
        name,
        "dscores",
        mistake_of_loss(twin, scores, dscores, exact, n),
        index(exact.shape, k),
        float(dscores.reshape(-1)[k]),
        float(exact.reshape(-1)[k]),
    )


def mistake_of_loss(twin: Twin, scores: Array, dscores: Array, exact: Array, n: int) -> Mistake:
    """What is wrong with the gradient of a loss."""
    given = dscores.reshape(-1)
    if not np.isfinite(given).all():
        return Mistake("not_finite", "dscores are not finite, or not all written")
    if not given.any():
        return Mistake("zero", "dscores are all zero: nothing is learned")
    if same(given, -exact.reshape(-1)):
        return Mistake("sign", "dscores have the wrong sign: target minus output, not output minus target")
    outputs = twin.real.loss.outputs(scores.copy(), np.empty_like(scores))
    targets = twin.batches[0].targets
    if targets.shape != scores.shape:
        codes = targets.reshape(-1).astype(int)
        targets = (codes[:, None] == np.arange(scores.shape[1])) if scores.shape[1] > 1 else codes[:, None]
    ratio = ratio_of(given, exact.reshape(-1))
    if ratio is not None:
        return Mistake(*ratio_in_words(ratio, "dscores", n, scores.shape[1]))
    for share in (n, n * scores.shape[1]):
        if same(given, (outputs / share).reshape(-1)):
            return Mistake("target_missing", "dscores are the outputs: the target is not subtracted")
        if same(given, ((scores - targets) / share).reshape(-1)):
            return Mistake("output_missing", "dscores are scores minus targets: the scores are not made outputs first")
    if same(given, (exact * outputs * (1 - outputs)).reshape(-1)):
        what = "dscores have the factor y (1 - y): the derivative of the output is in them already, and cancels"
        return Mistake("derivative_twice", what)
    off = np.abs(given - exact.reshape(-1)) > 1e-9 * np.abs(exact).max()
    return Mistake("entries", f"{int(off.sum())} of {given.size} entries of dscores are wrong")


def of_layer(witness: Witness, passage: Passage, evidence: list[Evidence]) -> Blame | None:
    """The layer, if anything that its backward gave is wrong."""
    assert passage.dy is not None
    if not np.isfinite(passage.dy).all():
        return None
    for one in evidence:
        if one.tensor != "dx" and one.tensor in passage.rebound:
            return blamed(witness, one, rebound(one, passage))
    wrong = [one for one in evidence if one.is_wrong()]
    if not wrong:
        return None
    # A wrong dx often has a cause that is the layer's own, and a wrong parameter says more of the same.
    first = wrong[0]
    return blamed(witness, first, history(witness, passage, wrong) or local(first))


def local(evidence: Evidence) -> Mistake:
    """What is wrong with an array, by its values alone."""
    given = evidence.given
    if np.isnan(given).all():
        what = f"{subject(evidence)} is never written"
        return Mistake(
            "not_written",
            f"{what}: backward must fill it, as in g.{evidence.tensor}[...] = ..."
            if evidence.tensor != "dx"
            else f"{what}: backward must fill it, as in dx[...] = ...",
        )
    if not np.isfinite(given).all():
        count = int((~np.isfinite(given)).sum())
        return Mistake("not_finite", f"{count} of {given.size} entries of {subject(evidence)} are not finite")
    return recognised(evidence)


def rebound(evidence: Evidence, passage: Passage) -> Mistake:
    """A gradient put beside the array that was to be filled."""
    array = passage.rebound[evidence.tensor]
    shape = getattr(array, "shape", ())
    if shape != evidence.given.shape:
        what = f"the gradient of {evidence.tensor} has the shape {shape}; it must have {evidence.given.shape}"
        return Mistake("wrong_shape", what)
    what = f"g.{evidence.tensor} = ... makes a new array that nobody sees; write g.{evidence.tensor}[...] = ..."
    return Mistake("rebound", what)


def history(witness: Witness, passage: Passage, wrong: list[Evidence]) -> Mistake | None:
    """A mistake of when rather than of what: right with fresh arrays, wrong with those of the run."""
    if not deterministic(witness, passage):
        return Mistake("not_repeatable", "the same pass gives other gradients each time: something is drawn anew")
    if not all(np.isfinite(one.given).all() for one in wrong):
        if not mends(witness, passage, wrong, fill=0.0):
            return None
        return Mistake("accumulated", f"{subject(wrong[0])} is added to what was there; backward must overwrite it")
    if mends(witness, passage, wrong, pristine="", forward_again=False):
        return Mistake("stale", STALE)
    for letter in ("x", "y"):
        if mends(witness, passage, wrong, pristine=letter, forward_again=False):
            return Mistake("overwritten", overwritten(witness, passage, letter))
    if mends(witness, passage, wrong, kept=True) or mends(witness, passage, wrong, kept=False):
        return Mistake("stale", STALE)
    return None


def overwritten(witness: Witness, passage: Passage, letter: str) -> str:
    """Who lost the values of x or y between forward and backward."""
    if passage.changed_x and letter == "x":
        return "forward writes into its own input x, which backward then reads"
    if letter not in witness.planned.reads:
        reads = "".join(sorted(witness.planned.reads + letter))
        what = f"backward reads {letter}, but the plan does not say so, and it was overwritten"
        return f"{what}: let the plan say reads={reads!r}"
    return f"its {letter} was overwritten between forward and backward"


def mends(
    witness: Witness,
    passage: Passage,
    wrong: list[Evidence],
    *,
    fill: float = np.nan,
    pristine: str = "xy",
    forward_again: bool = True,
    kept: bool = True,
) -> bool:
    """Whether the layer gets everything right if its backward is run by itself, on fresh arrays.

    Args:
        witness: the layer.
        passage: its pass.
        wrong: the evidence against it.
        fill: what is in the gradients before; NaN shows what is not written.
        pristine: which of x and y are as forward saw them; the others as backward saw them.
        forward_again: whether forward runs just before.
        kept: whether forward finds what the layer itself left in its workspace.
    """
    try:
        dx, g = rerun(witness, passage, fill, pristine, forward_again, kept)
    except BackwardError:
        return False
    arrays = {**g, "dx": dx}
    return all(one.is_right(arrays[one.tensor]) for one in wrong)


def rerun(
    witness: Witness,
    passage: Passage,
    fill: float = np.nan,
    pristine: str = "xy",
    forward_again: bool = True,
    kept: bool = True,
) -> tuple[Array, dict[str, Array]]:
    """The layer's passes by themselves: its dx and the gradients of its parameters."""
    step, dy = witness.step, passage.dy
    assert dy is not None
    assert passage.x_later is not None
    assert passage.y_later is not None
    x = (passage.x if "x" in pristine else passage.x_later).copy()
    y = (passage.y if "y" in pristine else passage.y_later).copy()
    s = step.s
    if not kept:
        planned = {"ones", "rows", "rng", "training", "inner", *witness.planned.scratch, *witness.planned.state}
        s = Workspace(**{key: value for key, value in vars(s).items() if key in planned})
    dx = np.full(passage.x.shape, fill)
    views = dict(vars(step.g))
    g = {key: np.full_like(view, fill) for key, view in views.items()}
    vars(step.g).update(g)
    s.rng.bit_generator.state = passage.masks
    s.training = True
    try:
        with running():
            if forward_again:
                witness.layer.forward(step.p, passage.x.copy(), np.empty_like(passage.y), s)
            witness.layer.backward(step.p, step.g, x, y, dy.copy(), dx, s)
    finally:
        vars(step.g).update(views)
    return dx, g


def deterministic(witness: Witness, passage: Passage) -> bool:
    """Whether the layer gives the same gradients twice."""
    try:
        (dx, g), (again, g_again) = (rerun(witness, passage, 0.0) for _ in range(2))
    except BackwardError:
        return True
    every_one = [(dx, again), *((g[key], g_again[key]) for key in g)]
    return all(np.array_equal(one, two, equal_nan=True) for one, two in every_one)


def blamed(witness: Witness, evidence: Evidence, mistake: Mistake) -> Blame:
    """The blame, with the worst entry of the array."""
    k = worst(evidence.values, evidence.exact)
    tensor = f"dx of {witness.name}" if evidence.tensor == "dx" else f"{witness.name}.{evidence.tensor}"
    entry = index(evidence.given.shape, int(evidence.at[k]))
    return Blame(witness.name, tensor, mistake, entry, float(evidence.values[k]), float(evidence.exact[k]))


def between(twin: Twin, passages: dict[str, Passage]) -> Blame | None:
    """Two neighbours of which one does not get what the other gave."""
    seen = [witness for witness in twin.witnesses[0] if passages[witness.name].dy is not None]
    for before, after in pairwise(seen):
        given, got = passages[after.name].dx, passages[before.name].dy
        if given is not None and got is not None and not np.array_equal(given, got, equal_nan=True):
            what = f"dx of {after.name} is overwritten before {before.name} reads it"
            return Blame(before.name, f"dy of {before.name}", Mistake("overwritten", what))
    return None


def worst(given: Array, exact: Array) -> int:
    """The entry with the largest error; one that is not finite before all."""
    errors = np.abs(given.reshape(-1) - exact.reshape(-1))
    return int(np.argmax(np.where(np.isfinite(errors), errors, np.inf)))
