"""Residual blocks: layers around which their input is led."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.errors import Mistake, OptionError
from bptrain.nn.activations import Tanh
from bptrain.nn.layer import LAYERS, Layer, Plan, Views, Workspace
from bptrain.nn.layers.dense import Dense


@LAYERS.register
@dataclass(frozen=True)
class Residual:
    """Adds its input to what its layers make of it, so that deep networks start close to the identity.

    f is the output of the layers for x, and df the gradient that their own backward passes hand on for dy. Shapes: any,
    kept; the layers must end in the shape in which they begin. Written out by hand in PyTorch and Keras. Reference: He
    et al., 2016.
    """

    equations: ClassVar[Equations] = Equations(forward=("y = x + f",), backward=("dx = dy + df",))
    aliases: ClassVar[tuple[str, ...]] = ("resblock", "skip")
    layers: Annotated[tuple[Annotated[Layer, LAYERS], ...], "from input to output; as many outputs as inputs"]

    def __post_init__(self) -> None:
        if not self.layers:
            raise OptionError(Mistake("layers", "has no layers; write at least - dense: {units: ...}"))

    def letters(self, s: Workspace, label: str) -> dict[str, Array]:
        """What the layers make of x, and their backward of dy."""
        return {"f": s.inner.scores} if label == "Forward:" else {"df": s.inner.dinput}

    @classmethod
    def example(cls, width: int) -> "Residual":
        """One to try behind `width` values."""
        return cls((Dense(3), Tanh(), Dense(width)))

    def plan(self, shape: Shape) -> Plan:
        return Plan(shape, layers=self.layers, reads="x")

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        s.inner.forward(training=s.training)
        np.add(x, s.inner.scores, out=y)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.copyto(s.inner.dscores, dy)
        s.inner.backward()
        if dx is not None:
            np.add(dy, s.inner.dinput, out=dx)
