"""Confusion matrices, curves, thresholds and calibration against scikit-learn, with ties and unbalanced classes."""

import numpy as np
import pytest

from bptrain.evaluation.curves import (
    compute_calibration,
    compute_precision_recall,
    compute_roc,
    count_hits,
    find_best_threshold,
)
from bptrain.evaluation.predictions import Predictions
from bptrain.evaluation.target_results import evaluate_targets

pytest.importorskip("sklearn")
judge = pytest.importorskip("sklearn.metrics")
calibrated = pytest.importorskip("sklearn.calibration")

CASES = range(40)


def case(seed):
    """Return scores, in every second case in coarse steps so that many are equal, and the true classes."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(5, 300))
    true = rng.permutation(np.append(rng.random(count - 2) < rng.uniform(0.05, 0.95), [0, 1])).astype(int)
    scores = np.clip(rng.normal(0.3 + 0.3 * true, 0.2), 0, 1)
    return (np.round(scores, 1) if seed % 2 else scores), true


@pytest.mark.parametrize("seed", CASES)
def test_roc(seed):
    scores, true = case(seed)
    found = count_hits(scores, true)
    fall_out, recall, thresholds = judge.roc_curve(true, scores, drop_intermediate=False)
    assert compute_roc(found)[0] == pytest.approx(fall_out, abs=1e-15)
    assert compute_roc(found)[1] == pytest.approx(recall, abs=1e-15)
    assert found.thresholds.tolist() == thresholds[1:].tolist()


@pytest.mark.parametrize("seed", CASES)
def test_precision_recall_and_threshold(seed):
    scores, true = case(seed)
    precision, recall, thresholds = judge.precision_recall_curve(true, scores)
    found = count_hits(scores, true)
    ours = compute_precision_recall(found)
    assert ours[0] == pytest.approx(recall[::-1], abs=1e-15)
    assert ours[1] == pytest.approx(precision[::-1], abs=1e-15)
    best = find_best_threshold(found)
    assert best.f1 == pytest.approx(max(judge.f1_score(true, scores >= t) for t in thresholds), abs=1e-15)
    assert best.f1 == pytest.approx(judge.f1_score(true, scores >= best.value), abs=1e-15)
    assert best.precision == pytest.approx(judge.precision_score(true, scores >= best.value), abs=1e-15)
    assert best.recall == pytest.approx(judge.recall_score(true, scores >= best.value), abs=1e-15)


@pytest.mark.parametrize("seed", CASES)
@pytest.mark.parametrize("bins", [5, 10])
def test_calibration(seed, bins):
    scores, true = case(2 * seed)
    share, probability = calibrated.calibration_curve(true, scores, n_bins=bins)
    found = compute_calibration(scores, true, bins)
    assert found.share == pytest.approx(share, abs=1e-15)
    assert found.probability == pytest.approx(probability, abs=1e-14)
    assert found.rows.sum() == len(true)


@pytest.mark.parametrize("seed", CASES)
def test_classes(seed):
    rng = np.random.default_rng(seed)
    classes, count = 2 + seed % 5, int(rng.integers(10, 200))
    outputs = rng.dirichlet(np.ones(classes), count)
    true = rng.integers(0, classes - (seed % 3 == 0 and classes > 2), count)
    (found,) = evaluate_targets(Predictions("classes", ("y",), tuple(range(classes)), outputs, true))
    said, every = outputs.argmax(axis=1), list(range(classes))
    assert np.array_equal(found.confusion_matrix, judge.confusion_matrix(true, said, labels=every))
    expected = judge.precision_recall_fscore_support(true, said, labels=every, zero_division=np.nan)
    ours = [(one.precision, one.recall, one.f1, one.rows) for one in found.per_class]
    for column, theirs in zip(zip(*ours, strict=True), expected, strict=True):
        assert [np.nan if value is None else value for value in column] == pytest.approx(theirs.tolist(), nan_ok=True)
