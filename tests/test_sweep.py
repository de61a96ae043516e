"""The sweep: the V of central differences, and slopes that tell right gradients from wrong ones."""

import io
import json
import math
import sys

import numpy as np
import pytest
from speeds import sampled

import bptrain
from bptrain.arrays import Streams
from bptrain.commands.gradcheck import sweep_gradients
from bptrain.console import gradients as picture
from bptrain.gradcheck import Twin, sweep
from bptrain.gradcheck.planted import MUTATIONS
from bptrain.gradcheck.taylor import Line, draw_directions
from bptrain.nn import ACTIVATIONS, Network
from bptrain.nn.activations import Elu, HardTanh, LeakyRelu, Relu, Tanh
from bptrain.nn.initializers import GlorotUniform
from bptrain.nn.layers import BatchNorm, Dense, Dropout, Residual
from bptrain.nn.losses import Hinge, Mae, Mse, SoftmaxCrossEntropy
from bptrain.optim import Regularization

EPS = np.finfo(np.float64).eps


def dense(units):
    return Dense(units, weight_init=GlorotUniform())


def twin(layers, loss=None, penalties=None, seed=0, rows=6):
    """Return a small twin with three outputs."""
    loss, rng = loss or SoftmaxCrossEntropy(), np.random.default_rng(seed)
    codes = rng.integers(0, 3, rows)
    targets = codes if loss.encoding == "codes" else np.eye(3)[codes]
    inputs = rng.normal(size=(rows, 5))
    return Twin((*layers, dense(3)), (5,), loss, penalties or Regularization(), inputs, targets, seed)


@pytest.fixture(scope="module")
def small():
    return sweep_gradients()


def fitted(steps, key, low, high):
    points = [(math.log10(one.h), math.log10(getattr(one, key))) for one in steps if low < one.h < high]
    assert len(points) >= 4
    return np.polyfit(*zip(*points, strict=True), 1)[0]


def test_the_curve_is_as_in_textbooks(small):
    """Truncation h² and rounding eps/h meet near the cube root of eps, where eps^(2/3) is left; forward at its root."""
    assert np.cbrt(EPS) / 10 < small.best.h < np.cbrt(EPS) * 10
    assert EPS ** (2 / 3) / 20 < small.best.central < EPS ** (2 / 3) * 20
    assert fitted(small.steps, "central", 2e-5, 2e-2) == pytest.approx(2, abs=0.02)
    assert fitted(small.steps, "central", 5e-15, 2e-7) == pytest.approx(-1, abs=0.15)
    assert fitted(small.steps, "forward", 2e-7, 2e-2) == pytest.approx(1, abs=0.05)
    forward = min(small.steps, key=lambda one: one.forward)
    assert np.sqrt(EPS) / 30 < forward.h < np.sqrt(EPS) * 30
    assert all(one.complex < 1e-14 for one in small.steps if one.h < 1e-8)
    assert fitted(small.steps, "complex", 2e-7, 2e-2) == pytest.approx(2, abs=0.02)
    assert small.backward_error < 1e-14
    assert small.reference == "complex step"


def test_the_remainder_of_a_line_has_its_closed_form():
    """For `f = mean (x w + b - t)²` the remainder is known: h² mean (dx w + x dw + db)² and higher orders of h."""
    one = Twin((dense(3),), (5,), Mse(), Regularization(), np.ones((4, 5)), np.zeros((4, 3)), 0)
    given = {"0.dense.bias": np.array([1.0, 2.0, -3.0])}
    line = Line(one, given)
    gradients = one.compute_gradients()[1]["both"]
    for h in (1e-1, -1e-2, 1e-3):
        remainder = line.compute_value(h) - line.compute_value(0) - line.predict(gradients, h)
        assert remainder == pytest.approx(h**2 * 14 / 3, rel=1e-6)
    assert line.compute_complex_slope() == pytest.approx(line.compute_slope(gradients), rel=1e-12)


RIGHT = [
    (dense(6), Tanh()),
    (dense(6), Relu()),
    (dense(16), Relu(), dense(16), Relu()),
    (dense(8), LeakyRelu(), Dropout(0.4)),
    (dense(8), Elu(alpha=0.5), BatchNorm()),
    (dense(8), HardTanh()),
    (dense(6), Residual((dense(6), Relu()))),
    (),
]


@pytest.mark.parametrize("layers", RIGHT, ids=lambda layers: "-".join(type(one).__name__ for one in layers) or "linear")
@pytest.mark.parametrize("penalties", [Regularization(), Regularization(l1=0.01, l2=0.1)], ids=["bare", "penalised"])
@pytest.mark.parametrize("seed", sampled(range(3)))
def test_right_gradients_have_slope_two(layers, penalties, seed):
    found = sweep(twin(layers, penalties=penalties, seed=seed))
    assert found.passed
    assert {one.verdict for one in found.taylor} == {"right"}
    slopes = [one.slope for one in found.taylor if one.slope is not None]
    assert slopes
    assert all(1.9 < slope < 2.2 for slope in slopes), found.taylor
    assert found.taylor[-1].name == "all together"
    assert found.taylor[-1].slope


