"""Observers: how the gradient check and `explain` look into the layers of a frame while rows pass through.

`observe_layers` wraps each layer of a frame in an `ObservedLayer`, and `observe` gives these an observer for a while.
Without one they only call their layer. The same layer objects run in every pass, as in training, so that a layer that
wrongly keeps something from one pass to the next is caught.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import BptrainError
from bptrain.nn.chain import Chain, Frame, Step
from bptrain.nn.layer import Layer, Plan, Views, Workspace


class KernelError(Exception):
    """An exception in the forward or backward pass of `layer`; `what` says in which pass."""

    def __init__(self, layer: str, what: str) -> None:
        super().__init__(layer, what)
        self.layer = layer
        self.what = what


@contextmanager
def guard_kernels(layer: str, what: str = "") -> Iterator[None]:
    """Turn an exception of the kernels that run in this block into a `KernelError`, and silence NumPy's warnings,
    because an overflow shows in the results."""
    try:
        with np.errstate(all="ignore"):
            yield
    except Exception as error:
        raise_for(error, layer, what)


def raise_for(error: Exception, layer: str, what: str) -> NoReturn:
    """Raise a `KernelError` for an exception of a kernel; raise bptrain's own errors and lack of memory unchanged."""
    if isinstance(error, BptrainError | MemoryError | KernelError):
        raise error
    raise KernelError(layer, what) from error


class Observer:
    """What an observed layer calls in place of its layer; each method must call the layer's method of the same name."""

    def forward(self, observed: "ObservedLayer", p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Call the layer's forward, and look at its arrays."""
        observed.layer.forward(p, x, y, s)

    def backward(
        self,
        observed: "ObservedLayer",
        p: Views,
        g: Views,
        x: Array,
        y: Array,
        dy: Array,
        dx: Array | None,
        s: Workspace,
    ) -> None:
        """Call the layer's backward, and look at its arrays."""
        observed.layer.backward(p, g, x, y, dy, dx, s)


NO_OBSERVER = Observer()


@dataclass
class ObservedLayer(Layer):
    """A layer under observation, with its full name and its plan; `step` has its arrays.

    `complex_safe` says whether its forward pass computes the same function in complex numbers.
    """

    name: str
    layer: Layer
    planned: Plan
    observer: Observer = NO_OBSERVER
    complex_safe: bool = True
    step: Step = field(init=False)
    inner: "tuple[ObservedLayer, ...]" = ()

    def plan(self, shape: tuple[int, ...]) -> Plan:
        """Return the layer's plan."""
        return self.layer.plan(shape)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Call the layer's forward through the observer."""
        try:
            self.observer.forward(self, p, x, y, s)
        except Exception as error:
            raise_for(error, self.name, "forward" + ", in complex numbers," * (y.dtype.kind == "c"))

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        """Call the layer's backward through the observer."""
        views = dict(vars(g))
        try:
            self.observer.backward(self, p, g, x, y, dy, dx, s)
        except Exception as error:
            raise_for(error, self.name, "backward")
        finally:
            # A layer may wrongly have replaced a gradient by an array of its own; later passes need ours again.
            vars(g).update(views)


def observe_layers(chain: Chain, frame: Frame) -> tuple[Frame, tuple[ObservedLayer, ...]]:
    """Return a frame of the chain with observed layers, and these layers in the order of the chain."""
    layers, steps = [], []
    for name, plan, inner, step in zip(chain.names, chain.plans, chain.inner, frame.steps, strict=True):
        observed = ObservedLayer(name, step.layer, plan)
        s = Workspace(**vars(step.s))
        if inner:
            s.inner, observed.inner = observe_layers(inner, s.inner)
        observed.step = replace(step, layer=observed, s=s, g=Views(**vars(step.g)))
        layers.append(observed)
        steps.append(observed.step)
    return replace(frame, steps=tuple(steps)), tuple(layers)


def walk_backward(layers: Sequence[ObservedLayer]) -> Iterator[ObservedLayer]:
    """Yield all layers from the last to the first, each before those inside it."""
    for observed in reversed(layers):
        yield observed
        yield from walk_backward(observed.inner)


@contextmanager
def observe(layers: Sequence[ObservedLayer], observer: Observer) -> Iterator[None]:
    """Give all layers an observer inside the context."""
    for observed in walk_backward(layers):
        observed.observer = observer
    try:
        yield
    finally:
        for observed in walk_backward(layers):
            observed.observer = NO_OBSERVER


@dataclass
class Passage:
    """One forward and backward pass of one layer, its arrays copied.

    x and y are from forward; `x_later` and `y_later` are what backward got of them. dy, dx and g are from backward.
    `changed_x` says that forward wrote into its input. `rebound` has what backward wrongly put in place of the arrays
    in g. `masks` is the state of the dropout stream before forward, and `state` that of the layer.
    """

    x: Array
    y: Array
    masks: dict[str, Any]
    state: dict[str, Array]
    changed_x: bool
    x_later: Array | None = None
    y_later: Array | None = None
    dy: Array | None = None
    dx: Array | None = None
    g: dict[str, Array] = field(default_factory=dict)
    rebound: dict[str, Any] = field(default_factory=dict)

    def rewind(self, s: Workspace) -> None:
        """Restore a layer's workspace to its state before the pass."""
        s.training = True
        s.rng.bit_generator.state = self.masks
        for key, value in self.state.items():
            getattr(s, key)[...] = value


class PassageObserver(Observer):
    """Copies the arrays that pass through each layer, by its name."""

    def __init__(self) -> None:
        self.passages: dict[str, Passage] = {}

    def forward(self, observed: ObservedLayer, p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Copy x and y."""
        before, masks = x.copy(), dict(s.rng.bit_generator.state)
        state = {key: getattr(s, key).copy() for key in observed.planned.state}
        observed.layer.forward(p, x, y, s)
        changed = y is not x and not np.array_equal(before, x, equal_nan=True)
        self.passages[observed.name] = Passage(before, y.copy(), masks, state, changed)

    def backward(
        self, observed: ObservedLayer, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace
    ) -> None:
        """Copy the gradients before and after."""
        passage, views = self.passages[observed.name], dict(vars(g))
        passage.x_later, passage.y_later, passage.dy = x.copy(), y.copy(), dy.copy()
        try:
            observed.layer.backward(p, g, x, y, dy, dx, s)
        finally:
            passage.dx = None if dx is None else dx.copy()
            passage.rebound = {key: value for key, value in vars(g).items() if value is not views.get(key)}
            passage.g = {key: view.copy() for key, view in views.items()}
