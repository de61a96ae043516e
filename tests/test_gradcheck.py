"""The gradient check: passes what is right, and fails when a line of a backward pass is broken."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bptrain.gradcheck import GradientReport, Twin, check, check_gradients
from bptrain.nn import LAYERS, LOSSES
from bptrain.nn.activations import Relu, Sigmoid, Softplus, Tanh
from bptrain.nn.initializers import GlorotUniform, Zeros
from bptrain.nn.layers import Dense, Dropout
from bptrain.nn.losses import BinaryCrossEntropy, Focal, Huber, Mse, SoftmaxCrossEntropy
from bptrain.optim import Regularization

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))


def test_every_registered_part_passes_and_is_there():
    report = check_gradients()
    assert report.passed, [check for check in report.checks if not check.passed]
    names = {check.name.rpartition(" ")[2] for check in report.checks}
    assert names == {*LAYERS, *LOSSES, "regularization"}
    # Exact means exact: rounding errors, far below what is allowed.
    assert all(check.max_error < 1e-12 for check in report.checks)


def test_there_are_configs():
    assert len(CONFIGS) >= 7


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_passes(path):
    report = check_gradients(path)
    assert report.passed, report.checks
    assert report.checks[-1].name == "inputs"
    assert sum(check.entries for check in report.checks) > 8


def test_two_runs_say_the_same():
    assert check_gradients().to_json() == check_gradients().to_json()


def twin(layers, loss=None, penalties=None, seed=0, rows=6):
    """A small twin with `layers` in front of three outputs."""
    loss = loss or SoftmaxCrossEntropy()
    rng = np.random.default_rng(seed)
    done = (*layers, Dense(1 if isinstance(loss, BinaryCrossEntropy) else 3, weight_init=GlorotUniform()))
    targets = rng.integers(0, 2, rows) if loss.encoding == "codes" else rng.integers(0, 2, (rows, done[-1].units))
    return Twin(done, (5,), loss, penalties or Regularization(), rng.normal(size=(rows, 5)), targets, seed)


@dataclass(frozen=True)
class HalfDense(Dense):
    """A dense layer whose mistakes are named by `fault`."""

    fault: str = ""

    def backward(self, p, g, x, y, dy, dx, s):
        before = g.bias.copy() if hasattr(s, "passed") else np.zeros_like(g.bias)
        super().backward(p, g, x, y, dy, dx, s)
        s.passed = True
        match self.fault:
            case "weight doubled":
                g.weight *= 2
            case "weight negated":
                g.weight *= -1
            case "bias a mean":
                g.bias /= len(x)
            case "bias forgotten":
                g.bias[...] = 0
            case "bias left as it was":
                g.bias[...] = before
            case "input gradient forgotten":
                dx[...] = 0
            case "one weight frozen":
                g.weight[1, 2] = 0
            case "one weight off by a millionth":
                g.weight[1, 2] *= 1 + 1e-6
            case "weights transposed":
                np.dot(dy, np.ascontiguousarray(p.weight.T.reshape(p.weight.shape).T), out=dx)
            case "largest weight off by a ten-millionth":
                g.weight.flat[np.argmax(np.abs(g.weight))] *= 1 + 1e-7
            case "accumulated, not overwritten":
                g.weight += 1
            case "wrong shape":
                np.dot(x, dy, out=g.weight)


FAULTS = [
    "weight doubled",
    "weight negated",
    "bias a mean",
    "bias forgotten",
    "bias left as it was",
    "input gradient forgotten",
    "one weight frozen",
    "one weight off by a millionth",
    "weights transposed",
    "largest weight off by a ten-millionth",
    "accumulated, not overwritten",
    "wrong shape",
]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seed", range(3))
def test_a_broken_dense_layer_fails(fault, seed):
    broken = HalfDense(4, weight_init=GlorotUniform(), fault=fault)
    assert not all(one.passed for one in check(twin((broken, Tanh()), seed=seed)))


def test_a_gradient_left_over_from_an_earlier_pass_fails():
    """Right values of the pass before must not hide that nothing was written in this one."""
    stale = twin((HalfDense(4, weight_init=GlorotUniform(), fault="bias left as it was"), Tanh()))
    _, gradients = stale.gradients()
    gradients["0.half_dense.bias"][...] = [
        stale.derivative_of_entry(stale.arrays()["0.half_dense.bias"], k) for k in range(4)
    ]
    assert {one.name for one in check(stale) if not one.passed} == {"0.half_dense.bias"}


class NotComplexSafe(Tanh):
    def forward(self, p, x, y, s):
        np.copyto(y, np.where(np.iscomplexobj(x), np.nan, np.tanh(x)))


def test_a_complex_step_that_is_no_number_is_no_pass():
    checks = check(twin((Dense(4, weight_init=GlorotUniform()), NotComplexSafe())))
    assert not any(one.passed for one in checks if one.name.startswith("0."))
    assert "not complex-safe" in checks[0].diagnosis
    large = check(twin((Dense(900, weight_init=GlorotUniform()), NotComplexSafe())))
    assert "not complex-safe" in large[0].diagnosis
    json.dumps(GradientReport(tuple(large)).to_json(), allow_nan=False)


def test_the_same_layer_without_a_fault_passes():
    assert all(one.passed for one in check(twin((HalfDense(4, weight_init=GlorotUniform()), Tanh()))))


class LeakingRelu(Relu):
    def backward(self, p, g, x, y, dy, dx, s):
        np.copyto(dx, dy)


class SigmoidOfOutput(Sigmoid):
    def backward(self, p, g, x, y, dy, dx, s):
        np.multiply(dy, np.exp(-y) / (1 + np.exp(-y)) ** 2, out=dx)


class TanhWithoutSquare(Tanh):
    def backward(self, p, g, x, y, dy, dx, s):
        np.multiply(dy, 1 - y, out=dx)


class SoftplusWithoutDerivative(Softplus):
    def backward(self, p, g, x, y, dy, dx, s):
        np.copyto(dx, dy)


class DropoutUnmasked(Dropout):
    def backward(self, p, g, x, y, dy, dx, s):
        np.copyto(dx, dy)


class DropoutUnscaled(Dropout):
    def backward(self, p, g, x, y, dy, dx, s):
        np.multiply(dy, s.mask != 0, out=dx)


@pytest.mark.parametrize(
    "broken",
    [LeakingRelu, SigmoidOfOutput, TanhWithoutSquare, SoftplusWithoutDerivative, DropoutUnmasked, DropoutUnscaled],
)
def test_a_broken_activation_or_mask_fails(broken):
    checks = check(twin((Dense(8, weight_init=GlorotUniform()), broken())))
    assert {one.name for one in checks if not one.passed} == {"0.dense.weight", "0.dense.bias", "inputs"}


class SquaredErrorHalved(Mse):
    def value_and_grad(self, scores, targets, weights, dscores, s):
        value = super().value_and_grad(scores, targets, weights, dscores, s)
        dscores /= 2
        return value


class CrossEntropySummed(SoftmaxCrossEntropy):
    def value_and_grad(self, scores, targets, weights, dscores, s):
        value = super().value_and_grad(scores, targets, weights, dscores, s)
        dscores *= len(scores)
        return value


class SigmoidForgotten(BinaryCrossEntropy):
    def value_and_grad(self, scores, targets, weights, dscores, s):
        value = super().value_and_grad(scores, targets, weights, dscores, s)
        np.subtract(scores.real, targets, out=dscores)
        return value


@pytest.mark.parametrize("broken", [SquaredErrorHalved, CrossEntropySummed, SigmoidForgotten])
def test_a_broken_loss_fails_everywhere(broken):
    assert not any(one.passed for one in check(twin((Dense(4, weight_init=GlorotUniform()), Tanh()), broken())))


OPTIONS = [
    SoftmaxCrossEntropy(label_smoothing=0.2),
    SoftmaxCrossEntropy(class_weights=(1.0, 0.2, 3.0)),
    SoftmaxCrossEntropy(label_smoothing=0.2, class_weights=(1.0, 0.2, 3.0)),
    BinaryCrossEntropy(positive_weight=3),
    Focal(gamma=0.5, alpha=0.25),
    Huber(delta=0.1),
    Mse(half=True),
]


@pytest.mark.parametrize("loss", OPTIONS)
def test_losses_with_options_pass(loss):
    assert all(one.passed for one in check(twin((Dense(4, weight_init=GlorotUniform()), Tanh()), loss)))


class ForgottenPenalty(Regularization):
    def add_gradient(self, weights, grad, scratch):
        pass


class DoubledPenalty(Regularization):
    def add_gradient(self, weights, grad, scratch):
        super().add_gradient(weights, grad, scratch)
        super().add_gradient(weights, grad, scratch)


@pytest.mark.parametrize("broken", [ForgottenPenalty(l2=0.1), DoubledPenalty(l1=0.01), ForgottenPenalty(l1=0.01)])
def test_a_broken_penalty_fails_on_weights_alone(broken):
    checks = check(twin((Dense(4, weight_init=GlorotUniform()), Tanh()), penalties=broken))
    assert {one.name for one in checks if not one.passed} == {"0.dense.weight", "2.dense.weight"}


@pytest.mark.parametrize("fault", ["one weight frozen", "one weight off by a millionth"])
def test_one_wrong_entry_of_a_large_tensor_is_found(fault):
    broken = HalfDense(900, weight_init=GlorotUniform(), fault=fault)
    weight = check(twin((broken, Tanh())))[0]
    assert (weight.name, weight.entries, weight.passed) == ("0.half_dense.weight", 4_500, False)
    assert "at [1, 2] the backward pass gives" in weight.diagnosis


def test_exact_zeros_and_dead_units_are_no_false_alarm():
    small = twin((Dense(6, weight_init=GlorotUniform()), Relu(), Dense(4, weight_init=GlorotUniform()), Relu()))
    for objective in (small.real, small.complex):
        parameters = objective.network.parameters()
        parameters["0.dense.weight"][:, :3] = 0
        parameters["0.dense.bias"][:3] = [0, -50, 50]
    assert all(one.passed for one in check(small))


LOSS_CASES = [
    (loss, widths[0], classes)
    for loss in (cls() for cls in LOSSES.members.values())
    for classes, columns in ((None, 2), (2, 1), (3, 1))
    if (widths := loss.widths(classes, columns))
]


@pytest.mark.parametrize(("loss", "width", "classes"), LOSS_CASES, ids=lambda item: type(item).__name__)
def test_scores_of_exactly_zero_are_no_false_alarm(loss, width, classes):
    """All scores 0, and for losses of errors all errors 0: where the pieces of a formula meet."""
    targets = np.arange(6) % (classes or 2)
    if loss.encoding == "values":
        targets = (targets[:, None] == np.arange(width)) * 1.0
    for one in (targets, np.zeros_like(targets)):
        if loss.objection(one, classes) is None:
            layers = (Dense(width, weight_init=Zeros()),)
            zero = Twin(layers, (5,), loss, Regularization(), np.random.default_rng(0).normal(size=(6, 5)), one, 0)
            for objective in (zero.real, zero.complex):
                objective.network.theta[...] = 0
            assert all(found.passed for found in check(zero)), check(zero)


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in ("batch_norm", "layer_norm")])
@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 6.0])
def test_inputs_exactly_at_a_bend_are_no_false_alarm(name, value):
    cls = LAYERS.members[name]
    layer = cls.example(5) if hasattr(cls, "example") else cls()
    one = twin((layer,), Mse())
    for batch in one.batches:
        batch.input[:, :3] = value
    assert all(found.passed for found in check(one)), check(one)


def test_weights_of_exactly_zero_under_l1_are_no_false_alarm():
    one = twin((Dense(4, weight_init=GlorotUniform()), Tanh()), penalties=Regularization(l1=0.1))
    for objective in (one.real, one.complex):
        objective.network.parameters()["0.dense.weight"][:2] = 0
    assert all(found.passed for found in check(one))


def test_a_check_leaves_nothing_changed():
    one = twin((Dense(4, weight_init=GlorotUniform()), Dropout(0.5), Tanh()))
    before = one.real.network.theta.copy(), one.complex.network.theta.copy(), one.batches[1].input.copy()
    first = check(one)
    after = one.real.network.theta, one.complex.network.theta, one.batches[1].input
    assert all((x == y).all() for x, y in zip(before, after, strict=True))
    assert check(one) == first