@pytest.mark.parametrize("name", [*ACTIVATIONS])
def test_activations_declare_where_their_slope_jumps(name):
    cls, h = ACTIVATIONS.members[name], 1e-6
    layer = cls.example(1) if hasattr(cls, "example") else cls()
    points = np.arange(-8.0, 9.0)
    rows = np.concatenate([points - h, points, points + h])[:, None]
    network = Network([layer], (1,), batch=len(rows), dtype="float64", rng=Streams(0))
    frame = network.frame(len(rows))
    frame.input[...] = rows
    frame.forward(training=False)
    below, at, above = frame.scores.reshape(3, -1)
    jumps = points[np.abs((above - at) - (at - below)) > 1e-3 * h]
    assert set(jumps) <= set(getattr(layer, "kinks", ()))


STOPS = {"shapes_that_do_not_fit"}
NOT_FINITE = {"weight_accumulated", "bias_rebound", "bias_of_wrong_shape", "weight_not_a_number", "bias_not_written"}


def suspects(mutation):
    """Return the arrays whose gradients a bug can spoil: those of its layer, and of all before it."""
    number = {"penalty": 2, "loss": 2}.get(mutation.layer.split()[0]) or int(mutation.layer[0])
    arrays = mutation.build_twin().real_arrays
    return {name for name in arrays if name == "inputs" or int(name[0]) <= number}


@pytest.mark.parametrize("mutation", sampled(MUTATIONS, every=6), ids=lambda one: one.name)
def test_planted_bugs_have_slope_one(mutation):
    found = sweep(mutation.build_twin())
    assert not found.passed
    wrong = {one.name: one for one in found.taylor if one.verdict == "wrong"}
    if mutation.name in STOPS:
        assert "stops with" in found.failure
    else:
        assert "all together" in wrong
        assert set(wrong) - {"all together"}
        assert set(wrong) - {"all together"} <= suspects(mutation)
    if mutation.name in NOT_FINITE:
        assert {one.remark for one in wrong.values()} == {"the gradient is not finite"}
    else:
        assert all(0.9 < one.slope < 1.1 for one in wrong.values()), wrong


@pytest.mark.parametrize("name", ["bias_mean", "bias_frozen", "weight_doubled", "weight_transposed"])
def test_the_wrong_tensor_is_named(name):
    mutation = next(one for one in MUTATIONS if one.name == name)
    wrong = [one.name for one in sweep(mutation.build_twin()).taylor if one.verdict == "wrong"]
    assert wrong == [f"1.dense.{name.split('_')[0]}", "all together"]


def test_a_bug_of_a_hundred_thousandth_has_slope_one():
    class Off(type(Mse())):
        def value_and_grad(self, scores, targets, weights, dscores, s):
            value = super().value_and_grad(scores, targets, weights, dscores, s)
            dscores *= 1 + 1e-5
            return value

    assert sweep(twin((dense(6), Tanh()), Off())).taylor[-1].verdict == "wrong"


def test_a_linear_objective_is_right_though_all_is_rounding():
    """Mean absolute error of a linear network is linear in each tensor up to the first kink."""
    found = sweep(twin((), Mae()))
    assert found.passed
    by_name = {one.name: one for one in found.taylor}
    for name in ("0.dense.weight", "0.dense.bias", "inputs"):
        assert (by_name[name].verdict, by_name[name].slope) == ("right", None)
        assert "linear" in by_name[name].remark
    # Weights and inputs together are a product.
    assert by_name["all together"].slope == pytest.approx(2, abs=0.1)


def test_a_wrong_gradient_of_a_linear_objective_is_found():
    class Doubled(Mae):
        def value_and_grad(self, scores, targets, weights, dscores, s):
            value = super().value_and_grad(scores, targets, weights, dscores, s)
            dscores *= 2
            return value

    assert {one.verdict for one in sweep(twin((), Doubled())).taylor} == {"wrong"}


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), Hinge()])
def test_a_point_exactly_at_a_kink_is_undecided_not_wrong(loss):
    one = twin((dense(6), Relu()), loss)
    for objective in (one.real, one.complex):
        objective.network.parameters()["0.dense.weight"][:, 0] = 0
        objective.network.parameters()["0.dense.bias"][0] = 0
    found = sweep(one)
    verdicts = {test.name: test for test in found.taylor}
    assert found.passed
    assert verdicts["0.dense.bias"].verdict == "undecided"
    assert "kink" in verdicts["0.dense.bias"].remark
    assert verdicts["2.dense.bias"].verdict == "right"
    assert all(step.crossed for step in found.steps)


