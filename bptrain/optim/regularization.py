"""Penalties on the weights, added to the loss."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge

from bptrain.arrays import Array
from bptrain.nn.kernels import absolute


@dataclass(frozen=True)
class Regularization:
    """Penalties that keep weights small (`l2`) or make them vanish (`l1`). Biases are left alone.

    Forward: `P = l1 · Σ |w| + l2 / 2 · Σ w²`. Backward: `dw = l1 · sign(w) + l2 · w`, 0 for the first term at w = 0.
    Shapes: w is one vector. Not divided by the number of rows. `l2` is PyTorch's `weight_decay` of SGD and Adam;
    Keras's L2 has no 1/2; scikit-learn divides its `alpha` by the rows. Reference: Hoerl and Kennard, 1970;
    Tibshirani, 1996.
    """

    l1: Annotated[float, Ge(0), "weight of the sum of absolute values"] = 0.0
    l2: Annotated[float, Ge(0), "weight of half the sum of squares"] = 0.0

    @property
    def active(self) -> bool:
        """Whether there is any penalty at all."""
        return bool(self.l1 or self.l2)

    def value(self, weights: Array, scratch: Array) -> Any:
        """The penalty (complex for complex weights); scratch is overwritten and as long as weights."""
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
        """Add the penalty's gradient to grad."""
        if self.l1:
            np.sign(weights, out=scratch)
            scratch *= self.l1
            grad += scratch
        if self.l2:
            np.multiply(weights, self.l2, out=scratch)
            grad += scratch
