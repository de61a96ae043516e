"""The contract of a layer: what it plans, what it computes, and the words both use.

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
"""What a kernel needs besides its arguments: its planned scratch and state arrays by name, and `training` (a bool),
`rng` (the dropout stream), `ones` and `rows` (the constants 1, 1, ... and 0, 1, ... for the rows at hand)."""

Views = SimpleNamespace
"""Arrays by name: `p.weight`, `g.bias`."""

Link = Literal["", "softmax", "sigmoid", "exp", "margin"]
"""What is made of raw scores, by the loss itself or by a layer: the softmax, the sigmoid or the exponential of the
scores, or their distance from a boundary; empty where scores are the predicted values themselves."""

GIVEN = ("inner", "ones", "rng", "rows", "training")
"""What a workspace has besides the planned arrays."""


USUAL_SYMBOLS = {"weight": "W", "bias": "b", "scale": "γ", "shift": "β", "slope": "a"}
"""How formulas write parameters of these names."""


@dataclass(frozen=True)
class Parameter:
    """An array that is learned. `decay`: whether weight decay and other penalties apply (weights yes, biases no); `l1`
    and `l2` are penalties of its own, in place of those of the whole network; `symbol` is how formulas write it, where
    that is neither its name nor the usual letter for it."""

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
        """Return how formulas write it under a name."""
        return self.symbol or USUAL_SYMBOLS.get(name, name)


@dataclass(frozen=True)
class Scratch:
    """An array that a kernel works in, one for each row of the batch or (not `per_row`) a single one. A dtype of None
    is the network's own."""

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
    """What a layer makes of an input shape.

    `layers` are those inside, whose frame the workspace has as `s.inner`; `least_rows` is how many rows training needs;
    `random` says that training draws random numbers.
    `reads` names what its backward reads of x and y. `elementwise` says that each output depends on its own input
    alone: the network may then hand it y = x (if nobody's backward misses x) and dx = dy, and spare memory and time.

    The others are facts by which rules, pages and checks judge a layer that they have never heard of; a layer that says
    nothing is taken for a function that nothing is known of. `identity`: outside training y is x. `linear`: outside
    training y is a weighted sum of x, plus a constant. `drops`: the share of values that training sets to zero.
    `normalizes`: whether each unit is brought to a mean and spread over the `rows`, or each row over its `units`.
    `link`: which function of scores it is, where losses have that in them too.

    Raises:
        TypeError, ValueError: something in it is not what it should be.
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
        """Whether it has parameters that are weights, and not biases or scales alone."""
        return any(parameter.decay for parameter in self.parameters.values())

    def __post_init__(self) -> None:
        check_shape(self.shape)
        if self.reads not in ("", "x", "y", "xy"):
            raise ValueError(f"reads is '', 'x', 'y' or 'xy' (got {self.reads!r})")
        check_planned("parameters", self.parameters, Parameter)
        check_planned("scratch", self.scratch, Scratch)
        check_planned("state", self.state, State)
        for name in self.scratch.keys() & self.state.keys() | (self.scratch.keys() | self.state.keys()) & set(GIVEN):
            raise ValueError(f"{name!r} names something else in the workspace already; choose another name")


def check_shape(shape: Any) -> None:
    """Check that it is the shape of a row."""
    if not isinstance(shape, tuple) or not all(isinstance(n, Integral) and int(n) > 0 for n in shape):
        raise TypeError(f"a shape is a tuple of whole numbers above 0, such as (64,) (got {shape!r})")


def check_planned(what: str, planned: Any, kind: type) -> None:
    """Check that it is a mapping of names to `kind`."""
    if not isinstance(planned, Mapping):
        raise TypeError(f"{what} is a mapping of names to {kind.__name__}(...) (got {planned!r})")
    for name, one in planned.items():
        if not isinstance(one, kind) or not isinstance(name, str) or not name.isidentifier():
            raise TypeError(f"{what} is a mapping of names to {kind.__name__}(...) (got {name!r}: {one!r})")


class Layer(Protocol):
    """A function of rows with its derivative. Shapes are those of one row: `(64,)`.

    A layer with options that may be `auto` has `resolve(units, following)`, which gives the layer without; one that
    holds layers has them as `layers`.

    To be explained with numbers, a layer declares its `equations`: x, y, dx and dy, the parameters by their symbols (a
    gradient with a d before), n the rows, and the options. Where they depend on its options, `choose_equations()`
    returns those that hold. `letters(s, label)` returns the values of further letters, by name, after the pass that the
    label names (`Forward:` or `Backward:`).
    """

    @abstractmethod
    def plan(self, shape: Shape) -> Plan:
        """The output shape and the arrays needed for inputs of `shape`."""

    @abstractmethod
    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Read x, fill y. Runs in complex128 too: masks from `.real`, no `abs` or `maximum` on values."""

    @abstractmethod
    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        """Overwrite g and dx with the gradients; dx is None where nobody asks for it, which only a layer with
        parameters meets."""


class Activation(Layer):
    """The base of the activations: one value in, one value out, of the same shape.

    `initializer` is what suits the weights of a dense layer in front of it. One whose slope jumps says at which inputs:
    `kinks`. The plan here has no scratch and takes nothing for granted; those of our own say what their backward
    reads, which spares memory and passes over it.
    `steepest` is the largest slope of one that is bounded above and below, so that it saturates; `most_in_a_row` how
    many of an S-shaped one may follow each other before gradients fade.
    """

    initializer: ClassVar[Initializer] = GlorotUniform()
    steepest: ClassVar[float | None] = None
    most_in_a_row: ClassVar[int | None] = None

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which numbers its values lie."""
        return (-inf, inf)

    def plan(self, shape: Shape) -> Plan:
        """The same shape, and x and y kept for the backward pass."""
        return Plan(shape)


ACTIVATIONS = Family("activation", contract=Activation)
LAYERS = Family("layer", contract=Layer, includes=(ACTIVATIONS,))
