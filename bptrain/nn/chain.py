"""A chain: a sequence of layers with the arrays that flow between them, for batches of any size.

A layer that holds layers, such as a residual block, has a chain inside, which reads the same input.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from bptrain.arrays import Array, Shape, Streams
from bptrain.errors import Mistake, OptionError
from bptrain.nn.layer import Layer, Parameter, Plan, Scratch, State, Views, Workspace
from bptrain.registry import name_of


@dataclass(frozen=True)
class Step:
    """One layer of a frame, with the arrays that its kernels read and fill; the letters are those of `nn.layer`."""

    layer: Layer
    p: Views
    g: Views
    x: Array
    y: Array
    dy: Array
    dx: Array | None
    s: Workspace


@dataclass(frozen=True)
class Frame:
    """A chain for n rows: fill `input`, call `forward`, fill `dscores`, call `backward`.

    input `(n, inputs)`, scores and dscores `(n, outputs)`; dinput like input, or None where it is not needed. Only the
    layers from `stop` on run backward: those before it have no parameters.
    """

    input: Array
    scores: Array
    dscores: Array
    dinput: Array | None
    steps: tuple[Step, ...]
    stop: int

    def forward(self, *, training: bool) -> None:
        """Compute the scores of the input; `training` turns on dropout and noise."""
        for step in self.steps:
            step.s.training = training
            step.layer.forward(step.p, step.x, step.y, step.s)

    def backward(self) -> None:
        """Compute the gradients of all parameters (and of the input, if needed) from dscores, which is overwritten."""
        for step in reversed(self.steps[self.stop :]):
            step.layer.backward(step.p, step.g, step.x, step.y, step.dy, step.dx, step.s)


@dataclass(frozen=True)
class Arena:
    """What all chains of a network share: the largest batch, the dtype, the random streams, and the arrays.

    `ones` and `rows` are the constants 1, 1, ... and 0, 1, ...; parameters, gradients and states are views by full
    name, such as `0.dense.weight`.
    """

    batch: int
    dtype: np.dtype
    rng: Streams
    ones: Array
    rows: Array
    parameters: dict[str, Array]
    gradients: dict[str, Array]
    states: dict[str, Array]

    def allocate(self, planned: Scratch) -> Array:
        """Return a new array of the planned shape, with a first axis for the rows of the batch if it is `per_row`."""
        shape = (self.batch, *planned.shape) if planned.per_row else planned.shape
        return np.zeros(shape, planned.dtype or self.dtype)

    def build_workspace(self, n: int, planned: Mapping[str, Scratch], scratch: dict[str, Array]) -> Workspace:
        """Return a workspace with the first n rows of the scratch arrays, and what every kernel may use."""
        rows = {key: array[:n] if planned[key].per_row else array for key, array in scratch.items()}
        return Workspace(ones=self.ones[:n], rows=self.rows[:n], rng=self.rng.dropout, training=False, **rows)


class Chain:
    """A sequence of layers: it collects their plans, allocates their arrays, and builds frames.

    Args:
        layers: from input to output.
        shape: of an input row.
        prefix: put before the names of its layers, such as `2.residual.`.

    Raises:
        OptionError: a layer cannot take its input shape; the field is the layer's place, such as `0.dense`.
    """

    def __init__(self, layers: Sequence[Layer], shape: Shape, prefix: str = "") -> None:
        self.layers = tuple(layers)
        self.places = tuple(f"{k}.{name_of(layer)}" for k, layer in enumerate(layers))
        self.names = tuple(prefix + place for place in self.places)
        self.plans: list[Plan] = []
        self.inner: list[Chain | None] = []
        self.shapes = [shape]
        for place, name, layer in zip(self.places, self.names, self.layers, strict=True):
            try:
                plan = check_plan(layer.plan(self.shapes[-1]), self.shapes[-1])
                self.inner.append(self._plan_inner(plan, f"{name}."))
            except OptionError as error:
                raise error.prefix_fields(place) from None
            self.plans.append(plan)
            self.shapes.append(plan.shape)

    def _plan_inner(self, plan: Plan, prefix: str) -> "Chain | None":
        """Return the chain of the layers inside a layer, which must end in the layer's own output shape."""
        if not plan.layers:
            return None
        try:
            inner = Chain(plan.layers, self.shapes[-1], prefix)
        except OptionError as error:
            raise error.prefix_fields("layers") from None
        if inner.shapes[-1] != plan.shape:
            begins, ends = ("x".join(map(str, shape)) for shape in (plan.shape, inner.shapes[-1]))
            what = f"the block begins with {begins} values and ends with {ends}"
            raise OptionError(Mistake("layers", f"{what}; give its last dense layer {begins} units"))
        return inner

    def walk(self) -> Iterator[tuple[str, Plan]]:
        """Yield the full name and the plan of every layer, each before those inside it."""
        for name, plan, inner in zip(self.names, self.plans, self.inner, strict=True):
            yield name, plan
            if inner:
                yield from inner.walk()

    def parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield every parameter with its full name, layer by layer."""
        return ((f"{name}.{key}", one) for name, plan in self.walk() for key, one in plan.parameters.items())

    def states(self) -> Iterator[tuple[str, State]]:
        """Yield every state array with its full name, layer by layer."""
        return ((f"{name}.{key}", one) for name, plan in self.walk() for key, one in plan.state.items())

    @property
    def least_rows(self) -> int:
        """The smallest number of rows that a training batch may have."""
        return max([1, *(plan.least_rows for _, plan in self.walk())])

    @property
    def neediest_layer(self) -> str:
        """The name of the layer that needs `least_rows`, such as `batch_norm`."""
        return max(self.walk(), key=lambda one: one[1].least_rows)[0].rpartition(".")[2]

    @property
    def is_random(self) -> bool:
        """Whether any layer draws random numbers in training."""
        return any(plan.random for _, plan in self.walk())

    @property
    def row_size(self) -> int:
        """About how many numbers are stored for each row: signals, their gradients and scratch."""
        own = sum(2 * prod(shape) for shape in self.shapes)
        scratch = sum(prod(planned.shape) for plan in self.plans for planned in plan.scratch.values())
        return own + scratch + sum(inner.row_size for inner in self.inner if inner)

    def initialize(self, parameters: dict[str, Array], rng: np.random.Generator) -> None:
        """Draw all parameters, layer by layer.

        Raises:
            OptionError: an initializer does not fit its parameter.
        """
        for place, name, plan, inner in zip(self.places, self.names, self.plans, self.inner, strict=True):
            for key, parameter in plan.parameters.items():
                try:
                    parameter.initializer.fill(parameters[f"{name}.{key}"], rng)
                except OptionError as error:
                    raise error.prefix_fields(f"{place}.{key}_init.{name_of(parameter.initializer)}") from None
            if inner:
                try:
                    inner.initialize(parameters, rng)
                except OptionError as error:
                    raise error.prefix_fields(f"{place}.layers") from None

    def allocate(self, arena: Arena, x: Array, dx: Array | None) -> None:
        """Allocate the arrays that have a row for each row of the batch.

        `signals[k]` is the x of layer k and the y of the layer before it; `slopes[k]` is its gradient.

        An elementwise layer overwrites x with y if its own backward does not read x and the backward of the layer
        before does not read its y; the input of the chain is never overwritten. Since each gradient is read only once,
        every elementwise layer but the first overwrites dy with dx.
        """
        self.arena = arena
        self.signals, self.slopes = [x], [dx]
        self.scratch: list[dict[str, Array]] = []
        for k, (plan, inner) in enumerate(zip(self.plans, self.inner, strict=True)):
            in_place = plan.elementwise and k > 0
            share = in_place and "x" not in plan.reads and "y" not in self.plans[k - 1].reads
            self.signals.append(self.signals[k] if share else arena.allocate(Scratch(plan.shape)))
            self.slopes.append(self.slopes[k] if in_place else arena.allocate(Scratch(plan.shape)))
            self.scratch.append({key: arena.allocate(planned) for key, planned in plan.scratch.items()})
            if inner:
                before = arena.allocate(Scratch(self.shapes[k])) if dx is not None or k > self._find_first() else None
                inner.allocate(arena, self.signals[k], before)
        self.stop = 0 if dx is not None else self._find_first()

    def _find_first(self) -> int:
        """Return the place of the first layer with parameters; nothing before it needs a gradient."""
        for k, (plan, inner) in enumerate(zip(self.plans, self.inner, strict=True)):
            if plan.parameters or (inner and any(inner.parameters())):
                return k
        return len(self.plans)

    def build_frame(self, n: int) -> Frame:
        """Return the frame for n rows."""
        views: dict[int, Array] = {}

        def cut(array: Array) -> Array:
            # The same view each time, so that a layer that works in place sees that `y is x`.
            return views.setdefault(id(array), array[:n])

        arena, steps = self.arena, []
        chained = zip(self.names, self.layers, self.plans, self.inner, strict=True)
        for k, (name, layer, plan, inner) in enumerate(chained):
            p = Views(**{key: arena.parameters[f"{name}.{key}"] for key in plan.parameters})
            g = Views(**{key: arena.gradients[f"{name}.{key}"] for key in plan.parameters})
            s = arena.build_workspace(n, plan.scratch, self.scratch[k])
            for key in plan.state:
                setattr(s, key, arena.states[f"{name}.{key}"])
            if inner:
                s.inner = inner.build_frame(n)
            before, after = self.slopes[k], self.slopes[k + 1]
            assert after is not None
            needed = k > self.stop or self.slopes[0] is not None
            dx = cut(before) if needed and before is not None else None
            steps.append(Step(layer, p, g, cut(self.signals[k]), cut(self.signals[k + 1]), cut(after), dx, s))
        first, last = self.slopes[0], self.slopes[-1]
        assert last is not None
        dinput = None if first is None else cut(first)
        return Frame(cut(self.signals[0]), cut(self.signals[-1]), cut(last), dinput, tuple(steps), self.stop)


def check_plan(plan: object, shape: Shape) -> Plan:
    """Check that a layer returned a valid plan for inputs of a shape, and return the plan.

    Raises:
        OptionError: it is not a Plan, or it is elementwise and changes the shape.
    """
    if not isinstance(plan, Plan):
        raise OptionError(Mistake("", f"its plan(shape) must return a Plan (got {plan!r})"))
    if plan.elementwise and plan.shape != shape:
        what = f"its plan is elementwise and turns {shape} into {plan.shape}"
        raise OptionError(Mistake("", f"{what}; keep the shape, or leave out elementwise"))
    return plan


def resolve_layers(layers: Sequence[Layer], outputs: int | None) -> tuple[Layer, ...]:
    """Return the layers with every `auto` replaced by the value that suits the target and the layers that follow.

    Args:
        layers: from input to output. A layer with options that can be `auto` has `resolve(units, following)`, and one
            that holds layers has them as `layers`.
        outputs: the units that the target needs, for the last layer that has `resolve`; None inside a block, where all
            units must be given.

    Raises:
        OptionError: an `auto` cannot be resolved.
    """
    last = max((k for k, layer in enumerate(layers) if hasattr(layer, "resolve")), default=-1)
    resolved: list[Layer] = []
    for k, layer in enumerate(layers):
        try:
            if hasattr(layer, "resolve"):
                layer = layer.resolve(outputs if k == last else None, layers[k + 1 :])
            elif isinstance(inside := getattr(layer, "layers", None), tuple):
                layer = replace(layer, layers=resolve_inside(inside))  # type: ignore[type-var]
        except OptionError as error:
            raise error.prefix_fields(f"{k}.{name_of(layer)}") from None
        resolved.append(layer)
    return tuple(resolved)


def resolve_inside(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return the layers inside a block, resolved; in an error the field begins with `layers`."""
    try:
        return resolve_layers(layers, None)
    except OptionError as error:
        raise error.prefix_fields("layers") from None
