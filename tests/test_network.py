"""The network as a whole: a worked example, the arena, and what a training step allocates."""

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest

from bptrain.arrays import Streams
from bptrain.columns.augmentation import AUGMENTATIONS
from bptrain.errors import OptionError
from bptrain.model.objective import Objective
from bptrain.nn import INITIALIZERS, LAYERS, LOSSES, Network, resolve_layers
from bptrain.nn.activations import Relu, Sigmoid, Tanh
from bptrain.nn.chain import Chain
from bptrain.nn.initializers import Constant, GlorotUniform, HeNormal, Ones, Orthogonal, TruncatedNormal, Values
from bptrain.nn.layer import Plan
from bptrain.nn.layers import BatchNorm, Dense, Dropout
from bptrain.nn.losses import BinaryCrossEntropy, Mse, SoftmaxCrossEntropy
from bptrain.optim import Adam, Regularization


def build_objective(layers, loss, *, inputs, batch, dtype="float64", penalties=None):
    network = Network(resolve_layers(layers, 3), (inputs,), batch=batch, dtype=dtype, rng=Streams(0))
    return Objective(network, loss, penalties or Regularization())


def test_worked_example():
    """One row through a 3-2-1 network of sigmoid units with cross-entropy, in exact arithmetic."""
    layers = (
        Dense(2, weight_init=Values(((0.1, 0.2), (0.3, 0.1), (0.5, 0.0))), bias_init=Values((0.1, 0.1))),
        Sigmoid(),
        Dense(1, weight_init=Values(((0.1,), (0.2,))), bias_init=Values((1.0,))),
    )
    objective = build_objective(layers, BinaryCrossEntropy(), inputs=3, batch=1)
    batch = objective.batch(1)
    batch.input[...] = [[0.6, 0.8, 0.7]]
    batch.targets[...] = 0
    assert objective.value_and_grad(batch) == pytest.approx(1.4500951146222294, rel=1e-13)
    gradients = objective.network.gradients()
    expected = {
        "0.dense.weight": [
            [0.010007289812336569, 0.02245453307475229],
            [0.013343053083115425, 0.029939377433003053],
            [0.011675171447725997, 0.02619695525387767],
        ],
        "0.dense.bias": [0.01667881635389428, 0.03742422179125381],
        "2.dense.weight": [[0.5198787085216822], [0.4397081859642778]],
        "2.dense.bias": [0.76545202190952],
    }
    assert gradients.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(gradients[name], values, rtol=1e-13)


def test_theta_is_one_vector_with_decayed_entries_first():
    network = Network((Dense(4), Relu(), Dense(2)), (3,), batch=1, rng=Streams(0))
    names = [entry.name for entry in network.entries]
    assert names == ["0.dense.weight", "2.dense.weight", "0.dense.bias", "2.dense.bias"]
    assert [entry.parameter.decay for entry in network.entries] == [True, True, False, False]
    assert network.decayed == slice(0, 3 * 4 + 4 * 2)
    assert network.theta.size == 3 * 4 + 4 + 4 * 2 + 2
    network.theta[...] = 5
    assert all((array == 5).all() for array in network.parameters().values())


def test_initial_parameters_do_not_depend_on_the_dtype():
    starts = [Network((Dense(4), Dense(2)), (3,), batch=1, dtype=dtype, rng=Streams(3)).theta for dtype in
              ("float32", "float64", "complex128")]  # fmt: skip
    np.testing.assert_array_equal(starts[0], starts[1].astype(np.float32))
    np.testing.assert_array_equal(starts[1], starts[2].real)


def test_auto_initializers_suit_the_next_activation():
    layers = resolve_layers((Dense(4), Dropout(), Relu(), Dense(3), Tanh(), Dense()), 7)
    assert [layer.weight_init for layer in layers if isinstance(layer, Dense)] == [
        HeNormal(),
        GlorotUniform(),
        GlorotUniform(),
    ]
    assert layers[-1].units == 7


def test_auto_units_are_only_for_the_last_dense_layer():
    with pytest.raises(OptionError, match=r"^0\.dense\.units: auto is for the last dense layer"):
        resolve_layers((Dense(), Relu(), Dense()), 3)


SPREAD = {
    "zeros": 0.0,
    "ones": None,
    "constant": 0.0,
    "uniform": 0.1 / 12**0.5,
    "truncated_normal": 0.05 * 0.8796256610342398,
    "lecun_uniform": (1 / 300) ** 0.5,
    "lecun_normal": (1 / 300) ** 0.5,
    "orthogonal": (1 / 300) ** 0.5,
    "normal": 0.05,
    "glorot_uniform": (2 / 500) ** 0.5,
    "glorot_normal": (2 / 500) ** 0.5,
    "he_uniform": (2 / 300) ** 0.5,
    "he_normal": (2 / 300) ** 0.5,
}


def test_every_initializer_has_an_expected_spread():
    assert set(INITIALIZERS) == {*SPREAD, "values"}


@pytest.mark.parametrize("name", [name for name, spread in SPREAD.items() if spread is not None])
def test_spread_of_initial_weights(name):
    weights = np.empty((300, 200))
    INITIALIZERS.members[name]().fill(weights, np.random.default_rng(0))
    assert weights.std() == pytest.approx(SPREAD[name], rel=0.01)
    assert weights.mean() == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_orthogonal_weights_are_orthonormal(shape):
    weights = np.empty(shape)
    Orthogonal(gain=2).fill(weights, np.random.default_rng(0))
    product = weights @ weights.T if shape[0] < shape[1] else weights.T @ weights
    np.testing.assert_allclose(product, 4 * np.eye(min(shape)), atol=1e-14)