def test_saturated_units_hide_no_bug():
    """Rounding must not be taken for a jump of the gradient where a clipped unit stands exactly at its corner."""

    class Doubled(HardTanh):
        def backward(self, p, g, x, y, dy, dx, s):
            super().backward(p, g, x, y, dy, dx, s)
            dx *= 2

    def clipped(layer):
        one = twin((dense(6), layer), Mse())
        for batch in one.batches:
            batch.input[...] *= 3
        return one

    assert sweep(clipped(HardTanh())).passed
    wrong = {one.name for one in sweep(clipped(Doubled())).taylor if one.verdict == "wrong"}
    assert wrong == {"0.dense.weight", "0.dense.bias", "inputs", "all together"}


class RealTanh(Tanh):
    """A custom activation that is not complex-safe."""

    def forward(self, p, x, y, s):
        y[...] = np.tanh(x.real)


def test_without_complex_numbers_the_backward_pass_is_the_reference():
    found = sweep(twin((dense(6), RealTanh())))
    assert (found.reference, found.backward_error, found.passed) == ("backward pass", None, True)
    assert all(step.complex is None for step in found.steps)
    assert np.cbrt(EPS) / 10 < found.best.h < np.cbrt(EPS) * 10


def test_a_loss_that_is_not_finite_is_a_failure():
    one = twin((dense(6), Tanh()))
    for objective in (one.real, one.complex):
        objective.network.theta[...] = np.nan
    found = sweep(one)
    assert not found.passed
    assert "not finite" in found.failure
    json.dumps(found.to_json(), allow_nan=False)


def test_two_sweeps_agree_and_change_nothing():
    one = twin((dense(6), BatchNorm(), Relu(), Dropout(0.3)), penalties=Regularization(l1=0.01))

    def bits():
        networks = one.real.network, one.complex.network
        arrays = [array.tobytes() for network in networks for array in (network.theta, network.state)]
        return arrays, [batch.input.tobytes() for batch in one.batches], [n.rng.state() for n in networks]

    before = bits()
    first = sweep(one)
    assert bits() == before
    assert sweep(one) == first
    assert json.dumps(first.to_json(), allow_nan=False) == json.dumps(sweep(one).to_json(), allow_nan=False)
    drawn, again = draw_directions(one, 1), draw_directions(one, 1)
    assert all((drawn[name] == again[name]).all() for name in drawn)


def test_json_has_everything(small):
    found = small.to_json()
    assert set(found) == {"passed", "reference", "steps", "backward_error", "taylor", "failure", "best"}
    assert [one["name"] for one in found["taylor"]][-2:] == ["inputs", "all together"]
    assert found["best"] == {"h": small.best.h, "error": small.best.central}
    assert (found["steps"][0]["h"], found["steps"][-1]["h"]) == (pytest.approx(0.1), pytest.approx(1e-15))


def test_the_public_function_sweeps_a_config(repository):
    found = bptrain.sweep_gradients(repository / "configs" / "digits.yaml", ["seed=3"])
    assert found.passed
    assert {one.name for one in found.taylor} >= {"0.dense.weight", "3.dense.bias", "inputs", "all together"}


class Screen(io.StringIO):
    """A terminal of some encoding."""

    def __init__(self, encoding="utf-8", terminal=True):
        super().__init__()
        self.coding, self.terminal = encoding, terminal

    @property
    def encoding(self):
        return self.coding

    def isatty(self):
        return self.terminal


def shown(found, monkeypatch, width=80, **options):
    screen = Screen(**options)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdout", screen)
    picture.print_sweep(found)
    monkeypatch.undo()
    return screen.getvalue()


@pytest.mark.parametrize("width", [40, 80, 160])
def test_the_chart_fits_the_terminal(small, monkeypatch, width):
    monkeypatch.setenv("NO_COLOR", "1")
    text = shown(small, monkeypatch, width)
    lines = text.splitlines()
    assert "\x1b" not in text
    assert max(map(len, lines)) <= width
    assert any("│" in line for line in lines)
    assert text.count("◆") == 2
    assert "step size h" in text
    assert "relative error" in text
    assert "1e-01" in text
    assert all(name in text for name in ("0.dense.weight", "inputs", "all together"))
    marked = next(line for line in lines if "◆" in line and "│" in line)
    lowest = max(k for k, line in enumerate(lines) if "●" in line and "│" in line)
    assert lines.index(marked) >= lowest


def test_colours_are_for_terminals(small, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in shown(small, monkeypatch)
    assert "\x1b" not in shown(small, monkeypatch, terminal=False)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_without_unicode_the_chart_is_ascii(small, monkeypatch, encoding):
    text = shown(small, monkeypatch, encoding=encoding, terminal=False)
    assert text.isascii()
    assert text.count("#") == 2


def test_wrong_tensors_and_kinks_are_shown(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    mutation = next(one for one in MUTATIONS if one.name == "derivative_of_leaky_relu")
    text = shown(sweep(mutation.build_twin()), monkeypatch)
    assert "wrong: 0.dense.weight, 0.dense.bias, inputs, all together" in text
    assert "○ is a step across a kink" in text
    stopped = next(one for one in MUTATIONS if one.name == "shapes_that_do_not_fit")
    assert "stops with" in shown(sweep(stopped.build_twin()), monkeypatch)
