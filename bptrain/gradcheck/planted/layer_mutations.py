"""Classic bugs in the passes of layers and activations."""

import numpy as np

from bptrain.gradcheck.planted.mutation import Call, plants
from bptrain.nn.activations import Relu, Sigmoid, Softplus, Tanh
from bptrain.nn.layers import BatchNorm, Dense, Dropout, LayerNorm, Periodic, Residual, Softmax


@plants(Dense(4), "bias_mean")
def bias_mean(call: Call) -> None:
    """The gradient of the bias is a mean over the rows, not their sum."""
    call.run_right()
    call.g.bias /= len(call.x)


@plants(Dense(6), "wrong_axis")
def bias_wrong_axis(call: Call) -> None:
    """The gradient of the bias is summed over the units, not the rows."""
    call.run_right()
    call.g.bias[...] = call.dy.sum(axis=1)


@plants(Dense(4), "wrong_axis")
def bias_summed_over_all(call: Call) -> None:
    """The gradient of the bias is summed over rows and units."""
    call.run_right()
    call.g.bias[...] = call.dy.sum()


@plants(Dense(4), "wrong_axis")
def bias_of_last_row(call: Call) -> None:
    """The gradient of the bias uses the last row only."""
    call.run_right()
    call.g.bias[...] = call.dy[-1]


@plants(Dense(4), "zero")
def bias_frozen(call: Call) -> None:
    """The gradient of the bias is zero: it never learns."""
    call.run_right()
    call.g.bias[...] = 0


@plants(Dense(4), "zero")
def weight_frozen(call: Call) -> None:
    """The gradient of the weights is zero: they never learn."""
    call.run_right()
    call.g.weight[...] = 0


@plants(Dense(4), "ratio_rows")
def weight_divided_by_rows(call: Call) -> None:
    """The gradient of the weights is divided by the number of rows, as the loss has done already."""
    call.run_right()
    call.g.weight /= len(call.x)


@plants(Dense(5), "ratio_outputs")
def weight_divided_by_outputs(call: Call) -> None:
    """The gradient of the weights is divided by the number of outputs."""
    call.run_right()
    call.g.weight /= call.y.shape[1]


@plants(Dense(4), "ratio_two")
def weight_doubled(call: Call) -> None:
    """The gradient of the weights has an extra factor 2."""
    call.run_right()
    call.g.weight *= 2


@plants(Dense(4), "sign")
def weight_negated(call: Call) -> None:
    """The gradient of the weights has the wrong sign."""
    call.run_right()
    call.g.weight *= -1


@plants(Dense(4), "transposed")
def weight_transposed(call: Call) -> None:
    """The gradient of a square weight matrix is transposed."""
    call.run_right()
    call.g.weight[...] = call.g.weight.T.copy()


@plants(Dense(4), "transposed")
def input_transposed(call: Call) -> None:
    """Dx is dy times the weights, not times the transposed weights."""
    call.run_right()
    np.dot(call.dy, call.p.weight, out=call.dx)


@plants(Dense(4), "zero")
def input_forgotten(call: Call) -> None:
    """Dx is not computed: nothing flows back."""
    call.run_right()
    call.dx[...] = 0


@plants(Dense(4), "entries")
def one_weight_frozen(call: Call) -> None:
    """One weight of many has no gradient."""
    call.run_right()
    call.g.weight[1, 2] = 0


@plants(Dense(4), "accumulated")
def weight_accumulated(call: Call) -> None:
    """The gradient of the weights is added to the gradient of the pass before."""
    before = call.g.weight.copy()
    call.run_right()
    call.g.weight += before


@plants(Dense(4), "rebound")
def bias_rebound(call: Call) -> None:
    """The gradient of the bias goes into a new array, which is ignored."""
    bias = call.g.bias.copy()
    call.run_right()
    value = call.g.bias.copy()
    call.g.bias[...] = bias
    call.g.bias = value


@plants(Dense(4), "wrong_shape")
def bias_of_wrong_shape(call: Call) -> None:
    """The gradient of the bias has the shape of the rows."""
    before = call.g.bias.copy()
    call.run_right()
    call.g.bias[...] = before
    call.g.bias = call.dy.sum(axis=1)


@plants(Dense(4), "wrong_shape", "exception")
def shapes_that_do_not_fit(call: Call) -> None:
    """Backward stops because the shapes do not fit."""
    np.dot(call.x, call.dy, out=call.g.weight)


@plants(Dense(4), "not_finite")
def weight_not_a_number(call: Call) -> None:
    """The gradient of the weights is NaN in one entry."""
    call.run_right()
    call.g.weight[0, 0] = np.nan


@plants(Dense(4), "not_written")
def bias_not_written(call: Call) -> None:
    """The gradient of the bias is never written."""
    before = call.g.bias.copy()
    call.run_right()
    call.g.bias[...] = before


