"""Optimizers, schedules and penalties against 50-digit arithmetic and closed forms; the forms are PyTorch's."""

from fractions import Fraction
from itertools import pairwise
from math import cos, inf, nan, pi

import numpy as np
import pytest

from bptrain.errors import OptionError
from bptrain.optim import (
    OPTIMIZERS,
    SCHEDULES,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    Adamw,
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseTime,
    Lbfgs,
    Linear,
    LineSearch,
    Lion,
    MultiStep,
    Nadam,
    OneCycle,
    Plateau,
    Polynomial,
    Regularization,
    Rmsprop,
    Rprop,
    Sgd,
    Step,
    Warmup,
)
from bptrain.optim.optimizers.adam import warming_product

GRADIENTS = ((0.1, -0.2), (0.3, 0.05), (-0.4, 0.25))


def exact_lion(lr="1/10", beta1="9/10", beta2="99/100", weight_decay="0"):
    """Three steps of Lion in fractions; the second entry is no weight."""
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
    (Lion(lr=0.1), 0, 0, exact_lion()),
    (Lion(lr=0.1, weight_decay=0.1), 0, 1, exact_lion(weight_decay="1/10")),
    (Lion(lr=0.1, beta1=0.5, beta2=0.6), 0, 0, exact_lion(beta1="1/2", beta2="3/5")),
    (Lion(lr=0.1, beta1=0.55, beta2=0), 0, 0, exact_lion(beta1="11/20", beta2="0")),
]


def ids(value):
    return value if isinstance(value, str) else repr(value).replace("Optimizer", "")


def fresh_slots(optimizer, size):
    slots = [np.zeros(size) for _ in range(optimizer.slots)]
    optimizer.start(slots)
    return slots


@pytest.mark.parametrize(("optimizer", "l2", "decayed", "trace"), TRACES)
def test_three_steps(optimizer, l2, decayed, trace):
    theta, slots, penalty = np.array([1.0, -2.0]), fresh_slots(optimizer, 2), Regularization(l2=l2)
    for step, (gradient, expected) in enumerate(zip(GRADIENTS, trace, strict=True), start=1):
        grad = np.array(gradient)
        penalty.add_gradient(theta, grad, np.empty(2))
        optimizer.update(theta, grad, slots, lr=optimizer.lr, step=step, decayed=decayed)
        np.testing.assert_allclose(theta, expected, rtol=1e-14, atol=0)


def test_lion_in_fractions_is_what_hand_reckoning_gives():
    assert exact_lion() == [(0.9, -1.9), (0.8, -2.0), (0.9, -2.1)]


def test_every_optimizer_has_a_trace():
    assert {type(row[0]) for row in TRACES} == set(OPTIMIZERS.members.values()) - {Lbfgs}


ENTRYWISE = [*(cls() for cls in OPTIMIZERS.members.values() if not issubclass(cls, LineSearch))]
ENTRYWISE += [row[0] for row in TRACES] + [Adagrad(initial=0.1), Lion(weight_decay=0.1)]


@pytest.mark.parametrize("optimizer", ENTRYWISE, ids=ids)
def test_a_slice_at_a_time_is_the_whole_at_once(optimizer):
    rng = np.random.default_rng(0)
    theta, whole = rng.normal(size=10), rng.normal(size=10)
    whole[:] = theta
    slots, parts = (fresh_slots(optimizer, 10) for _ in range(2))
    for step in range(1, 6):
        grad = rng.normal(size=10)
        for part, decayed in ((slice(0, 3), 3), (slice(3, 8), 2), (slice(8, 10), 0)):
            pieces = [s[part] for s in parts]
            optimizer.update(theta[part], grad[part].copy(), pieces, lr=0.1, step=step, decayed=decayed)
        optimizer.update(whole, grad.copy(), slots, lr=0.1, step=step, decayed=5)
    np.testing.assert_array_equal(theta, whole)
    np.testing.assert_array_equal(parts, slots)


