"""Gradient clipping: keeping single steps from being led by huge gradients."""

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt

from bptrain.arrays import Array
from bptrain.equations import Equations


@dataclass(frozen=True)
class Clipping:
    """Bounds on the gradient before each step: of every entry (`value`), then of the norm of all together (`norm`).

    The second is for gradients whose norm |g| is larger than `norm`. Shapes: g one vector. As PyTorch's
    `clip_grad_value_` and `clip_grad_norm_` (which adds 1e-6 to the norm), Keras's `clipvalue` and `global_clipnorm`.
    Reference: Pascanu, Mikolov and Bengio, 2013.
    """

    equations: ClassVar[Equations] = Equations(
        forward=("g = min(max(g, -value), value)", "g = g · norm / |g| for |g| > norm, else g")
    )
    value: Annotated[Annotated[float, Gt(0)] | None, "largest absolute value of an entry; null: any"] = None
    norm: Annotated[Annotated[float, Gt(0)] | None, "largest norm of the whole gradient; null: any"] = None

    def clip(self, grad: Array) -> bool:
        """Clip a gradient in place. Whether anything was changed; a gradient that is not finite is left as it is."""
        largest = float(max(grad.max(), -grad.min()))
        if not isfinite(largest) or largest == 0:
            return False
        bit = False
        if self.value is not None and largest > self.value:
            np.clip(grad, -self.value, self.value, out=grad)
            largest, bit = self.value, True
        if self.norm is not None and (size := norm(grad, largest)) > self.norm:
            grad *= self.norm / size
            bit = True
        return bit


def norm(grad: Array, largest: float) -> float:
    """The Euclidean norm, summed in double precision; scaled by the largest entry where the squares would overflow."""
    scale = largest if largest > 1e100 else 1.0
    scaled = grad / scale if scale != 1 else grad
    return scale * sqrt(float(np.einsum("i,i->", scaled, scaled, dtype=np.float64)))
