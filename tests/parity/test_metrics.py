"""Metrics against scikit-learn, on predictions with ties, missing classes and unbalanced classes."""

import numpy as np
import pytest

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
    LogLoss,
    Mae,
    Mape,
    Mse,
    Precision,
    Recall,
    Rmse,
    RocAuc,
    TopK,
    predict_codes,
)
from bptrain.registry import name_of

sklearn = pytest.importorskip("sklearn")
judge = pytest.importorskip("sklearn.metrics")

CASES = list(range(60))


def measure(metric, outputs, targets):
    """Return the metric over two chunks of the rows."""
    half = len(targets) // 2
    return metric.finish(
        metric.merge(metric.tally(outputs[:half], targets[:half]), metric.tally(outputs[half:], targets[half:]))
    )


def close(value, expected):
    if value is None or np.ndim(value):
        return np.array_equal(value, expected)
    return value == pytest.approx(expected, rel=1e-12, abs=1e-12)


def classes_case(seed):
    """Return probabilities in coarse steps and unbalanced targets.

    In every third case of more than two classes the last does not occur, in every fifth it is never predicted.
    """
    rng = np.random.default_rng(seed)
    width = (1, 2, 3, 6)[seed % 4]
    classes = max(width, 2)
    weights = 0.4 ** np.arange(classes)
    weights[-1] *= classes == 2 or seed % 3 > 0
    targets = rng.permutation(np.append(rng.choice(classes, 90, p=weights / weights.sum()), [0, 1]))
    if width == 1:
        return rng.integers(0, 11 if seed % 5 else 6, (92, 1)) / 10, targets
    shares = rng.integers(0, 4, (92, width)) + rng.permuted(np.tile(np.eye(width)[0], (92, 1)), axis=1)
    if seed % 5 == 0:
        shares[:, 0] += 1
        shares[:, -1] = 0
    return shares / shares.sum(axis=1, keepdims=True), targets


def labels_case(seed):
    """Return three labels, one of them rare, with outputs in coarse steps."""
    rng = np.random.default_rng(seed)
    targets = (rng.random((80, 3)) < [0.5, 0.05, 0.9]).astype(float)
    targets[:2] = [[0, 0, 0], [1, 1, 1]]
    return rng.integers(0, 11, (80, 3)) / 10, targets


def numbers_case(seed):
    rng = np.random.default_rng(seed)
    targets = rng.normal(100 * (seed % 3), 3, (70, 1 + seed % 3))
    return targets + rng.normal(0, 1 + seed % 5, targets.shape), targets


def whole(outputs):
    """Return the probability of every class."""
    return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs


def binary(outputs):
    return outputs.shape[1] <= 2


def brier(outputs, targets):
    if binary(outputs):
        return judge.brier_score_loss(targets, outputs[:, -1])
    return judge.brier_score_loss(targets, outputs, labels=range(outputs.shape[1]))


def log_loss(outputs, targets):
    return judge.log_loss(targets, whole(outputs), labels=range(whole(outputs).shape[1]))


def top(k):
    def expected(outputs, targets):
        """Of reversed classes: scikit-learn prefers the last of equals, and ours the first."""
        width = whole(outputs).shape[1]
        if k >= width:
            return None
        if binary(outputs):
            return judge.top_k_accuracy_score(targets, outputs[:, -1], k=k)
        return judge.top_k_accuracy_score(width - 1 - targets, outputs[:, ::-1], k=k, labels=range(width))

    return expected


def ranked(name):
    def expected(outputs, targets):
        if binary(outputs):
            return getattr(judge, name)(targets, outputs[:, -1])
        occurring = np.unique(targets)
        return np.mean([getattr(judge, name)(targets == code, outputs[:, code]) for code in occurring])

    return expected


def per_class(name, average):
    """Return scikit-learn's value over the classes for which ours is defined."""

    def expected(outputs, targets):
        predicted, width = predict_codes(outputs), whole(outputs).shape[1]
        function = getattr(judge, f"{name}_score")
        if average == "micro":
            return function(targets, predicted, average="micro")
        values = function(targets, predicted, labels=range(width), average=None, zero_division=np.nan)
        defined = {"precision": predicted, "recall": targets, "f1": np.append(predicted, targets)}[name]
        if name == "precision" and average == "macro":
            # A class that is never predicted counts as 0 if it is there, as scikit-learn has it by default.
            return np.nan_to_num(values)[np.unique(np.append(predicted, targets))].mean()
        assert set(np.flatnonzero(~np.isnan(values))) == set(defined)
        return values[np.unique(defined)].mean()

    return expected