@pytest.mark.parametrize("optimizer", ENTRYWISE, ids=ids)
def test_a_step_stays_in_the_dtype_and_survives_gradients_of_zero(optimizer):
    theta, slots = np.ones(4, np.float32), [np.zeros(4, np.float32) for _ in range(optimizer.slots)]
    optimizer.start(slots)
    for step in range(1, 4):
        optimizer.update(theta, np.zeros(4, np.float32), slots, lr=0.1, step=step, decayed=0)
    np.testing.assert_array_equal(theta, np.ones(4, np.float32))
    assert {vector.dtype for vector in (theta, *slots)} == {np.dtype(np.float32)}


def test_a_centered_mean_of_equal_gradients_leaves_no_nan():
    optimizer, theta = Rmsprop(centered=True), np.ones(64)
    slots, gradient = fresh_slots(optimizer, 64), np.random.default_rng(0).normal(size=64)
    for step in range(1, 2000):
        optimizer.update(theta, gradient.copy(), slots, lr=1e-12, step=step, decayed=0)
    assert np.isfinite(theta).all()


def test_adagrad_starts_where_it_is_told():
    theta, optimizer = np.zeros(1), Adagrad(initial=0.09)
    optimizer.update(theta, np.full(1, 0.4), fresh_slots(optimizer, 1), lr=1, step=1, decayed=0)
    assert theta[0] == pytest.approx(-0.8, rel=1e-9)


def test_rprop_keeps_its_steps_within_bounds():
    optimizer = Rprop(lr=0.1, smallest=0.08, largest=0.11)
    theta, slots, way = np.zeros(1), fresh_slots(optimizer, 1), []
    for step, gradient in enumerate((1, 1, -1, -1), start=1):
        optimizer.update(theta, np.full(1, float(gradient)), slots, lr=0.1, step=step, decayed=0)
        way.append(theta[0])
    assert way == pytest.approx([-0.1, -0.21, -0.21, -0.13], rel=1e-14)


def test_rprop_follows_a_schedule():
    theta, slots = np.zeros(1), fresh_slots(Rprop(lr=0.1), 1)
    Rprop(lr=0.1).update(theta, np.ones(1), slots, lr=0.05, step=1, decayed=0)
    assert theta[0] == pytest.approx(-0.05, rel=1e-15)
    assert slots[1][0] == 0.1


def test_the_product_of_nadam_is_the_same_however_it_is_reached():
    straight = {t: warming_product(0.9, 4e-3, t) for t in range(1, 41)}
    assert [warming_product(0.9, 4e-3, t) for t in (40, 7, 7, 23)] == [straight[t] for t in (40, 7, 7, 23)]
    expected = np.prod([0.9 * (1 - 0.5 * 0.96 ** (t * 4e-3)) for t in range(1, 41)])
    assert straight[40] == pytest.approx(expected, rel=1e-13)
    assert warming_product(0.9, 4e-3, 100_000) == 0


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
def test_options_that_do_not_go_together(make, fields):
    with pytest.raises(OptionError) as caught:
        make()
    assert [mistake.field for mistake in caught.value.mistakes] == fields
    assert all("got" in mistake.message for mistake in caught.value.mistakes)


def rosenbrock(x):
    left, right = x[:-1], x[1:]
    grad = np.zeros_like(x)
    grad[:-1] = -400 * left * (right - left**2) - 2 * (1 - left)
    grad[1:] += 200 * (right - left**2)
    return float(np.sum(100 * (right - left**2) ** 2 + (1 - left) ** 2)), grad


SCALES = np.logspace(0, 6, 20)


def quadratic(x):
    error = x - np.arange(20)
    return float(error @ (SCALES * error)) / 2, SCALES * error


def cliff(x):
    """Lowest at 1, not to be computed above 2."""
    if x[0] > 2:
        return nan, np.full_like(x, nan)
    return float((x[0] - 1) ** 2), 2 * (x - 1)


def abyss(x):
    """Lowest at 1; above 2 there is no gradient and the loss is lower than any."""
    value, grad = cliff(x)
    return (value, grad) if x[0] <= 2 else (-inf, grad)