@plants(Dense(4), "stale")
def inputs_of_pass_before(call: Call) -> None:
    """Backward uses the inputs of the pass before."""
    earlier = getattr(call.s, "seen", call.x)
    call.s.seen = call.x.copy()
    x = earlier if earlier.shape == call.x.shape else call.x
    call.run_right(call.p, call.g, x, call.y, call.dy, call.dx, call.s)


@plants(Sigmoid(), "derivative_missing")
def derivative_missing(call: Call) -> None:
    """The derivative of sigmoid is missing."""
    np.copyto(call.dx, call.dy)


@plants(Softplus(), "derivative_misplaced")
def derivative_at_output(call: Call) -> None:
    """The derivative of softplus is taken at its output."""
    np.multiply(call.dy, 1 / (1 + np.exp(-call.y)), out=call.dx)


@plants(Sigmoid(), "derivative_misplaced")
def sigmoid_of_sigmoid(call: Call) -> None:
    """The derivative of sigmoid is taken at its output."""
    again = 1 / (1 + np.exp(-call.y))
    np.multiply(call.dy, again * (1 - again), out=call.dx)


@plants(Tanh(), "derivative_of_another")
def derivative_of_sigmoid(call: Call) -> None:
    """The derivative of sigmoid is used for tanh."""
    np.multiply(call.dy, call.y * (1 - call.y), out=call.dx)


@plants(Relu(), "derivative_of_another")
def derivative_of_leaky_relu(call: Call) -> None:
    """The derivative of leaky_relu is used for relu."""
    np.multiply(call.dy, np.where(call.y > 0, 1, 0.01), out=call.dx)


@plants(Tanh(), "derivative_twice")
def derivative_twice(call: Call) -> None:
    """The derivative of tanh is multiplied twice."""
    np.multiply(call.dy, (1 - call.y * call.y) ** 2, out=call.dx)


@plants(Softmax(), "softmax_diagonal")
def softmax_diagonal(call: Call) -> None:
    """Only the diagonal of the softmax Jacobian is used."""
    np.multiply(call.dy, call.y * (1 - call.y), out=call.dx)


@plants(BatchNorm(), "norm_mean_term")
def batch_norm_without_mean(call: Call) -> None:
    """Batch norm treats the mean of the batch as a constant."""
    normal, deviation = call.s.normal.copy(), call.s.deviation.copy()
    call.run_right()
    d = call.dy * call.p.scale
    call.dx[...] = (d - normal * (d * normal).mean(axis=0)) / deviation


@plants(BatchNorm(), "norm_variance_term")
def batch_norm_without_variance(call: Call) -> None:
    """Batch norm treats the variance of the batch as a constant."""
    deviation = call.s.deviation.copy()
    call.run_right()
    d = call.dy * call.p.scale
    call.dx[...] = (d - d.mean(axis=0)) / deviation


@plants(LayerNorm(), "norm_both_terms")
def layer_norm_of_constants(call: Call) -> None:
    """Layer norm treats mean and variance of the row as constants."""
    deviation = call.s.deviation.copy()
    call.run_right()
    call.dx[...] = call.dy * call.p.scale / deviation[:, None]


@plants(Dropout(0.4), "mask_missing")
def mask_missing(call: Call) -> None:
    """The mask of dropout is missing in backward."""
    np.copyto(call.dx, call.dy)


@plants(Dropout(0.4), "mask_unscaled")
def mask_unscaled(call: Call) -> None:
    """The mask of dropout lacks 1/(1 - rate) in backward."""
    np.multiply(call.dy, call.s.mask != 0, out=call.dx)


@plants(Dropout(0.4), "ratio_keep")
def mask_scaled_twice(call: Call) -> None:
    """The factor 1/(1 - rate) of dropout is applied twice in backward."""
    np.multiply(call.dy, call.s.mask / 0.6, out=call.dx)


@plants(Dropout(0.4), "mask_redrawn")
def mask_redrawn(call: Call) -> None:
    """The mask of dropout is drawn again in backward."""
    np.multiply(call.dy, (call.s.rng.random(call.dy.shape) >= 0.4) / 0.6, out=call.dx)


@plants(Residual((Dense(4),)), "skip_missing")
def skip_missing(call: Call) -> None:
    """A residual block lacks the gradient along the skip connection."""
    call.run_right()
    call.dx -= call.dy


@plants(Periodic(3, 2), "ratio")
def frequency_without_circle(call: Call) -> None:
    """The gradient of the frequencies of periodic lacks the factor 2 π."""
    call.run_right()
    call.g.frequency /= 2 * np.pi


@plants(Periodic(3, 2), "sign")
def phase_with_wrong_sign(call: Call) -> None:
    """The derivative of the cosine of periodic lacks its minus for the phases."""
    call.run_right()
    np.negative(call.g.phase, out=call.g.phase)


@plants(Dense(4), "overwritten", method="forward")
def input_overwritten(call: Call) -> None:
    """Forward writes over its own input, which backward then reads."""
    call.run_right()
    call.x *= 0.5
