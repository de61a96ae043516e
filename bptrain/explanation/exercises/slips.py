"""Slips: what people get wrong when they compute a step by hand, each as the numbers that it leads to."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.equations import equations_of
from bptrain.explanation.page import Page
from bptrain.explanation.recording import Pass, Recording
from bptrain.explanation.sections import entries_of, titles_of
from bptrain.explanation.update_sections import cut
from bptrain.explanation.worked_equations import Letters, Working, options_of
from bptrain.nn import Activation, Layer, Views, Workspace
from bptrain.nn.chain import Step
from bptrain.nn.observer import Passage


@dataclass(frozen=True)
class Slip:
    """A mistake in words, and what comes of it."""

    name: str
    words: str
    value: Array


@dataclass(frozen=True)
class Case:
    """A quantity whose answer is wrong: the recording and the page it belongs to, its textbook name and the truth."""

    recording: Recording
    page: Page
    name: str
    truth: Array

    @property
    def seen(self) -> Pass:
        """The pass that it comes from."""
        return self.recording.passes[0]

    @property
    def steps(self) -> list[tuple[str, Layer, Passage]]:
        """The layers of the network's chain with what passed through them."""
        chain = self.recording.network.chain
        return [(name, layer, self.seen.passages[name]) for name, layer in zip(chain.names, chain.layers, strict=True)]

    @property
    def kind(self) -> str:
        """The name without its number: `dW`."""
        return self.name.rstrip("0123456789")


def common(truth: Array, case: Case) -> Iterator[Slip]:
    """Slips that can happen anywhere: sign, transposition, and factors."""
    n, width = float(len(case.seen.inputs)), float(np.prod(case.recording.network.output_shape))
    yield Slip("sign", "the sign is wrong", -truth)
    if truth.ndim == 2 and truth.shape[0] == truth.shape[1] > 1:
        yield Slip("transposed", "the matrix is transposed", truth.T)
    for factor, what in ((n, "n"), (n * width, "(n · width)"), (width, "width")):
        if factor > 1:
            yield Slip("missing 1/n", f"the factor 1/{what} is missing: there are {n:g} rows", truth * factor)
            yield Slip("1/n twice", f"the factor 1/{what} is there twice", truth / factor)
    yield Slip("missing 1/2", "the factor 1/2 is missing", truth * 2)
    yield Slip("1/2 too many", "a factor 1/2 too many", truth / 2)
    for k in (1, 2, -1, -2):
        yield Slip("decimal point", f"the decimal point is {abs(k)} place{'s' * (abs(k) > 1)} off", truth * 10.0**k)


def layer_before(case: Case, title: str) -> int:
    """The place in the chain of the dense layer with a number."""
    number = case.name[len(case.kind) :]
    titles = titles_of(case.recording.network.chain)
    names = [name for name, _, _ in case.steps]
    return names.index(next(name for name, z in titles.outputs.items() if z == f"{title}{number}"))


def parameters_of(case: Case, name: str, vector: Array) -> dict[str, Array]:
    """The parameters of a layer in a vector, by their letters."""
    return {symbol: cut(vector, entry) for symbol, entry in entries_of(case.recording.network, name).items()}


def parameter_of(case: Case, number: str) -> str:
    """The full name of the parameter that an answer is about."""
    titles = titles_of(case.recording.network.chain)
    title = f"{case.kind.removeprefix('d')}{number}"
    return next(name for name, one in titles.parameters.items() if one == title)


def apply_layer(case: Case, k: int, x: Array, dy: Array | None = None) -> tuple[Array, Array]:
    """What the layer at a place makes of another x, and its dx for some dy (all 1 by default), by its own kernels."""
    step: Step = case.recording.network.frame(len(x)).steps[k]
    s = Workspace(**vars(step.s))
    s.training = True
    x = np.ascontiguousarray(x, dtype=case.recording.network.dtype)
    y, dx = np.empty_like(x), np.empty_like(x)
    slope = np.ones_like(x) if dy is None else np.ascontiguousarray(dy, dtype=x.dtype)
    gradients = Views(**{key: np.empty_like(g) for key, g in vars(step.g).items()})
    with np.errstate(all="ignore"):
        step.layer.forward(step.p, x, y, s)
        step.layer.backward(step.p, gradients, x, y, slope, dx, s)
    return y, dx


def derivative(case: Case, k: int, x: Array, y: Array) -> Array | None:
    """The slope of the activation at a place by its formula, with whatever is taken for x and y; None without one."""
    layer = case.steps[k][1]
    if not isinstance(layer, Activation):
        return None
    declared = equations_of(layer)
    letters: Letters = {**options_of(layer), "π": np.pi, "x": x, "y": y, "dy": np.ones_like(x)}
    done = Working((*declared.backward, *declared.forward), letters, {}, 6).carry_out(["dx"])
    found = [one.value for one in done if one.name == "dx"]
    return np.broadcast_to(found[-1], x.shape) if found else None
