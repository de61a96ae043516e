"""Metrics against values computed by hand, and laws that hold for every registered metric."""

import json
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import log
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from speeds import examples

from bptrain.hints import Choice, list_options
from bptrain.metrics import (
    F1,
    METRICS,
    R2,
    Accuracy,
    AveragePrecision,
    BalancedAccuracy,
    BrierScore,
    ConfusionMatrix,
    ExpectedCalibrationError,
    Kind,
    LogLoss,
    Mae,
    Mape,
    Metric,
    Mse,
    Precision,
    Recall,
    Rmse,
    RocAuc,
    TopK,
    list_default_metrics,
    list_metrics,
    predict_codes,
)
from bptrain.registry import name_of

KINDS = get_args(Kind)


def variants(metric):
    """Return the metric with every value of options that are choices, and the first value of other options."""
    found = [metric]
    for option in list_options(type(metric)):
        words = [value for form in option.hint if isinstance(form, Choice) for value in form.values]
        choices = words or (option.default, 1, 2)
        found = [replace(each, **{option.name: choice}) for each in found for choice in dict.fromkeys(choices)]
    return found


EVERY = [(kind, metric) for kind in KINDS for each in list_metrics(kind) for metric in variants(each)]
every_metric = pytest.mark.parametrize(("kind", "metric"), EVERY, ids=lambda item: str(item))


def measure(metric, outputs, targets, cuts=()):
    """Return the metric over chunks of the rows, some of them perhaps empty."""
    edges = [0, *sorted(min(cut, len(targets)) for cut in cuts), len(targets)]
    tallies = [metric.tally(outputs[start:stop], targets[start:stop]) for start, stop in pairwise(edges)]
    sums = tallies[0]
    for tally in tallies[1:]:
        sums = metric.merge(sums, tally)
    return metric.finish(sums)


def same(one, other):
    """Return whether two values agree: None only with None, lists entry by entry."""
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if one is None or other is None or isinstance(other, list):
        return one is other
    return one == pytest.approx(other, rel=1e-12, abs=1e-12)


def entries(value):
    """Return the numbers and Nones of a nested value."""
    return [entry for each in value for entry in entries(each)] if isinstance(value, list) else [value]


def one_hot(codes, width):
    return np.eye(width)[codes]


@st.composite
def predictions(draw, kind, widths=(1, 2, 3, 5), distinct=False):
    """Draw outputs and targets of a kind, in coarse steps so that they tie; with `distinct`, not within a row."""
    rows, width = draw(st.integers(1, 24)), draw(st.sampled_from(widths))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    if kind == "numbers":
        return rng.integers(-9, 9, (rows, width)) / 4, rng.integers(draw(st.sampled_from([-9, 0, 1])), 9, (rows, width))
    if kind == "labels":
        return rng.integers(0, 9, (rows, width)) / 8, rng.integers(0, 2, (rows, width)).astype(float)
    classes = draw(st.integers(1, max(width, 2)))
    targets = rng.integers(0, classes, rows)
    if width == 1:
        return rng.integers(0, 9, (rows, 1)) / 8, targets
    if distinct:
        shares = rng.permuted(np.tile(2.0 ** np.arange(width), (rows, 1)), axis=1)
    else:
        shares = rng.integers(0, 3, (rows, width)) + (rng.permuted(np.eye(width)[[0] * rows], axis=1))
    return shares / shares.sum(axis=1, keepdims=True), targets


def test_there_are_metrics_of_every_kind():
    assert set(METRICS) == {name_of(metric) for kind in KINDS for metric in list_metrics(kind)}
    assert all(isinstance(metric, Metric) and kind in metric.kinds for kind, metric in EVERY)
    for kind in KINDS:
        assert set() < set(list_default_metrics(kind)) <= set(list_metrics(kind))
        assert [name_of(metric) for metric in list_metrics(kind)] == [
            name for name, cls in METRICS.members.items() if kind in cls.kinds
        ]
    assert (TopK().k, ExpectedCalibrationError().bins, F1().average) == (3, 10, "macro")
    assert list_default_metrics("numbers") == (R2(), Rmse(), Mae())
    assert list_default_metrics("classes") == list_default_metrics("labels") == (Accuracy(),)


