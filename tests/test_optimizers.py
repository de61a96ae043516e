"""Optimizers against 50-digit arithmetic; the forms are PyTorch's."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from bptrain.errors import OptionError
from bptrain.optim import (
    OPTIMIZERS,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    Adamw,
    Lbfgs,
    LineSearch,
    Lion,
    MultiStep,
    Nadam,
    Regularization,
    Rmsprop,
    Rprop,
    Sgd,
)
from bptrain.optim.adam import multiply_momenta
from bptrain.optim.optimizer import update_in_chunks
from bptrain.team import Team

GRADIENTS = ((0.1, -0.2), (0.3, 0.05), (-0.4, 0.25))


def compute_lion(lr="1/10", beta1="9/10", beta2="99/100", weight_decay="0"):
    """Return three steps of Lion in fractions; the second entry is a bias."""
    lr, beta1, beta2, weight_decay = map(Fraction, (lr, beta1, beta2, weight_decay))
    theta, m, trace = [Fraction(1), Fraction(-2)], [Fraction(0), Fraction(0)], []
    for gradient in GRADIENTS:
        theta[0] -= lr * weight_decay * theta[0]
        for k, g in enumerate(Fraction(str(g)) for g in gradient):
            mean = beta1 * m[k] + (1 - beta1) * g
            theta[k] -= lr * ((mean > 0) - (mean < 0))
            m[k] = beta2 * m[k] + (1 - beta2) * g
        trace.append(tuple(map(float, theta)))
    return trace


# Optimizer, L2 penalty, entries that decay, and theta after each step.
TRACES = [
    (Sgd(lr=0.1), 0, 0, [(0.99, -1.98), (0.96, -1.985), (1.0, -2.01)]),
    (Sgd(lr=0.1), 0.1, 0, [(0.98, -1.96), (0.9402, -1.9454), (0.970798, -1.950946)]),
    (Sgd(lr=0.1, momentum=0.9), 0, 0, [(0.99, -1.98), (0.951, -1.967), (0.9559, -1.9803)]),
    (Sgd(lr=0.1, momentum=0.9, dampening=0.5), 0, 0, [(0.99, -1.98), (0.966, -1.9645), (0.9644, -1.96305)]),
    (Sgd(lr=0.1, momentum=0.9, nesterov=True), 0, 0, [(0.981, -1.962), (0.9159, -1.9553), (0.96031, -1.99227)]),
    (Sgd(lr=0.1, momentum=0.9), 0.1, 0, [(0.98, -1.96), (0.9222, -1.9094), (0.900958, -1.869766)]),
    (
        Adam(lr=0.1),
        0,
        0,
        [
            (0.900000009999999, -1.9000000049999997),
            (0.8082219022055892, -1.8530531911004464),
            (0.8143620019388811, -1.8792833983014356),
        ],
    ),
    (
        Adam(lr=0.1, epsilon=0.1),
        0,
        0,
        [
            (0.95, -1.9333333333333333),
            (0.8865789639703966, -1.9054906536340257),
            (0.8911625472408117, -1.9225846935710917),
        ],
    ),
    (
        Adam(lr=0.1),
        0.1,
        0,
        [
            (0.9000000049999998, -1.9000000025),
            (0.8032147551675823, -1.8121659024648662),
            (0.7804410042166857, -1.7553922556690427),
        ],
    ),
    (
        Adam(lr=0.1, beta2=0.5, amsgrad=True),
        0,
        0,
        [
            (0.900000009999999, -1.9000000049999997),
            (0.8184367049375171, -1.858100840912919),
            (0.8236876412440702, -1.8820075799548301),
        ],
    ),
    (
        Adamw(lr=0.1, weight_decay=0.1),
        0,
        2,
        [
            (0.890000009999999, -1.8800000049999996),
            (0.7893219021055893, -1.8142531910504465),
            (0.7875687828178253, -1.822340866340931),
        ],
    ),
    # Only the first entry is a weight: the second goes as in adam.
    (
        Adamw(lr=0.1, weight_decay=0.1),
        0,
        1,
        [
            (0.890000009999999, -1.9000000049999997),
            (0.7893219021055893, -1.8530531911004464),
            (0.7875687828178253, -1.8792833983014356),
        ],
    ),
    (
        Rmsprop(lr=0.1),
        0,
        0,
        [
            (0.6837723339831304, -1.6837722839831541),
            (0.3822610197083941, -1.7643545673986814),
            (0.635699817640813, -2.0179950449161357),
        ],
    ),
    (
        Rmsprop(lr=0.1, epsilon=0.1),
        0,
        0,
        [
            (0.9240253073352042, -1.8774851773445587),
            (0.7736484205338029, -1.9083401625234575),
            (0.9287899937394722, -2.034243709604003),
        ],
    ),
    (
        Rmsprop(lr=0.1, centered=True, momentum=0.9),
        0,
        0,
        [
            (0.6666667777777407, -1.666666722222213),
            (0.0389301509092676, -1.4490781213779662),
            (-0.27247178596223115, -1.509230011017846),
        ],
    ),
    (
        Adagrad(lr=0.1),
        0,
        0,
        [
            (0.9000000001, -1.90000000005),
            (0.8051316703249486, -1.9242535625418686),
            (0.8835781243648376, -2.001405237499105),
        ],
    ),
    (
        Adadelta(),
        0,
        0,
        [
            (0.9968393022937949, -1.9968381175504386),
            (0.9925765683225016, -1.9979775041425745),
            (0.9974621178855698, -2.001590778783898),
        ],
    ),
    (
        Adamax(lr=0.1),
        0,
        0,
        [
            (0.900000009999999, -1.9000000049999997),
            (0.8315789596491217, -1.8657552356253617),
            (0.8360992547390663, -1.885386231150085),
        ],
    ),
    (
        Nadam(lr=0.1),
        0,
        0,
        [
            (0.8943548327289779, -1.8943548274467197),
            (0.7932207459113659, -1.9135926532164524),
            (0.8761763672213054, -1.9977632116665986),
        ],
    ),
    (Rprop(lr=0.1), 0, 0, [(0.9, -1.9), (0.78, -1.9), (0.78, -1.95)]),
    (Lion(lr=0.1), 0, 0, compute_lion()),
    (Lion(lr=0.1, weight_decay=0.1), 0, 1, compute_lion(weight_decay="1/10")),
    (Lion(lr=0.1, beta1=0.5, beta2=0.6), 0, 0, compute_lion(beta1="1/2", beta2="3/5")),
    (Lion(lr=0.1, beta1=0.55, beta2=0), 0, 0, compute_lion(beta1="11/20", beta2="0")),
]


def ids(value):
    return value if isinstance(value, str) else repr(value).replace("Optimizer", "")


def create_slots(optimizer, size):
    slots = [np.zeros(size) for _ in range(optimizer.slots)]
    optimizer.start(slots)
    return slots


@pytest.mark.parametrize(("optimizer", "l2", "decayed", "trace"), TRACES)
def test_three_steps(optimizer, l2, decayed, trace):
    theta, slots, penalty = np.array([1.0, -2.0]), create_slots(optimizer, 2), Regularization(l2=l2)
    for step, (gradient, expected) in enumerate(zip(GRADIENTS, trace, strict=True), start=1):
        grad = np.array(gradient)
        penalty.add_gradient(theta, grad, np.empty(2))
        optimizer.update(theta, grad, slots, lr=optimizer.lr, step=step, decayed=decayed)
        np.testing.assert_allclose(theta, expected, rtol=1e-14, atol=0)


def test_lion_in_fractions_agrees_with_hand_computation():
    assert compute_lion() == [(0.9, -1.9), (0.8, -2.0), (0.9, -2.1)]


def test_every_optimizer_has_a_trace():
    assert {type(row[0]) for row in TRACES} == set(OPTIMIZERS.members.values()) - {Lbfgs}


ENTRYWISE = [*(cls() for cls in OPTIMIZERS.members.values() if not issubclass(cls, LineSearch))]
ENTRYWISE += [row[0] for row in TRACES] + [Adagrad(initial=0.1), Lion(weight_decay=0.1)]


@pytest.mark.parametrize("optimizer", ENTRYWISE, ids=ids)
def test_updating_slices_is_updating_the_whole(optimizer):
    rng = np.random.default_rng(0)
    theta, whole = rng.normal(size=10), rng.normal(size=10)
    whole[:] = theta
    slots, parts = (create_slots(optimizer, 10) for _ in range(2))
    for step in range(1, 6):
        grad = rng.normal(size=10)
        for part, decayed in ((slice(0, 3), 3), (slice(3, 8), 2), (slice(8, 10), 0)):
            pieces = [s[part] for s in parts]
            optimizer.update(theta[part], grad[part].copy(), pieces, lr=0.1, step=step, decayed=decayed)
        optimizer.update(whole, grad.copy(), slots, lr=0.1, step=step, decayed=5)
    np.testing.assert_array_equal(theta, whole)
    np.testing.assert_array_equal(parts, slots)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("entrywise", [True, False])
def test_a_chunked_update_is_the_update_of_the_whole(monkeypatch, entrywise, size):
    """The decay ends inside a chunk; a rule that is not entrywise gets the whole; a team changes nothing."""
    monkeypatch.setattr("bptrain.optim.optimizer.CHUNK_ENTRIES", 4)
    monkeypatch.setattr(Adamw, "entrywise", entrywise)
    expected = {1: [3, 4, 4], 2: [2, 3, 3, 3], 3: [3, 4, 4]}[size] if entrywise else [11]
    seen, plain, team = [], Adamw.update, Team()
    monkeypatch.setattr(
        Adamw, "update", lambda self, theta, *a, **k: (seen.append(len(theta)), plain(self, theta, *a, **k))
    )
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=11), rng.normal(size=(3, 11))
    ends = []
    for rule in (partial(update_in_chunks, team=team), lambda optimizer, *a, **k: plain(optimizer, *a, **k)):
        theta, slots = start.copy(), [np.zeros(11), np.zeros(11)]
        with team.resize(size):
            for step, grad in enumerate(gradients, 1):
                rule(Adamw(lr=0.1, weight_decay=0.5), theta, grad.copy(), slots, lr=0.1, step=step, decayed=6)
        ends.append(theta.tobytes())
    assert ends[0] == ends[1]
    assert sorted(seen[: len(expected)]) == expected


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("chunk", [4, 100])
def test_an_update_says_whether_all_parameters_are_finite(monkeypatch, chunk, bad):
    monkeypatch.setattr("bptrain.optim.optimizer.CHUNK_ENTRIES", chunk)
    rule = partial(update_in_chunks, Sgd(), slots=[], lr=0.1, step=1, decayed=0, team=Team())
    with np.errstate(all="ignore"):
        assert rule(np.full(11, 1e308), np.zeros(11))
        for place in range(11):
            grad = np.zeros(11)
            grad[place] = bad
            assert not rule(np.ones(11), grad)


@pytest.mark.parametrize("optimizer", ENTRYWISE, ids=ids)
def test_a_step_keeps_the_dtype_and_takes_gradients_of_zero(optimizer):
    theta, slots = np.ones(4, np.float32), [np.zeros(4, np.float32) for _ in range(optimizer.slots)]
    optimizer.start(slots)
    for step in range(1, 4):
        optimizer.update(theta, np.zeros(4, np.float32), slots, lr=0.1, step=step, decayed=0)
    np.testing.assert_array_equal(theta, np.ones(4, np.float32))
    assert {vector.dtype for vector in (theta, *slots)} == {np.dtype(np.float32)}


def test_a_centered_mean_of_equal_gradients_leaves_no_nan():
    optimizer, theta = Rmsprop(centered=True), np.ones(64)
    slots, gradient = create_slots(optimizer, 64), np.random.default_rng(0).normal(size=64)
    for step in range(1, 2000):
        optimizer.update(theta, gradient.copy(), slots, lr=1e-12, step=step, decayed=0)
    assert np.isfinite(theta).all()


def test_adagrad_starts_from_its_initial_value():
    theta, optimizer = np.zeros(1), Adagrad(initial=0.09)
    optimizer.update(theta, np.full(1, 0.4), create_slots(optimizer, 1), lr=1, step=1, decayed=0)
    assert theta[0] == pytest.approx(-0.8, rel=1e-9)


def test_rprop_keeps_its_steps_within_bounds():
    optimizer = Rprop(lr=0.1, smallest=0.08, largest=0.11)
    theta, slots, way = np.zeros(1), create_slots(optimizer, 1), []
    for step, gradient in enumerate((1, 1, -1, -1), start=1):
        optimizer.update(theta, np.full(1, float(gradient)), slots, lr=0.1, step=step, decayed=0)
        way.append(theta[0])
    assert way == pytest.approx([-0.1, -0.21, -0.21, -0.13], rel=1e-14)


def test_rprop_follows_a_schedule():
    theta, slots = np.zeros(1), create_slots(Rprop(lr=0.1), 1)
    Rprop(lr=0.1).update(theta, np.ones(1), slots, lr=0.05, step=1, decayed=0)
    assert theta[0] == pytest.approx(-0.05, rel=1e-15)
    assert slots[1][0] == 0.1


def test_the_product_of_nadam_does_not_depend_on_the_calls_before():
    straight = {t: multiply_momenta(0.9, 4e-3, t) for t in range(1, 41)}
    assert [multiply_momenta(0.9, 4e-3, t) for t in (40, 7, 7, 23)] == [straight[t] for t in (40, 7, 7, 23)]
    expected = np.prod([0.9 * (1 - 0.5 * 0.96 ** (t * 4e-3)) for t in range(1, 41)])
    assert straight[40] == pytest.approx(expected, rel=1e-13)
    assert multiply_momenta(0.9, 4e-3, 100_000) == 0


@pytest.mark.parametrize(
    ("make", "fields"),
    [
        (lambda: Sgd(nesterov=True), ["nesterov"]),
        (lambda: Sgd(dampening=0.5), ["dampening"]),
        (lambda: Sgd(momentum=0.9, dampening=0.5, nesterov=True), ["dampening"]),
        (lambda: Sgd(dampening=0.5, nesterov=True), ["nesterov", "dampening", "dampening"]),
        (lambda: Rprop(smallest=2, largest=1), ["smallest"]),
        (lambda: Lbfgs(c1=0.9, c2=0.1), ["c1"]),
        (lambda: MultiStep((3, 2)), ["milestones"]),
        (lambda: MultiStep(()), ["milestones"]),
    ],
)
def test_contradicting_options_are_an_error(make, fields):
    with pytest.raises(OptionError) as caught:
        make()
    assert [mistake.field for mistake in caught.value.mistakes] == fields
    assert all("got" in mistake.message for mistake in caught.value.mistakes)
