"""The bugs that people plant in the gradients of losses and penalties."""

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.diagnosis.bug import Bug, ratio_in_words, ratio_of
from bptrain.gradcheck.diagnosis.layer_gradient import same
from bptrain.gradcheck.twin import Twin
from bptrain.nn import Loss
from bptrain.nn.losses import MultiTask
from bptrain.nn.observer import guard_kernels
from bptrain.registry import name_of


def bug_of_loss(twin: Twin, scores: Array, dscores: Array, exact: Array, n: int) -> Bug:
    """What is wrong with the gradient of a loss."""
    loss, targets = twin.real.loss, twin.batches[0].targets
    if not isinstance(loss, MultiTask):
        return bug_of(twin.loss_name, loss, scores, targets, dscores, exact)
    found = []
    for part, own, known in loss.slices():
        given, true = dscores[:, own] / part.weight, exact[:, own] / part.weight
        if not np.allclose(given, true, rtol=1e-9, atol=1e-9 * np.abs(true).max() + 1e-15):
            answers = targets[:, known]
            if part.loss.encoding == "codes":
                answers = answers[:, 0]
            bug = bug_of(twin.loss_name, part.loss, scores[:, own], answers, given, true)
            found.append(Bug(bug.kind, f"{name_of(part.loss)} of {part.name}: {bug.sentence}"))
    return found[0] if found else Bug("entries", "dscores are wrong by little")


def bug_of(name: str, loss: Loss, scores: Array, targets: Array, dscores: Array, exact: Array) -> Bug:
    """What is wrong with dscores `(n, width)` of a loss, from scores and targets and what is right."""
    given, n = dscores.reshape(-1), len(scores)
    if not np.isfinite(given).all():
        return Bug("not_finite", "dscores are not finite, or not all written")
    if not given.any():
        return Bug("zero", "dscores are all zero: nothing is learned")
    if same(given, -exact.reshape(-1)):
        return Bug("sign", "dscores have the wrong sign: target minus output, not output minus target")
    with guard_kernels(name):
        outputs = loss.outputs(scores.copy(), np.empty_like(scores))
    if targets.shape != scores.shape:
        codes = targets.reshape(-1).astype(int)
        targets = (codes[:, None] == np.arange(scores.shape[1])) if scores.shape[1] > 1 else codes[:, None]
    ratio = ratio_of(given, exact.reshape(-1))
    if ratio is not None:
        return Bug(*ratio_in_words(ratio, "dscores", n, scores.shape[1]))
    for share in (n, n * scores.shape[1]):
        if same(given, (outputs / share).reshape(-1)):
            return Bug("target_missing", "dscores are the outputs: the target is not subtracted")
        if loss.link and same(given, ((scores - targets) / share).reshape(-1)):
            return Bug("output_missing", "dscores are scores minus targets: the scores are not made outputs first")
    if same(given, (exact * outputs * (1 - outputs)).reshape(-1)):
        what = "dscores have the factor y (1 - y): the derivative of the output is in them already, and cancels"
        return Bug("derivative_twice", what)
    off = np.abs(given - exact.reshape(-1)) > 1e-9 * np.abs(exact).max()
    return Bug("entries", f"{int(off.sum())} of {given.size} entries of dscores are wrong")


def bug_of_penalty(name: str, given: Array, exact: Array, rows: int) -> Bug:
    """What is wrong with the gradient of the penalty by one array, from all that is known of it."""
    if not exact.any():
        acts = "the biases" if name.endswith("bias") else name
        return Bug("penalty_on_biases", f"the penalty pulls at {acts}, which its value leaves out")
    if not given.any():
        return Bug("penalty_missing", "the gradient of the penalty is missing")
    ratio = ratio_of(given, exact)
    if ratio is None:
        return Bug("entries", "the gradient of the penalty is wrong")
    if abs(ratio + 1) < 1e-6:
        return Bug("sign", "the gradient of the penalty has the wrong sign")
    if abs(ratio - 2) < 1e-6:
        what = "the gradient of the penalty is doubled: added twice, or without the half of l2/2"
        return Bug("penalty_doubled", what)
    return Bug(*ratio_in_words(ratio, "the gradient of the penalty", rows, 1))