# Three classes. Predicted: 0 0 1 1 0 2, the third by a tie, which goes to the first of two.
THREE = np.array([[6, 3, 1], [5, 2, 3], [2, 4, 4], [0, 9, 1], [7, 2, 1], [1, 3, 6]]) / 10
CODES = np.array([0, 0, 0, 1, 2, 2])
# Two classes. Predicted: 0 1 0 1 1, the third because 0.5 is not above 0.5.
TWO = np.array([[0.1], [0.8], [0.5], [0.9], [0.8]])
BITS = np.array([0, 0, 1, 1, 1])
# Two labels. Predicted: 10 11 00 10.
LABELS = np.array([[0.9, 0.2], [0.6, 0.7], [0.5, 0.1], [0.8, 0.4]])
MARKS = np.array([[1.0, 0], [0, 1], [1, 0], [1, 1]])
Y, T = np.array([[1.0, 2], [2, 4], [4, 8]]), np.array([[1.0, 2], [3, 5], [6, 8]])
COLUMNS = (Y, T)

BY_HAND = [
    (Accuracy(), THREE, CODES, 4 / 6),
    (Accuracy(), TWO, BITS, 3 / 5),
    (Accuracy(), LABELS, MARKS, 5 / 8),
    (BalancedAccuracy(), THREE, CODES, (2 / 3 + 1 + 1 / 2) / 3),
    (BalancedAccuracy(), TWO, BITS, (1 / 2 + 2 / 3) / 2),
    (TopK(1), THREE, CODES, 4 / 6),
    (TopK(1), TWO, BITS, 3 / 5),
    (TopK(2), THREE, CODES, 4 / 6),
    (TopK(2), THREE[:, ::-1], 2 - CODES, 4 / 6),
    (TopK(2), THREE, np.array([2, 2, 2, 0, 1, 0]), 3 / 6),
    (ConfusionMatrix(), THREE, CODES, [[2, 1, 0], [0, 1, 0], [1, 0, 1]]),
    (ConfusionMatrix(), TWO, BITS, [[1, 1], [1, 2]]),
    (Precision("per_class"), THREE, CODES, [2 / 3, 1 / 2, 1]),
    (Precision(), THREE, CODES, (2 / 3 + 1 / 2 + 1) / 3),
    (Precision("micro"), THREE, CODES, 4 / 6),
    (Precision("per_class"), TWO, BITS, [1 / 2, 2 / 3]),
    (Precision("per_class"), LABELS, MARKS, [2 / 3, 1]),
    (Precision("micro"), LABELS, MARKS, 3 / 4),
    (Recall("per_class"), THREE, CODES, [2 / 3, 1, 1 / 2]),
    (Recall(), LABELS, MARKS, (2 / 3 + 1 / 2) / 2),
    (Recall("micro"), LABELS, MARKS, 3 / 5),
    (F1("per_class"), THREE, CODES, [2 / 3, 2 / 3, 2 / 3]),
    (F1(), TWO, BITS, (1 / 2 + 2 / 3) / 2),
    (F1("micro"), LABELS, MARKS, 2 * 3 / (4 + 5)),
    (RocAuc(), TWO, BITS, (1 + 0 + 1 + 1 + 1 + 0.5) / 6),
    (RocAuc(), THREE, CODES, (6 / 9 + 1 + 5 / 8) / 3),
    (RocAuc(), LABELS, MARKS, (2 / 3 + 1) / 2),
    (AveragePrecision(), TWO, BITS, 1 / 3 * 1 + 1 / 3 * 2 / 3 + 1 / 3 * 3 / 4),
    (AveragePrecision(), LABELS, MARKS, (1 / 3 * 1 + 1 / 3 * 1 + 1 / 3 * 3 / 4 + 1) / 2),
    (LogLoss(), TWO, BITS, -(log(0.9) + log(0.2) + log(0.5) + log(0.9) + log(0.8)) / 5),
    (LogLoss(), THREE[:2], CODES[:2], -(log(0.6) + log(0.5)) / 2),
    (LogLoss(), np.array([[1.0, 0.0, 0.0]]), np.array([2]), 52 * log(2)),
    (BrierScore(), TWO, BITS, (0.01 + 0.64 + 0.25 + 0.01 + 0.04) / 5),
    (BrierScore(), THREE[:2], CODES[:2], (0.16 + 0.09 + 0.01 + 0.25 + 0.04 + 0.09) / 2),
    # Confidences 0.9 right, 0.8 wrong, 0.5 wrong, 0.9 right, 0.8 right.
    (ExpectedCalibrationError(), TWO, BITS, (abs(2 - 1.8) + abs(1 - 1.6) + abs(0 - 0.5)) / 5),
    (ExpectedCalibrationError(2), TWO, BITS, (abs(3 - 3.4) + abs(0 - 0.5)) / 5),
    (ExpectedCalibrationError(1), TWO, BITS, abs(3 - 3.9) / 5),
    (Mse(), *COLUMNS, (0 + 1 + 4 + 0 + 1 + 0) / 6),
    (Rmse(), *COLUMNS, 1**0.5),
    (Rmse(), Y[:, :1], T[:, :1], (5 / 3) ** 0.5),
    (Mae(), *COLUMNS, (0 + 1 + 2 + 0 + 1 + 0) / 6),
    (Mape(), *COLUMNS, (0 + 1 / 3 + 2 / 6 + 0 + 1 / 5 + 0) / 6),
    (Mape(), -Y, -T, (0 + 1 / 3 + 2 / 6 + 0 + 1 / 5 + 0) / 6),
    (R2(), Y[:, :1], T[:, :1], 1 - 5 / (38 / 3)),
    (R2(), *COLUMNS, 1 - (5 / (38 / 3) + 1 / 18) / 2),
]


