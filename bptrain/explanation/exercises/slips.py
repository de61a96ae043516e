"""Slips: common mistakes in computing a step by hand, each with the wrong numbers that it leads to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import log

import numpy as np

from bptrain.arrays import Array
from bptrain.equations import get_equations
from bptrain.explanation.page import Page
from bptrain.explanation.recording import Pass, Recording
from bptrain.explanation.sections import Titles, get_entries, name_quantities
from bptrain.explanation.update_sections import get_parameter
from bptrain.explanation.worked_equations import Letters, Working, get_options
from bptrain.nn import Activation, Entry, Layer, Views, Workspace
from bptrain.nn.observer import Passage


@dataclass(frozen=True)
class Slip:
    """A mistake: its short name, its explanation, and the value that it leads to."""

    name: str
    words: str
    value: Array


@dataclass(frozen=True)
class Case:
    """A quantity whose answer is wrong: the recorded step and its page, the textbook name, and the true value."""

    recording: Recording
    page: Page
    name: str
    truth: Array

    @property
    def kind(self) -> str:
        """The name without its number: `dW` for `dW2`."""
        return self.name.rstrip("0123456789")

    @property
    def number(self) -> str:
        """The number in the name: `2` for `dW2`."""
        return self.name.removeprefix(self.kind)

    @property
    def first_pass(self) -> Pass:
        """The forward and backward pass of the first batch."""
        return self.recording.passes[0]

    @cached_property
    def titles(self) -> Titles:
        """The textbook names."""
        return name_quantities(self.recording.network.chain)

    @cached_property
    def steps(self) -> list[tuple[str, Layer, Passage]]:
        """The layers of the network, each with its name and its recorded pass."""
        chain, passages = self.recording.network.chain, self.first_pass.passages
        return [(name, layer, passages[name]) for name, layer in zip(chain.names, chain.layers, strict=True)]

    def find_layer(self, title: str) -> int:
        """Return the index of the layer whose output has a textbook name."""
        return next(k for k, (name, _, _) in enumerate(self.steps) if self.titles.outputs.get(name) == title)

    def find_entry(self) -> Entry:
        """Return the parameter that the quantity, such as `dW2`, belongs to."""
        title = self.name.removeprefix("d")
        return next(one for one in self.recording.network.entries if self.titles.parameters.get(one.name) == title)

    def get_parameters(self, name: str, theta: Array) -> dict[str, Array]:
        """Return the parameters of a layer by their symbols."""
        entries = get_entries(self.recording.network, name)
        return {symbol: get_parameter(theta, entry) for symbol, entry in entries.items()}

    def apply_layer(self, k: int, x: Array, dy: Array | None = None) -> tuple[Array, Array]:
        """Return the y of a layer for another x, and its dx for a dy (by default all 1)."""
        step = self.recording.network.frame(len(x)).steps[k]
        s = Workspace(**vars(step.s))
        s.training = True
        x = np.ascontiguousarray(x, dtype=self.recording.network.dtype)
        y, dx = np.empty_like(x), np.empty_like(x)
        slope = np.ones_like(x) if dy is None else np.ascontiguousarray(dy, dtype=x.dtype)
        gradients = Views(**{key: np.empty_like(g) for key, g in vars(step.g).items()})
        with np.errstate(all="ignore"):
            step.layer.forward(step.p, x, y, s)
            step.layer.backward(step.p, gradients, x, y, slope, dx, s)
        return y, dx

    def compute_derivative(self, k: int, x: Array, y: Array) -> Array | None:
        """Return the derivative of an activation by its formula, for any x and y; None if there is no formula."""
        layer = self.steps[k][1]
        if not isinstance(layer, Activation):
            return None
        declared = get_equations(layer)
        letters: Letters = {**get_options(layer), "π": np.pi, "x": x, "y": y, "dy": np.ones_like(x)}
        lines = Working((*declared.backward, *declared.forward), letters, {}, 6).compute(["dx"])
        found = [line.value for line in lines if line.symbol == "dx"]
        return np.broadcast_to(found[-1], x.shape) if found else None


def list_slips(case: Case) -> Iterator[Slip]:
    """Yield all slips that are possible for a quantity, the most specific first."""
    lists: dict[str, Callable[[Case], Iterator[Slip]]] = {
        "z": list_sum_slips, "a": list_activation_slips, "loss": list_loss_slips, "new_loss": list_loss_slips,
        "delta": list_delta_slips, "dW": list_gradient_slips, "db": list_gradient_slips, "W": list_update_slips,
        "b": list_update_slips,
    }  # fmt: skip
    if case.kind in lists:
        yield from lists[case.kind](case)
    if case.kind not in ("W", "b"):
        yield from list_common_slips(case)


def list_common_slips(case: Case) -> Iterator[Slip]:
    """Yield the slips that are possible everywhere: wrong signs, transposed matrices, and wrong factors."""
    truth, n = case.truth, float(len(case.first_pass.inputs))
    width = float(np.prod(case.recording.network.output_shape))
    yield Slip("sign", "the sign is wrong", -truth)
    if truth.ndim == 2 and truth.shape[0] == truth.shape[1] > 1:
        yield Slip("transposed", "the matrix is transposed", truth.T)
    for factor, what in ((n, "n"), (n * width, "(n · width)"), (width, "width")):
        if factor > 1:
            yield Slip("missing 1/n", f"the factor 1/{what} is missing: there are {n:g} rows", truth * factor)
            yield Slip("1/n twice", f"the factor 1/{what} was applied twice", truth / factor)
    yield Slip("missing 1/2", "the factor 1/2 is missing", truth * 2)
    yield Slip("1/2 too many", "there is a factor 1/2 too many", truth / 2)
    for k in (1, 2, -1, -2):
        yield Slip("decimal point", f"the decimal point is {abs(k)} place{'s' * (abs(k) > 1)} off", truth * 10.0**k)


def list_sum_slips(case: Case) -> Iterator[Slip]:
    """Yield the slips in a weighted sum."""
    k = case.find_layer(case.name)
    name, _, passage = case.steps[k]
    own, new = (case.get_parameters(name, theta) for theta in (case.recording.theta, case.recording.theta_after))
    x, w, b = passage.x, own["W"], own.get("b")
    bias = 0 if b is None else b
    if b is not None:
        yield Slip("bias", "the bias is missing", x @ w)
        yield Slip("bias sign", "the bias is subtracted instead of added", x @ w - b)
    if w.shape[0] == w.shape[1]:
        what = "the weights are transposed: the weights of a unit are a column of W, not a row"
        yield Slip("transposed", what, x @ w.T + bias)
    if k and np.shape(before := case.steps[k - 1][2].x) == np.shape(x):
        what = "the activation of the previous layer is missing: its z was used instead of its a"
        yield Slip("activation", what, before @ w + bias)
    what = "the new weights were used instead of the old ones"
    yield Slip("new weights", what, x @ new["W"] + new.get("b", 0))


def list_activation_slips(case: Case) -> Iterator[Slip]:
    """Yield the slips in an activation."""
    if case.name not in case.titles.outputs.values():
        return
    k = case.find_layer(case.name)
    passage = case.steps[k][2]
    yield Slip("activation", f"the activation is missing: this is z{case.number}", passage.x)
    slope = case.compute_derivative(k, passage.x, passage.y)
    if slope is not None:
        yield Slip("derivative", "this is the derivative of the activation, not its value", slope)
    yield Slip("argument sign", "the sign of the argument is wrong", case.apply_layer(k, -passage.x)[0])


def list_loss_slips(case: Case) -> Iterator[Slip]:
    """Yield the slips in a loss."""
    for base in (10, 2):
        yield Slip("base", f"the logarithm is to base {base}; use the natural logarithm", case.truth / log(base))
    if case.recording.penalty and case.kind == "loss":
        what = "the penalty is included; this loss is without it"
        yield Slip("penalty", what, case.truth + case.recording.penalty)
    last = case.steps[-1][2]
    if last.y.shape == case.first_pass.targets.shape:
        error = np.abs(last.y.astype(np.float64) - case.first_pass.targets).sum()
        for factor, half in ((1, ""), (0.5, "half ")):
            what = f"the square is missing: this is {half}the sum of the absolute errors"
            yield Slip("square", what, np.asarray(factor * error))


def list_delta_slips(case: Case) -> Iterator[Slip]:
    """Yield the slips in the gradient by a weighted sum."""
    k = case.find_layer(f"z{case.number}")
    after = case.steps[k + 1 :]
    if after and isinstance(after[0][1], Activation) and after[0][2].dy is not None:
        yield from list_derivative_slips(case, k + 1, after[0][2], np.asarray(after[0][2].dy))
        yield from list_next_layer_slips(case, k + 1)
    elif not after and case.recording.session.model.objective.loss.link and "outputs" in case.page.lines:
        p = case.page.lines["outputs"].value
        what = "the derivative of the output activation is included; with this loss it cancels"
        yield Slip("derivative too many", what, case.truth * p * (1 - p))
        if p.shape == case.first_pass.targets.shape:
            yield Slip("target", "the target is not subtracted", p / len(p))
    last = case.steps[-1][2].y
    if not after and last.shape == case.first_pass.targets.shape:
        yield Slip("target", "the target is not subtracted", last / len(last))


def list_derivative_slips(case: Case, k: int, passage: Passage, dy: Array) -> Iterator[Slip]:
    """Yield the slips in the derivative of an activation."""
    yield Slip("derivative", "the derivative of the activation is missing", dy)
    slope = case.compute_derivative(k, passage.x, passage.y)
    if slope is not None:
        what = "the derivative of the activation was applied twice"
        yield Slip("derivative twice", what, case.truth * slope)
        what = "this is only the derivative; multiply it by the gradient from the next layer"
        yield Slip("derivative alone", what, slope)
    what = "the derivative is evaluated at the output a; it must be evaluated at z"
    yield Slip("wrong argument", what, case.apply_layer(k, passage.y, dy)[1])
    for x, y, used, right in ((passage.x, passage.x, "z", "a"), (passage.y, passage.y, "a", "z")):
        slope = case.compute_derivative(k, x, y)
        if slope is not None:
            what = f"{used} was used where the formula of the derivative has {right}"
            yield Slip("wrong argument", what, dy * slope)


def list_next_layer_slips(case: Case, k: int) -> Iterator[Slip]:
    """Yield the slips in the gradient that comes from the next dense layer, through the activation at index k."""
    for name, _, passage in case.steps[k + 1 :]:
        own = case.get_parameters(name, case.recording.theta)
        if "W" not in own or passage.dy is None:
            continue
        delta, w = np.asarray(passage.dy), own["W"]
        new = case.get_parameters(name, case.recording.theta_after)["W"]
        found = [("new weights", "the new weights were used instead of the old ones", delta @ new.T)]
        if w.shape[0] == w.shape[1]:
            found.append(("transposed", "W is not transposed: the gradient goes back as delta Wᵀ", delta @ w))
        alone = np.broadcast_to(delta.sum(axis=1, keepdims=True), (len(delta), len(w)))
        found.append(("weights", "the weights of the next layer are missing", alone))
        for slip, words, dy in found:
            yield Slip(slip, words, case.apply_layer(k, case.steps[k][2].x, dy)[1])
        return


def list_gradient_slips(case: Case) -> Iterator[Slip]:
    """Yield the slips in the gradient by weights or biases."""
    k = case.find_layer(f"z{case.number}")
    x, dy = case.steps[k][2].x, np.asarray(case.steps[k][2].dy)

    def compute(x: Array, slope: Array) -> Array:
        return np.asarray(x.T @ slope if case.kind == "dW" else slope.sum(axis=0))

    for slip in list_delta_slips(Case(case.recording, case.page, f"delta{case.number}", dy)):
        if slip.value.shape == dy.shape:
            yield Slip(slip.name, f"in delta{case.number}: {slip.words}", compute(x, slip.value))
    if case.kind == "dW":
        if k and case.steps[k - 1][2].x.shape == x.shape:
            before = int(case.number) - 1 or ""
            what = f"z{before} was used instead of a{before}"
            yield Slip("activation", what, compute(case.steps[k - 1][2].x, dy))
        yield Slip("input", "the input of the layer is missing", np.broadcast_to(dy.sum(axis=0), case.truth.shape))
    else:
        what = "this is the mean over the rows; take the sum, because delta already contains 1/n"
        yield Slip("mean", what, dy.mean(axis=0))
    if case.recording.penalised is not None:
        what = "the gradient of the penalty is included; this is the gradient of the loss alone"
        yield Slip("penalty", what, get_parameter(case.recording.penalised, case.find_entry()))
    if len(dy) > 1:
        yield Slip("one row", "only the first row was used", compute(x[:1], dy[:1]))


def list_update_slips(case: Case) -> Iterator[Slip]:
    """Yield the slips in new weights."""
    recording, entry, lr = case.recording, case.find_entry(), case.recording.lr
    vectors = (recording.theta, recording.theta_after, recording.gradient)
    old, new, gradient = (
        get_parameter(recording.network.grad if vector is None else vector, entry).astype(np.float64)
        for vector in vectors
    )
    step = new - old
    yield Slip("not updated", "these are the old weights", old)
    yield Slip("sign", "the sign of the step is wrong: subtract the gradient, do not add it", old - step)
    if lr != 1:
        yield Slip("rate forgotten", "the learning rate was forgotten", old + step / lr)
        yield Slip("rate twice", "the learning rate was applied twice", old + step * lr)
    yield Slip("step alone", "this is only the step; add it to the old weights", step)
    yield Slip("step alone", "this is only the step, with the wrong sign", -step)
    if not np.allclose(-lr * gradient, step, rtol=1e-9, atol=0):
        what = "this is plain gradient descent: the rest of the optimizer's rule is missing"
        yield Slip("plain", what, old - lr * gradient)
    if f"d{case.name}" in case.page.aliases:
        truth = case.page.aliases[f"d{case.name}"].value
        for slip in list_slips(replace(case, name=f"d{case.name}", truth=truth)):
            if slip.name != "sign" and slip.value.shape == old.shape:
                yield Slip(slip.name, f"in d{case.name}: {slip.words}", old - lr * slip.value)
    lines = case.page.lines
    m, v = (lines.get(f"{entry.name}.{letter}") for letter in ("m", "v"))
    if m is not None and v is not None and f"{entry.name}.m̂" in lines:
        root = np.sqrt(v.value) + get_options(recording.session.model.experiment.optimizer).get("epsilon", 0.0)
        yield Slip("bias correction", "the bias corrections of m and v are missing", old - lr * m.value / root)
    yield from (slip for slip in list_common_slips(case) if slip.name in ("transposed", "decimal point", "sign"))
