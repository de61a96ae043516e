"""Mutations: a component with one method spoiled, in a small network where that matters, and the checker's verdict."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.diagnosis.bug import Kind
from bptrain.gradcheck.twin import Twin
from bptrain.gradcheck.verdict import Check
from bptrain.model.objective import Objective
from bptrain.nn import Layer, Loss
from bptrain.nn.activations import Tanh
from bptrain.nn.chain import Chain
from bptrain.nn.initializers import GlorotUniform
from bptrain.nn.layers import Dense
from bptrain.nn.losses import BinaryCrossEntropy, Mse, MultiTask, Part, SoftmaxCrossEntropy
from bptrain.optim import Regularization
from bptrain.registry import name_of

ROWS, INPUTS = 6, 5


@dataclass(frozen=True)
class Mutation:
    """A planted bug: its description in a line, the kinds that name it correctly, and the layer that has it."""

    name: str
    description: str
    kinds: tuple[Kind, ...]
    layer: str
    build_twin: Callable[[], Twin]


@dataclass(frozen=True)
class Outcome:
    """What the checker found for a planted bug.

    Attributes:
        name: of the bug.
        description: of the bug, in a line.
        caught: whether a check failed.
        recognised: whether the checker named the right layer and kind of mistake.
        kind: the kind of mistake that it named.
        layer: the layer that it named.
        said: its diagnosis.
    """

    name: str
    description: str
    caught: bool
    recognised: bool
    kind: str | None
    layer: str | None
    said: str


@dataclass(frozen=True)
class MutationReport:
    """The outcome of every planted bug."""

    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Whether every bug was caught."""
        return all(one.caught for one in self.outcomes)

    def to_json(self) -> dict[str, Any]:
        """Return the keys of `bptrain gradcheck --mutate --json`."""
        return {"passed": self.passed, "mutations": [asdict(one) for one in self.outcomes]}


def judge_mutation(mutation: Mutation, checks: Sequence[Check]) -> Outcome:
    """Return whether the checks catch a bug, and whether they name it correctly."""
    failed = next((one for one in checks if not one.passed), None)
    kind, layer = (failed.kind, failed.layer) if failed else (None, None)
    said = (failed.cause or failed.diagnosis or "") if failed else ""
    recognised = kind in mutation.kinds and layer == mutation.layer
    return Outcome(mutation.name, mutation.description, failed is not None, recognised, kind, layer, said)


MUTATIONS: list[Mutation] = []
"""Every planted bug, in the order of the catalogue."""


@dataclass
class Call:
    """A call of a layer's method: its arrays, and `run_right`, which runs the right method on these or on other arrays.

    A call of forward has no g, dy and dx.
    """

    run_right: Callable[..., None]
    p: Any
    x: Array
    y: Array
    s: Any
    g: Any = None
    dy: Any = None
    dx: Any = None


LayerFault = Callable[[Call], None]
LossFault = Callable[[Array, Array, Array], None]
"""Spoils dscores after the loss has filled them, given scores and targets."""
PenaltyFault = Callable[[Callable[[], None], Objective], None]
"""Replaces the method of the objective that adds the gradient of the penalty, and is given that method."""


def make_dense(units: int = 4) -> Dense:
    """Return a dense layer with random weights."""
    return Dense(units, weight_init=GlorotUniform())


def spoil(component: Any, method: str, fault: Callable[..., Any]) -> Any:
    """Return a component of the same name and options, with `fault` in place of one of its methods.

    The fault is called with a function that runs the right method, then with the arguments of the method.
    """
    cls = type(component)

    def run_fault(self: Any, *arguments: Any) -> Any:
        return fault(lambda *changed: getattr(cls, method)(self, *(changed or arguments)), *arguments)

    options = {field.name: getattr(component, field.name) for field in fields(component)}
    return type(cls.__name__, (cls,), {method: run_fault, "__module__": cls.__module__})(**options)


