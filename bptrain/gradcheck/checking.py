"""The check of one twin: at the start and after a few steps, by one method or two, with a diagnosis where it fails."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from bptrain.gradcheck.blame import Blame, blame, of_exception, values
from bptrain.gradcheck.comparison import Check, Entries, Wrong, compare, failed, index, too_many_skipped
from bptrain.gradcheck.methods import Central, ComplexStep, Method
from bptrain.gradcheck.mistakes import ratio_in_words
from bptrain.gradcheck.safety import unsafe_parts
from bptrain.gradcheck.twin import BURN_IN, BackwardError, Twin

MethodName = Literal["complex", "central", "both"]


def check(twin: Twin, method: MethodName = "complex", entries: Entries = "auto") -> list[Check]:
    """Hold every gradient of the backward pass against the derivative, at the start and after 20 steps of training.

    Args:
        twin: left as it was, to the last bit.
        method: the complex step, central differences, or one after the other.
        entries: how many entries of each array are tried one by one; auto: all of small arrays, and directions in
            large ones.

    Returns:
        A check for each parameter in the order of the network, and one for the inputs; a single one that failed where
        a pass does not run through. Central differences add one on entries that were skipped, if any were.
    """
    with twin.unchanged():
        unsafe = notes(twin) if method != "central" else []
        methods: list[Method] = []
        if method != "central" and not unsafe:
            methods.append(ComplexStep(twin))
        if method != "complex" or unsafe:
            methods.append(Central(twin))
        checks = at_point(twin, methods, entries, "")
        if all(one.passed for one in checks) and twin.burn_in():
            checks = merged(checks, at_point(twin, methods, entries, f"after {BURN_IN} steps of training: "))
    return [*checks, *unsafe]


def notes(twin: Twin) -> list[Check]:
    """A note on each part that is not complex-safe, as a check that passed."""
    try:
        return [
            Check(name, True, 0.0, 0.0, 0, f"forward is not complex-safe ({reason}); checked by central differences")
            for name, reason in unsafe_parts(twin)
        ]
    except BackwardError:
        return []


def at_point(twin: Twin, methods: Sequence[Method], entries: Entries, where: str, aside: bool = True) -> list[Check]:
    """The checks where the twin stands; beside it, if that is just on a kink."""
    checks: list[Check] = []
    for method in methods:
        try:
            found, wrong = compare(twin, method, entries)
        except BackwardError as error:
            culprit = of_exception(twin, error)
            what = f"{where}{culprit}"
            one = failed("backward pass", (), 0, what)
            return [replace(one, kind=culprit.mistake.kind, layer=culprit.layer, cause=what)]
        if not all(one.passed for one in found) and aside and method.exact and twin.step_aside():
            return at_point(twin, methods, entries, where, aside=False)
        if not all(one.passed for one in found):
            return explained(twin, found, wrong, where)
        checks = merged(checks, found) if checks else found
        checks.extend(too_many_skipped(found))
    return checks


def merged(checks: Sequence[Check], others: Sequence[Check]) -> list[Check]:
    """The worse of two checks of each array."""
    by_name = {one.name: one for one in others}
    both = [worse(one, by_name.pop(one.name, one)) for one in checks]
    return [*both, *by_name.values()]


def worse(one: Check, other: Check) -> Check:
    """The worse of two checks, with the entries of both."""
    chosen = max(one, other, key=lambda check: (not check.passed, check.severity))
    return replace(chosen, entries=max(one.entries, other.entries), skipped=max(one.skipped, other.skipped))


def explained(twin: Twin, checks: Sequence[Check], wrong: dict[str, Wrong], where: str) -> list[Check]:
    """The checks with a diagnosis for those that failed."""
    try:
        culprit = blame(twin, list(wrong.values()))
    except BackwardError:
        culprit = None
    return [one if one.passed else diagnosed(one, wrong.get(one.name), culprit, where, twin) for one in checks]


def diagnosed(check: Check, wrong: Wrong | None, culprit: Blame | None, where: str, twin: Twin) -> Check:
    """A failed check with its diagnosis: what is wrong in it, and who makes it wrong."""
    if wrong is None:
        return replace(check, diagnosis=where + (check.diagnosis or "wrong"))
    what = check.diagnosis or f"at {index(check.shape, wrong.k)} {values(wrong.given, wrong.exact)}"
    if wrong.part == "penalty":
        kind, sentence = penalty_mistake(check.name, wrong, twin)
        what = f"{where}{sentence} ({check.name}{what.removeprefix('at ')})"
        return replace(check, diagnosis=what, kind=kind, layer="penalty", cause=f"{where}{sentence}")
    if culprit is None:
        reason = {
            "loss": "each layer is right by itself: something between them is not as in the forward pass",
            "both": "loss and penalty are right apart, and do not add up",
        }[wrong.part]
        return replace(check, diagnosis=f"{where}{what}; {reason}", kind="between", layer=None)
    return replace(
        check,
        diagnosis=f"{where}{what}; {culprit}",
        kind=culprit.mistake.kind,
        layer=culprit.layer,
        cause=f"{where}{culprit}",
    )


def penalty_mistake(name: str, wrong: Wrong, twin: Twin) -> tuple[str, str]:
    """What is wrong with the gradient of the penalty."""
    if not wrong.exact:
        biases = name.endswith("bias")
        what = "the penalty acts on the biases" if biases else f"the penalty acts on {name}"
        return "penalty_on_biases", f"{what}, which are none of its business: the penalty's value leaves them out"
    if not wrong.given:
        return "penalty_missing", "the gradient of the penalty is missing"
    ratio = wrong.given / wrong.exact
    if abs(ratio - 2) < 1e-6:
        return "penalty_doubled", "the gradient of the penalty is doubled: added twice, or without the half of l2/2"
    rows = len(twin.batches[0].input)
    kind, sentence = ratio_in_words(ratio, "the gradient of the penalty", rows, 1)
    return ("sign", "the gradient of the penalty has the wrong sign") if abs(ratio + 1) < 1e-6 else (kind, sentence)