@pytest.mark.parametrize(("metric", "outputs", "targets", "value"), BY_HAND)
def test_value_by_hand(metric, outputs, targets, value):
    assert same(measure(metric, outputs, targets), value)
    assert same(measure(metric, outputs, targets, cuts=(1, 2)), value)


def test_every_metric_has_a_value_by_hand():
    assert {name_of(metric) for metric, *_ in BY_HAND} == set(METRICS)


def test_predicted_codes():
    assert predict_codes(THREE).tolist() == [0, 0, 1, 1, 0, 2]
    assert predict_codes(TWO).tolist() == [0, 1, 0, 1, 1]


ALL_ONE = np.array([[0.2, 0.7, 0.1], [0.3, 0.6, 0.1]])
ONES = np.array([1, 1])
SKEWED = np.array([[0.2], [0.4], [0.3]])
FLAT = np.full((1000, 1), 0.1)
UNDEFINED = [
    (TopK(3), THREE, CODES, None),
    (TopK(7), THREE, CODES, None),
    (TopK(2), TWO, BITS, None),
    (TopK(2), np.hstack([1 - TWO, TWO]), BITS, None),
    (BalancedAccuracy(), ALL_ONE, ONES, 1.0),
    (BalancedAccuracy(), ALL_ONE, ONES - 1, 0.0),
    # Class 2 neither occurs nor is predicted; class 1 is only predicted, class 0 only occurs.
    (Precision("per_class"), ALL_ONE, ONES - 1, [None, 0.0, None]),
    (Recall("per_class"), ALL_ONE, ONES - 1, [0.0, None, None]),
    (F1("per_class"), ALL_ONE, ONES - 1, [0.0, 0.0, None]),
    (Precision(), ALL_ONE, ONES, 1.0),
    (Recall(), ALL_ONE, ONES, 1.0),
    (F1(), ALL_ONE, ONES, 1.0),
    (Precision(), SKEWED, np.array([0, 0, 1]), 1 / 3),
    (Recall(), SKEWED, np.array([0, 0, 1]), 1 / 2),
    (F1(), SKEWED, np.array([0, 0, 1]), (4 / 5 + 0) / 2),
    (Precision(), SKEWED, np.ones((3, 1)), 0.0),
    (Precision("micro"), SKEWED, np.ones((3, 1)), None),
    (Recall("micro"), SKEWED, np.zeros((3, 1)), None),
    (F1("micro"), SKEWED, np.zeros((3, 1)), None),
    (F1(), SKEWED, np.zeros((3, 1)), None),
    (RocAuc(), TWO, np.zeros(5, int), None),
    (RocAuc(), TWO, np.ones(5, int), None),
    (RocAuc(), ALL_ONE, ONES, None),
    (RocAuc(), THREE, np.array([0, 0, 0, 1, 1, 1]), (6 / 9 + 5 / 9) / 2),
    (RocAuc(), LABELS, np.array([[1.0, 1], [0, 1], [1, 1], [1, 1]]), 2 / 3),
    (AveragePrecision(), TWO, np.zeros(5, int), None),
    (AveragePrecision(), TWO, np.ones(5, int), None),
    (AveragePrecision(), ALL_ONE, ONES, None),
    (AveragePrecision(), LABELS, np.array([[1.0, 0], [0, 0], [1, 0], [1, 0]]), (1 + 1 + 3 / 4) / 3),
    (Mape(), np.array([[1.0], [2.0]]), np.array([[0.0], [2.0]]), None),
    (Mape(), np.array([[0.0], [2.0]]), np.array([[0.0], [2.0]]), None),
    (R2(), np.array([[5.0], [5.0]]), np.array([[5.0], [5.0]]), None),
    (R2(), FLAT, FLAT, None),
    (R2(), np.array([[5.0]]), np.array([[4.0]]), None),
    (R2(), Y, np.array([[1.0, 7], [2, 7], [3, 7]]), None),
]


