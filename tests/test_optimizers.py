"""Optimizers, schedules and penalties against 50-digit arithmetic; the forms named are PyTorch's."""

import numpy as np
import pytest

from bptrain.optim import OPTIMIZERS, SCHEDULES, Adam, Constant, Cosine, Regularization, Sgd

GRADIENTS = ((0.1, -0.2), (0.3, 0.05), (-0.4, 0.25))

TRACES = [
    (Sgd(lr=0.1), 0, [(0.99, -1.98), (0.96, -1.985), (1.0, -2.01)]),
    (Sgd(lr=0.1), 0.1, [(0.98, -1.96), (0.9402, -1.9454), (0.970798, -1.950946)]),
    (Sgd(lr=0.1, momentum=0.9), 0, [(0.99, -1.98), (0.951, -1.967), (0.9559, -1.9803)]),
    (Sgd(lr=0.1, momentum=0.9, nesterov=True), 0, [(0.981, -1.962), (0.9159, -1.9553), (0.96031, -1.99227)]),
    (Sgd(lr=0.1, momentum=0.9), 0.1, [(0.98, -1.96), (0.9222, -1.9094), (0.900958, -1.869766)]),
    (
        Adam(lr=0.1),
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
        [
            (0.95, -1.9333333333333333),
            (0.8865789639703966, -1.9054906536340257),
            (0.8911625472408117, -1.9225846935710917),
        ],
    ),
    (
        Adam(lr=0.1),
        0.1,
        [
            (0.9000000049999998, -1.9000000025),
            (0.8032147551675823, -1.8121659024648662),
            (0.7804410042166857, -1.7553922556690427),
        ],
    ),
]


@pytest.mark.parametrize(("optimizer", "l2", "trace"), TRACES)
def test_three_steps(optimizer, l2, trace):
    theta = np.array([1.0, -2.0])
    slots = [np.zeros(2) for _ in range(optimizer.slots)]
    penalty = Regularization(l2=l2)
    for step, (gradient, expected) in enumerate(zip(GRADIENTS, trace, strict=True), start=1):
        grad = np.array(gradient)
        penalty.add_gradient(theta, grad, np.empty(2))
        optimizer.update(theta, grad, slots, lr=optimizer.lr, step=step)
        np.testing.assert_allclose(theta, expected, rtol=1e-14, atol=0)


def test_every_optimizer_has_a_trace():
    assert {type(row[0]) for row in TRACES} == set(OPTIMIZERS.members.values())


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_a_slice_at_a_time_is_the_whole_at_once(name):
    optimizer = OPTIMIZERS.members[name]()
    rng = np.random.default_rng(0)
    theta, whole = rng.normal(size=10), rng.normal(size=10)
    whole[:] = theta
    slots, parts = ([np.zeros(10) for _ in range(optimizer.slots)] for _ in range(2))
    for step in range(1, 4):
        grad = rng.normal(size=10)
        for part in (slice(0, 3), slice(3, 10)):
            optimizer.update(theta[part], grad[part].copy(), [s[part] for s in parts], lr=0.1, step=step)
        optimizer.update(whole, grad.copy(), slots, lr=0.1, step=step)
    np.testing.assert_array_equal(theta, whole)


@pytest.mark.parametrize(
    ("schedule", "epoch", "expected"),
    [
        (Constant(), 7.5, 1.0),
        (Cosine(), 0, 1.0),
        (Cosine(), 5, 0.5),
        (Cosine(), 1, 0.9755282581475768),
        (Cosine(), 10, 0.0),
        (Cosine(), 12, 0.0),
        (Cosine(final=0.1), 10, 0.1),
        (Cosine(final=0.1), 5, 0.55),
    ],
)
def test_schedule(schedule, epoch, expected):
    assert schedule.factor(epoch, 10) == pytest.approx(expected, rel=1e-14, abs=1e-16)


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_every_schedule_stays_between_nothing_and_all(name):
    schedule = SCHEDULES.members[name]()
    assert all(0 <= schedule.factor(t / 8, 4) <= 1 for t in range(41))


def test_penalties():
    weights, grad = np.array([3.0, -4.0, 0.0]), np.zeros(3)
    both = Regularization(l1=0.5, l2=0.1)
    assert both.value(weights, np.empty(3)) == pytest.approx(0.5 * 7 + 0.05 * 25, rel=1e-15)
    both.add_gradient(weights, grad, np.empty(3))
    assert grad == pytest.approx([0.5 + 0.3, -0.5 - 0.4, 0.0], rel=1e-15)


def test_float32_penalty_is_summed_in_double_precision():
    weights = np.full(1_000_000, 0.1, np.float32)
    exact = 1_000_000 * float(np.float32(0.1))
    assert Regularization(l1=1).value(weights, np.empty_like(weights)) == pytest.approx(exact, rel=1e-12)