def build_twin(
    layers: Sequence[Layer],
    loss: Loss,
    penalties: Regularization = Regularization(),  # noqa: B008
    rows: int = ROWS,
    objective: type[Objective] = Objective,
) -> Twin:
    """Return a twin on random rows."""
    rng = np.random.default_rng(7)
    width = Chain(layers, (INPUTS,)).shapes[-1][0]
    shape = (rows, *loss.target_shape((width,)))
    targets = rng.integers(0, width, rows) if loss.encoding == "codes" else rng.integers(0, 2, shape) * 1.0
    inputs = rng.normal(size=(rows, INPUTS))
    return Twin(layers, (INPUTS,), loss, penalties, inputs, targets, 7, objective)


def add_to_catalogue(layer: str, kinds: tuple[Kind, ...], build: Callable[[Any], Twin]) -> Callable[[Any], Any]:
    """Decorator: adds a bug to the catalogue, described by its docstring; `build` makes the network that has it."""

    def register(fault: Any) -> Any:
        text = (fault.__doc__ or "").removesuffix(".")
        description = text[:1].lower() + text[1:]
        MUTATIONS.append(Mutation(fault.__name__, description, kinds, layer, lambda: build(fault)))
        return fault

    return register


def plants(
    layer: Any, *kinds: Kind, method: Literal["backward", "forward"] = "backward"
) -> Callable[[LayerFault], LayerFault]:
    """Decorator: plants a bug in a method of a layer, which is put between two dense layers and a tanh."""
    names = ("p", "g", "x", "y", "dy", "dx", "s") if method == "backward" else ("p", "x", "y", "s")

    def build(fault: LayerFault) -> Twin:
        def run_fault(right: Any, *arrays: Any) -> None:
            fault(Call(right, **dict(zip(names, arrays, strict=True))))

        layers = (make_dense(), spoil(layer, method, run_fault), Tanh(), make_dense(3))
        return build_twin(layers, SoftmaxCrossEntropy())

    return add_to_catalogue(f"1.{name_of(layer)}", kinds, build)


def spoil_loss(loss: Any, fault: LossFault) -> Any:
    """Return a loss of the same name and options whose dscores are spoiled."""

    def value_and_grad(right: Any, scores: Array, targets: Array, weights: Any, dscores: Array, s: Any) -> Any:
        value = right()
        fault(scores, targets, dscores)
        return value

    return spoil(loss, "value_and_grad", value_and_grad)


def plants_in_loss(loss: Any, *kinds: Kind) -> Callable[[LossFault], LossFault]:
    """Decorator: plants a bug in the gradient of a loss."""

    def build(fault: LossFault) -> Twin:
        width = (loss.widths(3, 1) or loss.widths(2, 1))[0]
        return build_twin((make_dense(), Tanh(), make_dense(width)), spoil_loss(loss, fault))

    return add_to_catalogue(f"loss {name_of(loss)}", kinds, build)


def plants_in_head(loss: Any, *kinds: Kind) -> Callable[[LossFault], LossFault]:
    """Decorator: plants a bug in the gradient of the loss of one target out of three."""

    def build(fault: LossFault) -> Twin:
        own = Part("b", spoil_loss(loss, fault), 3, 1 if loss.encoding == "codes" else 3, 0.5)
        several = MultiTask((Part("a", Mse(), 2, 2, 2.0), own, Part("c", BinaryCrossEntropy(), 1)))
        return build_twin((make_dense(), Tanh(), make_dense(6)), several)

    return add_to_catalogue("loss multi_task", kinds, build)


def plants_in_penalty(*kinds: Kind) -> Callable[[PenaltyFault], PenaltyFault]:
    """Decorator: plants a bug in the gradient of the penalty."""

    def build(fault: PenaltyFault) -> Twin:
        class BrokenObjective(Objective):
            """An objective with a bug in it."""

            def add_penalty_gradient(self) -> None:
                fault(super().add_penalty_gradient, self)

        penalties = Regularization(l1=0.01, l2=0.1)
        return build_twin((make_dense(), Tanh(), make_dense(3)), Mse(), penalties, objective=BrokenObjective)

    return add_to_catalogue("penalty", kinds, build)
