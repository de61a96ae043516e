"""The gradient check passes right gradients, and fails when a line of a backward pass is broken."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from campaign_gradients import find_alarms
from speeds import sampled

from bptrain.commands.gradcheck import GradientReport, check_gradients
from bptrain.errors import InputError
from bptrain.gradcheck import Twin, check, safety
from bptrain.gradcheck.components import build_small_twin, make_example
from bptrain.gradcheck.planted import MUTATIONS
from bptrain.model.objective import Objective
from bptrain.nn import LAYERS, LOSSES, Layer, Parameter, Plan, State
from bptrain.nn.activations import Relu, Sigmoid, Softplus, Tanh
from bptrain.nn.initializers import Constant, GlorotUniform, Zeros
from bptrain.nn.layers import BatchNorm, Dense, Dropout
from bptrain.nn.losses import BinaryCrossEntropy, Focal, Huber, Mse, SoftmaxCrossEntropy
from bptrain.optim import Regularization

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
XOR = Path(__file__).parents[1] / "configs" / "xor.yaml"


def test_every_registered_component_passes():
    report = check_gradients()
    assert report.passed, [check for check in report.checks if not check.passed]
    names = {check.name.rpartition(" ")[2] for check in report.checks}
    assert names == {*LAYERS, *LOSSES, "losses", "regularization"}
    # Exact means rounding errors only, far below the tolerance.
    assert all(check.max_error < 1e-12 for check in report.checks)


def test_there_are_configs():
    assert {"digits", "iris"} <= {path.stem for path in CONFIGS}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_passes(path):
    report = check_gradients(path)
    assert report.passed, report.checks
    assert report.checks[-1].name == "inputs"
    assert all(check.entries for check in report.checks)


@pytest.mark.parametrize("path", sampled([XOR, None]))
def test_two_checks_give_the_same_report(path):
    assert check_gradients(path).to_json() == check_gradients(path).to_json()


def twin(layers, loss=None, penalties=None, seed=0, rows=6):
    """Return a small twin with `layers` in front of three outputs."""
    loss = loss or SoftmaxCrossEntropy()
    rng = np.random.default_rng(seed)
    done = (*layers, Dense(1 if isinstance(loss, BinaryCrossEntropy) else 3, weight_init=GlorotUniform()))
    targets = rng.integers(0, 2, rows) if loss.encoding == "codes" else rng.integers(0, 2, (rows, done[-1].units))
    return Twin(done, (5,), loss, penalties or Regularization(), rng.normal(size=(rows, 5)), targets, seed)


@dataclass(frozen=True)
class HalfDense(Dense):
    """A dense layer with the mistake that `fault` names."""

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
    """Right values from the pass before must not hide that this pass writes nothing."""
    stale = twin((HalfDense(4, weight_init=GlorotUniform(), fault="bias left as it was"), Tanh()))
    exact = [stale.differentiate_entry(stale.complex_arrays["0.half_dense.bias"], k)[0] for k in range(4)]
    stale.real.network.gradients()["0.half_dense.bias"][...] = exact
    assert {one.name for one in check(stale) if not one.passed} == {"0.half_dense.bias"}


class NoNumber(Tanh):
    """Gives NaN in complex numbers, and claims to be of bptrain, so that its complex safety is not checked."""

    def forward(self, p, x, y, s):
        np.copyto(y, np.where(np.iscomplexobj(x), np.nan, np.tanh(x)))


NoNumber.__module__ = "bptrain.nn"


@pytest.mark.parametrize("units", sampled([4, 900]))
def test_a_complex_step_that_gives_no_number_fails(units):
    checks = check(twin((Dense(units, weight_init=GlorotUniform()), NoNumber())))
    assert not any(one.passed for one in checks if one.name.startswith("0."))
    assert "the complex step gives no number" in checks[0].diagnosis
    json.dumps(GradientReport(tuple(checks)).to_json(), allow_nan=False)


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
def test_a_broken_loss_fails_for_every_gradient(broken):
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
def test_a_broken_penalty_fails_for_weights_only(broken):
    checks = check(twin((Dense(4, weight_init=GlorotUniform()), Tanh()), penalties=broken))
    assert {one.name for one in checks if not one.passed} == {"0.dense.weight", "2.dense.weight"}


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["one weight off by a millionth", "one weight frozen"])
def test_one_wrong_entry_of_a_large_tensor_is_found(fault):
    broken = HalfDense(900, weight_init=GlorotUniform(), fault=fault)
    weight = check(twin((broken, Tanh())))[0]
    assert (weight.name, weight.entries, weight.passed) == ("0.half_dense.weight", 4_500, False)
    assert "at [1, 2] backward gives" in weight.diagnosis
    assert (weight.layer, weight.kind) == ("0.half_dense", "entries")


def test_exact_zeros_and_dead_units_raise_no_false_alarm():
    small = twin((Dense(6, weight_init=GlorotUniform()), Relu(), Dense(4, weight_init=GlorotUniform()), Relu()))
    parameters = small.real.network.parameters()
    parameters["0.dense.weight"][:, :3] = 0
    parameters["0.dense.bias"][:3] = [0, -50, 50]
    small.sync_complex()
    assert all(one.passed for one in check(small))


LOSS_CASES = [
    (loss, widths[0], classes)
    for loss in (cls() for cls in LOSSES.members.values())
    for classes, columns in ((None, 2), (2, 1), (3, 1))
    if (widths := loss.widths(classes, columns))
]


@pytest.mark.parametrize(("loss", "width", "classes"), LOSS_CASES, ids=lambda item: type(item).__name__)
def test_scores_of_exactly_zero_raise_no_false_alarm(loss, width, classes):
    """All scores are 0, then all errors too: where the cases of a formula meet."""
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
def test_inputs_exactly_at_a_kink_raise_no_false_alarm(name, value):
    cls = LAYERS.members[name]
    layer = cls.example(5) if hasattr(cls, "example") else cls()
    one = twin((layer,), Mse())
    for batch in one.batches:
        batch.input[:, :3] = value
    assert all(found.passed for found in check(one)), check(one)


def test_weights_of_exactly_zero_under_l1_raise_no_false_alarm():
    one = twin((Dense(4, weight_init=GlorotUniform()), Tanh()), penalties=Regularization(l1=0.1))
    for objective in (one.real, one.complex):
        objective.network.parameters()["0.dense.weight"][:2] = 0
    assert all(found.passed for found in check(one))


@pytest.mark.parametrize("method", ["complex", "both"])
def test_a_check_changes_nothing(method):
    one = twin((Dense(4, weight_init=GlorotUniform()), Dropout(0.5), BatchNorm(), Tanh()))

    def everything():
        networks = one.real.network, one.complex.network
        inputs = [batch.input.tobytes() for batch in one.batches]
        return [(net.theta.tobytes(), net.state.tobytes(), net.rng.state()) for net in networks], inputs

    before, first = everything(), check(one, method)
    assert everything() == before
    assert check(one, method) == first


@pytest.mark.slow
def test_a_check_of_a_broken_network_changes_nothing():
    for mutation in MUTATIONS:
        one = mutation.build_twin()
        before = [one.real.network.theta.tobytes(), one.real.network.state.tobytes(), one.batches[0].targets.tobytes()]
        before += [batch.input.tobytes() for batch in one.batches]
        check(one)
        after = [one.real.network.theta.tobytes(), one.real.network.state.tobytes(), one.batches[0].targets.tobytes()]
        assert before == after + [batch.input.tobytes() for batch in one.batches], mutation.name


@pytest.mark.parametrize(("path", "method"), sampled([(XOR, "both"), (None, "central"), (None, "both")]))
def test_central_differences_agree_on_every_component(path, method):
    report = check_gradients(path, method=method)
    assert report.passed, [one for one in report.checks if not one.passed]


@pytest.mark.parametrize("method", ["complex", "central", "both"])
@pytest.mark.parametrize("fault", ["weight doubled", "weight negated", "bias a mean", "input gradient forgotten"])
def test_every_method_finds_a_fault_and_names_it(method, fault):
    broken = HalfDense(4, weight_init=GlorotUniform(), fault=fault)
    failed = [
        one for one in check(twin((Dense(5, weight_init=GlorotUniform()), broken, Tanh())), method) if not one.passed
    ]
    assert failed
    assert {one.layer for one in failed} == {"1.half_dense"}


def test_central_differences_skip_entries_at_kinks_and_fail_above_one_percent():
    one = twin((Dense(4, weight_init=GlorotUniform()), Relu()))
    one.batches[0].input[...] = one.batches[1].input[...] = 0
    one.real.network.parameters()["0.dense.bias"][...] = 0
    one.sync_complex()
    checks = {found.name: found for found in check(one, "central")}
    assert checks["0.dense.weight"].skipped == 0, "weights of inputs that are 0 move nothing"
    assert checks["0.dense.bias"].skipped == 4
    assert checks["inputs"].skipped == 30
    assert (checks["skipped at kinks"].passed, checks["skipped at kinks"].kind) == (False, "skipped")
    assert "34 of 69 entries lie at kinks" in checks["skipped at kinks"].diagnosis
    assert all(found.passed for found in check(one))


@pytest.mark.parametrize(("entries", "count"), sampled([(7, 7), ("auto", 4_500), ("all", 4_500), (10_000, 4_500)]))
def test_the_entries_option_sets_how_many_are_tried(entries, count):
    one = twin((Dense(900, weight_init=GlorotUniform()), Tanh()))
    weight = check(one, entries=entries)[0]
    assert (weight.passed, weight.entries) == (True, count)


def test_loss_and_penalty_are_checked_separately():
    """A penalty gradient that makes up for a wrong loss gradient fails, although their sum is right."""

    class MakesUp(Objective):
        def loss_and_grad(self, batch):
            value = super().loss_and_grad(batch)
            self.network.grad *= 2
            return value

        def add_penalty_gradient(self):
            self.network.grad /= 2
            super().add_penalty_gradient()

    rng = np.random.default_rng(0)
    layers = (Dense(4, weight_init=GlorotUniform()), Tanh(), Dense(3, weight_init=GlorotUniform()))
    inputs, targets = rng.normal(size=(6, 5)), rng.normal(size=(6, 3))
    one = Twin(layers, (5,), Mse(), Regularization(l2=0.1), inputs, targets, 0, MakesUp)
    _, parts = one.compute_gradients()
    healthy = Twin(layers, (5,), Mse(), Regularization(l2=0.1), inputs, targets, 0)
    _, right = healthy.compute_gradients()
    np.testing.assert_allclose(parts["both"]["0.dense.weight"], right["both"]["0.dense.weight"], rtol=1e-12)
    assert all(found.passed for found in check(healthy))
    assert not all(found.passed for found in check(one))


def test_a_fault_that_shows_only_after_training_steps_is_found():
    @dataclass(frozen=True)
    class GoodAtFirst(Dense):
        def backward(self, p, g, x, y, dy, dx, s):
            super().backward(p, g, x, y, dy, dx, s)
            if np.abs(p.weight).max() > 5:
                g.bias[0] = 0

    layers = (GoodAtFirst(4, weight_init=Constant(4.9)), Tanh())
    failed = [one for one in check(twin(layers)) if not one.passed]
    assert [one.name for one in failed] == ["0.good_at_first.bias"]
    assert failed[0].diagnosis.startswith("after 20 steps of training: ")


@pytest.mark.parametrize("name", list(LAYERS))
def test_every_forward_is_complex_safe(name, monkeypatch):
    monkeypatch.setattr(safety, "is_custom", lambda component: True)
    one = twin((Dense(4, weight_init=GlorotUniform()), make_example(LAYERS.members[name], 4, name)))
    assert list(safety.find_unsafe(one)) == []


@pytest.mark.parametrize(("loss", "width", "classes"), LOSS_CASES, ids=lambda item: type(item).__name__)
def test_every_loss_is_complex_safe(loss, width, classes, monkeypatch):
    monkeypatch.setattr(safety, "is_custom", lambda component: True)
    layers = (Dense(4, weight_init=GlorotUniform()), Tanh(), Dense(width))
    assert list(safety.find_unsafe(build_small_twin(layers, loss, 0, classes=classes))) == []


class UnsafeTanh(Tanh):
    """A tanh whose forward pass is right, but not complex-safe."""

    def plan(self, shape):
        return replace(super().plan(shape), reads="xy", elementwise=False)


class ByAbsolute(UnsafeTanh):
    def forward(self, p, x, y, s):
        tail = np.exp(-2 * np.abs(x))
        y[...] = np.sign(x.real) * (1 - tail) / (1 + tail)


class ByCast(UnsafeTanh):
    def forward(self, p, x, y, s):
        kept = np.empty(x.shape)
        kept[...] = x
        y[...] = np.tanh(kept)


class ByReal(UnsafeTanh):
    def forward(self, p, x, y, s):
        y[...] = np.tanh(x.real)


class ByMaximum(UnsafeTanh):
    def forward(self, p, x, y, s):
        y[...] = np.maximum(np.tanh(x), -2)


class Stops(UnsafeTanh):
    def forward(self, p, x, y, s):
        y[...] = np.tanh(np.floor(x) + (x - np.floor(x)))


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (ByAbsolute(), r"np.absolute in line \d+ loses the imaginary part"),
        (ByCast(), r"a complex value put into a real array in line \d+ loses the imaginary part"),
        (ByReal(), "its slope differs in complex numbers"),
        (ByMaximum(), r"np.maximum in line \d+ loses the imaginary part"),
        (Stops(), r"np.floor in line \d+ loses the imaginary part"),
    ],
    ids=lambda item: type(item).__name__,
)
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_a_forward_that_is_not_complex_safe_gets_a_note_and_is_still_checked(layer, reason):
    checks = check(twin((Dense(4, weight_init=GlorotUniform()), layer)))
    assert all(one.passed for one in checks), checks
    note = next(one for one in checks if one.name.startswith("1."))
    assert re.search(reason, note.diagnosis), note.diagnosis
    assert note.diagnosis.endswith("checked by central differences")

    class Broken(type(layer)):
        def backward(self, p, g, x, y, dy, dx, s):
            np.copyto(dx, dy)

    failed = [one for one in check(twin((Dense(4, weight_init=GlorotUniform()), Broken()))) if not one.passed]
    assert {(one.layer, one.kind) for one in failed} == {("1.broken", "derivative_missing")}


@pytest.mark.slow
def test_large_networks_are_checked_along_directions_and_a_wrong_entry_is_still_found():
    """A quarter of a million parameters, of which one has no gradient."""
    broken = HalfDense(600, weight_init=GlorotUniform(), fault="one weight frozen")
    layers = (Dense(400, weight_init=GlorotUniform()), Tanh(), broken, Tanh())
    failed = [one for one in check(twin(layers)) if not one.passed]
    assert [(one.name, one.entries, one.kind) for one in failed] == [("2.half_dense.weight", 240_000, "entries")]
    assert "[1, 2]" in failed[0].cause


@pytest.mark.parametrize("count", sampled([30, 150]))
def test_a_sample_of_the_campaign_raises_no_false_alarm(count):
    found = [find_alarms(number)[1] for number in range(count)]
    assert not any(found)
    assert any(alarm is not None for alarm in found), "no network was checked"


def test_the_guide_and_the_readme_show_the_diagnosis_of_a_students_layer(bptrain_in, tmp_path, repository):
    text = (repository / "bptrain" / "guide" / "gradients.md").read_text()
    _, _, rest = text.partition("A student derives")
    _, _, rest = rest.partition("```python\n")
    source, _, rest = rest.partition("```")
    (tmp_path / "student.py").write_text(source)
    done = bptrain_in("gradcheck", "--code", "student.py")
    assert done.returncode == 4
    _, _, rest = rest.partition("$ bptrain gradcheck --code student.py\n")
    shown, _, _ = rest.partition("```")
    assert shown in (repository / "README.md").read_text()
    assert [line.strip() for line in shown.splitlines() if line.strip()] == [
        line.strip() for line in done.stdout.splitlines() if line.strip()
    ]


def test_the_command_checks_a_config_and_the_code_that_it_needs(bptrain_in, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\nimport numpy as np\nfrom bptrain.nn import ACTIVATIONS, Activation\n\n"
        "@ACTIVATIONS.register\n@dataclass(frozen=True)\nclass Cube(Activation):\n"
        "    def forward(self, p, x, y, s):\n        y[...] = x**3\n"
        "    def backward(self, p, g, x, y, dy, dx, s):\n        dx[...] = 3 * x**2 * dy\n"
    )
    (tmp_path / "c.yaml").write_text("data: {source: {bundled: iris}}\nhidden: [4]\nactivation: cube\n")
    first, second = (bptrain_in("gradcheck", "c.yaml", "--code", "mine.py", "--json") for _ in range(2))
    assert (first.returncode, first.stdout) == (0, second.stdout)
    report = json.loads(first.stdout)
    keys = {"name", "passed", "max_error", "tolerance", "entries", "diagnosis"}
    assert all(keys <= set(one) for one in report["checks"])
    names = [one["name"] for one in report["checks"]]
    assert names == ["0.dense.weight", "0.dense.bias", "2.dense.weight", "2.dense.bias", "inputs", "activation cube"]
    alone = bptrain_in("gradcheck", "--code", "mine.py", NO_COLOR="1")
    assert alone.returncode == 0
    assert "the check is exact" in alone.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--entries", "0"), "error: --entries: expected auto, all or a whole number >= 1 (got '0')"),
        (("--entries", "some"), "error: --entries: expected auto, all or a whole number >= 1 (got 'some')"),
        (("--entries", "²"), "error: --entries: expected auto, all or a whole number >= 1 (got '²')"),
        (
            ("--mutate", "--sweep"),
            "error: --mutate plants bugs in networks of its own; remove --sweep",
        ),
        (("no.yaml",), "error: no.yaml: "),
        (("--code", "no.py"), "error: no.py: "),
    ],
)
def test_bad_arguments_are_one_clear_line(bptrain_in, arguments, message):
    done = bptrain_in("gradcheck", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


@dataclass(frozen=True)
class Custom:
    """A custom activation, by the bodies of its passes, and what its diagnosis says; nothing if it is right."""

    name: str
    forward: str
    backward: str
    says: str


CUSTOM = [
    Custom("large_values", "y[...] = 1e12 + x**2", "dx[...] = -2 * x * dy", "dx has the wrong sign"),
    Custom("far_out", "y[...] = np.tanh(x)", "dx[...] = np.where(np.abs(x) > 4, 0.5, 1 - y * y) * dy", "entries of dx"),
    Custom(
        "uncut",
        "y[...] = np.where(x.real > 6, 6, np.where(x.real > 0, x, 0))",
        "dx[...] = dy * (x > 0)",
        "0.uncut: the derivative",
    ),
    Custom("offset_abs", "y[...] = 1e5 + np.abs(x)", "dx[...] = 0 * dy", "dx is all zero"),
    Custom("coarse", "y[...] = np.sin(x.astype(np.float32))", "dx[...] = dy * np.cos(x)", "computes in float32"),
    Custom("eats_x", "y[...] = np.cos(x)", "np.sin(x, out=x); dx[...] = -dy * x", "backward writes into x"),
    Custom(
        "forward_eats_x",
        "y[...] = np.tanh(x); x[...] = 0",
        "dx[...] = dy * (1 - y * y)",
        "forward writes into its input",
    ),
    Custom("forgets_y", "y = np.tanh(x)", "dx[...] = dy * (1 - y * y)", "forward never writes y"),
    Custom("random", "y[...] = x + np.random.normal(size=x.shape)", "dx[...] = dy", "different values each time"),
    Custom("hole", "y[...] = np.sin(x) / x", "dx[...] = dy * (np.cos(x) - y) / x", "forward gives nan"),
    Custom("stops_far_out", "assert x.real.max() < 40; y[...] = np.tanh(x)", "dx[...] = dy * (1 - y * y)", ""),
    Custom("right", "y[...] = np.cos(x)", "dx[...] = -dy * np.sin(x)", ""),
    Custom("right_abs", "y[...] = np.abs(x)", "dx[...] = dy * np.sign(x)", ""),
    Custom("right_maximum", "y[...] = np.maximum(x, 0)", "dx[...] = dy * (x > 0)", ""),
    Custom("right_cube", "y[...] = x**3", "dx[...] = 3 * x**2 * dy", ""),
    Custom("right_bend", "y[...] = np.where(x.real > 3, 2 * x - 3, x)", "dx[...] = dy * np.where(x > 3, 2, 1)", ""),
]


@pytest.mark.parametrize("part", sampled(CUSTOM, every=6), ids=lambda part: part.name)
def test_custom_activations_are_judged_correctly(part, tmp_path, bptrain_in):
    (tmp_path / "part.py").write_text(
        "from dataclasses import dataclass\nimport numpy as np\nfrom bptrain.nn import ACTIVATIONS, Activation\n"
        f"@ACTIVATIONS.named({part.name!r})\n@dataclass(frozen=True)\nclass Own(Activation):\n"
        f"    def forward(self, p, x, y, s):\n        {part.forward}\n"
        f"    def backward(self, p, g, x, y, dy, dx, s):\n        {part.backward}\n"
    )
    done = bptrain_in("gradcheck", "--code", "part.py", "--json")
    (one,) = json.loads(done.stdout)["checks"]
    assert done.returncode == (4 if part.says else 0), one
    assert part.says in (one["diagnosis"] or ""), one["diagnosis"]
    assert done.stderr == ""


def test_custom_components_that_fit_no_small_network_are_bad_input(tmp_path, bptrain_in):
    head = "from dataclasses import dataclass\nimport numpy as np\nfrom bptrain.nn import *\n"
    body = "    def value_and_grad(self, scores, targets, weights, dscores, s):\n        return 0.0, 1.0\n"
    loss = "@LOSSES.register\n@dataclass(frozen=True)\nclass Own(Loss):\n" + body
    flat = (
        "@LAYERS.register\n@dataclass(frozen=True)\nclass Own(Layer):\n"
        "    def plan(self, shape): return Plan((*shape, 2))\n"
        "    def forward(self, p, x, y, s): y[...] = x[..., None]\n"
        "    def backward(self, p, g, x, y, dy, dx, s): dx[...] = dy.sum(-1)\n"
    )
    start = "@INITIALIZERS.register\n@dataclass(frozen=True)\nclass Own(Initializer):\n"
    start += "    def fill(self, a, rng): a[:] = 1\n"
    cases = [
        (
            loss + "    def widths(self, classes, columns): return (10,) if classes == 10 else ()\n",
            "accepts none",
        ),
        (loss + "    def objection(self, targets, classes): return 'must be above 5'\n", "must be above 5"),
        (flat, "flat rows"),
        (start, "registers no layer, activation or loss"),
    ]
    for k, (text, message) in enumerate(cases):
        (tmp_path / f"own{k}.py").write_text(head + text)
        done = bptrain_in("gradcheck", "--code", f"own{k}.py")
        assert done.returncode == 2, done.stderr
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_loss_that_fits_no_small_network_is_checked_in_a_config_that_uses_it(tmp_path, bptrain_in):
    (tmp_path / "own.py").write_text(
        "from dataclasses import dataclass\nfrom bptrain.nn import LOSSES\n"
        "from bptrain.nn.losses import SoftmaxCrossEntropy\n"
        "@LOSSES.register\n@dataclass(frozen=True)\nclass TenClasses(SoftmaxCrossEntropy):\n"
        "    def widths(self, classes, columns):\n        return (10,) if classes == 10 else ()\n"
    )
    (tmp_path / "c.yaml").write_text(
        "data: {source: {bundled: digits}, task: classification}\nhidden: [4]\nloss: ten_classes\n"
    )
    alone = bptrain_in("gradcheck", "--code", "own.py")
    assert alone.returncode == 2
    assert "check it with a config that uses it" in alone.stderr
    report = json.loads(bptrain_in("gradcheck", "c.yaml", "--code", "own.py", "--json").stdout)
    assert report["passed"] is True
    assert report["notes"][-1].startswith("TenClasses: checked in the config only: loss ten_classes: accepts none")


def make_layer(forward, backward, **plan):
    """Return a layer with these kernels."""

    @dataclass(frozen=True)
    class Own(Layer):
        def plan(self, shape):
            return Plan(shape, **plan)

        def forward(self, p, x, y, s):
            forward(p, x, y, s)

        def backward(self, p, g, x, y, dy, dx, s):
            backward(p, g, x, y, dy, dx, s)

    return Own()


def double(p, x, y, s):
    y[...] = 2 * x


def double_back(p, g, x, y, dy, dx, s):
    dx[...] = 2 * dy


def rescale(p, x, y, s):
    y[...] = p.scale * x


def rescale_back(p, g, x, y, dy, dx, s):
    g.scale[...] = (dy * x).sum(axis=0)
    if dx is not None:
        dx[...] = p.scale * dy


def rescale_back_always(p, g, x, y, dy, dx, s):
    g.scale[...] = (dy * x).sum(axis=0)
    dx[...] = p.scale * dy


def rescale_back_elsewhere(p, g, x, y, dy, dx, s):
    g.scale = (dy * x).sum(axis=0)
    if dx is not None:
        dx[...] = p.scale * dy


def square(p, x, y, s):
    y[...] = x * x


def square_back(p, g, x, y, dy, dx, s):
    dx[...] = 2 * x * dy


SCALE = {"parameters": {"scale": Parameter((4,), Constant(0.5), decay=False)}}
ADVICE = [
    (
        "forward never writes y: fill it, as in y[...] = ...",
        make_layer(lambda p, x, y, s: 2 * x, double_back),
        make_layer(double, double_back),
    ),
    (
        "dx is never written: backward must fill it, as in dx[...] = ...",
        make_layer(double, lambda p, g, x, y, dy, dx, s: 2 * dy),
        make_layer(double, double_back),
    ),
    (
        "draw random numbers from s.rng, and set random=True in its plan",
        make_layer(lambda p, x, y, s: np.add(2 * x, np.random.normal(size=x.shape), out=y), double_back),
        make_layer(lambda p, x, y, s: np.add(2 * x, s.rng.normal(size=x.shape), out=y), double_back, random=True),
    ),
    (
        "return a plan with reads='x'",
        make_layer(square, square_back, reads="", elementwise=True),
        make_layer(square, square_back, reads="x", elementwise=True),
    ),
    (
        "dx is None if the layer is the first: do not compute it then",
        make_layer(rescale, rescale_back_always, **SCALE),
        make_layer(rescale, rescale_back, **SCALE),
    ),
    (
        "g.scale = ... makes a new array, which is ignored; write g.scale[...] = ...",
        make_layer(rescale, rescale_back_elsewhere, **SCALE),
        make_layer(rescale, rescale_back, **SCALE),
    ),
]


@pytest.mark.parametrize(("advice", "wrong", "right"), ADVICE, ids=[advice for advice, _, _ in ADVICE])
def test_following_the_advice_of_a_diagnosis_mends_the_layer(advice, wrong, right):
    first = Dense(4, weight_init=GlorotUniform())
    failed = [one for one in check(twin((first, wrong, Tanh()))) if not one.passed]
    assert advice in failed[0].diagnosis
    assert all(one.passed for one in check(twin((first, right, Tanh()))))


def test_following_the_advice_on_options_without_defaults_lets_a_component_be_checked():
    @dataclass(frozen=True)
    class Needy(Tanh):
        option: int

    with pytest.raises(
        InputError, match=r"layer needy: needs defaults for its options, or a classmethod example\(width\)"
    ):
        make_example(Needy, 4, "layer needy")
    Needy.example = classmethod(lambda cls, width: cls(width))
    assert make_example(Needy, 4, "layer needy").option == 4


def test_each_of_two_wrong_layers_gets_its_own_diagnosis():
    first = HalfDense(4, weight_init=GlorotUniform(), fault="bias forgotten")
    second = HalfDense(4, weight_init=GlorotUniform(), fault="weight negated")
    failed = {one.name: one for one in check(twin((first, Tanh(), second))) if not one.passed}
    assert {name: (one.layer, one.kind) for name, one in failed.items()} == {
        "0.half_dense.bias": ("0.half_dense", "zero"),
        "2.half_dense.weight": ("2.half_dense", "sign"),
    }


@pytest.mark.parametrize("depth", sampled([10, 20, 40]))
def test_a_wrong_sign_among_vanishing_gradients_is_found(depth):
    """Behind twenty sigmoids gradients are about 1e-13, tiny beside a loss of 1, and must still be right."""
    layers = [layer for _ in range(depth) for layer in (Dense(4, weight_init=GlorotUniform()), Sigmoid())]
    broken = HalfDense(4, weight_init=GlorotUniform(), fault="weight negated")
    assert all(one.passed for one in check(twin(layers)))
    failed = [one.name for one in check(twin([broken, *layers])) if not one.passed]
    assert failed == ["0.half_dense.weight"]


def test_a_layer_that_reads_its_running_state_raises_no_false_alarm():
    @dataclass(frozen=True)
    class Centred(Layer):
        def plan(self, shape):
            return Plan(shape, state={"mean": State(shape, 0.5)})

        def forward(self, p, x, y, s):
            y[...] = x - s.mean
            s.mean[...] = 0.9 * s.mean + 0.1 * x.real.mean(axis=0)

        def backward(self, p, g, x, y, dy, dx, s):
            dx[...] = dy

    assert all(one.passed for one in check(twin((Dense(4, weight_init=GlorotUniform()), Centred(), Tanh()))))


def test_a_backward_that_stops_after_training_steps_is_reported():
    @dataclass(frozen=True)
    class StopsLater(Dense):
        def backward(self, p, g, x, y, dy, dx, s):
            if np.abs(p.weight).max() > 5:
                raise ValueError("too large")
            super().backward(p, g, x, y, dy, dx, s)

    (one,) = check(twin((StopsLater(4, weight_init=Constant(4.9)), Tanh())))
    assert (one.passed, one.layer) == (False, "0.stops_later")
    assert "backward stops with ValueError: too large" in one.diagnosis