@pytest.mark.parametrize(("metric", "outputs", "targets", "value"), UNDEFINED)
def test_undefined_values_are_none(metric, outputs, targets, value):
    assert same(measure(metric, outputs, targets), value)
    assert same(measure(metric, outputs, targets, cuts=(1, 300)), value)


@every_metric
def test_no_rows_leave_it_undefined(kind, metric):
    for width in (1, 2, 3):
        outputs, targets = np.zeros((0, width)), np.zeros((0, width))
        value = measure(metric, outputs, np.zeros(0, np.int64) if kind == "classes" else targets, cuts=(0, 0))
        assert set(entries(value)) == {None}


@every_metric
@pytest.mark.parametrize("width", [1, 2, 4])
def test_outputs_of_nan_leave_it_undefined(kind, metric, width):
    rng = np.random.default_rng(1)
    outputs = rng.random((30, width))
    targets = {
        "classes": rng.integers(0, max(width, 2), 30),
        "labels": rng.integers(0, 2, (30, width)) * 1.0,
        "numbers": rng.random((30, width)) + 1,
    }[kind]
    if not (isinstance(metric, TopK) and metric.k >= max(width, 2)):
        assert None not in entries(measure(metric, outputs, targets))
    # All columns, though two classes are ranked by the second only.
    outputs[7] = np.nan
    assert set(entries(measure(metric, outputs, targets, cuts=(5, 20)))) == {None}


@every_metric
@given(st.data())
@examples(40)
def test_cutting_the_rows_into_batches_changes_nothing(kind, metric, data):
    outputs, targets = data.draw(predictions(kind))
    cuts = data.draw(st.lists(st.integers(0, 24), max_size=4))
    assert same(measure(metric, outputs, targets, cuts), measure(metric, outputs, targets))


@every_metric
@given(st.data())
@examples(40)
def test_the_order_of_the_rows_changes_nothing(kind, metric, data):
    outputs, targets = data.draw(predictions(kind))
    order = np.array(data.draw(st.permutations(range(len(targets)))))
    assert same(measure(metric, outputs[order], targets[order]), measure(metric, outputs, targets))


@every_metric
@given(st.data())
@examples(40)
def test_the_order_of_classes_labels_and_columns_changes_nothing(kind, metric, data):
    """A value for each class moves with its class. Not for two classes, since the second is the positive one."""
    outputs, targets = data.draw(predictions(kind, widths=(3, 5), distinct=True))
    order = np.array(data.draw(st.permutations(range(outputs.shape[1]))))
    value = measure(metric, outputs, targets)
    if isinstance(value, list):
        table = np.array(value, object)
        value = table[np.ix_(*[order] * table.ndim)].tolist()
    moved = np.argsort(order)[targets] if kind == "classes" else targets[:, order]
    assert same(measure(metric, outputs[:, order], moved), value)