def exponential(x):
    """Flat far out and lowest at 3: the unit step is far too short."""
    return float(-np.exp(-(((x[0] - 3) / 3) ** 2))), 2 / 9 * (x - 3) * np.exp(-(((x - 3) / 3) ** 2))


class Descent:
    """L-BFGS on a function, as a training loop runs it."""

    def __init__(self, function, x, optimizer, slots=None):
        self.function, self.x, self.optimizer, self.calls = function, np.array(x, float), optimizer, 0
        self.grad = np.full_like(self.x, nan)
        self.slots = fresh_slots(optimizer, len(self.x)) if slots is None else slots

    def evaluate(self):
        self.calls += 1
        value, self.grad[:] = self.function(self.x)
        return value

    def run(self, steps, lr=1.0):
        """The loss after each step."""
        losses = []
        for step in steps:
            self.optimizer.advance(self.x, self.grad, self.slots, self.evaluate, lr=lr, step=step)
            losses.append(self.function(self.x)[0])
        return losses


PROBLEMS = [
    (rosenbrock, (-1.2, 1.0), np.ones(2), 60, 1e-7),
    (rosenbrock, np.tile((-1.2, 1.0), 5), np.ones(10), 120, 1e-7),
    (quadratic, np.zeros(20), np.arange(20), 400, 1e-6),
    (cliff, (-9.0,), np.ones(1), 20, 1e-7),
    (abyss, (-9.0,), np.ones(1), 20, 1e-7),
    (exponential, (-3.0,), np.full(1, 3.0), 20, 1e-6),
]


@pytest.mark.parametrize(("function", "start", "minimum", "steps", "error"), PROBLEMS)
def test_lbfgs_finds_the_minimum_and_never_goes_up(function, start, minimum, steps, error):
    # With fewer pairs than dimensions the quadratic takes thousands of steps, PyTorch's LBFGS as well.
    descent = Descent(function, start, Lbfgs(history=30))
    losses = [function(np.array(start, float))[0], *descent.run(range(1, steps + 1))]
    np.testing.assert_allclose(descent.x, minimum, rtol=0, atol=error)
    assert all(after <= before for before, after in pairwise(losses))


@pytest.mark.parametrize("options", [{"max_evaluations": 1}, {"max_evaluations": 2}, {"c2": 0.001}, {"history": 1}])
@pytest.mark.parametrize("lr", [1.0, 1e-3, 1e6])
def test_lbfgs_never_goes_up_even_where_its_search_fails(options, lr):
    x = np.tile((-1.2, 1.0), 2)
    losses = [rosenbrock(x)[0], *Descent(rosenbrock, x, Lbfgs(**options)).run(range(1, 40), lr)]
    assert all(after <= before for before, after in pairwise(losses))


def test_lbfgs_meets_the_wolfe_conditions():
    descent = Descent(rosenbrock, (-1.2, 1.0), Lbfgs())
    for step in range(1, 25):
        before = descent.x.copy()
        value, gradient = rosenbrock(before)
        descent.run([step])
        after, slope = rosenbrock(descent.x)
        way = descent.x - before
        assert after <= value + 1e-4 * (gradient @ way) * (1 - 1e-12)
        assert abs(slope @ way) <= 0.9 * abs(gradient @ way) * (1 + 1e-12)


def test_lbfgs_solves_a_quadratic_in_as_many_steps_as_it_has_dimensions():
    scales = np.array([1.0, 10, 100])
    descent = Descent(lambda x: (float(x @ (scales * x)) / 2, scales * x), (1, 1, 1), Lbfgs(c2=1e-3))
    descent.run(range(1, 8))
    assert np.abs(descent.x).max() < 1e-6


