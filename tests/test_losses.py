"""Losses against exact arithmetic (40 to 60 digits, rounded to float64)."""

from math import e, exp, inf, isinf, log, log1p, nan

import numpy as np
import pytest

from bptrain.nn import LOSSES, Workspace
from bptrain.nn.losses import (
    BinaryCrossEntropy,
    Focal,
    Hinge,
    Huber,
    KlDivergence,
    LogCosh,
    Mae,
    Mse,
    Poisson,
    SoftmaxCrossEntropy,
)


def build_scratch(loss, scores):
    """Return the arrays that a loss plans, filled with arbitrary numbers."""
    rows = {True: (len(scores),), False: ()}
    return {
        key: np.full((*rows[planned.per_row], *planned.shape), 7).astype(planned.dtype or scores.dtype)
        for key, planned in loss.plan(scores.shape[1:]).items()
    }


def evaluate(loss, scores, targets, weights=None, dtype=np.float64, strict=True):
    """Return the value and gradient of a loss on a few rows, with a workspace as in a network."""
    scores = np.array(scores, dtype=dtype)
    targets = np.array(targets, dtype=np.int64 if loss.encoding == "codes" else dtype)
    n = len(scores)
    s = Workspace(ones=np.ones(n, dtype), rows=np.arange(n), training=True, **build_scratch(loss, scores))
    dscores = np.full_like(scores, 7)
    mode = "raise" if strict else "ignore"
    with np.errstate(over=mode, invalid=mode, divide=mode):
        value, weight = loss.value_and_grad(scores, targets, weights, dscores, s)
    if getattr(loss, "class_weights", None) is None:
        assert weight == pytest.approx(n if weights is None else np.sum(weights))
    return value, dscores


SOFTMAX = [
    ([1000, 0], 0, 0.0),
    ([1000, 0], 1, 1000.0),
    ([-1000, 0], 0, 1000.0),
    ([0, 0], 0, 0.6931471805599453),
    ([0] * 3, 0, 1.0986122886681098),
    ([0] * 10, 0, 2.302585092994046),
    ([0] * 100, 0, 4.605170185988092),
    ([0] * 1000, 0, 6.907755278982137),
    ([1, 2, 3], 0, 2.40760596444438),
    ([1, 2, 3], 2, 0.4076059644443803),
    ([1e4, -1e4], 1, 20000.0),
    ([1e8, 1e8 + 1], 0, 1.3132616875182228),
    ([16, 0], 0, 1.1253516838717681e-07),
    ([17, 0], 0, 4.139937633089748e-08),
    ([36, 0], 0, 2.319522830243569e-16),
    ([37, 0], 0, 8.533047625744066e-17),
    ([50, 0], 0, 1.9287498479639178e-22),
]


@pytest.mark.parametrize(("scores", "target", "expected"), SOFTMAX)
def test_softmax_cross_entropy(scores, target, expected):
    value, _ = evaluate(SoftmaxCrossEntropy(), [scores], [target])
    assert value == pytest.approx(expected, rel=1e-13, abs=0)


@pytest.mark.parametrize(
    ("scores", "target", "expected"),
    [
        ([1000, 0], 1, [1, -1]),
        ([1, 2, 3], 0, [-0.9099694268296196, 0.24472847105479764, 0.6652409557748219]),
        # -S / (1 + S) with S = exp(-50): a difference of probabilities would give 0.
        ([50, 0], 0, [-1.9287498479639178e-22, 1.9287498479639178e-22]),
    ],
)
def test_gradient_of_softmax_cross_entropy(scores, target, expected):
    _, gradient = evaluate(SoftmaxCrossEntropy(), [scores], [target])
    assert gradient[0] == pytest.approx(expected, rel=1e-13, abs=0)


def test_softmax_cross_entropy_in_float32_beyond_its_exponent():
    assert evaluate(SoftmaxCrossEntropy(), [[89, 89, 89]], [0], dtype=np.float32)[0] == pytest.approx(
        1.0986123, rel=1e-7
    )
    assert evaluate(SoftmaxCrossEntropy(), [[3.4e38, 0]], [1], dtype=np.float32)[0] == pytest.approx(3.4e38, rel=1e-6)


@pytest.mark.parametrize(
    ("scores", "target", "expected"),
    [([-inf, 0], 0, inf), ([-inf, 0], 1, 0.0), ([inf, 0], 0, nan), ([-inf, -inf], 0, nan), ([nan, 0], 0, nan)],
)
def test_infinite_scores_give_the_exact_loss_or_one_that_is_not_finite(scores, target, expected):
    with np.errstate(invalid="ignore"):
        value, _ = evaluate(SoftmaxCrossEntropy(), [scores], [target], strict=False)
    assert value == pytest.approx(expected, nan_ok=True)


