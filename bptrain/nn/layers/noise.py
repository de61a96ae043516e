"""Layers that disturb the values of a row at random during training, and only then."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le, Lt

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.nn.layer import LAYERS, Plan, Scratch, Views, Workspace


@LAYERS.register
@dataclass(frozen=True)
class Dropout:
    """Sets a random share of the values to zero during training, so that no unit relies on another.

    Outside training y is x. Shapes: any, unchanged. `rate` is the share that is dropped, as in PyTorch and Keras; in
    TensorFlow 1 and JAX's stax it is the share that is kept. Reference: Srivastava et al., 2014 (this is the inverted
    form, which needs no scaling in evaluation).
    """

    equations = Equations(
        forward=("y = x · m / (1 - rate)", "m ~ Bernoulli(1 - rate) for each value"),
        backward=("dx = dy · m / (1 - rate)",),
    )

    rate: Annotated[float, Ge(0), Lt(1), "share of values set to zero"] = 0.5

    def letters(self, s: Workspace, label: str) -> dict[str, Array]:
        """Return the mask m of zeros and ones."""
        return {"m": s.mask * (1 - self.rate)}

    def plan(self, shape: Shape) -> Plan:
        scratch = {"uniform": Scratch(shape, "float32"), "mask": Scratch(shape)}
        return Plan(shape, scratch=scratch, random=True, reads="", elementwise=True, identity=True, drops=self.rate)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        if not s.training:
            if y is not x:
                np.copyto(y, x)
            return
        # Drawn in float32 whatever the dtype of the network, so that the masks of a seed are always the same.
        s.rng.random(out=s.uniform, dtype=np.float32)
        np.greater_equal(s.uniform, self.rate, out=s.mask)
        s.mask *= 1 / (1 - self.rate)
        np.multiply(x, s.mask, out=y)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.multiply(dy, s.mask, out=dx)


@LAYERS.register
@dataclass(frozen=True)
class GaussianNoise:
    """Adds normal noise during training, so that the network does not rely on exact values.

    Outside training y is x. Shapes: any, unchanged. As Keras's GaussianNoise. Reference: Bishop, 1995.
    """

    equations = Equations(forward=("y = x + std · e", "e ~ N(0, 1) for each value"), backward=("dx = dy",))
    aliases = ("noise",)

    std: Annotated[float, Ge(0), Le(1e6), "standard deviation of the noise"] = 0.1

    def letters(self, s: Workspace, label: str) -> dict[str, Array]:
        """Return the noise before it is scaled."""
        return {"e": s.noise.astype(np.float64) / (self.std or 1)}

    def plan(self, shape: Shape) -> Plan:
        scratch = {"noise": Scratch(shape, "float32")}
        return Plan(shape, scratch=scratch, random=True, reads="", elementwise=True, identity=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        if y is not x:
            np.copyto(y, x)
        if s.training:
            # Drawn in float32 whatever the dtype of the network, so that the noise of a seed is always the same.
            s.rng.standard_normal(out=s.noise, dtype=np.float32)
            s.noise *= self.std
            y += s.noise

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        if dx is not None and dx is not dy:
            np.copyto(dx, dy)