def test_lbfgs_direction_is_that_of_the_dense_inverse_hessian():
    descent, pairs = Descent(rosenbrock, np.tile((-1.2, 1.0), 2), Lbfgs(history=3)), []
    for step in range(1, 15):
        before = descent.x.copy()
        gradient = rosenbrock(before)[1]
        descent.run([step])
        if len(pairs) > 1:
            inverse = np.eye(4) * (pairs[-1][0] @ pairs[-1][1]) / (pairs[-1][1] @ pairs[-1][1])
            for s, y in pairs[-3:]:
                left = np.eye(4) - np.outer(s, y) / (s @ y)
                inverse = left @ inverse @ left.T + np.outer(s, s) / (s @ y)
            np.testing.assert_allclose(descent.slots[2], -inverse @ gradient, rtol=1e-9)
        pairs.append((descent.x - before, rosenbrock(descent.x)[1] - gradient))
        assert pairs[-1][0] @ pairs[-1][1] > 0


@pytest.mark.parametrize("function", [cliff, abyss])
def test_lbfgs_comes_back_fast_from_where_there_is_no_loss(function):
    descent = Descent(function, (-9.0,), Lbfgs())
    descent.run([1], lr=1e7)
    assert descent.calls <= 12
    assert -9 < descent.x[0] <= 2


@pytest.mark.parametrize("lr", [1.0, 1e9, 1e-9])
def test_lbfgs_tries_no_more_points_than_allowed(lr):
    descent = Descent(rosenbrock, (-1.2, 1.0), Lbfgs(max_evaluations=3))
    for step in range(1, 20):
        before = descent.calls
        descent.run([step], lr)
        assert 1 <= descent.calls - before <= 1 + 3


@pytest.mark.parametrize("slope", [100.0, 0.5])
def test_lbfgs_first_step_is_scaled(slope):
    visited, gradient = [], slope * np.array((0.75, -0.25))

    def plane(x):
        visited.append(x.copy())
        return float(gradient @ x), gradient

    Descent(plane, (0, 0), Lbfgs(max_evaluations=1)).run([1], lr=0.1)
    np.testing.assert_allclose(visited[1], -0.1 * min(1, slope) * np.array((0.75, -0.25)), rtol=1e-14)


@pytest.mark.parametrize("steps", [1, 7, 23])
def test_lbfgs_resumes_to_the_same_bits(steps):
    x = np.tile((-1.2, 1.0), 3)
    straight = Descent(rosenbrock, x, Lbfgs(history=4))
    straight.run(range(1, steps + 11))
    first = Descent(rosenbrock, x, Lbfgs(history=4))
    first.run(range(1, steps + 1))
    resumed = Descent(rosenbrock, first.x.copy(), Lbfgs(history=4), [slot.copy() for slot in first.slots])
    resumed.run(range(steps + 1, steps + 11))
    np.testing.assert_array_equal(resumed.x, straight.x)
    np.testing.assert_array_equal(resumed.slots, straight.slots)


def test_lbfgs_leaves_out_a_pair_without_curvature():
    # A hill around 0 with a valley at 1: the first steps cross ground that bends down.
    def hills(x):
        return float(np.sum(x**4 / 4 - x**2 / 2)), x**3 - x

    descent = Descent(hills, (0.01, 0.02), Lbfgs(history=3, max_evaluations=1))
    descent.run([1, 2])
    assert not np.any(descent.slots[3])
    assert not np.any(descent.slots[6])
    descent.run(range(3, 40))
    np.testing.assert_allclose(descent.x, (1, 1), atol=1e-7)


def test_lbfgs_falls_back_to_the_gradient_where_its_direction_leads_nowhere():
    descent = Descent(lambda x: (float(x @ x), 2 * x), (0.0, 2.0), Lbfgs(history=1))
    # A past step with so little change of the gradient that the direction overflows.
    descent.slots[0][:], descent.slots[1][:] = (-1e150, 2.0), (-1e-160, 4.0)
    descent.run([2])
    assert descent.slots[3] @ descent.slots[4] > 0
    np.testing.assert_array_equal(descent.slots[2], (0.0, -4.0))
    assert descent.x @ descent.x < 4


def test_lbfgs_leaves_out_a_pair_that_vanishes():
    descent = Descent(lambda x: (float(x @ x), 2 * x), (0.0, 2.0), Lbfgs(history=1))
    descent.slots[0][:], descent.slots[1][:] = (-1e100, 2.0), (-1e-200, 4.0)
    descent.run([2])
    assert not np.any(descent.slots[3:])
    assert descent.x @ descent.x < 4