TWICE = {
    2: 0.3132616875182228,
    3: 0.5514447139320511,
    4: 0.7436683806286791,
    5: 0.904832441554448,
    10: 1.4611501717344748,
    100: 3.6222070492242677,
    1000: 5.90947208625327,
}


@pytest.mark.parametrize("classes", TWICE)
def test_probabilities_used_as_scores_end_on_a_plateau(classes):
    """The lower limit of the loss with a superfluous softmax, even for a perfect prediction."""
    value, _ = evaluate(SoftmaxCrossEntropy(), [np.eye(classes)[0]], [0])
    assert value == pytest.approx(TWICE[classes], rel=1e-13)


def test_ties_for_the_highest_score_are_counted_once():
    value, gradient = evaluate(SoftmaxCrossEntropy(), [[2, 2, 2]], [1])
    assert value == pytest.approx(log(3), rel=1e-15)
    assert gradient[0] == pytest.approx([1 / 3, -2 / 3, 1 / 3], rel=1e-15)


BINARY = [
    (0, 0, 0.6931471805599453, 0.5),
    (0, 1, 0.6931471805599453, -0.5),
    (800, 1, 0.0, 0.0),
    (800, 0, 800.0, 1.0),
    (-800, 1, 800.0, -1.0),
    (-800, 0, 0.0, 0.0),
    (1, 1, 0.3132616875182228, -0.2689414213699951),
    (-1, 1, 1.3132616875182228, -0.7310585786300049),
    (2, 0.5, 1.1269280110429725, 0.38079707797788243),
    (20, 1, 2.061153620314381e-09, -2.0611536181902037e-09),
    (37, 1, 8.533047625744066e-17, -8.533047625744066e-17),
    (40, 1, 4.248354255291589e-18, -4.248354255291589e-18),
    (100, 1, 3.720075976020836e-44, -3.720075976020836e-44),
    (709, 1, 1.216780750623423e-308, -1.216780750623423e-308),
    (746, 1, 0.0, 0.0),
    (1e308, 0, 1e308, 1.0),
]


@pytest.mark.parametrize(("score", "target", "expected", "slope"), BINARY)
def test_binary_cross_entropy(score, target, expected, slope):
    value, gradient = evaluate(BinaryCrossEntropy(), [[score]], [[target]])
    assert value == pytest.approx(expected, rel=1e-13, abs=0)
    assert gradient[0, 0] == pytest.approx(slope, rel=1e-13, abs=0)


def test_mean_squared_error_is_the_mean_over_rows_and_outputs():
    value, gradient = evaluate(Mse(), [[1.0, 3.0]], [[0.0, 0.0]])
    assert value == 5.0
    assert gradient.tolist() == [[1.0, 3.0]]


def test_memorized_rows_leave_no_subnormal_numbers():
    scores = [[margin, 0, -5, -margin] for margin in (0, 50, 90, 100, 300, 1e4)]
    value, gradient = evaluate(SoftmaxCrossEntropy(), scores, np.zeros(6), dtype=np.float32)
    exact, wanted = evaluate(SoftmaxCrossEntropy(), scores, np.zeros(6))
    np.testing.assert_allclose(value, exact, rtol=1e-6)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-27)
    sizes = np.abs(gradient)
    assert (sizes >= np.finfo(np.float32).tiny).all()


