"""Conduct: what a layer or a loss must not do though no derivative shows it.

A kernel reads what it is given and fills what it is to fill. One that writes elsewhere, leaves something unwritten, or
says something else each time is wrong whatever its gradients are.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.diagnosis.diagnosis import diagnose_exception
from bptrain.gradcheck.safety import is_foreign
from bptrain.gradcheck.twin import Twin
from bptrain.gradcheck.verdict import Check, fail, index
from bptrain.nn.observer import BackwardError, ObservedLayer, Passage, PassageObserver, guard_kernels, in_backward_order


def find_misconduct(twin: Twin) -> Iterator[Check]:
    """The failed checks of what layers and loss must not do.

    Raises:
        BackwardError: a pass does not run through.
    """
    observer = PassageObserver()
    with twin.observe(observer):
        twin.run_pass(twin.real.loss_and_grad)
    for observed in in_backward_order(twin.observed[0]):
        passage = observer.passages[observed.name]
        if not observed.inner:
            for kind, what in of_layer(observed, passage):
                yield fail_part(observed.name, kind, what)
    yield from of_loss(twin)


def fail_part(name: str, kind: str, what: str) -> Check:
    """A failed check with the layer to blame and the kind of bug."""
    text = f"{name}: {what}"
    return replace(fail(name, (), 0, text), kind=kind, layer=name, cause=text)


def of_layer(observed: ObservedLayer, passage: Passage) -> Iterator[tuple[str, str]]:
    """What a layer does that it must not: the kind of bug, and a sentence."""
    y, x, changed = forward(observed, passage)
    if not np.isfinite(passage.x).all():
        return
    if np.isnan(y).all() and not np.isnan(passage.y).all():
        yield "not_written", "forward never writes y: it must fill it, as in y[...] = ..."
        return
    if not np.array_equal(x, passage.x):
        yield "overwritten", "forward writes into its input x, which belongs to the layer before"
    for name in changed:
        yield "overwritten", f"forward writes into p.{name}: only the optimizer changes parameters"
    if not np.array_equal(y, forward(observed, passage)[0], equal_nan=True):
        what = "forward gives other values each time: random numbers come from s.rng, in a plan that says random=True"
        yield "not_repeatable", what
    elif is_foreign(observed.layer) and is_coarse(y) and not is_coarse(passage.x):
        yield "coarse", "forward computes in float32, too coarse to be checked: keep the dtype of x"
    yield from of_backward(observed, passage)


def forward(observed: ObservedLayer, passage: Passage) -> tuple[Array, Array, list[str]]:
    """The layer's forward by itself: y, x afterwards, and the parameters that it changed."""
    step, x, y = observed.step, passage.x.copy(), np.full(passage.y.shape, np.nan)
    kept = {name: value.copy() for name, value in vars(step.p).items()}
    passage.rewind(step.s)
    with guard_kernels(observed.name, "forward"):
        observed.layer.forward(step.p, x, y, step.s)
    return y, x, restore(observed, kept)


def restore(observed: ObservedLayer, kept: dict[str, Array]) -> list[str]:
    """The parameters that are no longer as they were; they are again."""
    now = vars(observed.step.p)
    changed = [name for name, value in kept.items() if not np.array_equal(now[name], value, equal_nan=True)]
    for name in changed:
        if now[name].shape == kept[name].shape:
            now[name][...] = kept[name]
    return changed


def of_backward(observed: ObservedLayer, passage: Passage) -> Iterator[tuple[str, str]]:
    """What a backward does that it must not."""
    step, x, dy = observed.step, passage.x.copy(), passage.dy
    if dy is None or not np.isfinite(dy).all():
        return
    kept = {name: value.copy() for name, value in vars(step.p).items()}
    y, g = forward(observed, passage)[0], type(step.g)(**{key: one.copy() for key, one in vars(step.g).items()})
    with guard_kernels(observed.name, "backward"):
        observed.layer.backward(step.p, g, x, y, dy.copy(), np.empty_like(x), step.s)
    if not np.array_equal(x, passage.x):
        yield "overwritten", "backward writes into x, which others still read"
    for name in restore(observed, kept):
        yield "overwritten", f"backward writes into p.{name}: only the optimizer changes parameters"


def without_dx(twin: Twin) -> Iterator[Check]:
    """The failed checks of layers that cannot do without dx, though they may be the first, where nobody asks for it.

    Raises:
        BackwardError: a forward pass does not run through.
    """
    observer = PassageObserver()
    with twin.observe(observer):
        twin.run_pass(twin.real.loss_and_grad)
    for observed in in_backward_order(twin.observed[0]):
        passage, step = observer.passages[observed.name], observed.step
        if observed.planned.parameters and passage.dy is not None:
            y, g = forward(observed, passage)[0], type(step.g)(**{k: one.copy() for k, one in vars(step.g).items()})
            try:
                with guard_kernels(observed.name, "backward without dx"):
                    observed.layer.backward(step.p, g, passage.x.copy(), y, passage.dy.copy(), None, step.s)
            except BackwardError as error:
                what = "dx is None where the layer is the first, and then not to be computed"
                yield fail_part(observed.name, "exception", f"{diagnose_exception(error).bug.sentence}; {what}")


def is_coarse(array: Array) -> bool:
    """Whether all numbers are float32 inside, and most of them not so by right, as whole numbers and halves are."""
    with np.errstate(over="ignore"):
        rounded = np.array_equal(array, array.astype(np.float32), equal_nan=True)
    return rounded and float(np.mean(array * 64 != np.round(array * 64))) > 0.5


def of_loss(twin: Twin) -> Iterator[Check]:
    """What a loss does that it must not."""
    twin.values()
    batch = twin.batches[0]
    with guard_kernels(twin.loss_name):
        batch.frame.forward(training=True)
        scores, targets = batch.frame.scores.copy(), batch.targets.copy()
        twin.real.loss.value_and_grad(batch.frame.scores, batch.targets, None, batch.frame.dscores, batch.scratch)
    if not np.array_equal(scores, batch.frame.scores, equal_nan=True):
        yield fail_part(twin.loss_name, "overwritten", "it writes into the scores, which the last layer may still read")
    if not np.array_equal(targets, batch.targets):
        yield fail_part(twin.loss_name, "overwritten", "it writes into the targets")


def first_not_finite(twin: Twin) -> str | None:
    """The first layer that makes finite numbers into others, with the input at which it does, in words."""
    observer = PassageObserver()
    with twin.observe(observer):
        twin.values()
    for observed in reversed(list(in_backward_order(twin.observed[0]))):
        passage = observer.passages[observed.name]
        if np.isfinite(passage.x).all() and not np.isfinite(passage.y).all():
            k = int(np.argmin(np.isfinite(passage.y)))
            what = f"{observed.name}: forward gives {passage.y.reshape(-1)[k]:g} at {index(passage.y.shape, k)}"
            same = passage.x.shape == passage.y.shape
            return f"{what}, where x is {passage.x.reshape(-1)[k]:.6g}" if same else what
    return None
