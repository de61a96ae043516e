"""The contract of a layer: the arrays that it plans, and the kernels that compute with them.

Kernels read and fill arrays that the network owns. The letters: x in, y out, dx and dy their gradients, p the
parameters and g their gradients, s the workspace.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from numbers import Integral
from types import SimpleNamespace
from typing import Any, ClassVar, Literal, Protocol

from bptrain.arrays import Array, Shape
from bptrain.nn.initializers import GlorotUniform, Initializer
from bptrain.registry import Family

Workspace = SimpleNamespace
"""The other arrays of a kernel: its planned scratch and state arrays by name, and `training` (a bool), `rng` (the
dropout stream), `ones` and `rows` (the constants 1, 1, ... and 0, 1, ..., as long as the batch)."""

Views = SimpleNamespace
"""Arrays by name: `p.weight`, `g.bias`."""

Link = Literal["", "softmax", "sigmoid", "exp", "margin"]
"""The function of raw scores that a loss or a layer applies: the softmax, the sigmoid or the exponential of the scores,
or their distance from a boundary; empty where scores are the predicted values themselves."""

RESERVED = ("inner", "ones", "rng", "rows", "training")
"""Names that a workspace has besides those of the planned arrays."""

USUAL_SYMBOLS = {"weight": "W", "bias": "b", "scale": "γ", "shift": "β", "slope": "a"}
"""The symbols of parameters of these names in equations."""


@dataclass(frozen=True)
class Parameter:
    """An array that is learned. `decay`: whether weight decay and other penalties apply (weights yes, biases no); `l1`
    and `l2` are penalties of its own, in place of those of the whole network; `symbol` is its symbol in equations, if
    neither its name nor the usual letter for it."""

    shape: Shape
    initializer: Initializer = GlorotUniform()
    decay: bool = True
    l1: float | None = None
    l2: float | None = None
    symbol: str = ""

    def __post_init__(self) -> None:
        check_shape(self.shape)
        if isinstance(self.initializer, type) or not hasattr(self.initializer, "fill"):
            raise TypeError(f"a parameter needs an initializer, such as Zeros() (got {self.initializer!r})")

    def symbol_as(self, name: str) -> str:
        """Return its symbol in equations, under a name."""
        return self.symbol or USUAL_SYMBOLS.get(name, name)


@dataclass(frozen=True)
class Scratch:
    """An array for intermediate results, with a row for each row of the batch or (not `per_row`) a single one. A dtype
    of None is that of the network."""

    shape: Shape
    dtype: Literal["bool", "float32", "int64"] | None = None
    per_row: bool = True

    def __post_init__(self) -> None:
        check_shape(self.shape)


@dataclass(frozen=True)
class State:
    """An array that is saved but not learned, such as running statistics."""

    shape: Shape
    initial: float

    def __post_init__(self) -> None:
        check_shape(self.shape)


@dataclass(frozen=True)
class Plan:
    """The plan of a layer for an input shape: its output shape and its arrays.

    `layers` are those inside, whose frame the workspace has as `s.inner`; `least_rows` is the number of rows that
    training needs; `random` says that training draws random numbers.
    `reads` names which of x and y its backward reads. `elementwise` says that each output depends on its own input
    alone: to save memory and time the network may then pass y = x (if no backward needs x) and dx = dy.

    The other fields tell rules, pages and checks about a layer; without them it is treated as an unknown function.
    `identity`: outside training y is x. `linear`: outside training y is a weighted sum of x, plus a constant. `drops`:
    the share of values that training sets to zero. `normalizes`: whether each unit is normalized over the `rows`, or
    each row over its `units`. `link`: the function of scores that it is, if losses apply that function too.

    Raises:
        TypeError, ValueError: a field is not of its type, or a name is used twice.
    """

    shape: Shape
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    scratch: Mapping[str, Scratch] = field(default_factory=dict)
    state: Mapping[str, State] = field(default_factory=dict)
    layers: tuple["Layer", ...] = ()
    least_rows: int = 1
    random: bool = False
    reads: Literal["", "x", "y", "xy"] = "xy"
    elementwise: bool = False
    identity: bool = False
    linear: bool = False
    drops: float = 0.0
    normalizes: Literal["", "rows", "units"] = ""
    link: Link = ""

    @property
    def has_weights(self) -> bool:
        """Whether it has weights, and not only biases or scales."""
        return any(parameter.decay for parameter in self.parameters.values())

    def __post_init__(self) -> None:
        check_shape(self.shape)
        if self.reads not in ("", "x", "y", "xy"):
            raise ValueError(f"reads is '', 'x', 'y' or 'xy' (got {self.reads!r})")
        check_planned("parameters", self.parameters, Parameter)
        check_planned("scratch", self.scratch, Scratch)
        check_planned("state", self.state, State)
        for name in self.scratch.keys() & self.state.keys() | (self.scratch.keys() | self.state.keys()) & set(RESERVED):
            raise ValueError(f"{name!r} is already the name of something else in the workspace; choose another name")


def check_shape(shape: Any) -> None:
    """Check that a value is the shape of a row."""
    if not isinstance(shape, tuple) or not all(isinstance(n, Integral) and int(n) > 0 for n in shape):
        raise TypeError(f"a shape is a tuple of whole numbers above 0, such as (64,) (got {shape!r})")


def check_planned(what: str, planned: Any, kind: type) -> None:
    """Check that a field of a plan is a mapping of names to `kind`."""
    if not isinstance(planned, Mapping):
        raise TypeError(f"{what} is a mapping of names to {kind.__name__}(...) (got {planned!r})")
    for name, one in planned.items():
        if not isinstance(one, kind) or not isinstance(name, str) or not name.isidentifier():
            raise TypeError(f"{what} is a mapping of names to {kind.__name__}(...) (got {name!r}: {one!r})")


class Layer(Protocol):
    """A function of rows with its derivative. Shapes are of one row: `(64,)`.

    A layer with options that may be `auto` has `resolve(units, following)`, which returns the layer without any; one
    that holds layers has them as `layers`.

    To be explained with numbers, a layer declares its `equations`: x, y, dx and dy, the parameters by their symbols (a
    gradient with a d before), n the rows, and the options. Where they depend on its options, `choose_equations()`
    returns those that hold. `letters(s, label)` returns the values of further letters, by name, after the pass that the
    label names (`Forward:` or `Backward:`).
    """

    @abstractmethod
    def plan(self, shape: Shape) -> Plan:
        """Return the output shape and the arrays needed for inputs of `shape`."""

    @abstractmethod
    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Read x, fill y. This also runs in complex128: masks from `.real`, no `abs` or `maximum` on values."""

    @abstractmethod
    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        """Overwrite g and dx with the gradients; dx is None where it is not needed, if the layer has parameters."""


class Activation(Layer):
    """The base of the activations: one value in, one value out, of the same shape.

    `initializer` suits the weights of a dense layer in front of it; `kinks` are the inputs at which its slope jumps.
    The plan here has no scratch and assumes nothing; one that says what its backward reads saves memory and time.
    `steepest` is the largest slope of an activation that saturates; `most_in_a_row` the number of S-shaped ones that
    may follow each other before gradients vanish.
    """

    initializer: ClassVar[Initializer] = GlorotUniform()
    steepest: ClassVar[float | None] = None
    most_in_a_row: ClassVar[int | None] = None

    @property
    def bounds(self) -> tuple[float, float]:
        """The lower and the upper limit of its values."""
        return (-inf, inf)

    def plan(self, shape: Shape) -> Plan:
        """Return a plan with the same shape, which keeps x and y for the backward pass."""
        return Plan(shape)


ACTIVATIONS = Family("activation", contract=Activation)
LAYERS = Family("layer", contract=Layer, includes=(ACTIVATIONS,))