def test_truncated_normal_stays_within_two_deviations():
    weights = np.empty(100_000)
    TruncatedNormal(0.5).fill(weights, np.random.default_rng(0))
    assert 0.99 < np.abs(weights).max() <= 1


def test_ones_and_constants():
    weights = np.empty(3)
    Ones().fill(weights, np.random.default_rng(0))
    assert weights.tolist() == [1, 1, 1]
    Constant(0.3).fill(weights, np.random.default_rng(0))
    assert weights.tolist() == [0.3] * 3


@pytest.mark.parametrize(
    "values", [((1.0, 2.0),), ((1.0,), (2.0,)), (1.0, 2.0), ((1.0, 2.0), (3.0,))], ids=["1x2", "2x1", "2", "ragged"]
)
def test_values_of_the_wrong_shape_are_an_error(values):
    with pytest.raises(OptionError, match=r"0\.dense\.weight_init\.values\.values: the parameter has shape \(2, 2\)"):
        Network((Dense(2, weight_init=Values(values)),), (2,), batch=1, rng=Streams(0))


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_two_half_batches_accumulate_to_the_same_gradient(rate):
    layers = (Dense(5), Tanh(), Dropout(rate), Dense(3))
    objective = build_objective(layers, Mse(), inputs=4, batch=6)
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    masks = objective.network.rng.state()

    def gradient(rows):
        batch = objective.batch(len(rows))
        batch.fill(inputs, targets, rows)
        objective.value_and_grad(batch)
        return objective.network.grad.copy()

    whole = gradient(np.arange(6))
    objective.network.rng.restore(masks)
    halves = [gradient(np.arange(0, 3)), gradient(np.arange(3, 6))]
    np.testing.assert_allclose(whole, sum(halves) / 2, rtol=1e-12)


def test_dropout_drops_its_share_and_keeps_the_mean():
    network = Network((Dropout(0.2),), (100,), batch=1000, dtype="float64", rng=Streams(0))
    frame = network.frame(1000)
    frame.input[...] = 1
    frame.forward(training=True)
    assert set(np.unique(frame.scores)) == {0, 1 / 0.8}
    assert np.mean(frame.scores == 0) == pytest.approx(0.2, abs=0.01)
    frame.forward(training=False)
    assert (frame.scores == 1).all()


def measure_step(layers, loss, rows, augmentations=(), weighted=False):
    """Return the peak of the bytes that one training step allocates."""
    rng = np.random.default_rng(0)
    width = next(w[0] for w in (loss.widths(3, 1), loss.widths(2, 1), loss.widths(None, 3)) if w)
    network = Network(resolve_layers(layers, width), (6,), batch=rows, rng=Streams(0))
    objective = Objective(network, loss, Regularization(l1=0.1, l2=0.1), augmentations=augmentations, weighted=weighted)
    inputs = rng.normal(size=(rows, 6)).astype(np.float32)
    targets = rng.integers(0, 2, rows)
    if loss.encoding == "values":
        targets = (targets[:, None] == np.arange(width)).astype(np.float32)
    slots, order = [np.zeros_like(network.theta) for _ in range(2)], np.arange(rows)

    def step(k):
        batch = objective.batch(rows)
        batch.fill(inputs, targets, order)
        batch.augment()
        objective.value_and_grad(batch)
        Adam().update(network.theta, network.grad, slots, lr=0.01, step=k, decayed=0)

    step(1)
    step(2)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    step(3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - before


# Both above 8,192 rows: up to there NumPy's buffer for conversions grows along.
SMALL, LARGE = 10_000, 60_000

ALL_LAYERS = [
    (Dense(8), cls.example(8) if hasattr(cls, "example") else cls(), Dense()) for cls in LAYERS.members.values()
]


@pytest.mark.parametrize("layers", ALL_LAYERS, ids=list(LAYERS))
def test_a_training_step_allocates_nothing_that_grows_with_the_batch(layers):
    assert measure_step(layers, Mse(), LARGE) <= measure_step(layers, Mse(), SMALL) + 512


@pytest.mark.parametrize("name", list(LOSSES))
def test_a_loss_allocates_nothing_that_grows_with_the_batch(name):
    loss, layers = LOSSES.members[name](), (Dense(8), Relu(), Dense())
    assert measure_step(layers, loss, LARGE) <= measure_step(layers, loss, SMALL) + 512


EXAMPLES = {"image_shift": {"height": 2, "width": 3}}


@pytest.mark.parametrize("loss", [Mse(), SoftmaxCrossEntropy()], ids=["values", "codes"])
@pytest.mark.parametrize("name", list(AUGMENTATIONS))
def test_an_augmentation_allocates_nothing_that_grows_with_the_batch(name, loss):
    augmentation, layers = AUGMENTATIONS.members[name](**EXAMPLES.get(name, {})), (Dense(8), Relu(), Dense())
    small, large = (measure_step(layers, loss, rows, (augmentation,), weighted=True) for rows in (SMALL, LARGE))
    assert large <= small + 512


def test_neediest_layer():
    """Messages name the layer that needs the most rows, also a user's own."""

    @dataclass(frozen=True)
    class CompareThree:
        def plan(self, shape):
            return Plan(shape, least_rows=3)

    chain = Chain([BatchNorm(), CompareThree()], (4,))
    assert (chain.least_rows, chain.neediest_layer) == (3, "compare_three")
    assert Chain([Dense(2), BatchNorm()], (4,)).neediest_layer == "batch_norm"
