"""Metrics against their definitions in exact arithmetic, however the rows are portioned."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptrain.metrics import METRICS, R2, Accuracy, Mae, Rmse


def measure(metric, outputs, targets, cuts=()):
    """The metric over portions of the rows."""
    sums = None
    for part in np.split(np.arange(len(targets)), cuts):
        if len(part):
            tally = metric.tally(outputs[part], targets[part])
            sums = tally if sums is None else metric.merge(sums, tally)
    return metric.finish(sums)


def test_accuracy():
    outputs = np.array([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5], [0.3, 0.7]])
    assert measure(Accuracy(), outputs, np.array([1, 1, 0, 1])) == 0.75
    assert measure(Accuracy(), np.array([[0.4], [0.6], [0.5]]), np.array([0, 1, 1])) == pytest.approx(2 / 3)


def test_regression_metrics():
    outputs, targets = np.array([[1.0], [2.0], [4.0]]), np.array([[1.0], [3.0], [6.0]])
    assert measure(Rmse(), outputs, targets) == pytest.approx((5 / 3) ** 0.5, rel=1e-15)
    assert measure(Mae(), outputs, targets) == pytest.approx(1, rel=1e-15)
    assert measure(R2(), outputs, targets) == pytest.approx(1 - 5 / (38 / 3), rel=1e-15)


def test_several_columns():
    outputs, targets = np.array([[1.0, 0], [2, 0], [3, 0]]), np.array([[1.0, 1], [2, 2], [3, 3]])
    assert measure(R2(), outputs, targets) == pytest.approx((1 + (1 - 14 / 2)) / 2, rel=1e-14)


def test_undefined_is_said():
    column = np.array([[5.0], [5.0]])
    assert measure(R2(), column, column) is None
    assert measure(R2(), column[:1], column[:1]) is None
    assert all(
        METRICS.members[name]().finish(np.zeros((4, 1)) if name == "r2" else np.zeros(2)) is None for name in METRICS
    )


NUMBERS = st.lists(st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)), min_size=3, max_size=40)


@given(NUMBERS, st.lists(st.integers(0, 40), max_size=3), st.sampled_from([0, 10**6, 10**9]))
def test_r2_whatever_the_portions_and_the_mean(pairs, cuts, shift):
    targets = [Fraction(t + shift) for t, _ in pairs]
    outputs = [Fraction(y + shift) for _, y in pairs]
    mean = sum(targets) / len(targets)
    spread = sum((t - mean) ** 2 for t in targets)
    arrays = (np.array(values, dtype=float)[:, None] for values in (outputs, targets))
    value = measure(R2(), *arrays, sorted(min(cut, len(pairs)) for cut in cuts))
    if spread == 0:
        assert value is None
    else:
        expected = 1 - sum((y - t) ** 2 for y, t in zip(outputs, targets, strict=True)) / spread
        assert value == pytest.approx(float(expected), rel=1e-9, abs=1e-9)