@pytest.mark.parametrize(
    ("dtype", "gaps"),
    [
        (np.float32, [60, 1e3, 1e5, 1e7, 2**30, 2**30 + 128, 3e9, 1e20]),
        (np.float64, [60, 1e3, 1e12, 1e18, 1e20, 1e300]),
    ],
)
def test_a_target_far_below_keeps_the_differences_of_the_others(dtype, gaps):
    """The share of the target is 0, and the others have the softmax of 0.25 and 0.75."""
    for gap in gaps:
        value, gradient = evaluate(SoftmaxCrossEntropy(), [[0.25, 0.75, -gap], [5, 0, 0]], [2, 0], dtype=dtype)
        share = 1 / (1 + exp(0.5))
        np.testing.assert_allclose(gradient[0] * 2, [share, 1 - share, -1], rtol=1e-5 if dtype == np.float32 else 1e-13)
        own = log(exp(0.25) + exp(0.75)) + gap
        np.testing.assert_allclose(value, (own + log1p(2 * exp(-5))) / 2, rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("gap", [1, 63, 65, 1e4, 1e20])
def test_the_complex_step_agrees_however_far_below_the_target_is(gap, smoothing):
    loss, scores = SoftmaxCrossEntropy(label_smoothing=smoothing), np.array([[0.25, 0.75, -gap], [5, 0, 0]])
    _, gradient = evaluate(loss, scores, [2, 0])
    for row in range(2):
        for column in range(3):
            moved = scores.astype(np.complex128)
            moved[row, column] += 1e-200j
            value, _ = evaluate(loss, moved, [2, 0], dtype=np.complex128)
            assert value.imag / 1e-200 == pytest.approx(gradient[row, column], rel=1e-12, abs=1e-27)


def test_a_loss_beyond_float64_is_infinite():
    loss, scores = SoftmaxCrossEntropy(), np.array([[1e308, -1e308]])
    s = Workspace(rows=np.arange(1), ones=np.ones(1), **build_scratch(loss, scores))
    with np.errstate(over="ignore", invalid="ignore"):
        assert isinf(loss.value_and_grad(scores, np.array([1]), None, np.zeros((1, 2)), s)[0])


def evaluate_score(loss, score, target):
    """Return the value and gradient of one score."""
    value, gradient = evaluate(loss, [[score]], [[target]])
    return value, gradient[0, 0]


VALUES = [
    (Mse(half=True), 3, 0, 4.5, 3),
    (Mae(), 3, 1, 2, 1),
    (Mae(), 1, 1, 0, 0),
    (Huber(), 0.5, 0, 0.125, 0.5),
    (Huber(), 1, 0, 0.5, 1),
    (Huber(), -3, 0, 2.5, -1),
    (Huber(2), 3, 0, 4, 2),
    (LogCosh(), 1, 0, 0.4337808304830271, 0.7615941559557649),
    (LogCosh(), 1e-8, 0, 5e-17, 1e-8),
    (LogCosh(), -1000, 0, 999.3068528194401, -1),
    (Poisson(), 0, 1, 1, 0),
    (Poisson(), 1, 2, e - 2, e - 2),
    (Hinge(), 0.3, 1, 0.7, -1),
    (Hinge(), 0.3, 0, 1.3, 1),
    (Hinge(), 2, 1, 0, 0),
    (Focal(gamma=0), 1, 1, 0.3132616875182228, -0.2689414213699951),
    (Focal(), 1, 1, 0.2689414213699951**2 * 0.3132616875182228, None),
    (Focal(), 1, 0, 0.7310585786300049**2 * 1.3132616875182228, None),
    (Focal(alpha=0.25), 1, 1, 0.25 * 0.2689414213699951**2 * 0.3132616875182228, None),
    (Focal(alpha=0.25), 1, 0, 0.75 * 0.7310585786300049**2 * 1.3132616875182228, None),
    (Focal(), 1000, 0, 1000, 1),
    (Focal(), -1000, 0, 0, 0),
    (BinaryCrossEntropy(positive_weight=3), 1, 1, 3 * 0.3132616875182228, 3 * -0.2689414213699951),
    (BinaryCrossEntropy(positive_weight=3), 1, 0, 1.3132616875182228, 0.7310585786300049),
]


@pytest.mark.parametrize(("loss", "score", "target", "value", "slope"), VALUES)
def test_one_score(loss, score, target, value, slope):
    found, gradient = evaluate_score(loss, score, target)
    assert found == pytest.approx(value, rel=1e-13, abs=0)
    if slope is not None:
        assert gradient == pytest.approx(slope, rel=1e-13, abs=0)


def test_label_smoothing():
    loss = SoftmaxCrossEntropy(label_smoothing=0.1)
    value, gradient = evaluate(loss, [[1, 2, 3]], [0])
    assert value == pytest.approx(2.3076059644443805, rel=1e-13)
    softmax = [0.09003057317038046, 0.24472847105479764, 0.6652409557748219]
    smooth = [0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3]
    assert gradient[0] == pytest.approx(np.subtract(softmax, smooth), rel=1e-13)


def test_class_weights_are_weights_of_the_rows():
    rng = np.random.default_rng(0)
    scores, targets = rng.normal(size=(9, 3)), np.arange(9) % 3
    weighted = evaluate(SoftmaxCrossEntropy(class_weights=(1.0, 2.0, 0.5)), scores, targets)
    by_row = evaluate(SoftmaxCrossEntropy(), scores, targets, np.array([1, 2, 0.5])[targets])
    assert weighted[0] == pytest.approx(by_row[0], rel=1e-15)
    np.testing.assert_allclose(weighted[1], by_row[1], rtol=1e-14)
    message = "class_weights needs one weight for each of the 3 classes (got 2)"
    assert SoftmaxCrossEntropy(class_weights=(1.0, 2.0)).objection(targets, 3) == message


def test_hinge_of_several_classes():
    value, gradient = evaluate(Hinge(), [[1.0, 2.0, 0.5]], [[1, 0, 0]])
    assert value == pytest.approx((2 + 0.5) / 3, rel=1e-14)
    assert gradient[0] == pytest.approx([-2 / 3, 1 / 3, 1 / 3], rel=1e-14)
    value, gradient = evaluate(Hinge(), [[5.0, 2.0, 0.5]], [[1, 0, 0]])
    assert (value, gradient.tolist()) == (0, [[0, 0, 0]])


def test_kl_divergence():
    assert evaluate(KlDivergence(), [[0, 0]], [[0.5, 0.5]])[0] == pytest.approx(0, abs=1e-16)
    value, gradient = evaluate(KlDivergence(), [[0, 0]], [[1, 0]])
    assert value == pytest.approx(0.6931471805599453, rel=1e-14)
    assert gradient[0] == pytest.approx([-0.5, 0.5])
    value, _ = evaluate(KlDivergence(), [[1, 2, 3]], [[0, 0, 1]])
    assert value == pytest.approx(0.4076059644443803, rel=1e-13)


OBJECTIONS = [
    (Poisson(), [[-1.0]], "a count must be 0 or more (got -1)"),
    (BinaryCrossEntropy(), [[1.5]], "a label must be from 0 to 1 (got 1.5)"),
    (Focal(), [[0.5]], "a label must be 0 or 1 (got 0.5)"),
    (KlDivergence(), [[0.5, 0.6]], "the shares of a row must add up to 1 (got 1.1)"),
    (KlDivergence(), [[-0.5, 1.5]], "a share must be 0 or more (got -0.5)"),
    (KlDivergence(), [[0.25, 0.75]], None),
    (Poisson(), [[0.0]], None),
]


@pytest.mark.parametrize(("loss", "targets", "message"), OBJECTIONS)
def test_wrong_targets_are_described(loss, targets, message):
    assert loss.objection(np.array(targets), None) == message


def draw_case(loss, rng, rows):
    """Return random scores and targets for the loss."""
    classes, width = next(
        (kind, loss.widths(kind, columns)[0])
        for kind, columns in ((3, 1), (2, 1), (None, 2))
        if loss.widths(kind, columns)
    )
    scores = rng.normal(size=(rows, width))
    if classes is None:
        shares = rng.uniform(0.1, 1, size=(rows, width))
        return scores, shares / shares.sum(axis=1, keepdims=True)
    codes = rng.integers(0, classes, rows)
    return scores, codes if loss.encoding == "codes" else (codes[:, None] == np.arange(width)) * 1.0


@pytest.mark.parametrize("name", list(LOSSES))
class TestEveryLoss:
    """Laws that hold for every registered loss."""

    def test_weights_of_one_change_nothing(self, name):
        loss = LOSSES.members[name]()
        scores, targets = draw_case(loss, np.random.default_rng(0), 7)
        plain, weighted = evaluate(loss, scores, targets), evaluate(loss, scores, targets, np.ones(7))
        assert weighted[0] == pytest.approx(plain[0], rel=1e-15)
        np.testing.assert_allclose(weighted[1], plain[1], rtol=1e-14)

    def test_a_weight_of_two_is_the_row_twice(self, name):
        loss = LOSSES.members[name]()
        scores, targets = draw_case(loss, np.random.default_rng(1), 5)
        twice = np.array([0, 0, 1, 2, 3, 4])
        value, gradient = evaluate(loss, scores[twice], targets[twice])
        weighted, slopes = evaluate(loss, scores, targets, np.array([2.0, 1, 1, 1, 1]))
        assert weighted == pytest.approx(value, rel=1e-14)
        np.testing.assert_allclose(slopes[1:], gradient[2:], rtol=1e-13)
        np.testing.assert_allclose(slopes[0], gradient[0] + gradient[1], rtol=1e-13)

    def test_float32_agrees_with_float64(self, name):
        loss = LOSSES.members[name]()
        scores, targets = draw_case(loss, np.random.default_rng(2), 50)
        exact, single = (
            evaluate(loss, scores.astype(np.float32), targets),
            evaluate(loss, scores, targets, dtype=np.float32),
        )
        assert single[0] == pytest.approx(exact[0], rel=1.3e-6)
        np.testing.assert_allclose(single[1], exact[1], rtol=1.3e-6, atol=1e-8)

    def test_gradient_is_finite_at_scores_of_a_thousand(self, name):
        if name == "poisson":
            pytest.skip("the loss itself is beyond float64: it is exp(score)")
        loss = LOSSES.members[name]()
        scores, targets = draw_case(loss, np.random.default_rng(3), 20)
        value, gradient = evaluate(loss, scores * 1000, targets)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
        assert value < inf
