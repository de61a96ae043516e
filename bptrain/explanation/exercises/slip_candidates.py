"""The slips that are possible for each kind of quantity: forward, backward and in the update."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import log

import numpy as np

from bptrain.arrays import Array
from bptrain.explanation.exercises.slips import (
    Case,
    Slip,
    apply_layer,
    common,
    derivative,
    layer_before,
    parameter_of,
    parameters_of,
)
from bptrain.explanation.sections import titles_of
from bptrain.explanation.worked_equations import options_of
from bptrain.nn import Activation


def candidates(case: Case) -> Iterator[Slip]:
    """Yield the slips that are possible for a quantity, the most specific first."""
    makers: dict[str, Callable[[Case], Iterator[Slip]]] = {
        "z": forward_slips, "a": activation_slips, "loss": loss_slips, "new_loss": loss_slips, "delta": delta_slips,
        "dW": gradient_slips, "db": gradient_slips, "W": update_slips, "b": update_slips,
    }  # fmt: skip
    if case.kind in makers:
        yield from makers[case.kind](case)
    if case.kind not in ("W", "b"):
        yield from common(case.truth, case)


def forward_slips(case: Case) -> Iterator[Slip]:
    """Yield the slips in a weighted sum."""
    k = layer_before(case, "z")
    name, _, passage = case.steps[k]
    own = parameters_of(case, name, case.recording.theta)
    x, w, b = passage.x, own["W"], own.get("b")
    if b is not None:
        yield Slip("bias", "the bias is missing", x @ w)
        yield Slip("bias sign", "the bias is subtracted instead of added", x @ w - b)
    if w.shape[0] == w.shape[1]:
        what = "the weights are transposed: the weights of a unit are a column of W, not a row"
        yield Slip("transposed", what, x @ w.T + (0 if b is None else b))
    if k and np.shape(before := case.steps[k - 1][2].x) == np.shape(x):
        what = "the activation of the previous layer is missing: its z was used instead of its a"
        yield Slip("activation", what, before @ w + (0 if b is None else b))
    if case.recording.theta_after.size:
        after = parameters_of(case, name, case.recording.theta_after)
        yield Slip(
            "new weights", "the new weights were used instead of the old ones", x @ after["W"] + after.get("b", 0)
        )


def activation_slips(case: Case) -> Iterator[Slip]:
    """Yield the slips in an activation."""
    if not any(title == case.name for title in titles_of(case.recording.network.chain).outputs.values()):
        return
    k = layer_before(case, "a")
    passage = case.steps[k][2]
    yield Slip("activation", f"the activation is missing: this is z{case.name[1:]}", passage.x)
    slope = derivative(case, k, passage.x, passage.y)
    if slope is not None:
        yield Slip("derivative", "this is the derivative of the activation, not its value", slope)
    yield Slip("argument sign", "the sign of the argument is wrong", apply_layer(case, k, -passage.x)[0])


def loss_slips(case: Case) -> Iterator[Slip]:
    """Yield the slips in a loss."""
    truth = case.truth
    yield Slip("base", "the logarithm is to base 10; use the natural logarithm", truth / log(10))
    yield Slip("base", "the logarithm is to base 2; use the natural logarithm", truth / log(2))
    if case.recording.penalty and case.kind == "loss":
        yield Slip("penalty", "the penalty is included; this loss is without it", truth + case.recording.penalty)
    last = case.steps[-1][2]
    if last.y.shape == case.seen.targets.shape:
        error = np.abs(last.y.astype(np.float64) - case.seen.targets).sum()
        yield Slip("square", "the square is missing: this is the sum of the absolute errors", np.asarray(error))
        yield Slip(
            "square", "the square is missing: this is half the sum of the absolute errors", np.asarray(error / 2)
        )


def delta_slips(case: Case) -> Iterator[Slip]:
    """Yield the slips in the gradient by a weighted sum."""
    k = layer_before(replace(case, name=f"z{case.name[len('delta') :]}"), "z")
    after = case.steps[k + 1 :]
    if after and isinstance(after[0][1], Activation) and after[0][2].dy is not None:
        passage, dy = after[0][2], np.asarray(after[0][2].dy)
        yield Slip("derivative", "the derivative of the activation is missing", dy)
        twice = derivative(case, k + 1, passage.x, passage.y)
        if twice is not None:
            yield Slip("derivative twice", "the derivative of the activation was applied twice", case.truth * twice)
            yield Slip(
                "derivative alone",
                "this is only the derivative; multiply it by the gradient from the next layer",
                twice,
            )
        again = apply_layer(case, k + 1, passage.y, dy)[1]
        yield Slip("wrong argument", "the derivative is evaluated at the output a; it must be evaluated at z", again)
        for x, y, what in (
            (passage.x, passage.x, "z was used where the formula of the derivative has a"),
            (passage.y, passage.y, "a was used where the formula of the derivative has z"),
        ):
            slope = derivative(case, k + 1, x, y)
            if slope is not None:
                yield Slip("wrong argument", what, dy * slope)
        yield from from_next(case, k)
    elif not after and case.recording.session.model.objective.loss.link:
        outputs = case.page.lines.get("outputs")
        if outputs is not None:
            p = outputs.value
            what = "the derivative of the output activation is included; with this loss it cancels"
            yield Slip("derivative too many", what, case.truth * p * (1 - p))
            if p.shape == case.seen.targets.shape:
                yield Slip("target", "the target is not subtracted", p / len(p))
    last = case.steps[-1][2].y
    if not after and last.shape == case.seen.targets.shape:
        yield Slip("target", "the target is not subtracted", last / len(last))


def from_next(case: Case, k: int) -> Iterator[Slip]:
    """Yield the slips in the gradient that comes from the next dense layer through an activation."""
    for j in range(k + 2, len(case.steps)):
        name, _, passage = case.steps[j]
        own = parameters_of(case, name, case.recording.theta)
        if "W" not in own or passage.dy is None:
            continue
        delta, w = np.asarray(passage.dy), own["W"]
        new = parameters_of(case, name, case.recording.theta_after)["W"]
        found = [("new weights", "the new weights were used instead of the old ones", delta @ new.T)]
        if w.shape[0] == w.shape[1]:
            found.append(("transposed", "W is not transposed: the gradient goes back as delta Wᵀ", delta @ w))
        alone = np.broadcast_to(delta.sum(axis=1, keepdims=True), (len(delta), len(w)))
        found.append(("weights", "the weights of the next layer are missing", alone))
        for slip, words, dy in found:
            yield Slip(slip, words, apply_layer(case, k + 1, case.steps[k + 1][2].x, dy)[1])
        return


def gradient_slips(case: Case) -> Iterator[Slip]:
    """Yield the slips in the gradient by weights or biases."""
    number = case.name[len(case.kind) :]
    k = layer_before(replace(case, name=f"z{number}"), "z")
    _, _, passage = case.steps[k]
    assert passage.dy is not None
    dy = np.asarray(passage.dy)

    def of(x: Array, slope: Array) -> Array:
        return np.asarray(x.T @ slope) if case.kind == "dW" else np.asarray(slope.sum(axis=0))

    delta = replace(case, name=f"delta{number}", truth=dy)
    for slip in delta_slips(delta):
        if slip.value.shape == dy.shape:
            yield Slip(slip.name, f"in delta{number}: {slip.words}", of(passage.x, slip.value))
    if case.kind == "dW":
        if k and case.steps[k - 1][2].x.shape == passage.x.shape:
            before = int(number) - 1 or ""
            what = f"z{before} was used instead of a{before}"
            yield Slip("activation", what, of(case.steps[k - 1][2].x, dy))
        yield Slip("input", "the input of the layer is missing", np.broadcast_to(dy.sum(axis=0), case.truth.shape))
    else:
        yield Slip(
            "mean", "this is the mean over the rows; take the sum, because delta already contains 1/n", dy.mean(axis=0)
        )
    entry = next(one for one in case.recording.network.entries if one.name == parameter_of(case, number))
    if case.recording.penalised is not None and case.recording.gradient is not None:
        part = case.recording.penalised[entry.slice].reshape(entry.shape)
        yield Slip("penalty", "the gradient of the penalty is included; this is the gradient of the loss alone", part)
    if len(dy) > 1:
        yield Slip("one row", "only the first row was used", of(passage.x[:1], dy[:1]))


def update_slips(case: Case) -> Iterator[Slip]:
    """Yield the slips in new weights."""
    recording, number = case.recording, case.name[len(case.kind) :]
    entry = next(one for one in recording.network.entries if one.name == parameter_of(case, number))

    def cut(vector: Array) -> Array:
        return vector[entry.slice].reshape(entry.shape).astype(np.float64)

    old, new, lr = cut(recording.theta), cut(recording.theta_after), recording.lr
    step = new - old
    yield Slip("not updated", "these are the old weights", old)
    yield Slip("sign", "the sign of the step is wrong: subtract the gradient, do not add it", old - step)
    if lr != 1:
        yield Slip("rate forgotten", "the learning rate was forgotten", old + step / lr)
        yield Slip("rate twice", "the learning rate was applied twice", old + step * lr)
    yield Slip("step alone", "this is only the step; add it to the old weights", step)
    yield Slip("step alone", "this is only the step, with the wrong sign", -step)
    gradient = recording.gradient if recording.gradient is not None else recording.network.grad
    plain = -lr * cut(gradient)
    if not np.allclose(plain, step, rtol=1e-9, atol=0):
        yield Slip("plain", "this is plain gradient descent: the rest of the optimizer's rule is missing", old + plain)
    name = case.page.aliases.get(f"d{case.name}")
    if name is not None:
        wrong = replace(case, name=f"d{case.name}", truth=name.value)
        for slip in candidates(wrong):
            if slip.name != "sign" and slip.value.shape == old.shape:
                yield Slip(slip.name, f"in d{case.name}: {slip.words}", old - lr * slip.value + (step - plain) * 0)
    names = case.page.lines
    m, v = (names.get(f"{entry.name}.{letter}") for letter in ("m", "v"))
    if m is not None and v is not None and f"{entry.name}.m̂" in names:
        root = np.sqrt(v.value) + options_of(recording.session.model.experiment.optimizer).get("epsilon", 0.0)
        yield Slip("bias correction", "the bias corrections of m and v are missing", old - lr * m.value / root)
    yield from (slip for slip in common(case.truth, case) if slip.name in ("transposed", "decimal point"))
    yield Slip("sign", "the sign is wrong", -case.truth)
