"""L-BFGS on functions with known minima, against its definition, and on hard cases for its line search."""

from itertools import pairwise
from math import inf, nan

import numpy as np
import pytest

from bptrain.optim import (
    Lbfgs,
)


def create_slots(optimizer, size):
    slots = [np.zeros(size) for _ in range(optimizer.slots)]
    optimizer.start(slots)
    return slots


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
    """Return a function with its minimum at 1 that is not defined above 2."""
    if x[0] > 2:
        return nan, np.full_like(x, nan)
    return float((x[0] - 1) ** 2), 2 * (x - 1)


def abyss(x):
    """Return a function with its minimum at 1; above 2 it is -inf, without a gradient."""
    value, grad = cliff(x)
    return (value, grad) if x[0] <= 2 else (-inf, grad)


def exponential(x):
    """Return a function that is flat far away from its minimum at 3: the unit step is far too short."""
    return float(-np.exp(-(((x[0] - 3) / 3) ** 2))), 2 / 9 * (x - 3) * np.exp(-(((x - 3) / 3) ** 2))


class Descent:
    """L-BFGS on a function, called as by the training loop."""

    def __init__(self, function, x, optimizer, slots=None):
        self.function, self.x, self.optimizer, self.calls = function, np.array(x, float), optimizer, 0
        self.grad = np.full_like(self.x, nan)
        self.slots = create_slots(optimizer, len(self.x)) if slots is None else slots

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
def test_lbfgs_returns_fast_from_points_without_a_finite_loss(function):
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
    # A hill around 0 with a valley at 1: the first steps cross a region of negative curvature.
    def hills(x):
        return float(np.sum(x**4 / 4 - x**2 / 2)), x**3 - x

    descent = Descent(hills, (0.01, 0.02), Lbfgs(history=3, max_evaluations=1))
    descent.run([1, 2])
    assert not np.any(descent.slots[3])
    assert not np.any(descent.slots[6])
    descent.run(range(3, 40))
    np.testing.assert_allclose(descent.x, (1, 1), atol=1e-7)


def test_lbfgs_falls_back_to_the_gradient_where_its_direction_does_not_lead_down():
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


def test_lbfgs_drops_its_pairs_when_they_do_not_help():
    descent = Descent(rosenbrock, (-1.2, 1.0), Lbfgs())
    descent.run([1, 2, 3])
    assert np.any(descent.slots[3:])
    descent.function = lambda x: (-rosenbrock(x)[0], rosenbrock(x)[1])
    before = descent.x.copy()
    descent.optimizer = Lbfgs(max_evaluations=1)
    descent.run([4], lr=1e-3)
    np.testing.assert_array_equal(descent.x, before)
    assert not np.any(descent.slots[3:])


def test_lbfgs_keeps_theta_where_no_point_is_better():
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
