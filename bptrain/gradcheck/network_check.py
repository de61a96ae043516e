"""The check of one twin: at the start and after a few steps, by one method or two, with a diagnosis where it fails."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from bptrain.gradcheck.conduct import find_misconduct, first_not_finite, without_dx
from bptrain.gradcheck.diagnosis.diagnosis import Diagnoses, diagnose, diagnose_exception, values
from bptrain.gradcheck.diagnosis.loss_bugs import bug_of_penalty
from bptrain.gradcheck.methods import Central, ComplexStep, Method
from bptrain.gradcheck.rounding_error import step_aside
from bptrain.gradcheck.safety import unsafe_parts
from bptrain.gradcheck.twin import BURN_IN, Twin
from bptrain.gradcheck.verdict import Check, Entries, Mismatch, compare, fail, index, too_many_skipped
from bptrain.nn.observer import BackwardError

MethodName = Literal["complex", "central", "both"]


def check(twin: Twin, method: MethodName = "complex", entries: Entries = "auto") -> list[Check]:
    """Hold every gradient of the backward pass against the derivative, at the start and after 20 steps of training.

    Args:
        twin: left as it was, to the last bit.
        method: the complex step, central differences, or one after the other. Without complex numbers in a forward
            pass, central differences in any case.
        entries: how many entries of each array are tried one by one; auto: all of small arrays, and directions in
            large ones.

    Returns:
        A check for each parameter in the order of the network, and one for the inputs; a single one that failed where
        a pass does not run through; only what they did where layers or loss write where they must not. Central
        differences add one on entries that were skipped, if any were. Checks of kind `note` come last.
    """
    with twin.unchanged(), warnings.catch_warnings():
        # Somebody's forward pass that casts is told so in a note.
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        try:
            unsafe = dict(unsafe_parts(twin))
            methods: list[Method] = [] if unsafe or method == "central" else [ComplexStep(twin)]
            if unsafe or method != "complex":
                methods.append(Central(twin))
            notes = [not_safe(*one) for one in unsafe.items()] if method != "central" else []
            if wrong := list(find_misconduct(twin)):
                return [*wrong, *notes]
            checks = at_point(twin, methods, entries, "")
            if all(one.passed for one in checks):
                if twin.burn_in():
                    later = at_point(twin, methods, entries, f"after {BURN_IN} steps of training: ")
                    checks = merge(checks, later)
                else:
                    notes.append(note("after training", f"not checked: {BURN_IN} steps of it end in no finite numbers"))
            if all(one.passed for one in checks):
                checks += without_dx(twin)
        except BackwardError as error:
            culprit = diagnose_exception(error)
            one = fail("backward pass", (), 0, str(culprit))
            return [replace(one, kind=culprit.bug.kind, layer=culprit.layer, cause=str(culprit))]
    return [*checks, *notes]


def note(name: str, what: str) -> Check:
    """Something worth knowing that is no verdict."""
    return Check(name, True, 0.0, 0.0, 0, what, kind="note")


def not_safe(name: str, reason: str) -> Check:
    """The note on a part that cannot be run in complex numbers."""
    return note(name, f"forward is not complex-safe ({reason}); checked by central differences")


def at_point(twin: Twin, methods: Sequence[Method], entries: Entries, where: str, aside: bool = True) -> list[Check]:
    """The checks where the twin stands; beside it, if that is just on a kink.

    Raises:
        BackwardError: a pass does not run through.
    """
    checks: list[Check] = []
    for method in methods:
        found, wrong = compare(twin, method, entries)
        if not all(one.passed for one in found):
            if aside and method.exact and step_aside(twin):
                return at_point(twin, methods, entries, where, aside=False)
            return diagnose_checks(twin, found, wrong, where)
        checks = merge(checks, found) if checks else found
        checks.extend(too_many_skipped(found))
    return checks


def merge(checks: Sequence[Check], others: Sequence[Check]) -> list[Check]:
    """The worse of two checks of each array."""
    by_name = {one.name: one for one in others}
    both = [worse(one, by_name.pop(one.name, one)) for one in checks]
    return [*both, *by_name.values()]


def worse(one: Check, other: Check) -> Check:
    """The worse of two checks, with the entries of both."""
    chosen = max(one, other, key=lambda check: (not check.passed, check.severity))
    return replace(chosen, entries=max(one.entries, other.entries), skipped=max(one.skipped, other.skipped))


def diagnose_checks(twin: Twin, checks: Sequence[Check], wrong: dict[str, Mismatch], where: str) -> list[Check]:
    """The checks with a diagnosis for those that failed."""
    found: Diagnoses | BackwardError
    try:
        found = diagnose(twin)
    except BackwardError as error:
        found = error
    return [one if one.passed else diagnose_check(one, wrong.get(one.name), found, where, twin) for one in checks]


def diagnose_check(
    check: Check, wrong: Mismatch | None, found: Diagnoses | BackwardError, where: str, twin: Twin
) -> Check:
    """A failed check with its diagnosis: what is wrong in it, and who makes it wrong."""
    if wrong is None:
        source = first_not_finite(twin) if "the loss is not finite" in (check.diagnosis or "") else None
        what = where + "; ".join(filter(None, (check.diagnosis or "wrong", source)))
        return replace(check, diagnosis=what, cause=what, kind="not_finite" if source else None)
    what = check.diagnosis or f"at {index(check.shape, wrong.k)} {values(wrong.given, wrong.exact)}"
    if wrong.part == "penalty":
        bug = bug_of_penalty(check.name, *penalty_gradients(twin, check.name), len(twin.batches[0].input))
        what = f"{where}{bug.sentence} ({check.name}{what.removeprefix('at ')})"
        return replace(check, diagnosis=what, kind=bug.kind, layer="penalty", cause=f"{where}{bug.sentence}")
    if isinstance(found, BackwardError):
        return replace(
            check, diagnosis=f"{where}{what}; who is to blame could not be seen: {diagnose_exception(found)}"
        )
    culprit = found.culprit(check.name)
    if culprit is None:
        reason = {
            "loss": "each layer is right by itself: something between them is not as in the forward pass",
            "both": "loss and penalty are right apart, and do not add up",
        }[wrong.part]
        return replace(check, diagnosis=f"{where}{what}; {reason}", kind="between")
    cause, kind = f"{where}{culprit}", culprit.bug.kind
    return replace(check, diagnosis=f"{where}{what}; {culprit}", kind=kind, layer=culprit.layer, cause=cause)


def penalty_gradients(twin: Twin, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of the penalty by an array as it is given, and as it is, flat."""
    given = twin.gradients()[1]["penalty"][name].reshape(-1)
    array = twin.arrays()[name]
    return given, np.array([twin.derivative_of_entry(array, k)[1] for k in range(given.size)])
