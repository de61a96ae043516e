"""The check of one twin: at the start and after a few steps, by one method or two, with a diagnosis where it fails."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.diagnosis.diagnosis import (
    Diagnoses,
    diagnose,
    diagnose_exception,
    diagnose_penalty,
    format_values,
)
from bptrain.gradcheck.kernel_faults import explain_nonfinite, find_faults, find_faults_without_dx
from bptrain.gradcheck.methods import Central, ComplexStep, Method
from bptrain.gradcheck.rounding_error import leave_kinks
from bptrain.gradcheck.safety import find_unsafe
from bptrain.gradcheck.twin import Twin
from bptrain.gradcheck.verdict import (
    Check,
    Entries,
    Mismatch,
    compare_gradients,
    format_index,
    judge_skipped,
    make_failed_check,
)
from bptrain.nn.observer import KernelError, guard_kernels
from bptrain.optim import Adam

BURN_IN_STEPS = 20

MethodName = Literal["complex", "central", "both"]


def check(twin: Twin, method: MethodName = "complex", entries: Entries = "auto") -> list[Check]:
    """Check every gradient of the backward pass against the derivative, at the start and after 20 steps of training.

    Args:
        twin: left as it was, to the last bit.
        method: the complex step, central differences, or both. A forward pass that cannot run in complex numbers is
            checked by central differences in any case.
        entries: how many entries of each array are tried one by one; auto: all of small arrays, and directions in large
            ones.

    Returns:
        A check for each parameter in the order of the network, and one for the inputs. If a pass stops with an
        exception, one failed check; if a layer or the loss has a fault that no derivative shows, the failed checks of
        these faults. Central differences add a check of the entries that were skipped, if any were. Checks of kind
        `note` come last.
    """
    with twin.preserve(), warnings.catch_warnings():
        # A forward pass that casts complex numbers to real ones gets a note instead.
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        try:
            unsafe = dict(find_unsafe(twin))
            methods: list[Method] = [] if unsafe or method == "central" else [ComplexStep(twin)]
            if unsafe or method != "complex":
                methods.append(Central(twin))
            notes = [
                make_note(name, f"forward is not complex-safe ({reason}); checked by central differences")
                for name, reason in unsafe.items()
                if method != "central"
            ]
            if faults := list(find_faults(twin)):
                return [*faults, *notes]
            checks = check_here(twin, methods, entries, "")
            if all(one.passed for one in checks):
                if burn_in(twin):
                    later = check_here(twin, methods, entries, f"after {BURN_IN_STEPS} steps of training: ")
                    checks = merge_checks(checks, later)
                else:
                    what = f"not checked: after {BURN_IN_STEPS} steps the parameters are not finite"
                    notes.append(make_note("after training", what))
            if all(one.passed for one in checks):
                checks += find_faults_without_dx(twin)
        except KernelError as error:
            found = diagnose_exception(error)
            failure = make_failed_check("backward pass", str(found))
            return [replace(failure, kind=found.bug.kind, layer=found.layer, cause=str(found))]
    return [*checks, *notes]


def burn_in(twin: Twin) -> bool:
    """Train a twin for `BURN_IN_STEPS` steps of Adam on its rows, and leave it there.

    Returns:
        False if the numbers did not stay finite; then the parameters are as before.

    Raises:
        KernelError: a pass stops with an exception.
    """
    network, rule = twin.real.network, Adam(lr=0.01)
    start = network.theta.copy()
    slots = [np.zeros_like(start) for _ in range(rule.slots)]
    twin.rewind()
    for step in range(1, BURN_IN_STEPS + 1):
        network.rng.restore(twin.streams)
        with guard_kernels(twin.loss_name):
            twin.real.value_and_grad(twin.batches[0])
            rule.update(network.theta, network.grad, slots, lr=rule.lr, step=step, decayed=0)
    if not (np.isfinite(network.theta).all() and np.isfinite(network.state).all()):
        network.theta[...], network.state[...] = start, twin.state
        return False
    twin.state = network.state.copy()
    twin.sync_complex()
    return True


def make_note(name: str, text: str) -> Check:
    """Return a check of kind `note`: a remark, not a verdict."""
    return Check(name, True, 0.0, 0.0, 0, text, kind="note")


def check_here(twin: Twin, methods: Sequence[Method], entries: Entries, when: str, retry: bool = True) -> list[Check]:
    """Check the gradients at the present parameters of a twin, or next to them if these lie exactly at a kink.

    Each diagnosis begins with `when`.

    Raises:
        KernelError: a pass stops with an exception.
    """
    checks: list[Check] = []
    for method in methods:
        found, wrong = compare_gradients(twin, method, entries)
        if not all(one.passed for one in found):
            if retry and method.exact and leave_kinks(twin):
                return check_here(twin, methods, entries, when, retry=False)
            return diagnose_checks(twin, found, wrong, when)
        checks = merge_checks(checks, found) if checks else found
        checks.extend(judge_skipped(found))
    return checks


def merge_checks(checks: Sequence[Check], others: Sequence[Check]) -> list[Check]:
    """Return the worse of two checks of each array, with the entries of both."""
    by_name = {one.name: one for one in others}
    merged = []
    for one in checks:
        other = by_name.pop(one.name, one)
        worse = max(one, other, key=lambda check: (not check.passed, check.severity))
        entries, skipped = max(one.entries, other.entries), max(one.skipped, other.skipped)
        merged.append(replace(worse, entries=entries, skipped=skipped))
    return [*merged, *by_name.values()]


def diagnose_checks(twin: Twin, checks: Sequence[Check], wrong: dict[str, Mismatch], when: str) -> list[Check]:
    """Add a diagnosis to the checks that failed."""
    found: Diagnoses | KernelError
    try:
        found = diagnose(twin)
    except KernelError as error:
        found = error
    return [one if one.passed else diagnose_check(one, wrong.get(one.name), found, when, twin) for one in checks]


def diagnose_check(
    check: Check, wrong: Mismatch | None, found: Diagnoses | KernelError, when: str, twin: Twin
) -> Check:
    """Return a failed check with its diagnosis: what is wrong in it, and which layer causes that."""
    if wrong is None:
        source = explain_nonfinite(twin) if "the loss is not finite" in (check.diagnosis or "") else None
        what = when + "; ".join(filter(None, (check.diagnosis or "wrong", source)))
        return replace(check, diagnosis=what, cause=what, kind="not_finite" if source else None)
    what = check.diagnosis or f"at {format_index(check.shape, wrong.k)} {format_values(wrong.given, wrong.exact)}"
    if wrong.term == "penalty":
        bug = diagnose_penalty(check.name, *compute_penalty_gradients(twin, check.name), len(twin.batches[0].input))
        cause = f"{when}{bug.sentence}"
        text = f"{cause} ({check.name}{what.removeprefix('at ')})"
        return replace(check, diagnosis=text, kind=bug.kind, layer="penalty", cause=cause)
    if isinstance(found, KernelError):
        failure = f"the layer that causes it could not be found: {diagnose_exception(found)}"
        return replace(check, diagnosis=f"{when}{what}; {failure}")
    mistake = found.find_cause(check.name)
    if mistake is None:
        reason = {
            "loss": "each layer is right on its own; something between them differs from the forward pass",
            "both": "loss and penalty are each right, but their sum is not",
        }[wrong.term]
        return replace(check, diagnosis=f"{when}{what}; {reason}", kind="between")
    layer, kind = mistake.layer, mistake.bug.kind
    diagnosis, cause = f"{when}{what}; {mistake}", f"{when}{mistake}"
    return replace(check, diagnosis=diagnosis, kind=kind, layer=layer, cause=cause)


def compute_penalty_gradients(twin: Twin, name: str) -> tuple[Array, Array]:
    """Return the gradient of the penalty by an array as backward gives it, and as it should be, both flat."""
    given = twin.compute_gradients()[1]["penalty"][name].reshape(-1)
    array = twin.complex_arrays[name]
    return given, np.array([twin.differentiate_entry(array, k)[1] for k in range(given.size)])