def test_lbfgs_forgets_its_pairs_when_they_do_not_help():
    descent = Descent(rosenbrock, (-1.2, 1.0), Lbfgs())
    descent.run([1, 2, 3])
    assert np.any(descent.slots[3:])
    descent.function = lambda x: (-rosenbrock(x)[0], rosenbrock(x)[1])
    before = descent.x.copy()
    descent.optimizer = Lbfgs(max_evaluations=1)
    descent.run([4], lr=1e-3)
    np.testing.assert_array_equal(descent.x, before)
    assert not np.any(descent.slots[3:])


def test_lbfgs_leaves_theta_where_there_is_nothing_to_gain():
    flat = Descent(lambda x: (1.0, np.zeros_like(x)), (1.0, 2.0), Lbfgs())
    broken = Descent(lambda x: (nan, np.full_like(x, nan)), (1.0, 2.0), Lbfgs())
    wrong = Descent(lambda x: (float(x @ x), -2 * x), (1.0, 2.0), Lbfgs())
    for descent in (flat, broken, wrong):
        descent.run(range(1, 4))
        np.testing.assert_array_equal(descent.x, (1.0, 2.0))
    assert flat.calls == broken.calls == 3
    assert not np.any(broken.slots)


def test_lbfgs_in_float32():
    scales = np.logspace(0, 3, 8, dtype=np.float32)
    optimizer, x = Lbfgs(), np.ones(8, np.float32)
    grad, slots = np.empty_like(x), [np.zeros_like(x) for _ in range(optimizer.slots)]

    def evaluate():
        np.multiply(scales, x, out=grad)
        return float(x @ grad) / 2

    for step in range(1, 60):
        optimizer.advance(x, grad, slots, evaluate, lr=1.0, step=step)
    assert np.abs(x).max() < 1e-4


@pytest.mark.parametrize(
    ("schedule", "epoch", "expected"),
    [
        (Constant(), 7.5, 1.0),
        (Step(every=3, gamma=0.5), 2.99, 1.0),
        (Step(every=3, gamma=0.5), 3, 0.5),
        (Step(every=3, gamma=0.5), 9.5, 0.125),
        (MultiStep((2, 5), gamma=0.1), 1.99, 1.0),
        (MultiStep((2, 5), gamma=0.1), 2, 0.1),
        (MultiStep((2, 5), gamma=0.1), 6, 0.01),
        (Exponential(gamma=0.25), 0.5, 0.5),
        (Exponential(gamma=0.25), 3, 1 / 64),
        (InverseTime(decay=0.5), 0, 1.0),
        (InverseTime(decay=0.5), 3, 0.4),
        (Polynomial(power=2, final=0.2), 0, 1.0),
        (Polynomial(power=2, final=0.2), 5, 0.4),
        (Polynomial(power=2, final=0.2), 10, 0.2),
        (Polynomial(power=0.5), 7.5, 0.5),
        (Linear(final=0.2), 2.5, 0.8),
        (Linear(final=0.2), 11, 0.2),
        (Cosine(), 0, 1.0),
        (Cosine(), 5, 0.5),
        (Cosine(), 1, 0.9755282581475768),
        (Cosine(), 10, 0.0),
        (Cosine(), 12, 0.0),
        (Cosine(final=0.1), 10, 0.1),
        (Cosine(final=0.1), 5, 0.55),
        (CosineRestarts(period=2), 1, 0.5),
        (CosineRestarts(period=2), 2, 1.0),
        (CosineRestarts(period=2), 7, 0.5),
        (CosineRestarts(period=2, growth=2, final=0.5), 4, 0.75),
        (CosineRestarts(period=2, growth=2, final=0.5), 6, 1.0),
        (CosineRestarts(period=2, growth=2, final=0.5), 10, 0.75),
        (OneCycle(), 0, 0.04),
        (OneCycle(), 1.5, 0.52),
        (OneCycle(), 3, 1.0),
        (OneCycle(), 6.5, (1 + 4e-6) / 2),
        (OneCycle(), 10, 4e-6),
        (Warmup(epochs=4), 0, 0.0),
        (Warmup(epochs=4), 3, 0.75),
        (Warmup(epochs=4, start=0.5), 2, 0.75),
        (Warmup(epochs=4), 4, 1.0),
        (Warmup(epochs=0.5), 0.25, 0.5),
        (Warmup(epochs=4, then=Cosine()), 7, 0.5),
        (Warmup(epochs=4, then=Linear()), 10, 0.0),
        (Warmup(epochs=20, then=Linear()), 10, 0.5),
    ],
)
def test_schedule(schedule, epoch, expected):
    assert schedule.factor(epoch, 10, 1.0) == pytest.approx(expected, rel=1e-14, abs=1e-16)


