"""Planting: a component with one method spoiled, in a small network where that matters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.diagnosis.bug import Kind
from bptrain.gradcheck.twin import Twin
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
    """A bug: its description in a line, the kinds that name it rightly, and the layer to blame."""

    name: str
    description: str
    kinds: tuple[Kind, ...]
    layer: str
    twin: Callable[[], Twin]


MUTATIONS: list[Mutation] = []


def dense(units: int = 4) -> Dense:
    """A dense layer with random weights."""
    return Dense(units, weight_init=GlorotUniform())


def spoil(component: Any, method: str, fault: Callable[..., Any]) -> Any:
    """A component of the same name and options, one of whose methods is given the right one to call, and spoils it."""
    cls = type(component)

    def spoiled(self: Any, *arguments: Any) -> Any:
        return fault(lambda *changed: getattr(cls, method)(self, *(changed or arguments)), self, *arguments)

    options = {field.name: getattr(component, field.name) for field in fields(component)}
    return type(cls.__name__, (cls,), {method: spoiled, "__module__": cls.__module__})(**options)


def twin_of(
    layers: Sequence[Layer], loss: Loss, penalties: Regularization, rows: int, objective: type[Objective] = Objective
) -> Twin:
    """A twin on random rows."""
    rng = np.random.default_rng(7)
    width = Chain(layers, (INPUTS,)).shapes[-1][0]
    shape = (rows, *loss.target_shape((width,)))
    targets = rng.integers(0, width, rows) if loss.encoding == "codes" else rng.integers(0, 2, shape) * 1.0
    inputs = rng.normal(size=(rows, INPUTS))
    return Twin(layers, (INPUTS,), loss, penalties, inputs, targets, 7, objective)


Backward = Callable[..., None]


def describe_fault(fault: Callable[..., Any]) -> str:
    """What a bug does, by its docstring, as part of a sentence."""
    text = (fault.__doc__ or "").removesuffix(".")
    return text[:1].lower() + text[1:]


def catalogue(where: str, kinds: tuple[Kind, ...], build: Callable[[Any], Twin]) -> Callable[[Any], Any]:
    """Decorator: puts a bug into the catalogue; `build` makes the network that it is in."""

    def register(fault: Any) -> Any:
        MUTATIONS.append(Mutation(fault.__name__, describe_fault(fault), kinds, where, lambda: build(fault)))
        return fault

    return register


def plants(layer: Any, *kinds: Kind, rows: int = ROWS, method: str = "backward") -> Callable[[Backward], Backward]:
    """Decorator: a bug in a method of a layer, which is put between two dense layers and a tanh."""

    def build(fault: Backward) -> Twin:
        layers = (dense(), spoil(layer, method, fault), Tanh(), dense(3))
        return twin_of(layers, SoftmaxCrossEntropy(), Regularization(), rows)

    return catalogue(f"1.{name_of(layer)}", kinds, build)


LossFault = Callable[[Array, Array, Array], None]
"""What spoils dscores after the loss has filled them, given scores and targets."""


def spoil_loss(loss: Any, fault: LossFault) -> Any:
    """Return a loss of the same name and options whose dscores are spoiled."""

    def value_and_grad(right: Any, loss: Any, scores: Array, targets: Array, w: Any, dscores: Array, s: Any) -> Any:
        value = right()
        fault(scores, targets, dscores)
        return value

    return spoil(loss, "value_and_grad", value_and_grad)


def plants_in_loss(loss: Any, *kinds: Kind) -> Callable[[LossFault], LossFault]:
    """Decorator: a bug in the gradient that a loss gives."""

    def build(fault: LossFault) -> Twin:
        width = (loss.widths(3, 1) or loss.widths(2, 1))[0]
        return twin_of((dense(), Tanh(), dense(width)), spoil_loss(loss, fault), Regularization(), ROWS)

    return catalogue(f"loss {name_of(loss)}", kinds, build)


def plants_in_head(loss: Any, *kinds: Kind) -> Callable[[LossFault], LossFault]:
    """Decorator: a bug in the gradient that the loss of one target out of three gives."""

    def build(fault: LossFault) -> Twin:
        own = Part("b", spoil_loss(loss, fault), 3, 1 if loss.encoding == "codes" else 3, 0.5)
        several = MultiTask((Part("a", Mse(), 2, 2, 2.0), own, Part("c", BinaryCrossEntropy(), 1)))
        return twin_of((dense(), Tanh(), dense(6)), several, Regularization(), ROWS)

    return catalogue("loss multi_task", kinds, build)


def plants_in_penalty(*kinds: Kind) -> Callable[[Any], Any]:
    """Decorator: a bug in the gradient of the penalty, by the objective that adds it."""

    def build(fault: Callable[[Callable[[], None], Objective], None]) -> Twin:
        class Spoiled(Objective):
            """An objective with a bug in it."""

            def add_penalty_gradient(self) -> None:
                fault(super().add_penalty_gradient, self)

        layers = (dense(), Tanh(), dense(3))
        return twin_of(layers, Mse(), Regularization(l1=0.01, l2=0.1), ROWS, Spoiled)

    return catalogue("penalty", kinds, build)
