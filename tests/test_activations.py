"""Activations against exact arithmetic, and laws that hold for every layer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptrain.arrays import Streams
from bptrain.nn import ACTIVATIONS, LAYERS, Network, resolve_layers
from bptrain.nn.activations import (
    Elu,
    GeluTanh,
    HardTanh,
    Identity,
    LeakyRelu,
    Mish,
    Prelu,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Silu,
    Softplus,
    Softsign,
    Tanh,
)
from bptrain.nn.initializers import GlorotUniform
from bptrain.nn.layers import Dense


def build_network(*layers, inputs=1, batch=8, dtype="float64", **options):
    """Return a small network, whose input buffer the caller fills."""
    return Network(resolve_layers(layers, 2), (inputs,), batch=batch, dtype=dtype, rng=Streams(0), **options)


def apply(layer, values, dtype="float64"):
    """Return the outputs of a layer for values in one column, and its derivatives there."""
    network = build_network(layer, batch=len(values), dtype=dtype, input_gradient=True)
    frame = network.frame(len(values))
    frame.input[:, 0] = values
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        frame.forward(training=True)
        frame.dscores[...] = 1
        outputs = frame.scores[:, 0].copy()
        frame.backward()
    return outputs, frame.dinput[:, 0]


VALUES = [
    (Sigmoid(), 0, 0.5, 0.25),
    (Sigmoid(), 1, 0.7310585786300049, 0.19661193324148185),
    (Sigmoid(), -1, 0.2689414213699951, 0.19661193324148185),
    (Sigmoid(), -20, 2.0611536181902037e-09, 2.061153613941849e-09),
    (Sigmoid(), 36, 0.9999999999999998, None),
    (Sigmoid(), 37, 0.9999999999999999, None),
    (Sigmoid(), 40, 1.0, 0.0),
    (Sigmoid(), -709, 1.216780750623423e-308, 1.216780750623423e-308),
    (Sigmoid(), -746, 0.0, 0.0),
    (Softplus(), -1, 0.3132616875182228, 0.2689414213699951),
    (Softplus(), 0, 0.6931471805599453, 0.5),
    (Softplus(), 1, 1.3132616875182228, 0.7310585786300049),
    (Softplus(), 40, 40.0, 1.0),
    (Softplus(), 800, 800.0, 1.0),
    (Softplus(), -800, 0.0, 0.0),
    (Tanh(), 1, 0.7615941559557649, 0.41997434161402614),
    (Tanh(), 19, 0.9999999999999999, None),
    (Tanh(), 19.1, 1.0, 0.0),
    (Relu(), -2, 0.0, 0.0),
    (Relu(), 0, 0.0, 0.0),
    (Relu(), 3, 3.0, 1.0),
    (LeakyRelu(), -2, -0.02, 0.01),
    (LeakyRelu(), 0, 0.0, 0.01),
    (LeakyRelu(0.3), 3, 3.0, 1.0),
    (Prelu(), -2, -0.5, 0.25),
    (Prelu(), 0, 0.0, 0.25),
    (Prelu(0.1), 3, 3.0, 1.0),
    (Identity(), -3, -3.0, 1.0),
    (Elu(), 2, 2.0, 1.0),
    (Elu(), -1, -0.6321205588285577, 0.36787944117144233),
    (Elu(), -1e-10, -9.999999999500001e-11, 0.9999999999),
    (Elu(), -800, -1.0, 0.0),
    (Elu(2.0), -1, -1.2642411176571153, 0.7357588823428847),
    (Selu(), 1, 1.0507009873554805, 1.0507009873554805),
    (Selu(), -1, -1.1113307378125628, 0.6467686030348141),
    (Selu(), -800, -1.7580993408473768, 0.0),
    (Silu(), 1, 0.7310585786300049, 0.9276705118714868),
    (Silu(), -20, -4.122307236380407e-08, None),
    (Silu(), -800, -0.0, 0.0),
    (Mish(), 1, 0.8650983882673103, None),
    (Mish(), -1, -0.30340146137410895, None),
    (Mish(), 800, 800.0, 1.0),
    (Mish(), -800, -0.0, 0.0),
    (GeluTanh(), 1, 0.8411919906082767, None),
    (GeluTanh(), -1, -0.1588080093917233, None),
    (GeluTanh(), 3, 2.996362607918227, None),
    (GeluTanh(), -3, -0.003637392081773019, None),
    (GeluTanh(), 0, 0.0, 0.5),
    (Softsign(), 1, 0.5, 0.25),
    (Softsign(), -3, -0.75, 0.0625),
    (HardTanh(), 0.5, 0.5, 1.0),
    (HardTanh(), 1, 1.0, 0.0),
    (HardTanh(), -2, -1.0, 0.0),
    (Relu6(), 7, 6.0, 0.0),
    (Relu6(), 6, 6.0, 0.0),
    (Relu6(), 3, 3.0, 1.0),
    (Relu6(), 0, 0.0, 0.0),
]


@pytest.mark.parametrize(("activation", "x", "y", "slope"), VALUES)
def test_value_and_derivative(activation, x, y, slope):
    # subnormal results may lose digits, but warn of nothing
    values, slopes = apply(activation, [x])
    assert values[0] == pytest.approx(y, rel=1e-13, abs=0)
    if slope is not None:
        assert slopes[0] == pytest.approx(slope, rel=1e-13, abs=1e-320)


def test_extreme_inputs():
    assert apply(Sigmoid(), [-745])[0][0] in (0, 5e-324)
    values, slopes = apply(Softplus(), [np.inf, -np.inf])
    assert values.tolist() == [np.inf, 0]
    assert slopes.tolist() == [1, 0]


def test_float32_far_from_zero():
    assert apply(Sigmoid(), [17.4], "float32")[0][0] == 1
    assert apply(Sigmoid(), [-103], "float32")[0][0] == np.float32(1e-45)
    assert apply(Sigmoid(), [-104], "float32")[0][0] == 0
    # NumPy's vectorised tanh is allowed to miss the last bit.
    assert apply(Tanh(), [9.1], "float32")[0][0] >= np.nextafter(np.float32(1), np.float32(0))


def test_every_activation_has_golden_values():
    assert {type(row[0]) for row in VALUES} == set(ACTIVATIONS.members.values())


def build_example(name, width=4):
    """Return a registered layer that takes rows of `width` values."""
    cls = LAYERS.members[name]
    return cls.example(width) if hasattr(cls, "example") else cls()


@pytest.mark.parametrize("name", list(LAYERS))
class TestEveryLayer:
    """Laws that hold for every registered layer."""

    def run(self, name, inputs, batch=None, training=False):
        network = build_network(
            Dense(4), build_example(name), Dense(3), inputs=inputs.shape[1], batch=batch or len(inputs)
        )
        frame = network.frame(len(inputs))
        frame.input[...] = inputs
        frame.forward(training=training)
        return frame.scores.copy()

    def test_permuting_rows_permutes_outputs(self, name):
        rng = np.random.default_rng(0)
        inputs, order = rng.normal(size=(6, 3)), rng.permutation(6)
        np.testing.assert_allclose(self.run(name, inputs)[order], self.run(name, inputs[order]), rtol=1e-12)

    @pytest.mark.parametrize("rows", [1, 3, 8])
    def test_fewer_rows_than_the_arena_holds(self, name, rows):
        inputs = np.random.default_rng(1).normal(size=(8, 3))
        np.testing.assert_allclose(self.run(name, inputs[:rows], batch=8), self.run(name, inputs)[:rows], rtol=1e-12)

    def test_outside_training_a_second_pass_gives_the_same(self, name):
        inputs = np.random.default_rng(2).normal(size=(5, 3))
        network = build_network(Dense(4), build_example(name), Dense(3), inputs=3)
        frame = network.frame(5)
        frame.input[...] = inputs
        frame.forward(training=False)
        first = frame.scores.copy()
        frame.forward(training=False)
        assert (frame.scores == first).all()

    def test_the_input_is_left_alone(self, name):
        network = build_network(build_example(name, 3), Dense(3), inputs=3, input_gradient=True)
        frame = network.frame(5)
        frame.input[...] = inputs = np.random.default_rng(3).normal(size=(5, 3))
        frame.forward(training=True)
        frame.dscores[...] = 1
        frame.backward()
        assert (frame.input == inputs).all()

    def test_float32_is_float64_rounded(self, name):
        """Within 4 units in the last place, or 1.3e-6, of float64, forward and backward."""
        rng = np.random.default_rng(5)
        inputs = rng.normal(size=(40, 4)).astype(np.float32)
        width = 4 if name == "dense" else build_example(name, 4).plan((4,)).shape[0]
        upstream = rng.normal(size=(40, width)).astype(np.float32)
        results = []
        for dtype in ("float32", "float64"):
            layer = Dense(4, weight_init=GlorotUniform()) if name == "dense" else build_example(name, 4)
            network = build_network(layer, inputs=4, batch=40, dtype=dtype, input_gradient=True)
            network.theta[...] = network.theta.astype(np.float32)
            frame = network.frame(40)
            frame.input[...] = inputs
            frame.forward(training=True)
            outputs = frame.scores.astype(np.float64)
            frame.dscores[...] = upstream
            frame.backward()
            results.append((outputs, frame.dinput.astype(np.float64)))
        (single, slopes), (exact, expected) = results
        # A sum of several terms, and a derivative near its zero, is rounded at the size of its terms.
        sums = name in ("dense", "residual", "batch_norm", "layer_norm", "periodic", "softmax")
        small = 1.3e-6 * np.abs(exact).max() if sums else 1e-45
        np.testing.assert_allclose(single, exact, rtol=1.3e-6, atol=small)
        np.testing.assert_allclose(slopes, expected, rtol=1.3e-6, atol=1.3e-6 * np.abs(expected).max())

    def test_an_activation_before_it_keeps_what_its_own_backward_reads(self, name):
        """In place only where nobody misses what is overwritten: against the same network without sharing."""
        layer = build_example(name)
        inputs = np.random.default_rng(4).normal(size=(5, 3))
        gradients = []
        for share in (True, False):
            network = build_network(Dense(4), Tanh(), layer, Tanh(), Dense(2), inputs=3, batch=5)
            if not share:
                chain = network.chain
                chain.signals = [np.zeros_like(array) for array in chain.signals]
                chain.slopes = [None if array is None else np.zeros_like(array) for array in chain.slopes]
                for inner in filter(None, chain.inner):
                    inner.signals[0] = chain.signals[chain.inner.index(inner)]
            frame = network.frame(5)
            frame.input[...] = inputs
            frame.forward(training=True)
            frame.dscores[...] = frame.scores
            frame.backward()
            gradients.append(network.grad.copy())
        np.testing.assert_array_equal(*gradients)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6), st.sampled_from(sorted(ACTIVATIONS)))
def test_each_output_of_an_activation_depends_on_its_own_input(values, name):
    together, slopes = apply(ACTIVATIONS.members[name](), values)
    for k, value in enumerate(values):
        alone, slope = apply(ACTIVATIONS.members[name](), [value])
        assert alone[0] == pytest.approx(together[k], rel=1e-12, abs=1e-300)
        assert slope[0] == pytest.approx(slopes[k], rel=1e-12, abs=1e-300)