def schedule_of(name):
    cls = SCHEDULES.members[name]
    return cls((2, 3)) if cls is MultiStep else cls()


def losses(count):
    return [1 + 0.5 * cos(pi * t / 7) for t in range(count)]


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_every_schedule_stays_between_nothing_and_all(name):
    schedule = schedule_of(name)
    for t in range(241):
        memory = schedule.remember(losses(t // 8))
        assert 0 <= memory <= 1
        assert 0 <= schedule.factor(t / 8, 25, memory) <= 1
        assert 0 <= schedule.factor(t / 8, 4, memory) <= 1


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_warmup_goes_before_every_schedule(name):
    then = schedule_of(name)
    warm = Warmup(epochs=3, start=0.1, then=then)
    for t in range(81):
        done = t / 4
        memory = warm.remember(losses(int(done)))
        if done < 3:
            assert warm.factor(done, 20, memory) == pytest.approx(0.1 + 0.3 * done, rel=1e-14)
        else:
            assert memory == then.remember(losses(int(done))[3:])
            assert warm.factor(done, 20, memory) == then.factor(done - 3, 17, memory)


# Options, losses, and the factor after each of them, worked out by hand.
PLATEAUS = [
    ({"patience": 0, "gamma": 0.5}, (3, 2, 2, 1, 1, 1), (1, 1, 0.5, 0.5, 0.25, 0.125)),
    ({"patience": 2, "gamma": 0.5}, (3, 3, 3, 3, 3, 3, 3), (1, 1, 1, 0.5, 0.5, 0.5, 0.25)),
    ({"patience": 1, "gamma": 0.5}, (3, 4, 2, 4, 4), (1, 1, 1, 1, 0.5)),
    # The two epochs after the drop do not count.
    ({"patience": 0, "gamma": 0.5, "cooldown": 2}, (3, 3, 3, 3, 3, 3, 3), (1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25)),
    ({"patience": 0, "gamma": 0.5, "floor": 0.3}, (3, 3, 3, 3), (1, 0.5, 0.3, 0.3)),
    # Below the best by a tenth of it, or it does not count.
    ({"patience": 0, "gamma": 0.5, "threshold": 0.1}, (10, 9.01, 8.99, 8.1), (1, 0.5, 0.5, 0.25)),
    ({"patience": 0, "gamma": 0.5, "threshold": 0.1}, (-10, -10.5, -11.1, -11.1), (1, 0.5, 0.5, 0.25)),
    ({"patience": 0, "gamma": 0.5}, (inf, nan, 3, 2), (0.5, 0.25, 0.25, 0.25)),
]


@pytest.mark.parametrize(("options", "losses", "factors"), PLATEAUS)
def test_plateau(options, losses, factors):
    schedule = Plateau(**options)
    memories = [schedule.remember(losses[: k + 1]) for k in range(len(losses))]
    assert memories == pytest.approx(factors, rel=1e-15)
    assert schedule.remember(()) == 1
    assert [schedule.factor(k + 1, 99, memory) for k, memory in enumerate(memories)] == memories


def test_plateau_after_a_warmup_forgets_the_losses_before():
    warm = Warmup(epochs=1.5, then=Plateau(patience=0, gamma=0.5))
    assert [warm.remember((1, 1, 3, 2, 2)[:k]) for k in range(6)] == [1, 1, 1, 1, 1, 0.5]


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
