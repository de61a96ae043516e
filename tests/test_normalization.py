"""Batch and layer normalization, softmax, noise and residual blocks against exact arithmetic."""

import numpy as np
import pytest

from bptrain.arrays import Streams
from bptrain.columns.scalers import Standard
from bptrain.errors import OptionError
from bptrain.nn import Network, resolve_layers
from bptrain.nn.activations import Relu, Tanh
from bptrain.nn.layers import BatchNorm, Dense, Dropout, GaussianNoise, LayerNorm, Residual, Softmax
from bptrain.nn.losses.loss import mean


def build_network(*layers, inputs, batch=4, dtype="float64"):
    return Network(resolve_layers(layers, 2), (inputs,), batch=batch, dtype=dtype, rng=Streams(0), input_gradient=True)


def run(network, inputs, upstream=None, training=True):
    frame = network.frame(len(inputs))
    frame.input[...] = inputs
    frame.forward(training=training)
    outputs = frame.scores.copy()
    if upstream is not None:
        frame.dscores[...] = upstream
        frame.backward()
    return outputs, frame.dinput


COLUMN = np.array([[1.0], [2.0], [3.0], [4.0]])


def test_batch_norm_forward_and_backward():
    network = build_network(BatchNorm(), inputs=1)
    outputs, dinput = run(network, COLUMN, [[1], [0], [0], [0]])
    expected = [-1.3416354199689269, -0.447211806656309, 0.447211806656309, 1.3416354199689269]
    np.testing.assert_allclose(outputs[:, 0], expected, rtol=1e-13)
    slopes = [0.26833030389303414, -0.3577683720252976, -0.08944343463101137, 0.17888150276327486]
    np.testing.assert_allclose(dinput[:, 0], slopes, rtol=1e-12)
    assert dinput.sum() == pytest.approx(0, abs=1e-15)
    gradients = network.gradients()
    assert gradients["0.batch_norm.scale"] == pytest.approx([-1.3416354199689269], rel=1e-13)
    assert gradients["0.batch_norm.shift"] == pytest.approx([1], rel=1e-15)


def test_batch_norm_running_statistics():
    network = build_network(BatchNorm(), inputs=1)
    run(network, COLUMN)
    assert network.states["0.batch_norm.mean"] == pytest.approx([0.25], rel=1e-14)
    assert network.states["0.batch_norm.variance"] == pytest.approx([1.0666666666666667], rel=1e-14)
    assert network.state == pytest.approx([0.25, 1.0666666666666667], rel=1e-14)
    outputs, _ = run(network, COLUMN, training=False)
    np.testing.assert_allclose(outputs, (COLUMN - 0.25) / np.sqrt(1.0666666666666667 + 1e-5), rtol=1e-13)
    assert network.states["0.batch_norm.mean"] == pytest.approx([0.25], rel=1e-14)


@pytest.mark.parametrize(("epsilon", "inverse"), [(1e-5, 316.22776601683796), (1e-3, 31.622776601683793)])
def test_batch_norm_of_a_constant_column_is_its_shift(epsilon, inverse):
    network = build_network(BatchNorm(epsilon=epsilon), inputs=1)
    network.parameters()["0.batch_norm.shift"][...] = 0.7
    outputs, dinput = run(network, np.full((4, 1), 5.0), [[1], [0], [0], [0]])
    assert outputs[:, 0].tolist() == [0.7] * 4
    np.testing.assert_allclose(dinput[:, 0], inverse * np.array([0.75, -0.25, -0.25, -0.25]), rtol=1e-13)


@pytest.mark.parametrize(("dtype", "start"), [("float32", 1e4), ("float64", 1e8)])
def test_the_variance_survives_a_large_mean(dtype, start):
    network = build_network(BatchNorm(momentum=1), inputs=1, dtype=dtype)
    run(network, COLUMN + start)
    assert network.states["0.batch_norm.variance"][0] == pytest.approx(1.25 * 4 / 3, rel=1e-6)


def test_float32_statistics_over_many_rows():
    rows = 1_000_000
    network = build_network(BatchNorm(momentum=1), inputs=1, batch=rows, dtype="float32")
    run(network, np.full((rows, 1), 0.1))
    assert network.states["0.batch_norm.mean"][0] == pytest.approx(0.1, rel=1e-7)


def test_a_bias_before_batch_norm_has_no_gradient():
    rng = np.random.default_rng(0)
    network = build_network(Dense(3), BatchNorm(), inputs=2, batch=8)
    run(network, rng.normal(size=(8, 2)), rng.normal(size=(8, 3)))
    np.testing.assert_allclose(network.gradients()["0.dense.bias"], 0, atol=1e-14)


