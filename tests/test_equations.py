"""Equations: every component declares its own, and every page shows what is declared, whatever docstrings say."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import bptrain
from bptrain import metrics
from bptrain.columns.augmentation import AUGMENTATIONS
from bptrain.equations import Equations, describe, describe_with_numbers, get_equations, insert_numbers
from bptrain.explanation.formats import render_page
from bptrain.explanation.formula_parser import parse_equations
from bptrain.nn import INITIALIZERS, LAYERS, LOSSES
from bptrain.nn.layers import Dense
from bptrain.nn.losses import Focal, Hinge, Mse, SoftmaxCrossEntropy
from bptrain.optim import OPTIMIZERS, SCHEDULES, Adam, Adamw, Clipping, Lion, Regularization, Rmsprop, Sgd

SIDES = {
    LAYERS: ("forward", "backward"),
    LOSSES: ("forward", "backward"),
    INITIALIZERS: ("value",),
    OPTIMIZERS: ("update",),
    SCHEDULES: ("factor",),
    AUGMENTATIONS: ("forward",),
}
DECLARED = [(cls, sides) for family, sides in SIDES.items() for cls in family.members.values()]
DECLARED += [(Regularization, ("forward", "backward")), (Clipping, ("forward",))]


@pytest.mark.parametrize(("cls", "sides"), DECLARED, ids=lambda one: getattr(one, "__name__", None))
def test_every_component_declares_its_equations(cls, sides):
    for equations in (cls.equations, *cls.equations.variants.values()):
        assert tuple(side for side in equations.sides if getattr(equations, side)) == sides
        assert "`" not in equations.to_text()
    assert not any(f"{side.capitalize()}:" in cls.__doc__ for side in cls.equations.sides)


# What forward, backward and update must give, so that explain can carry it out.
RESULTS = {LAYERS: {"forward": "y", "backward": "dx"}, LOSSES: {"forward": "L", "backward": "dz"}}
RESULTS[OPTIMIZERS] = {"update": "θ"}


def test_the_main_equations_can_be_computed():
    for family, sides in RESULTS.items():
        for cls in family.members.values():
            for equations in (cls.equations, *cls.equations.variants.values()):
                for side, name in sides.items():
                    assert name in [one.name for one in parse_equations(getattr(equations, side))], cls


CHOSEN = [
    (Dense(), "forward", "y = x W + b"),
    (Dense(bias=False), "forward", "y = x W"),
    (Dense(bias=False), "backward", "dW = xᵀ dy, dx = dy Wᵀ"),
    (Sgd(), "update", "θ = θ - lr · g"),
    (Sgd(momentum=0.9), "update", "v = momentum · v + g, θ = θ - lr · v"),
    (Sgd(momentum=0.9, nesterov=True), "update", "v = momentum · v + g, θ = θ - lr · (g + momentum · v)"),
    (Adam(amsgrad=True), "update", "m = β₁ m + (1 - β₁) g, v = β₂ v + (1 - β₂) g², u = max(u, v), m̂ = m / (1 - β₁ᵗ), "
     "v̂ = u / (1 - β₂ᵗ), θ = θ - lr · m̂ / (√v̂ + ε)"),
    (Rmsprop(momentum=0.5), "update", "v = ρ v + (1 - ρ) g², d = g / (√v + ε), b = momentum · b + d, θ = θ - lr · b"),
    (Lion(weight_decay=0.1), "update", "θ = θ - lr · weight_decay · θ for weights only, "
     "θ = θ - lr · sign(β₁ m + (1 - β₁) g), m = β₂ m + (1 - β₂) g"),
]  # fmt: skip


@pytest.mark.parametrize(("component", "side", "text"), CHOSEN)
def test_options_choose_the_equations(component, side, text):
    assert describe(component, side) == text


def test_losses_choose_by_options_and_width():
    assert get_equations(Mse(half=True), 2).forward == ("L = Σ (z - t)² / (2 n · width)",)
    assert get_equations(Hinge(), 1) == Hinge.equations
    assert get_equations(Hinge(), 3).forward[0] == "L = Σ e / (n · width)"
    assert "q = onehot(t)" in get_equations(SoftmaxCrossEntropy(), 3).forward
    assert "label_smoothing / width" in get_equations(SoftmaxCrossEntropy(label_smoothing=0.1), 3).forward[1]
    assert get_equations(Focal(alpha=0.25), 1) != get_equations(Focal(), 1)


@pytest.mark.parametrize("amsgrad", [False, True])
def test_adamw_is_weight_decay_and_then_adam(amsgrad):
    first, *rest = get_equations(Adamw(amsgrad=amsgrad)).update
    assert first.startswith("θ = θ - lr · weight_decay · θ")
    assert tuple(rest) == get_equations(Adam(amsgrad=amsgrad)).update


def test_numbers_take_the_place_of_options_by_name_and_by_symbol():
    adam = Adam(beta1=0.8)
    assert insert_numbers("m = β₁ m, beta1 m, β₁ᵗ, βx, v̂ = v / (1 - β₂ᵗ)", adam) == (
        "m = 0.8 m, 0.8 m, 0.8ᵗ, βx, v̂ = v / (1 - 0.999ᵗ)"
    )
    assert insert_numbers("t / T of T epochs", SCHEDULES.members["linear"](), T=9) == "t / 9 of 9 epochs"


def test_two_cases_and_remarks_are_parsed():
    (two,) = parse_equations(["y = x for x > 0, else 2 · x"])
    (one,) = parse_equations(["y = x for weights only"])
    assert (two.name, two.expression.value({"x": -3.0})) == ("y", -6)
    assert (one.name, one.expression.value({"x": -3.0})) == ("y", -3)
    assert parse_equations(["m ~ N(0, 1) for each value", "the search begins at α = lr", "y = x for x >, else 0"]) == ()


def test_a_text_in_place_of_a_tuple_is_an_error():
    with pytest.raises(TypeError, match=r"forward is a tuple of texts, such as \(\"y = x W \+ b\",\) \(got 'y = x'\)"):
        Equations(forward="y = x")


CONFIG = {
    "data": {"source": {"synthetic": {"kind": "plane", "rows": 12}}, "split": {"validation": 0, "test": 0}},
    "network": [{"dense": {"units": 4}}, "leaky_relu", "batch_norm", "dense"],
    "loss": "huber",
    "dtype": "float64",
    "optimizer": {"adamw": {"amsgrad": True}},
    "schedule": {"warmup": {"then": "one_cycle"}},
    "augmentation": ["mixup"],
    "regularization": {"l2": 0.1},
    "training": {"epochs": 6, "batch_size": "full", "clipping": {"norm": 0.1}},
}


def build_pages():
    """Return the pages of a config, and the equations of the manual."""
    Path("c.yaml").write_text(json.dumps(CONFIG))
    explained = render_page(bptrain.explain("c.yaml", step=2), "text")
    summary = bptrain.summarize("c.yaml").to_json()["formulas"]
    verified = bptrain.verify(write_wrong_answers()).to_json()
    families = ("layers", "losses", "optimizers", "schedules", "initializers", "augmentations")
    entries = [one for one in bptrain.reference() if one.family in families]
    manual = {(one.family, one.name): one.text.split("\n\n")[1] for one in entries}
    return explained, summary, verified, manual


def write_wrong_answers():
    """Write a sheet with a slip: the slope of the activation in place of its value."""
    Path("exact.yaml").write_text(json.dumps({**CONFIG, "augmentation": []}))
    z = bptrain.explain("exact.yaml").aliases["z1"].value
    slope = [[1.0 if x > 0 else 0.01 for x in row] for row in z.tolist()]
    Path("answers.yaml").write_text(json.dumps({"config": "exact.yaml", "answers": {"a1": slope}}))
    return Path("answers.yaml")


def test_rewording_a_docstring_changes_nothing_but_the_docstring(monkeypatch):
    before = build_pages()
    assert before[2]["wrong"]["slip"] == "derivative"
    assert "y = x for x > 0, else slope · x" in before[0]
    for cls, _ in DECLARED:
        monkeypatch.setattr(cls, "__doc__", "Forward: `y = 0`. Backward: `dx = 0`. Update: `θ = 0`. Factor: `0`.")
    assert build_pages() == before


def test_the_equations_of_the_guide_are_worked_out(code_is_taken_out):
    guide = Path(bptrain.__file__).parent / "guide" / "extending.md"
    code, equations = re.findall(r"^```python\n(.*?)^```$", guide.read_text(), re.M | re.S)
    code = code.replace("import ACTIVATIONS", "import Equations, ACTIVATIONS")
    Path("mine.py").write_text(code.replace("    beta: ", f"{equations}    beta: "))
    network = [{"dense": {"units": 4}}, {"swish": {"beta": 2}}, "dense"]
    Path("c.yaml").write_text(json.dumps({**CONFIG, "network": network}))
    lines = bptrain.explain("c.yaml", code=["mine.py"]).lines
    assert lines["1.swish.y"].numbers is not None
    assert lines["1.swish.dx"].numbers is not None


OWN = '''from dataclasses import dataclass
from bptrain.nn import ACTIVATIONS, LOSSES, Activation, Loss, Scratch, mean

@ACTIVATIONS.register
@dataclass(frozen=True)
class Cube(Activation):
    """The cube. Forward: `y = x³`. Backward: `dx = 3 x² dy`."""
    def forward(self, p, x, y, s):
        y[...] = x**3
    def backward(self, p, g, x, y, dy, dx, s):
        dx[...] = 3 * x**2 * dy

@LOSSES.register
@dataclass(frozen=True)
class Quartic(Loss):
    """The mean fourth power of the errors.

    It has no upper bound."""
    def plan(self, shape):
        return {"terms": Scratch(shape)}
    def value_and_grad(self, scores, targets, weights, dscores, s):
        s.terms[...] = (scores - targets) ** 4
        dscores[...] = 4 * (scores - targets) ** 3
        return mean(s.terms, dscores, weights)
'''


def test_a_part_that_declares_none_is_explained_by_its_docstring(code_is_taken_out):
    Path("mine.py").write_text(OWN)
    config = {**CONFIG, "network": [{"dense": {"units": 4}}, "cube", "dense"], "loss": "quartic", "augmentation": []}
    Path("c.yaml").write_text(json.dumps(config))
    page = bptrain.explain("c.yaml", code=["mine.py"])
    line = page.lines["1.cube.y"]
    assert (line.numbers, line.words) == (None, "The cube. Forward: y = x³. Backward: dx = 3 x² dy")
    assert page.lines["loss"].words == "The mean fourth power of the errors"
    facts = {fact.name: fact.text for fact in bptrain.summarize("c.yaml", code=["mine.py"]).formulas}
    assert facts["loss"].startswith("quartic: The mean fourth power of the errors; the mean over")
    assert bptrain.check_gradients("c.yaml", code=["mine.py"]).passed
    assert "Forward: `y = x³`" in bptrain.reference("activations", "cube", code=["mine.py"])[0].text


def test_numbers_are_not_put_into_the_words_of_a_docstring():
    @dataclass(frozen=True)
    class Late:
        """Half the rate after some epochs."""

        after: int = 3

    assert describe_with_numbers(Late(), "factor") == "Half the rate after some epochs"


def test_functions_of_metrics_keep_the_names_that_files_of_code_import():
    assert metrics.predicted_codes is metrics.predict_codes
    assert metrics.all_metrics is metrics.list_metrics
    assert metrics.default_metrics is metrics.list_default_metrics
