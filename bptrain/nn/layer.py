"""The contract of a layer: `plan` says which arrays it needs; `forward` and `backward`, its kernels, compute with them.

The network owns the arrays; kernels read and fill them. In all kernels x is the input, y the output, dx and dy the
gradients of the loss by x and y, p the parameters and g their gradients, and s the workspace.
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
stream of random numbers for dropout), `ones` and `rows` (the constants 1, 1, ... and 0, 1, ..., an entry for each
row)."""

Views = SimpleNamespace
"""Arrays by name: `p.weight`, `g.bias`."""

Link = Literal["", "softmax", "sigmoid", "exp", "margin"]
"""How predictions follow from raw scores: by the softmax, the sigmoid or the exponential; as a margin, the signed
distance from the boundary between two classes; or empty, where the scores are the predictions themselves."""

RESERVED = ("inner", "ones", "rng", "rows", "training")
"""Names that a workspace has already, so that no planned array may have them."""

USUAL_SYMBOLS = {"weight": "W", "bias": "b", "scale": "γ", "shift": "β", "slope": "a"}
"""The symbols in equations of parameters with these names."""


@dataclass(frozen=True)
class Parameter:
    """An array that is learned.

    `decay` says whether weight decay and other penalties apply to it (weights yes, biases no). `l1` and `l2` are its
    own penalties, in place of those of the whole network. `symbol` is its symbol in equations; empty for the usual one.
    `axis` is the one along which the weights into a unit lie.
    """

    shape: Shape
    initializer: Initializer = GlorotUniform()
    decay: bool = True
    l1: float | None = None
    l2: float | None = None
    symbol: str = ""
    axis: int = 0

    def __post_init__(self) -> None:
        check_shape(self.shape)
        if isinstance(self.initializer, type) or not hasattr(self.initializer, "fill"):
            raise TypeError(f"a parameter needs an initializer, such as Zeros() (got {self.initializer!r})")

    def get_symbol(self, name: str) -> str:
        """Return its symbol in equations, where its layer has planned it under `name`."""
        return self.symbol or USUAL_SYMBOLS.get(name, name)


@dataclass(frozen=True)
class Scratch:
    """An array for intermediate results, with a row for each row of the batch, or a single row if not `per_row`. If
    `dtype` is None, it has the dtype of the network."""

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

    `layers` are the layers inside it, which its kernels run as `s.inner`. `least_rows` is the smallest batch that it
    can be trained on. `random` says that it draws random numbers in training. `reads` names those of x and y that
    `backward` reads. `elementwise` says that each output depends on one input alone: to save memory and time the
    network may then pass the same array as x and y (if no `backward` reads that x), and as dx and dy.

    The other fields are for warnings, tables and checks; a layer that sets none is treated as an unknown function.
    `identity`: outside training y is x. `linear`: outside training y is a weighted sum of x, plus a constant. `drops`:
    the share of values that it sets to zero in training. `normalizes`: `rows` if each unit is normalized over the rows,
    `units` if each row is normalized over its units. `link`: its function, if that is one that losses also apply.

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
    """Check that a value is the shape of a row: a tuple of whole numbers above 0."""
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

    A layer with options that may be `auto` has a method `resolve(units, following)` that returns it with every `auto`
    replaced. A layer that holds other layers has them as `layers`. A layer that treats numbers otherwise than the 0 and
    1 of categories has `choose_inputs(numbers)`; where it is the first, it is given the places of the numeric columns.

    To be explained with numbers, a layer declares its `equations`. They may use x, y, dx and dy, the parameters by
    their symbols (with a d in front for the gradient), n for the number of rows, and the options. Where they depend on
    the options, `choose_equations()` returns the ones that apply. `letters(s, label)` returns the values of any other
    letters, by name; it is called after each pass, with the label `Forward:` or `Backward:`.
    """

    @abstractmethod
    def plan(self, shape: Shape) -> Plan:
        """Return the output shape and the arrays needed for inputs of `shape`."""

    @abstractmethod
    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Read x, fill y. The gradient check also runs this in complex128: compare `x.real`, and use `kernels.absolute`
        and `kernels.positive_part` in place of `np.abs` and `np.maximum`."""

    @abstractmethod
    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        """Fill g and dx with the gradients. In a layer with parameters dx may be None: then it is not needed."""


class Activation(Layer):
    """The base of the activations: one value in, one value out, of the same shape.

    `initializer` suits the weights of the dense layer before it. `kinks` are the inputs at which its slope jumps.
    `steepest` is the largest slope of an activation that saturates. `most_in_a_row` is how many layers may have it, one
    after another, before gradients vanish. The plan here assumes that backward reads both x and y; a plan of your own
    that says what it really reads saves memory and time.
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