def test_layer_norm_is_batch_norm_of_the_transposed_batch():
    rng = np.random.default_rng(1)
    inputs, upstream = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    rows = run(build_network(LayerNorm(), inputs=3), inputs, upstream)
    columns = run(build_network(BatchNorm(), inputs=4, batch=3), inputs.T, upstream.T)
    np.testing.assert_allclose(rows[0], columns[0].T, rtol=1e-12)
    np.testing.assert_allclose(rows[1], columns[1].T, rtol=1e-10, atol=1e-13)


def test_softmax():
    outputs, _ = run(build_network(Softmax(), inputs=3), [[1, 2, 3], [1000, 1000, 1000], [0, 0, 1e4]])
    expected = [0.09003057317038046, 0.24472847105479764, 0.6652409557748219]
    np.testing.assert_allclose(outputs[0], expected, rtol=1e-14)
    np.testing.assert_allclose(outputs[1], 1 / 3, rtol=1e-15)
    assert outputs[2].tolist() == [0, 0, 1]
    tiny, _ = run(build_network(Softmax(), inputs=2), [[710.0, 0.0]])
    assert tiny[0, 1] == pytest.approx(4.47628622567513e-309, rel=1e-12, abs=0)


def test_gaussian_noise_has_its_standard_deviation():
    network = build_network(GaussianNoise(0.5), inputs=100, batch=1000)
    outputs, _ = run(network, np.ones((1000, 100)))
    assert outputs.mean() == pytest.approx(1, abs=0.01)
    assert outputs.std() == pytest.approx(0.5, rel=0.01)
    assert (run(network, np.ones((3, 100)), training=False)[0] == 1).all()


def test_a_residual_block_adds_its_input():
    rng = np.random.default_rng(2)
    inputs, upstream = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    block = build_network(Residual((Dense(5), Tanh(), Dense(3))), inputs=3)
    assert list(block.parameters()) == [
        "0.residual.0.dense.weight",
        "0.residual.2.dense.weight",
        "0.residual.0.dense.bias",
        "0.residual.2.dense.bias",
    ]
    plain = build_network(Dense(5), Tanh(), Dense(3), inputs=3)
    plain.theta[...] = block.theta
    (with_input, gradient), (without, slopes) = (run(network, inputs, upstream) for network in (block, plain))
    np.testing.assert_allclose(with_input, without + inputs, rtol=1e-13)
    np.testing.assert_allclose(gradient, slopes + upstream, rtol=1e-13)
    np.testing.assert_allclose(block.grad, plain.grad, rtol=1e-13)


def test_nested_blocks_with_state_and_masks():
    layers = (Residual((Dense(3), Residual((BatchNorm(), Relu(), Dropout(0.5), Dense(3))))), Dense())
    network = build_network(*layers, inputs=3)
    assert list(network.states) == [
        "0.residual.1.residual.0.batch_norm.mean",
        "0.residual.1.residual.0.batch_norm.variance",
    ]
    rng = np.random.default_rng(3)
    run(network, rng.normal(size=(4, 3)), rng.normal(size=(4, 2)))
    assert np.count_nonzero(network.state) >= 4
    assert np.isfinite(network.grad).all()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((Residual((Dense(4),)),), r"0\.residual\.layers: the block begins with 3 values and ends with 4"),
        ((Residual((Dense(),)),), r"0\.residual\.layers\.0\.dense\.units: auto is for the last dense layer"),
        (
            (Residual((Residual((Dense(2),)),)),),
            r"0\.residual\.layers\.0\.residual\.layers: the block begins with 3 values and ends with 2",
        ),
    ],
)
def test_blocks_with_wrong_shapes_are_an_error(layers, message):
    with pytest.raises(OptionError, match=message):
        build_network(*layers, inputs=3)


def test_an_empty_block_is_an_error():
    with pytest.raises(OptionError, match="has no layers"):
        Residual(())


@pytest.mark.slow
def test_means_over_ten_million_float32_rows():
    """Plain float32 sums would be 1% off, in the statistics of batch norm and of scaling, and in a mean loss."""
    rows = 10_000_000
    network = build_network(BatchNorm(momentum=1), inputs=1, batch=rows, dtype="float32")
    values = np.where(np.arange(rows) % 2, np.float32(0.1), np.float32(0.3))[:, None]
    run(network, values)
    exact = (float(np.float32(0.1)) + float(np.float32(0.3))) / 2
    spread = ((float(np.float32(0.3)) - float(np.float32(0.1))) / 2) ** 2
    assert network.states["0.batch_norm.mean"][0] == pytest.approx(exact, rel=1e-7)
    assert network.states["0.batch_norm.variance"][0] == pytest.approx(spread, rel=3e-7)

    loss, _ = mean(values.copy(), values.copy(), None)
    assert loss == pytest.approx(exact, rel=1e-12)
    assert Standard().fit(values[:, 0].astype(np.float64)) == pytest.approx((exact, spread**0.5), rel=1e-9)
