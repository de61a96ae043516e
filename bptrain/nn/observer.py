"""Observers: what looks into the layers of a frame while rows pass through, such as the gradient check and `explain`.

`observe_layers` puts an observed layer before each layer of a frame, and `observe` lets an observer see all of them for
a while. Without an observer an observed layer only hands on. It is used all along, so that what a layer wrongly keeps
from one pass to the next is kept here too.
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


class BackwardError(Exception):
    """A forward or backward pass stopped with an exception of its own, which is the cause.

    `layer` is where, and `what` says which pass.
    """

    def __init__(self, layer: str, what: str) -> None:
        super().__init__(layer, what)
        self.layer = layer
        self.what = what


@contextmanager
def guard_kernels(layer: str, what: str = "") -> Iterator[None]:
    """The context in which kernels run: overflow is seen in the results, and what they raise is a `BackwardError`."""
    try:
        with np.errstate(all="ignore"):
            yield
    except Exception as error:
        raise_for(error, layer, what)


def raise_for(error: Exception, layer: str, what: str) -> NoReturn:
    """Raise a `BackwardError` for what a kernel raised; what is said on purpose goes on as it is."""
    if isinstance(error, BptrainError | MemoryError | BackwardError):
        raise error
    raise BackwardError(layer, what) from error


class Observer:
    """What an observed layer calls in place of the layer itself; each method must call that of the layer."""

    def forward(self, observed: "ObservedLayer", p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Stand in for the layer's forward."""
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
        """Stand in for the layer's backward."""
        observed.layer.backward(p, g, x, y, dy, dx, s)


HANDS_ON = Observer()
"""The observer where nobody looks."""


@dataclass
class ObservedLayer(Layer):
    """A layer under observation, with its full name and its plan; `step` has the arrays that it works on.

    `complex_safe` says whether its forward pass means the same in complex numbers.
    """

    name: str
    layer: Layer
    planned: Plan
    observer: Observer = HANDS_ON
    complex_safe: bool = True
    step: Step = field(init=False)
    inner: "tuple[ObservedLayer, ...]" = ()

    def plan(self, shape: tuple[int, ...]) -> Plan:
        """The layer's plan."""
        return self.layer.plan(shape)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        """The layer's forward, seen by the observer."""
        try:
            self.observer.forward(self, p, x, y, s)
        except Exception as error:
            raise_for(error, self.name, "forward" + ", in complex numbers," * (y.dtype.kind == "c"))

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        """The layer's backward, seen by the observer."""
        views = dict(vars(g))
        try:
            self.observer.backward(self, p, g, x, y, dy, dx, s)
        except Exception as error:
            raise_for(error, self.name, "backward")
        finally:
            # A layer that puts an array of its own there shall not do so for good.
            vars(g).update(views)


def observe_layers(chain: Chain, frame: Frame) -> tuple[Frame, tuple[ObservedLayer, ...]]:
    """Return a frame of the chain with observed layers in it, and these in the order of the chain."""
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


def in_backward_order(layers: Sequence[ObservedLayer]) -> Iterator[ObservedLayer]:
    """Yield all layers from the last to the first, each before those inside it."""
    for observed in reversed(layers):
        yield observed
        yield from in_backward_order(observed.inner)


@contextmanager
def observe(layers: Sequence[ObservedLayer], observer: Observer) -> Iterator[None]:
    """Let an observer see all layers for a while."""
    for observed in in_backward_order(layers):
        observed.observer = observer
    try:
        yield
    finally:
        for observed in in_backward_order(layers):
            observed.observer = HANDS_ON


@dataclass
class Passage:
    """One pass through a layer, copied: what it was given and what it made of it.

    x as forward saw it, and as backward saw it; y after forward; `changed_x` if forward wrote into its own input; dy,
    dx and g of the backward pass; `rebound` names the gradients that backward replaced by arrays of its own, which
    nobody will see. `masks` is the state of the dropout stream before forward, and `state` that of the layer.
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
        """Put a layer's workspace back to where it was before the pass."""
        s.training = True
        s.rng.bit_generator.state = self.masks
        for key, value in self.state.items():
            getattr(s, key)[...] = value


class PassageObserver(Observer):
    """Copies what passes through each layer, by its name."""

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
