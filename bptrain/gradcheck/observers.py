"""Observers that shake what passes through layers by rounding errors, or note on which side of kinks it lies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.nn import Layer, Loss, Views, Workspace
from bptrain.nn.observer import ObservedLayer, Observer


class ShakingObserver(Observer):
    """Moves every result of a layer by a rounding error, to see what that comes to in the end.

    Signs, zeros and corners stay as they are, and nothing is moved across a kink: `still` has the inputs of the layers
    with kinks, by name, as they are unshaken. The slope of a layer that keeps the shape is moved by the last place of
    1, since it may be the difference of such numbers. This is stochastic arithmetic: Vignes, 1993.
    """

    def __init__(self, rng: np.random.Generator, still: Mapping[str, Array]) -> None:
        self.rng = rng
        self.still = still

    def noise(self, array: Array) -> Array:
        """Rounding errors for numbers of size 1."""
        noise: Array = np.finfo(np.float64).eps * self.rng.uniform(-1, 1, array.shape)
        return noise

    def shake(self, array: Array, where: Any = True) -> None:
        """Move entries by up to one unit in the last place."""
        np.multiply(array, 1 + self.noise(array), out=array, where=where)

    def forward(self, observed: ObservedLayer, p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Shake y."""
        if observed.name in self.still:
            still = self.still[observed.name]
            crossed = [np.sign(x.real - kink) != np.sign(still - kink) for kink in kinks(observed.layer)]
            np.copyto(x.real, still, where=np.logical_or.reduce(crossed))
        slopes = largest(x.imag) if x.dtype.kind == "c" and x.shape == y.shape else None
        observed.layer.forward(p, x, y, s)
        # A y that leaves its corner, such as the 0 or 6 of relu6, would be taken for another x by backward.
        self.shake(y, ~np.isin(y.real, kinks(observed.layer)))
        if slopes is not None:
            y.imag += slopes * self.noise(y)

    def backward(
        self, observed: ObservedLayer, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace
    ) -> None:
        """Shake dx and g."""
        before = largest(dy)
        observed.layer.backward(p, g, x, y, dy, dx, s)
        for array in (dx, *vars(g).values()):
            if isinstance(array, np.ndarray):
                self.shake(array)
        if dx is not None and x.shape == y.shape:
            dx += before * self.noise(dx)


def largest(rows: Array) -> Array:
    """The largest absolute value of each row, kept as a column."""
    return np.abs(rows).max(axis=-1, keepdims=True, initial=0.0)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ShakenLoss:
    """A loss whose gradient is moved by the rounding error of output minus target, where these are of size 1.

    Nothing is moved across a kink here either: `scores` and `dscores` are those without any shaking.
    """

    loss: Loss
    shaker: ShakingObserver
    scores: Array
    dscores: Array

    def value_and_grad(
        self, scores: Array, targets: Array, weights: Array | None, dscores: Array, s: Workspace
    ) -> tuple[Any, float]:
        """The loss's own, shaken."""
        value = self.loss.value_and_grad(scores, targets, weights, dscores, s)
        if getattr(self.loss, "kinked", False):
            np.copyto(scores.real, self.scores, where=np.sign(dscores.real) != np.sign(self.dscores))
            value = self.loss.value_and_grad(scores, targets, weights, dscores, s)
        dscores += self.shaker.noise(dscores) / len(scores)
        return value


@dataclass
class KinkObserver(Observer):
    """Notes the inputs of all layers with kinks, and on which sides of these they lie."""

    sides: list[bytes] = field(default_factory=list)
    inputs: dict[str, Array] = field(default_factory=dict)

    def forward(self, observed: ObservedLayer, p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Note x."""
        if kinks(observed.layer):
            self.sides.extend(sides(observed.layer, x))
            self.inputs[observed.name] = x.real.copy()
        observed.layer.forward(p, x, y, s)


def sides(layer: Layer, x: Array) -> list[bytes]:
    """On which side of each kink of a layer its inputs lie."""
    with np.errstate(invalid="ignore"):
        return [np.sign(x.real - kink).astype(np.int8).tobytes() for kink in kinks(layer)]


def kinks(layer: Layer) -> tuple[float, ...]:
    """At which inputs the slope of a layer jumps, as it says itself."""
    return tuple(getattr(layer, "kinks", ()))
