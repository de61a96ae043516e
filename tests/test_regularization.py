"""Penalties on the weights against closed forms."""

import numpy as np
import pytest

from bptrain.optim import Regularization


def test_penalties():
    weights, grad = np.array([3.0, -4.0, 0.0]), np.zeros(3)
    both = Regularization(l1=0.5, l2=0.1)
    assert both.compute_penalty(weights, np.empty(3)) == pytest.approx(0.5 * 7 + 0.05 * 25, rel=1e-15)
    both.add_gradient(weights, grad, np.empty(3))
    assert grad == pytest.approx([0.5 + 0.3, -0.5 - 0.4, 0.0], rel=1e-15)


def test_float32_penalty_is_summed_in_double_precision():
    weights = np.full(1_000_000, 0.1, np.float32)
    exact = 1_000_000 * float(np.float32(0.1))
    assert Regularization(l1=1).compute_penalty(weights, np.empty_like(weights)) == pytest.approx(exact, rel=1e-12)
