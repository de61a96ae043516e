"""Rounding: a pass in which every result is rounded before it is used, as on paper."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bptrain.arrays import Array
from bptrain.explanation.recording import Recording
from bptrain.explanation.sections import titles_of
from bptrain.nn import Views, Workspace
from bptrain.nn.observer import ObservedLayer, Observer, observe, observe_layers


class RoundingObserver(Observer):
    """Rounds whatever passes through, as somebody does who writes down each result, and keeps what it was before.

    Args:
        decimals: after the point; negative for significant digits.
    """

    def __init__(self, decimals: int) -> None:
        self.decimals = decimals
        self.outputs: dict[str, Array] = {}
        self.slopes: dict[str, Array] = {}

    def round(self, array: Array) -> None:
        """Round in place."""
        if self.decimals >= 0:
            np.round(array, self.decimals, out=array)
            return
        with np.errstate(all="ignore"):
            scale = 10.0 ** (-self.decimals - 1 - np.floor(np.log10(np.abs(array))))
            array[...] = np.where(array == 0, 0, np.round(array * scale) / scale)

    def forward(self, observed: ObservedLayer, p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Keep y and round it."""
        super().forward(observed, p, x, y, s)
        self.outputs[observed.name] = y.copy()
        self.round(y)

    def backward(
        self, observed: ObservedLayer, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace
    ) -> None:
        """Keep dy, and round what comes in, which is a result too, and what goes out."""
        self.slopes[observed.name] = dy.copy()
        self.round(dy)
        super().backward(observed, p, g, x, y, dy, dx, s)
        if dx is not None:
            self.round(dx)


def round_step(recording: Recording, decimals: int) -> Mapping[str, Array]:
    """The pass with every result on the way rounded: z, a, delta, dW, db and the loss by their textbook names."""
    model, seen, network = recording.session.model, recording.passes[0], recording.network
    theta, grad = network.theta.copy(), network.grad.copy()
    state, streams = network.state.copy(), network.rng.state()
    network.theta[...], network.state[...] = recording.theta, seen.state
    network.rng.restore(seen.streams)
    batch = model.objective.batch(len(seen.inputs))
    batch.fill(seen.inputs, seen.targets, np.arange(len(seen.inputs)), seen.weights)
    frame, layers = observe_layers(network.chain, batch.frame)
    found: dict[str, Array] = {}
    titles, observer = titles_of(network.chain), RoundingObserver(decimals)
    with observe(layers, observer), np.errstate(all="ignore"):
        loss, _ = model.objective.loss_and_grad(replace(batch, frame=frame))
    found["loss"] = np.asarray(loss)
    for name, title in titles.outputs.items():
        found[title] = observer.outputs[name]
    for name, title in titles.deltas.items():
        if name in observer.slopes:
            found[title] = observer.slopes[name]
    for name, array in network.gradients().items():
        if name in titles.parameters:
            symbol, start = titles.parameters[name], network.named(recording.theta)[name]
            found |= {f"d{symbol}": array.copy(), symbol: start - recording.lr * array}
    network.theta[...], network.grad[...], network.state[...] = theta, grad, state
    network.rng.restore(streams)
    return found
