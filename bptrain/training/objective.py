"""The objective: what training minimises, on one batch: the loss of the scores plus the penalty on the weights."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.nn import Frame, Loss, Network, Workspace
from bptrain.optim import Regularization


@dataclass(frozen=True)
class Batch:
    """Buffers for n rows: fill `input` and `targets`, then ask the objective."""

    frame: Frame
    targets: Array
    scratch: Workspace

    @property
    def input(self) -> Array:
        """The network's input buffer, `(n, inputs)`."""
        return self.frame.input

    def fill(self, inputs: Array, targets: Array, rows: Array) -> None:
        """Gather the given rows of a data set."""
        # With mode="raise" NumPy would gather into a fresh array first, which grows with the batch.
        np.take(inputs, rows, axis=0, out=self.input, mode="clip")
        np.take(targets, rows, axis=0, out=self.targets, mode="clip")


class Objective:
    """A network with its loss and its penalties.

    Args:
        network: whose parameters are learned.
        loss: of its scores.
        regularization: of its weights.
    """

    def __init__(self, network: Network, loss: Loss, regularization: Regularization) -> None:
        self.network = network
        self.loss = loss
        self.regularization = regularization
        self.weights = network.theta[network.decayed]
        self._penalty_scratch = np.empty_like(self.weights) if regularization.active else self.weights[:0]
        shape = network.output_shape
        codes = loss.encoding == "codes"
        real = np.empty(0, network.dtype).real.dtype
        self._targets = np.zeros(network.batch if codes else (network.batch, *shape), np.int64 if codes else real)
        self._scratch = {
            key: np.zeros((network.batch, *scratch.shape), scratch.dtype or network.dtype)
            for key, scratch in loss.plan(shape).items()
        }
        self._batches: dict[int, Batch] = {}

    def batch(self, n: int) -> Batch:
        """The buffers for n rows; made once for each n."""
        frame = self.network.frame(n)
        known = self._batches.get(n)
        if known is None or known.frame is not frame:
            known = Batch(frame, self._targets[:n], self.network.workspace(n, self._scratch))
            self._batches[n] = known
        return known

    def loss_value(self, batch: Batch, *, training: bool) -> Any:
        """The mean loss of the batch without penalty; fills its scores and dscores.

        A float, or complex in a complex network.
        """
        frame = batch.frame
        frame.forward(training=training)
        return self.loss.value_and_grad(frame.scores, batch.targets, None, frame.dscores, batch.scratch)

    def penalty(self) -> Any:
        """The penalty on the weights as they are."""
        return self.regularization.value(self.weights, self._penalty_scratch) if self.regularization.active else 0.0

    def value_and_grad(self, batch: Batch) -> float:
        """The mean loss of a training batch without penalty; fills the network's gradient, penalty included."""
        value = float(self.loss_value(batch, training=True))
        batch.frame.backward()
        if self.regularization.active:
            gradient = self.network.grad[self.network.decayed]
            self.regularization.add_gradient(self.weights, gradient, self._penalty_scratch)
        return value
