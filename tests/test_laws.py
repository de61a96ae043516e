"""Laws that hold for any network: of any layers in any order, on any number of rows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bptrain.arrays import Streams
from bptrain.model.objective import Objective
from bptrain.nn import LAYERS, LOSSES, Network, resolve_layers
from bptrain.nn.layers import Dense
from bptrain.optim import Regularization

RANDOM = {"dropout", "gaussian_noise"}
OVER_ROWS = {"batch_norm"}


def layer_of(name, width):
    cls = LAYERS.members[name]
    return cls.example(width) if hasattr(cls, "example") else cls()


@st.composite
def networks(draw, without=frozenset()):
    """Up to four layers of any kind, then a dense one: the layers, the width of the input, a loss, a seed."""
    width = draw(st.integers(1, 5))
    names = draw(st.lists(st.sampled_from(sorted(set(LAYERS) - without)), max_size=4))
    layers, now = [], width
    for name in names:
        layers.append(layer_of(name, now))
        now = layers[-1].plan((now,)).shape[0]
    loss = LOSSES.members[draw(st.sampled_from(sorted(LOSSES)))]()
    classes, columns = draw(st.sampled_from([case for case in ((3, 1), (2, 1), (None, 2)) if loss.widths(*case)]))
    outputs = loss.widths(classes, columns)[0]
    return resolve_layers((*layers, Dense(outputs)), outputs), width, loss, classes, draw(st.integers(0, 1000))


def objective_of(case, batch):
    layers, width, loss, _, seed = case
    network = Network(layers, (width,), batch=batch, dtype="float64", rng=Streams(seed))
    return Objective(network, loss, Regularization())


def data_of(case, rows):
    _, width, loss, classes, seed = case
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, width))
    outputs = next(layer.units for layer in reversed(case[0]) if isinstance(layer, Dense))
    codes = rng.integers(0, classes or outputs, rows)
    if loss.encoding == "codes":
        return inputs, codes
    return inputs, (codes[:, None] == np.arange(outputs)) * 1.0


def scores_and_gradient(objective, inputs, targets, rows, training=True):
    batch = objective.batch(len(rows))
    batch.fill(inputs, targets, rows)
    with np.errstate(all="ignore"):
        if not training:
            objective.loss_value(batch, training=False)
            return batch.frame.scores.copy(), None, 1.0
        _, weight = objective.loss_and_grad(batch)
    return batch.frame.scores.copy(), objective.network.grad.copy(), weight


@given(networks(without=frozenset(RANDOM | OVER_ROWS)), st.integers(2, 9), st.data())
def test_a_batch_cut_anywhere_accumulates_to_the_same_gradient(case, rows, data):
    inputs, targets = data_of(case, rows)
    cut = data.draw(st.integers(1, rows - 1))
    objective = objective_of(case, rows)
    _, whole, _ = scores_and_gradient(objective, inputs, targets, np.arange(rows))
    parts = [scores_and_gradient(objective, inputs, targets, part) for part in np.split(np.arange(rows), [cut])]
    together = sum(gradient * weight for _, gradient, weight in parts) / sum(weight for *_, weight in parts)
    np.testing.assert_allclose(together, whole, rtol=1e-9, atol=1e-11)


@given(networks(without=frozenset(RANDOM)), st.integers(2, 9), st.randoms(use_true_random=False))
def test_permuting_the_rows_permutes_the_scores_and_keeps_the_gradient(case, rows, random):
    inputs, targets = data_of(case, rows)
    order = np.array(random.sample(range(rows), rows))
    objective = objective_of(case, rows)
    scores, gradient, _ = scores_and_gradient(objective, inputs, targets, np.arange(rows))
    permuted, same, _ = scores_and_gradient(objective, inputs, targets, order)
    np.testing.assert_allclose(permuted, scores[order], rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(same, gradient, rtol=1e-6, atol=1e-7)


@given(networks(), st.integers(1, 4), st.integers(0, 20))
def test_any_number_of_rows_fits_the_arena_and_a_row_alone_scores_the_same(case, rows, room):
    inputs, targets = data_of(case, rows)
    tight, roomy = objective_of(case, rows), objective_of(case, rows + room)
    scores, *_ = scores_and_gradient(tight, inputs, targets, np.arange(rows), training=False)
    assert scores.shape == (rows, tight.network.output_shape[0])
    for k in range(rows):
        alone, *_ = scores_and_gradient(roomy, inputs, targets, np.array([k]), training=False)
        np.testing.assert_allclose(alone[0], scores[k], rtol=1e-9, atol=1e-12)
