"""The network: layers in a row over one arena of arrays.

The arena holds everything that the layers work on. `theta` is one vector of all parameters and `grad` one of their
gradients, cut alike; the layers see named views of both. So clipping, updating, penalties and checkpoints act on one
array. Nothing is allocated after construction: a `Frame` is the arena seen through the first n rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array, Shape, Streams, views
from bptrain.errors import Mistake, OptionError
from bptrain.nn.initializers import Initializer
from bptrain.nn.layer import Layer, Plan, Scratch, Views, Workspace
from bptrain.nn.layers import Dense
from bptrain.registry import name_of

Dtype = Literal["float32", "float64", "complex128"]


@dataclass(frozen=True)
class Entry:
    """One parameter: its name (`0.dense.weight`), its place in `theta`, and whether penalties apply to it."""

    name: str
    shape: Shape
    slice: slice
    decay: bool
    initializer: Initializer


@dataclass(frozen=True)
class Frame:
    """The arena for n rows: fill `input`, call `forward`, fill `dscores`, call `backward`.

    input `(n, inputs)`, scores and dscores `(n, outputs)`; dinput like input, or None.
    """

    input: Array
    scores: Array
    dscores: Array
    dinput: Array | None
    steps: tuple[tuple[Layer, Views, Views, Array, Array, Array, Array | None, Workspace], ...]
    stop: int

    def forward(self, *, training: bool) -> None:
        """Compute the scores of the input; `training` switches dropout and the like on."""
        for layer, p, _, x, y, _, _, s in self.steps:
            s.training = training
            layer.forward(p, x, y, s)

    def backward(self) -> None:
        """Compute the gradients of all parameters (and of the input, if asked for) from dscores."""
        for layer, p, g, x, y, dy, dx, s in reversed(self.steps[self.stop :]):
            layer.backward(p, g, x, y, dy, dx, s)


class Network:
    """Layers in a row, and the arena that they share.

    Args:
        layers: from input to output.
        shape: of one input row, such as `(64,)`.
        batch: the largest number of rows at a time.
        dtype: float32, float64, or complex128 (forward only, for the complex step).
        rng: the random streams; `init` draws the parameters, `dropout` the masks.
        input_gradient: whether `backward` fills `dinput` too.

    Raises:
        OptionError: a layer cannot take the shape that reaches it; the field is the layer's place, such as `0.dense`.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        shape: Shape,
        *,
        batch: int,
        dtype: Dtype = "float32",
        rng: Streams,
        input_gradient: bool = False,
    ) -> None:
        self.layers = tuple(layers)
        self.names = tuple(f"{k}.{name_of(layer)}" for k, layer in enumerate(layers))
        self.batch = batch
        self.dtype = np.dtype(dtype)
        self.rng = rng
        self.plans = self._plan(shape)
        self.shapes = (shape, *(plan.shape for plan in self.plans))
        self.entries = self._entries()
        self.decayed = slice(0, sum(entry.slice.stop - entry.slice.start for entry in self.entries if entry.decay))

        size = self.entries[-1].slice.stop if self.entries else 0
        self.theta = np.zeros(size, self.dtype)
        self.grad = np.zeros(size, self.dtype)
        self._p, self._g = self._named(self.theta), self._named(self.grad)
        self._allocate_state()
        self._allocate_rows(input_gradient)
        self._frames: dict[int, Frame] = {}
        self.initialize()

    def parameters(self) -> dict[str, Array]:
        """Every parameter by name, as views of `theta`, in the order of the entries."""
        return {entry.name: self.theta[entry.slice].reshape(entry.shape) for entry in self.entries}

    def gradients(self) -> dict[str, Array]:
        """Every gradient by name, as views of `grad`, in the order of the entries."""
        return {entry.name: self.grad[entry.slice].reshape(entry.shape) for entry in self.entries}

    def initialize(self) -> None:
        """Draw all parameters anew, in the order of the layers."""
        parameters = self.parameters()
        for name, plan in zip(self.names, self.plans, strict=True):
            for key, parameter in plan.parameters.items():
                try:
                    parameter.initializer.fill(parameters[f"{name}.{key}"], self.rng.init)
                except OptionError as error:
                    raise error.under(f"{name}.{key}_init.{name_of(parameter.initializer)}") from None

    def frame(self, n: int) -> Frame:
        """The arena for n rows, 1 to `batch`; made once for each n."""
        if n not in self._frames:
            if len(self._frames) > 8:
                self._frames.clear()
            self._frames[n] = self._frame(n)
        return self._frames[n]

    def _plan(self, shape: Shape) -> tuple[Plan, ...]:
        plans: list[Plan] = []
        for name, layer in zip(self.names, self.layers, strict=True):
            try:
                plans.append(layer.plan(plans[-1].shape if plans else shape))
            except OptionError as error:
                raise error.under(name) from None
        return tuple(plans)

    def _entries(self) -> tuple[Entry, ...]:
        planned = [
            (f"{name}.{key}", parameter)
            for name, plan in zip(self.names, self.plans, strict=True)
            for key, parameter in plan.parameters.items()
        ]
        planned.sort(key=lambda item: not item[1].decay)
        entries, start = [], 0
        for name, parameter in planned:
            part = slice(start, start + prod(parameter.shape))
            entries.append(Entry(name, parameter.shape, part, parameter.decay, parameter.initializer))
            start = part.stop
        return tuple(entries)

    def _named(self, vector: Array) -> dict[str, Array]:
        return {name: view for name, _, view in views(vector, {entry.name: entry.shape for entry in self.entries})}

    def _allocate_state(self) -> None:
        planned = {
            f"{name}.{key}": state
            for name, plan in zip(self.names, self.plans, strict=True)
            for key, state in plan.state.items()
        }
        self.state = np.zeros(sum(prod(state.shape) for state in planned.values()), self.dtype)
        self.states: dict[str, Array] = {}
        for name, _, view in views(self.state, {name: state.shape for name, state in planned.items()}):
            view[...] = planned[name].initial
            self.states[name] = view

    def _allocate_rows(self, input_gradient: bool) -> None:
        """Allocate what has a row for each row of the batch: signals, their gradients, scratch."""
        self._ones = np.ones(self.batch, self.dtype)
        self._rows = np.arange(self.batch)
        self._signals = [self._rows_of(Scratch(self.shapes[0]))]
        gradient = self._rows_of(Scratch(self.shapes[0])) if input_gradient else None
        self._slopes: list[Array | None] = [gradient]
        for k, plan in enumerate(self.plans):
            in_place = plan.elementwise and k > 0
            share = in_place and "x" not in plan.reads and "y" not in self.plans[k - 1].reads
            self._signals.append(self._signals[k] if share else self._rows_of(Scratch(plan.shape)))
            self._slopes.append(self._slopes[k] if in_place else self._rows_of(Scratch(plan.shape)))
        self._scratch = [{key: self._rows_of(scratch) for key, scratch in plan.scratch.items()} for plan in self.plans]
        trained = (k for k, plan in enumerate(self.plans) if plan.parameters)
        self._stop = 0 if input_gradient else next(trained, len(self.plans))

    def _rows_of(self, scratch: Scratch) -> Array:
        return np.zeros((self.batch, *scratch.shape), scratch.dtype or self.dtype)

    def workspace(self, n: int, scratch: dict[str, Array], **extra: Any) -> Workspace:
        """A workspace of n rows of the given scratch arrays, with the constants that every kernel may use."""
        rows = {key: array[:n] for key, array in scratch.items()}
        return Workspace(
            ones=self._ones[:n], rows=self._rows[:n], rng=self.rng.dropout, training=False, **rows, **extra
        )

    def _frame(self, n: int) -> Frame:
        if not 1 <= n <= self.batch:
            raise ValueError(f"a frame has 1 to {self.batch} rows (got {n})")
        seen: dict[int, Array] = {}

        def cut(array: Array) -> Array:
            # One view for each array, so that a layer working in place sees `y is x`.
            return seen.setdefault(id(array), array[:n])

        steps = []
        for k, (name, layer, plan) in enumerate(zip(self.names, self.layers, self.plans, strict=True)):
            p = Views(**{key: self._p[f"{name}.{key}"] for key in plan.parameters})
            g = Views(**{key: self._g[f"{name}.{key}"] for key in plan.parameters})
            s = self.workspace(n, self._scratch[k], **{key: self.states[f"{name}.{key}"] for key in plan.state})
            dy, before = self._slopes[k + 1], self._slopes[k]
            assert dy is not None
            wanted = k > self._stop or self._slopes[0] is not None
            dx = cut(before) if before is not None and wanted else None
            steps.append((layer, p, g, cut(self._signals[k]), cut(self._signals[k + 1]), cut(dy), dx, s))
        dinput, dscores = self._slopes[0], self._slopes[-1]
        assert dscores is not None
        return Frame(
            cut(self._signals[0]),
            cut(self._signals[-1]),
            cut(dscores),
            None if dinput is None else cut(dinput),
            tuple(steps),
            self._stop,
        )


def completed(layers: Sequence[Layer], outputs: int) -> tuple[Layer, ...]:
    """The layers with every `auto` replaced: the last dense layer takes `outputs` units, initializers suit activations.

    Raises:
        OptionError: `units: auto` in a dense layer that is not the last one.
    """
    last = max((k for k, layer in enumerate(layers) if isinstance(layer, Dense)), default=-1)
    done: list[Layer] = []
    for k, layer in enumerate(layers):
        if isinstance(layer, Dense):
            if layer.units == "auto" and k != last:
                message = "auto is for the last dense layer, whose units the target decides; give a number"
                raise OptionError(Mistake(f"{k}.dense.units", message))
            layer = layer.completed(outputs, layers[k + 1 :])
        done.append(layer)
    return tuple(done)
