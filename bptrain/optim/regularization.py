"""Regularization: penalties on the weights, and a bound on their norms; and clipping, bounds on the gradient."""

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt

from bptrain.arrays import Array
from bptrain.equations import Equations
from bptrain.nn.kernels import absolute


@dataclass(frozen=True)
class Regularization:
    """Penalties that keep weights small (`l2`) or make many of them zero (`l1`), and a bound on their norms; not for
    biases.

    The gradient of |w| is 0 at w = 0. After each step the weights into a unit whose norm is above `max_norm` are scaled
    down to it. Shapes: w any. The penalties are not divided by the number of rows. `l2` is PyTorch's `weight_decay` of
    SGD and Adam; Keras's L2 has no 1/2; scikit-learn divides its `alpha` by the rows. A dense layer may have an `l1`
    and `l2` of its own. Reference: Hoerl and Kennard, 1970; Tibshirani, 1996; Srebro, Rennie and Jaakkola, 2005.
    """

    equations = Equations(forward=("P = l1 · Σ |w| + l2 / 2 · Σ w²",), backward=("dw = l1 · sign(w) + l2 · w",))

    l1: Annotated[float, Ge(0), "weight of the sum of absolute values"] = 0.0
    l2: Annotated[float, Ge(0), "weight of half the sum of squares"] = 0.0
    max_norm: Annotated[Annotated[float, Gt(0)] | None, "largest norm of the weights into a unit; null: any"] = None

    @property
    def active(self) -> bool:
        """Whether there is any penalty at all."""
        return bool(self.l1 or self.l2)

    def compute_penalty(self, weights: Array, scratch: Array) -> Any:
        """Return the penalty (complex for complex weights); scratch is as long as weights and overwritten."""
        wide = np.result_type(weights.dtype, np.float64)
        penalty: Any = 0.0
        if self.l1:
            absolute(weights, scratch)
            penalty += self.l1 * np.add.reduce(scratch, dtype=wide).item()
        if self.l2:
            np.multiply(weights, weights, out=scratch)
            penalty += self.l2 / 2 * np.add.reduce(scratch, dtype=wide).item()
        return penalty

    def add_gradient(self, weights: Array, grad: Array, scratch: Array) -> None:
        """Add the gradient of the penalty to grad."""
        if self.l1:
            np.sign(weights, out=scratch)
            scratch *= self.l1
            grad += scratch
        if self.l2:
            np.multiply(weights, self.l2, out=scratch)
            grad += scratch

    def constrain(self, weight: Array, scratch: Array, axis: int = 0) -> None:
        """Scale the weights into each unit, which lie along the axis, down to the norm `max_norm` where theirs is
        larger; weight and scratch `(inputs, units)`, or of any other shape."""
        if self.max_norm is None:
            return
        np.multiply(weight, weight, out=scratch)
        norms = np.sqrt(np.add.reduce(scratch, axis=axis, keepdims=True))
        np.maximum(norms, self.max_norm, out=norms)
        np.divide(self.max_norm, norms, out=norms)
        weight *= norms


@dataclass(frozen=True)
class Clipping:
    """Bounds on the gradient before each step: on every entry (`value`), then on the norm of the whole (`norm`).

    Shapes: g one vector. As PyTorch's `clip_grad_value_` and `clip_grad_norm_` (which adds 1e-6 to the norm), Keras's
    `clipvalue` and `global_clipnorm`. Reference: Pascanu, Mikolov and Bengio, 2013.
    """

    equations = Equations(forward=("g = min(max(g, -value), value)", "g = g · norm / |g| for |g| > norm, else g"))

    value: Annotated[Annotated[float, Gt(0)] | None, "largest absolute value of an entry; null: any"] = None
    norm: Annotated[Annotated[float, Gt(0)] | None, "largest norm of the whole gradient; null: any"] = None

    def clip(self, grad: Array) -> bool:
        """Clip a gradient in place, and return whether it has changed; a gradient that is not finite is not clipped."""
        largest = float(max(grad.max(), -grad.min()))
        if not isfinite(largest) or largest == 0:
            return False
        clipped = False
        if self.value is not None and largest > self.value:
            np.clip(grad, -self.value, self.value, out=grad)
            largest, clipped = self.value, True
        if self.norm is not None and (size := compute_norm(grad, largest)) > self.norm:
            grad *= self.norm / size
            clipped = True
        return clipped


def compute_norm(grad: Array, largest: float) -> float:
    """Return the Euclidean norm, summed in double precision, and scaled by the largest entry where squares would
    overflow."""
    scale = largest if largest > 1e100 else 1.0
    scaled = grad / scale if scale != 1 else grad
    return scale * sqrt(float(np.einsum("i,i->", scaled, scaled, dtype=np.float64)))