@every_metric
@pytest.mark.parametrize("width", [1, 2, 4])
def test_correct_predictions_get_the_perfect_value(kind, metric, width):
    rng = np.random.default_rng(2)
    if kind == "classes":
        targets = rng.permutation(np.arange(40) % max(width, 2))
        outputs = targets[:, None] * 1.0 if width == 1 else one_hot(targets, width)
    else:
        outputs = targets = rng.integers(0, 2, (40, width)) + (0.0 if kind == "labels" else 1.0)
    value = measure(metric, outputs, targets)
    if isinstance(metric, TopK) and metric.k >= max(width, 2):
        assert value is None
    elif metric.perfect is None:
        assert np.array_equal(value, np.diag(np.bincount(targets)))
    else:
        assert np.allclose(entries(value), metric.perfect, rtol=0, atol=1e-15)


@every_metric
@given(st.data())
@examples(40)
def test_nothing_is_better_than_perfect_and_all_is_plain_json(kind, metric, data):
    outputs, targets = data.draw(predictions(kind))
    value = measure(metric, outputs, targets)
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert metric.perfect in (0, 1, None)
    for entry in entries(value):
        assert entry is None or type(entry) is float
        if entry is not None and metric.perfect is not None:
            assert entry <= 1 if metric.perfect else entry >= 0


@every_metric
def test_a_tally_is_float64_of_one_shape_and_reads_only(kind, metric):
    rng = np.random.default_rng(3)
    targets = np.array([0, 0, 0]) if kind == "classes" else rng.integers(0, 2, (3, 4)).astype(np.float32)
    if kind == "numbers":
        targets = rng.random((3, 4)).astype(np.float32)
    # Not round, so that float32 arithmetic would show.
    outputs = rng.random((3, 4)).astype(np.float32)
    for array in (outputs, targets):
        array.flags.writeable = False
    tally = metric.tally(outputs, targets)
    assert tally.dtype == np.float64
    others = np.array([3, 1, 2]) if kind == "classes" else 1 - targets
    assert metric.tally(outputs[::-1], others).shape == tally.shape
    assert np.array_equal(tally, metric.tally(outputs.astype(np.float64), targets))
    before = tally.copy()
    metric.merge(tally, tally)
    assert np.array_equal(tally, before)


@given(st.data())
def test_metrics_that_equal_others(data):
    outputs, targets = data.draw(predictions("classes"))
    accuracy = measure(Accuracy(), outputs, targets)
    assert measure(TopK(1), outputs, targets) == accuracy
    assert all(measure(metric("micro"), outputs, targets) == accuracy for metric in (Precision, Recall, F1))
    assert same(measure(Recall(), outputs, targets), measure(BalancedAccuracy(), outputs, targets))
    table = np.array(measure(ConfusionMatrix(), outputs, targets))
    assert table.trace() / table.sum() == accuracy
    numbers = data.draw(predictions("numbers"))
    assert same(measure(Rmse(), *numbers) ** 2, measure(Mse(), *numbers))


@given(st.data())
def test_one_column_equals_two(data):
    outputs, targets = data.draw(predictions("classes", widths=(1,)))
    both = np.hstack([1 - outputs, outputs])
    for each in list_metrics("classes"):
        for metric in variants(each):
            assert same(measure(metric, both, targets), measure(metric, outputs, targets)), metric


NUMBERS = st.lists(st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)), min_size=3, max_size=40)


@given(NUMBERS, st.lists(st.integers(0, 40), max_size=3), st.sampled_from([0, 10**6, 10**9]))
def test_r2_does_not_depend_on_chunks_or_the_mean(pairs, cuts, shift):
    targets = [Fraction(t + shift) for t, _ in pairs]
    outputs = [Fraction(y + shift) for _, y in pairs]
    mean = sum(targets) / len(targets)
    spread = sum((t - mean) ** 2 for t in targets)
    arrays = (np.array(values, dtype=float)[:, None] for values in (outputs, targets))
    value = measure(R2(), *arrays, cuts)
    if spread == 0:
        assert value is None
    else:
        expected = 1 - sum((y - t) ** 2 for y, t in zip(outputs, targets, strict=True)) / spread
        assert value == pytest.approx(float(expected), rel=1e-9, abs=1e-9)
