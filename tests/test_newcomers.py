"""New components: what is registered here, and named nowhere else, is checked, trained and shown like ours."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import pytest

import bptrain
from bptrain.gradcheck.components import ComponentChecker
from bptrain.metrics import METRICS, Metric
from bptrain.nn import (
    ACTIVATIONS,
    INITIALIZERS,
    LAYERS,
    LOSSES,
    Activation,
    Equations,
    Loss,
    Parameter,
    Plan,
    Scratch,
    mean,
)  # fmt: skip
from bptrain.optim import OPTIMIZERS, SCHEDULES, Optimizer, Schedule

IRIS = "data: {source: {bundled: iris}}\ntraining: {epochs: 3}\n"


@dataclass(frozen=True)
class Project:
    """A weighted sum without a bias. Shapes: any."""

    equations: ClassVar[Equations] = Equations(forward=("y = x W",), backward=("dW = xᵀ dy", "dx = dy Wᵀ"))
    units: Annotated[int, "outputs"] = 3

    def plan(self, shape):
        return Plan((self.units,), {"weight": Parameter((*shape, self.units))}, reads="x", linear=True)

    def forward(self, p, x, y, s):
        x.dot(p.weight, out=y)

    def backward(self, p, g, x, y, dy, dx, s):
        x.T.dot(dy, out=g.weight)
        if dx is not None:
            dy.dot(p.weight.T, out=dx)


@dataclass(frozen=True)
class Forget:
    """Drops values as dropout does, without scaling. Shapes: any."""

    equations: ClassVar[Equations] = Equations(forward=("y = x · m",), backward=("dx = dy · m",))
    rate: Annotated[float, "share of values set to zero"] = 0.5

    def plan(self, shape):
        scratch = {"uniform": Scratch(shape, "float32"), "mask": Scratch(shape)}
        return Plan(shape, scratch=scratch, random=True, reads="", identity=True, drops=self.rate)

    def forward(self, p, x, y, s):
        s.mask[...] = 1
        if s.training:
            s.rng.random(out=s.uniform, dtype=np.float32)
            np.greater_equal(s.uniform, self.rate, out=s.mask)
        np.multiply(x, s.mask, out=y)

    def backward(self, p, g, x, y, dy, dx, s):
        np.multiply(dy, s.mask, out=dx)


@dataclass(frozen=True)
class Center:
    """Takes the mean of each row away. Shapes: any."""

    equations: ClassVar[Equations] = Equations(forward=("y = x - mean(x)",), backward=("dx = dy - mean(dy)",))

    def plan(self, shape):
        return Plan(shape, reads="", normalizes="units")

    def forward(self, p, x, y, s):
        np.subtract(x, x.mean(axis=1, keepdims=True), out=y)

    def backward(self, p, g, x, y, dy, dx, s):
        np.subtract(dy, dy.mean(axis=1, keepdims=True), out=dx)


@dataclass(frozen=True)
class Cube(Activation):
    """The third power. Shapes: any."""

    equations: ClassVar[Equations] = Equations(forward=("y = x^3",), backward=("dx = dy · 3 x²",))
    most_in_a_row: ClassVar[int | None] = 1

    @property
    def bounds(self):
        return (-7.0, 7.0)

    def forward(self, p, x, y, s):
        np.power(x, 3, out=y)

    def backward(self, p, g, x, y, dy, dx, s):
        np.multiply(dy, 3 * x * x, out=dx)


@dataclass(frozen=True)
class Halves:
    """A half everywhere. Shapes: any."""

    equations: ClassVar[Equations] = Equations(value=("w = 0.5",))
    alike: ClassVar[bool] = True

    def fill(self, out, rng):
        out[...] = 0.5


@dataclass(frozen=True)
class Quartic(Loss):
    """The fourth power of the error. Shapes: any."""

    equations: ClassVar[Equations] = Equations(
        forward=("L = Σ (z - t)^4 / (n · width)",), backward=("dz = 4 (z - t)^3 / (n · width)",)
    )

    def widths(self, classes: int | None, columns: int) -> tuple[int, ...]:
        return (columns if classes is None else classes,)

    def plan(self, shape):
        return {"terms": Scratch(shape)}

    def value_and_grad(self, scores, targets, weights, dscores, s):
        np.subtract(scores, targets, out=dscores)
        np.power(dscores, 4, out=s.terms)
        dscores[...] = 4 * dscores**3
        return mean(s.terms, dscores, weights)


@dataclass(frozen=True)
class Signed(Optimizer):
    """Steps of the same length. Shapes: any."""

    equations: ClassVar[Equations] = Equations(update=("θ = θ - lr · sign(g)",))
    lr: float = 0.01

    usual_lr: ClassVar[tuple[float, float]] = (1e-3, 1e-2)

    def update(self, theta, grad, slots, *, lr, step, decayed):
        theta -= lr * np.sign(grad)


@dataclass(frozen=True)
class Late(Schedule):
    """Half the rate after some epochs."""

    equations: ClassVar[Equations] = Equations(factor=("1 for t < after, else 1 / 2",))
    after: Annotated[int, "epochs until the drop"] = 10

    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        return 1.0 if epoch < self.after else 0.5

    def first_change(self) -> tuple[str, int]:
        return "after", self.after


@dataclass(frozen=True)
class Lead(Schedule):
    """A rate of a tenth, then another schedule."""

    equations: ClassVar[Equations] = Equations(factor=("0.1 for t < epochs",))
    epochs: Annotated[float, "epochs until then"] = 1.0
    then: Annotated[Schedule, SCHEDULES, "what follows"] = Late()

    @property
    def following(self):
        return self.epochs, self.then

    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        return 0.1 if epoch < self.epochs else self.then.factor(epoch - self.epochs, epochs - self.epochs, memory)


@dataclass(frozen=True)
class Misses(Metric):
    """The share of wrong rows. Value: `Σ [argmax(y) ≠ t] / n`. Shapes: any."""

    kinds: ClassVar[tuple[str, ...]] = ("classes",)
    perfect: ClassVar[float | None] = 0.0
    usual: ClassVar[bool] = True

    def tally(self, outputs, targets):
        return np.array([np.sum(outputs.argmax(axis=1) != targets), len(targets)], np.float64)

    def finish(self, sums: Sequence[float]) -> float | None:
        return float(sums[0] / sums[1]) if sums[1] else None


COMPONENTS = (
    (LAYERS, (Project, Forget, Center)),
    (ACTIVATIONS, (Cube,)),
    (INITIALIZERS, (Halves,)),
    (LOSSES, (Quartic,)),
    (OPTIMIZERS, (Signed,)),
    (SCHEDULES, (Late, Lead)),
    (METRICS, (Misses,)),
)


@pytest.fixture(autouse=True)
def register_components():
    """Register all of them, and withdraw them afterwards."""
    for family, classes in COMPONENTS:
        for cls in classes:
            family.register(cls)
    yield
    for family, classes in COMPONENTS:
        for cls in classes:
            family.withdraw(cls.__name__.lower())


def write(text):
    Path("c.yaml").write_text(IRIS + text)
    return "c.yaml"


# The code that a rule reports, and its field.
PROBLEMS = [
    ("network: [project: 8, project: 4, relu, dense]", "BP202", "network.1"),
    ("network: [project: 8, forget, dense]", "BP202", "network.2"),
    ("network: [cube, dense]", "BP203", "network.0"),
    ("network: [project: 8, relu, cube, dense]", "BP203", "network.2"),
    ("network: [project: 8, forget, batch_norm, relu, dense]", "BP204", "network.1"),
    ("network: [project: 8, relu, forget: 0.9, dense]", "BP205", "network.2.forget.rate"),
    ("network: [dense: {units: 8, weight_init: halves}, tanh, project: 3]", "BP206", "network.0.dense.weight_init"),
    ("network: [dense: 8, cube, dense: 8, cube, dense]", "BP207", "network.1"),
    ("network: [dense: 8, cube, project: 3, cube]", "BP103", "network.3"),
    ("network: [dense: 8, relu, dense, forget]", "BP105", "network.3"),
    ("network: [dense: 8, relu, dense, center]", "BP201", "network.3"),
    ("network: [dense: 8, relu, dense: 1, center, dense]", "BP106", "network.3"),
    ("hidden: [8]\noptimizer: {signed: {lr: 1}}", "BP240", "optimizer.signed.lr"),
    ("hidden: [8]\nschedule: {late: {after: 5}}", "BP243", "schedule.late.after"),
    ("hidden: [8]\nschedule: {lead: {epochs: 1, then: {late: {after: 9}}}}", "BP243", "schedule.lead.then.late.after"),
]


@pytest.mark.parametrize(("text", "code", "field"), PROBLEMS, ids=[f"{code} {text[:40]}" for text, code, _ in PROBLEMS])
def test_rules_check_a_new_component_by_its_own_properties(text, code, field):
    found = bptrain.validate([write(text)])
    assert (code, field) in [(one.code, one.field) for one in (*found.problems, *found.warnings)]


def test_a_new_component_without_such_properties_has_no_problem():
    @dataclass(frozen=True)
    class Quiet:
        """Twice the input."""

        def plan(self, shape):
            return Plan(shape)

        def forward(self, p, x, y, s):
            np.multiply(x, 2, out=y)

        def backward(self, p, g, x, y, dy, dx, s):
            np.multiply(dy, 2, out=dx)

    LAYERS.register(Quiet)
    try:
        found = bptrain.validate([write("network: [dense: 8, quiet, dense: 8, quiet, relu, dense]")])
        assert not found.problems
        assert not found.warnings
    finally:
        LAYERS.withdraw("quiet")


@pytest.mark.parametrize("cls", [Project, Forget, Center, Cube, Quartic], ids=lambda cls: cls.__name__)
def test_the_gradient_check_tries_a_new_component_alone(cls):
    checks = list(ComponentChecker("complex", "auto").check_classes([cls]))
    assert checks
    assert all(one.passed for one in checks), checks


WHOLE = """network:
  - project: 8
  - cube
  - center
  - forget: 0.1
  - dense: {units: 6, weight_init: glorot_normal}
  - tanh
  - project: 3
