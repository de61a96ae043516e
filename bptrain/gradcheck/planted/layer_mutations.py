"""Classic bugs in the passes of layers and activations."""

from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.planted.mutation import plants
from bptrain.nn.activations import Relu, Sigmoid, Softplus, Tanh
from bptrain.nn.layers import BatchNorm, Dense, Dropout, LayerNorm, Residual, Softmax


@plants(Dense(4), "bias_mean")
def bias_mean(right: Any, layer: Any, p: Any, g: Any, x: Array, *_: Any) -> None:
    """The gradient of the bias is a mean over the rows, not their sum."""
    right()
    g.bias /= len(x)


@plants(Dense(6), "wrong_axis", rows=6)
def bias_wrong_axis(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, *_: Any) -> None:
    """The gradient of the bias is summed over the units, not the rows."""
    right()
    g.bias[...] = dy.sum(axis=1)


@plants(Dense(4), "wrong_axis")
def bias_summed_over_all(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, *_: Any) -> None:
    """The gradient of the bias is summed over rows and units."""
    right()
    g.bias[...] = dy.sum()


@plants(Dense(4), "wrong_axis")
def bias_of_last_row(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, *_: Any) -> None:
    """The gradient of the bias is that of the last row only."""
    right()
    g.bias[...] = dy[-1]


@plants(Dense(4), "zero")
def bias_frozen(right: Any, layer: Any, p: Any, g: Any, *_: Any) -> None:
    """The gradient of the bias is zero: it never learns."""
    right()
    g.bias[...] = 0


@plants(Dense(4), "zero")
def weight_frozen(right: Any, layer: Any, p: Any, g: Any, *_: Any) -> None:
    """The gradient of the weights is zero: they never learn."""
    right()
    g.weight[...] = 0


@plants(Dense(4), "ratio_rows")
def weight_divided_by_rows(right: Any, layer: Any, p: Any, g: Any, x: Array, *_: Any) -> None:
    """The gradient of the weights is divided by the rows, which the loss has done already."""
    right()
    g.weight /= len(x)


@plants(Dense(5), "ratio_outputs")
def weight_divided_by_outputs(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, *_: Any) -> None:
    """The gradient of the weights is divided by the outputs."""
    right()
    g.weight /= y.shape[1]


@plants(Dense(4), "ratio_two")
def weight_doubled(right: Any, layer: Any, p: Any, g: Any, *_: Any) -> None:
    """The gradient of the weights has a factor 2 too much."""
    right()
    g.weight *= 2


@plants(Dense(4), "sign")
def weight_negated(right: Any, layer: Any, p: Any, g: Any, *_: Any) -> None:
    """The gradient of the weights has the wrong sign."""
    right()
    g.weight *= -1


@plants(Dense(4), "transposed")
def weight_transposed(right: Any, layer: Any, p: Any, g: Any, *_: Any) -> None:
    """The gradient of a square weight matrix is transposed."""
    right()
    g.weight[...] = g.weight.T.copy()


@plants(Dense(4), "transposed")
def input_transposed(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any) -> None:
    """Dx is dy times the weights, not times the transposed weights."""
    right()
    np.dot(dy, p.weight, out=dx)


@plants(Dense(4), "zero")
def input_forgotten(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any) -> None:
    """Dx is not computed: nothing flows back."""
    right()
    dx[...] = 0


@plants(Dense(4), "entries")
def one_weight_frozen(right: Any, layer: Any, p: Any, g: Any, *_: Any) -> None:
    """One weight of many has no gradient."""
    right()
    g.weight[1, 2] = 0


@plants(Dense(4), "accumulated")
def weight_accumulated(right: Any, layer: Any, p: Any, g: Any, *_: Any) -> None:
    """The gradient of the weights is added to that of the pass before."""
    before = g.weight.copy()
    right()
    g.weight += before


@plants(Dense(4), "rebound")
def bias_rebound(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, *_: Any) -> None:
    """The gradient of the bias goes into a new array that nobody sees."""
    bias = g.bias.copy()
    right()
    value = g.bias.copy()
    g.bias[...] = bias
    g.bias = value


@plants(Dense(4), "wrong_shape")
def bias_of_wrong_shape(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, *_: Any) -> None:
    """The gradient of the bias has the shape of the rows."""
    before = g.bias.copy()
    right()
    g.bias[...] = before
    g.bias = dy.sum(axis=1)


@plants(Dense(4), "wrong_shape", "exception")
def shapes_that_do_not_fit(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, *_: Any) -> None:
    """Backward stops, for shapes that do not fit."""
    np.dot(x, dy, out=g.weight)


