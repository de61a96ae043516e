"""Classic bugs in the gradients of losses and penalties."""

from collections.abc import Callable

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.planted.mutation import ROWS, plants_in_head, plants_in_loss, plants_in_penalty
from bptrain.model.objective import Objective
from bptrain.nn.losses import BinaryCrossEntropy, Mse, SoftmaxCrossEntropy


@plants_in_loss(SoftmaxCrossEntropy(), "ratio_rows")
def loss_summed(scores: Array, targets: Array, dscores: Array) -> None:
    """The loss is a mean over the rows, but its gradient a sum."""
    dscores *= len(scores)


@plants_in_loss(Mse(), "ratio_two")
def square_without_two(scores: Array, targets: Array, dscores: Array) -> None:
    """The 2 of the squared error is missing."""
    dscores /= 2


@plants_in_loss(Mse(), "sign")
def target_minus_output(scores: Array, targets: Array, dscores: Array) -> None:
    """The gradient of the loss is target minus output."""
    dscores *= -1


@plants_in_loss(BinaryCrossEntropy(), "output_missing")
def sigmoid_missing(scores: Array, targets: Array, dscores: Array) -> None:
    """The sigmoid is missing in the gradient of the loss."""
    dscores[...] = (scores - targets) / len(scores)


@plants_in_loss(BinaryCrossEntropy(), "derivative_twice")
def sigmoid_twice(scores: Array, targets: Array, dscores: Array) -> None:
    """The gradient of the loss has an extra derivative of the sigmoid."""
    output = 1 / (1 + np.exp(-scores))
    dscores *= output * (1 - output)


@plants_in_head(SoftmaxCrossEntropy(), "ratio_rows")
def head_summed(scores: Array, targets: Array, dscores: Array) -> None:
    """Of several targets, the loss of one is a mean over the rows, but its gradient a sum."""
    dscores *= len(scores)


@plants_in_head(Mse(), "sign")
def head_with_wrong_sign(scores: Array, targets: Array, dscores: Array) -> None:
    """Of several targets, the gradient of one is target minus output."""
    dscores *= -1


@plants_in_head(BinaryCrossEntropy(), "output_missing")
def head_without_sigmoid(scores: Array, targets: Array, dscores: Array) -> None:
    """Of several targets, the sigmoid is missing in the gradient of one."""
    dscores[...] = (scores - targets) / scores.size


@plants_in_penalty("penalty_missing")
def penalty_missing(right: Callable[[], None], objective: Objective) -> None:
    """The gradient of the penalty is missing."""


@plants_in_penalty("penalty_doubled")
def penalty_doubled(right: Callable[[], None], objective: Objective) -> None:
    """The gradient of the penalty is added twice."""
    right()
    right()


@plants_in_penalty("penalty_on_biases")
def penalty_on_biases(right: Callable[[], None], objective: Objective) -> None:
    """The gradient of the penalty includes the biases."""
    right()
    network = objective.network
    rest = slice(network.decayed.stop, None)
    network.grad[rest] += 0.1 * network.theta[rest]


@plants_in_penalty("ratio_rows")
def penalty_divided_by_rows(right: Callable[[], None], objective: Objective) -> None:
    """The gradient of the penalty is divided by the number of rows."""
    before = objective.network.grad.copy()
    right()
    objective.network.grad[...] = before + (objective.network.grad - before) / ROWS
