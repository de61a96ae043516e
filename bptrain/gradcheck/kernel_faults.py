"""Kernel faults: mistakes of a layer or a loss that no derivative shows.

A kernel reads what it is given and fills what it must fill. One that writes elsewhere, leaves something unwritten, or
gives another result each time is wrong, even if its gradients are right.
"""

from collections.abc import Iterator

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.diagnosis.diagnosis import diagnose_exception
from bptrain.gradcheck.safety import is_custom
from bptrain.gradcheck.twin import Twin
from bptrain.gradcheck.verdict import Check, format_index, make_fault_check
from bptrain.nn import Views
from bptrain.nn.observer import KernelError, ObservedLayer, Passage, guard_kernels


def find_faults(twin: Twin) -> Iterator[Check]:
    """Yield a failed check for each fault of a layer or of the loss.

    Raises:
        KernelError: a pass stops with an exception.
    """
    passages = twin.record_passages()
    for observed, _ in twin.layers:
        if not observed.inner:
            for kind, sentence in find_layer_faults(observed, passages[observed.name]):
                yield make_fault_check(observed.name, kind, sentence)
    yield from find_loss_faults(twin)


def find_layer_faults(observed: ObservedLayer, passage: Passage) -> Iterator[tuple[str, str]]:
    """Yield the kind of each fault of a layer, with a sentence that describes it."""
    y, x, changed = run_forward(observed, passage)
    if not np.isfinite(passage.x).all():
        return
    if np.isnan(y).all() and not np.isnan(passage.y).all():
        yield "not_written", "forward never writes y: fill it, as in y[...] = ..."
        return
    if not np.array_equal(x, passage.x):
        yield "overwritten", "forward writes into its input x, which belongs to the layer before"
    for name in changed:
        yield "overwritten", f"forward writes into p.{name}: only the optimizer may change parameters"
    if not np.array_equal(y, run_forward(observed, passage)[0], equal_nan=True):
        advice = "draw random numbers from s.rng, and set random=True in its plan"
        yield "not_repeatable", f"forward gives different values each time: {advice}"
    elif is_custom(observed.layer) and is_single_precision(y) and not is_single_precision(passage.x):
        yield "coarse", "forward computes in float32, which is too imprecise to check: keep the dtype of x"
    if passage.dy is None or not np.isfinite(passage.dy).all():
        return
    parameters = copy_arrays(observed.step.p)
    y = run_forward(observed, passage)[0]
    if not np.array_equal(run_backward(observed, passage, y, np.empty_like(x)), passage.x):
        yield "overwritten", "backward writes into x, which other layers still read"
    for name in restore_parameters(observed, parameters):
        yield "overwritten", f"backward writes into p.{name}: only the optimizer may change parameters"


def run_forward(observed: ObservedLayer, passage: Passage) -> tuple[Array, Array, list[str]]:
    """Run the layer's forward on its own; return y, x as forward leaves it, and the parameters that it changed."""
    step, x, y = observed.step, passage.x.copy(), np.full(passage.y.shape, np.nan)
    parameters = copy_arrays(step.p)
    passage.rewind(step.s)
    with guard_kernels(observed.name, "forward"):
        observed.layer.forward(step.p, x, y, step.s)
    return y, x, restore_parameters(observed, parameters)


def run_backward(
    observed: ObservedLayer, passage: Passage, y: Array, dx: Array | None, what: str = "backward"
) -> Array:
    """Run the layer's backward on its own, given the y of its forward; return x as backward leaves it."""
    assert passage.dy is not None
    step, x = observed.step, passage.x.copy()
    with guard_kernels(observed.name, what):
        observed.layer.backward(step.p, type(step.g)(**copy_arrays(step.g)), x, y, passage.dy.copy(), dx, step.s)
    return x


def copy_arrays(views: Views) -> dict[str, Array]:
    """Return a copy of each array, by name."""
    return {name: array.copy() for name, array in vars(views).items()}


def restore_parameters(observed: ObservedLayer, before: dict[str, Array]) -> list[str]:
    """Put the parameters back as they were; return the names of those that had changed."""
    now = vars(observed.step.p)
    changed = [name for name, value in before.items() if not np.array_equal(now[name], value, equal_nan=True)]
    for name in changed:
        if now[name].shape == before[name].shape:
            now[name][...] = before[name]
    return changed


def find_faults_without_dx(twin: Twin) -> Iterator[Check]:
    """Yield a failed check for each layer with parameters whose backward needs dx, which is None in the first layer.

    Raises:
        KernelError: a forward pass stops with an exception.
    """
    passages = twin.record_passages()
    for observed, _ in twin.layers:
        passage = passages[observed.name]
        if observed.planned.parameters and passage.dy is not None:
            y = run_forward(observed, passage)[0]
            try:
                run_backward(observed, passage, y, None, "backward without dx")
            except KernelError as error:
                what = "dx is None if the layer is the first: do not compute it then"
                yield make_fault_check(observed.name, "exception", f"{diagnose_exception(error).bug.sentence}; {what}")


def is_single_precision(array: Array) -> bool:
    """Return whether all numbers fit into float32, though most are neither whole numbers nor simple fractions."""
    with np.errstate(over="ignore"):
        rounded = np.array_equal(array, array.astype(np.float32), equal_nan=True)
    return rounded and float(np.mean(array * 64 != np.round(array * 64))) > 0.5


def find_loss_faults(twin: Twin) -> Iterator[Check]:
    """Yield a failed check for each array that the loss writes into and must not."""
    twin.compute_objective()
    batch = twin.batches[0]
    with guard_kernels(twin.loss_name):
        batch.frame.forward(training=True)
        scores, targets = batch.frame.scores.copy(), batch.targets.copy()
        twin.real.loss.value_and_grad(batch.frame.scores, batch.targets, None, batch.frame.dscores, batch.scratch)
    if not np.array_equal(scores, batch.frame.scores, equal_nan=True):
        yield make_fault_check(
            twin.loss_name, "overwritten", "it writes into scores, which the last layer may still read"
        )
    if not np.array_equal(targets, batch.targets):
        yield make_fault_check(twin.loss_name, "overwritten", "it writes into targets")


def explain_nonfinite(twin: Twin) -> str | None:
    """Name the first layer that turns finite numbers into infinite ones or NaN, with the input at which it does."""
    passages = twin.record_passages(backward=False)
    for observed, _ in reversed(list(twin.layers)):
        passage = passages[observed.name]
        if np.isfinite(passage.x).all() and not np.isfinite(passage.y).all():
            k = int(np.argmin(np.isfinite(passage.y)))
            what = f"{observed.name}: forward gives {passage.y.reshape(-1)[k]:g} at {format_index(passage.y.shape, k)}"
            same = passage.x.shape == passage.y.shape
            return f"{what}, where x is {passage.x.reshape(-1)[k]:.6g}" if same else what
    return None