def ece(bins):
    def expected(outputs, targets):
        """Row by row and bin by bin."""
        probabilities, total = whole(outputs), 0.0
        for b in range(bins):
            right = confidence = 0.0
            for row, target in zip(probabilities, targets, strict=True):
                if b / bins < max(row) <= (b + 1) / bins:
                    right += list(row).index(max(row)) == target
                    confidence += max(row)
            total += abs(right - confidence)
        return total / len(targets)

    return expected


def table(outputs, targets):
    return judge.confusion_matrix(targets, predict_codes(outputs), labels=range(whole(outputs).shape[1])).tolist()


def balanced(outputs, targets):
    """A class that is predicted but does not occur only makes scikit-learn warn."""
    predicted = predict_codes(outputs)
    if set(predicted) <= set(targets):
        return judge.balanced_accuracy_score(targets, predicted)
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        return judge.balanced_accuracy_score(targets, predicted)


CLASSES = [
    (Accuracy(), lambda y, t: judge.accuracy_score(t, predict_codes(y))),
    (BalancedAccuracy(), balanced),
    (ConfusionMatrix(), table),
    *((TopK(k), top(k)) for k in (1, 2, 3, 5)),
    *((Precision(average), per_class("precision", average)) for average in ("macro", "micro")),
    *((Recall(average), per_class("recall", average)) for average in ("macro", "micro")),
    *((F1(average), per_class("f1", average)) for average in ("macro", "micro")),
    (RocAuc(), ranked("roc_auc_score")),
    (AveragePrecision(), ranked("average_precision_score")),
    (LogLoss(), log_loss),
    (BrierScore(), brier),
    *((ExpectedCalibrationError(bins), ece(bins)) for bins in (1, 7, 10)),
]
LABELS = [
    (Accuracy(), lambda y, t: 1 - judge.hamming_loss(t, y > 0.5)),
    *(
        (Precision(each), lambda y, t, each=each: judge.precision_score(t, y > 0.5, average=each))
        for each in ("macro", "micro")
    ),
    *(
        (Recall(each), lambda y, t, each=each: judge.recall_score(t, y > 0.5, average=each))
        for each in ("macro", "micro")
    ),
    *((F1(each), lambda y, t, each=each: judge.f1_score(t, y > 0.5, average=each)) for each in ("macro", "micro")),
    (Precision("per_class"), lambda y, t: list(judge.precision_score(t, y > 0.5, average=None))),
    (RocAuc(), lambda y, t: judge.roc_auc_score(t, y, average="macro")),
    (AveragePrecision(), lambda y, t: judge.average_precision_score(t, y, average="macro")),
]
NUMBERS = [
    (Mse(), lambda y, t: judge.mean_squared_error(t, y)),
    (Rmse(), lambda y, t: judge.root_mean_squared_error(t.ravel(), y.ravel())),
    (Mae(), lambda y, t: judge.mean_absolute_error(t, y)),
    (Mape(), lambda y, t: judge.mean_absolute_percentage_error(t, y)),
    (R2(), lambda y, t: judge.r2_score(t, y)),
]
ALL = [
    (metric, case, expected)
    for case, rows in [(classes_case, CLASSES), (labels_case, LABELS), (numbers_case, NUMBERS)]
    for metric, expected in rows
]


def test_every_metric_of_every_kind_is_compared():
    compared = {(name_of(metric), case.__name__) for metric, case, _ in ALL}
    assert compared == {(name, f"{kind}_case") for name, cls in METRICS.members.items() for kind in cls.kinds}


@pytest.mark.parametrize(("metric", "case", "expected"), ALL, ids=[f"{case.__name__}-{m}" for m, case, _ in ALL])
def test_agrees_with_scikit_learn(metric, case, expected):
    for seed in CASES:
        outputs, targets = case(seed)
        assert close(measure(metric, outputs, targets), expected(outputs, targets)), seed


def test_the_cases_have_ties_missing_and_rare_classes():
    cases = [classes_case(seed) for seed in CASES]
    assert any(len(np.unique(t)) < y.shape[1] for y, t in cases)
    assert any(set(predict_codes(y)) - set(t) for y, t in cases)
    assert any(set(t) - set(predict_codes(y)) for y, t in cases)
    assert all(len(np.unique(y[:, 0])) < len(y) for y, _ in cases)
    assert any(np.bincount(t).max() > 10 * np.bincount(t).min() for _, t in cases)
    assert any(((y == y.max(axis=1, keepdims=True)).sum(axis=1) > 1).any() for y, _ in cases if y.shape[1] > 1)


def test_multi_class_roc_auc_is_one_against_the_rest():
    outputs, targets = classes_case(2)
    assert set(targets) == {0, 1, 2}
    expected = judge.roc_auc_score(targets, outputs, multi_class="ovr", average="macro")
    assert measure(RocAuc(), outputs, targets) == pytest.approx(expected, rel=1e-12)