@plants(Dense(4), "not_finite")
def weight_not_a_number(right: Any, layer: Any, p: Any, g: Any, *_: Any) -> None:
    """The gradient of the weights is not a number in one place."""
    right()
    g.weight[0, 0] = np.nan


@plants(Dense(4), "not_written")
def bias_not_written(right: Any, layer: Any, p: Any, g: Any, *_: Any) -> None:
    """The gradient of the bias is never written."""
    before = g.bias.copy()
    right()
    g.bias[...] = before


@plants(Dense(4), "stale")
def inputs_of_pass_before(
    right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any
) -> None:
    """Backward uses the inputs of the pass before."""
    earlier = getattr(s, "seen", x)
    s.seen = x.copy()
    right(p, g, earlier if earlier.shape == x.shape else x, y, dy, dx, s)


@plants(Sigmoid(), "derivative_missing")
def derivative_missing(
    right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any
) -> None:
    """The derivative of the activation is missing."""
    np.copyto(dx, dy)


@plants(Softplus(), "derivative_misplaced")
def derivative_at_output(
    right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any
) -> None:
    """The derivative of the activation is taken at its output."""
    np.multiply(dy, 1 / (1 + np.exp(-y)), out=dx)


@plants(Sigmoid(), "derivative_misplaced")
def sigmoid_of_sigmoid(
    right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any
) -> None:
    """The derivative of sigmoid is that of the sigmoid of its output."""
    again = 1 / (1 + np.exp(-y))
    np.multiply(dy, again * (1 - again), out=dx)


@plants(Tanh(), "derivative_of_another")
def derivative_of_sigmoid(
    right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any
) -> None:
    """The derivative of tanh is that of sigmoid."""
    np.multiply(dy, y * (1 - y), out=dx)


@plants(Relu(), "derivative_of_another")
def derivative_of_leaky_relu(
    right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any
) -> None:
    """The derivative of relu is that of leaky_relu."""
    np.multiply(dy, np.where(y > 0, 1, 0.01), out=dx)


@plants(Tanh(), "derivative_twice")
def derivative_twice(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any) -> None:
    """The derivative of the activation is there twice."""
    np.multiply(dy, (1 - y * y) ** 2, out=dx)


@plants(Softmax(), "softmax_diagonal")
def softmax_diagonal(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any) -> None:
    """The softmax Jacobian has its diagonal only."""
    np.multiply(dy, y * (1 - y), out=dx)


@plants(BatchNorm(), "norm_mean_term")
def batch_norm_without_mean(
    right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any
) -> None:
    """Batch norm takes the mean of the batch for a constant."""
    normal, deviation = s.normal.copy(), s.deviation.copy()
    right()
    d = dy * p.scale
    dx[...] = (d - normal * (d * normal).mean(axis=0)) / deviation


@plants(BatchNorm(), "norm_variance_term")
def batch_norm_without_variance(
    right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any
) -> None:
    """Batch norm takes the variance of the batch for a constant."""
    deviation = s.deviation.copy()
    right()
    d = dy * p.scale
    dx[...] = (d - d.mean(axis=0)) / deviation


@plants(LayerNorm(), "norm_both_terms")
def layer_norm_of_constants(
    right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any
) -> None:
    """Layer norm takes mean and variance of the row for constants."""
    deviation = s.deviation.copy()
    right()
    dx[...] = dy * p.scale / deviation[:, None]


@plants(Dropout(0.4), "mask_missing")
def mask_missing(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any) -> None:
    """The mask of dropout is missing in backward."""
    np.copyto(dx, dy)


@plants(Dropout(0.4), "mask_unscaled")
def mask_unscaled(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any) -> None:
    """The mask of dropout lacks 1/(1 - rate) in backward."""
    np.multiply(dy, s.mask != 0, out=dx)


@plants(Dropout(0.4), "ratio_keep")
def mask_scaled_twice(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any) -> None:
    """The factor 1/(1 - rate) of dropout is applied twice in backward."""
    np.multiply(dy, s.mask / 0.6, out=dx)


@plants(Dropout(0.4), "mask_redrawn")
def mask_redrawn(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any) -> None:
    """The mask of dropout is drawn anew in backward."""
    np.multiply(dy, (s.rng.random(dy.shape) >= 0.4) / 0.6, out=dx)


@plants(Residual((Dense(4),)), "skip_missing")
def skip_missing(right: Any, layer: Any, p: Any, g: Any, x: Array, y: Array, dy: Array, dx: Array, s: Any) -> None:
    """A residual block forgets what comes back along the skip connection."""
    right()
    dx -= dy


@plants(Dense(4), "overwritten", method="forward")
def input_overwritten(right: Any, layer: Any, p: Any, x: Array, y: Array, s: Any) -> None:
    """Forward writes over its own input, which backward then reads."""
    right()
    x *= 0.5
