"""Rounding: a training step in which every result is rounded before it is used, as on paper."""

from dataclasses import replace

import numpy as np

from bptrain.arrays import Array
from bptrain.explanation.recording import Recording
from bptrain.explanation.replay import refill_batch
from bptrain.explanation.sections import name_quantities
from bptrain.nn import Views, Workspace
from bptrain.nn.observer import ObservedLayer, Observer, observe, observe_layers


class RoundingObserver(Observer):
    """Rounds all results in place, as if each was written down, and keeps the values from before the rounding.

    Args:
        decimals: digits after the decimal point; if negative, significant digits.
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
        """Keep dy, and round dy and dx."""
        self.slopes[observed.name] = dy.copy()
        self.round(dy)
        super().backward(observed, p, g, x, y, dy, dx, s)
        if dx is not None:
            self.round(dx)


def round_step(recording: Recording, decimals: int) -> dict[str, Array]:
    """Return z, a, delta, dW, db, W, b and the loss by their textbook names, from a step with rounded results."""
    objective, network = recording.session.model.objective, recording.network
    titles, observer = name_quantities(network.chain), RoundingObserver(decimals)
    with refill_batch(recording, recording.passes[0]) as batch, np.errstate(all="ignore"):
        network.theta[...] = recording.theta
        frame, layers = observe_layers(network.chain, batch.frame)
        with observe(layers, observer):
            loss, _ = objective.loss_and_grad(replace(batch, frame=frame))
        gradients = {name: array.copy() for name, array in network.gradients().items()}
    found = {"loss": np.asarray(loss)}
    found |= {title: observer.outputs[name] for name, title in titles.outputs.items()}
    found |= {title: observer.slopes[name] for name, title in titles.deltas.items() if name in observer.slopes}
    start = network.named(recording.theta)
    for name, title in titles.parameters.items():
        found |= {f"d{title}": gradients[name], title: start[name] - recording.lr * gradients[name]}
    return found