loss: quartic
optimizer: {signed: {lr: 0.002}}
schedule: {lead: {epochs: 1, then: {late: {after: 1}}}}
"""


def test_new_components_are_trained_shown_and_explained():
    path = write(WHOLE)
    result = bptrain.train(path, run="here")
    assert result.epochs == 3
    record = json.loads(Path("here/history.jsonl").read_text().splitlines()[-1])
    assert 0 <= record["validation_misses"] <= 1
    shown = bptrain.show(path)
    assert all(name in str(shown) for name in ("project", "signed", "quartic", "lead"))
    summary = bptrain.summarize(path)
    assert summary.totals.parameters == 4 * 8 + (8 + 1) * 6 + 6 * 3
    assert "then late" in json.dumps(summary.to_json())
    page = bptrain.explain(path)
    assert {"z1", "a1", "delta1", "W1", "W2", "b2", "W3", "loss"} <= page.aliases.keys()
    assert page.lines["0.project.y"].numbers is not None
    assert bptrain.check_gradients(path).passed


def test_new_components_are_in_a_report():
    pytest.importorskip("matplotlib")
    bptrain.train(write(WHOLE), run="here")
    assert "forget" in Path(bptrain.write_report("here", "here.html")).read_text()


def test_a_metric_decides_itself_when_it_is_usual(monkeypatch):
    run = bptrain.train(write("hidden: [8]"), run="here").run
    assert "misses" in bptrain.evaluate(run).metrics
    monkeypatch.setattr(Misses, "tells_apart", lambda self, classes: classes > 3)
    monkeypatch.setattr(Misses, "usual", False)
    assert "misses" not in bptrain.evaluate(bptrain.train(write("hidden: [8]"), run="there").run).metrics


@pytest.mark.slow
def test_the_report_draws_the_weights_of_a_new_layer():
    pytest.importorskip("matplotlib")
    Path("c.yaml").write_text("data: {source: {bundled: digits}}\nnetwork: [project: 10]\ntraining: {epochs: 1}\n")
    bptrain.train("c.yaml", run="here")
    assert "Weights into unit 9 of the first layer" in Path(bptrain.write_report("here", "here.html")).read_text()
