"""Worked examples: for every registered component, the numbers are those of training and the formulas give them; pages
fit the width they are printed in."""

import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from speeds import sampled

import bptrain
from bptrain.explanation.expressions import Number
from bptrain.explanation.formats import render_page
from bptrain.explanation.formula_parser import FormulaError, parse, parse_equations
from bptrain.explanation.notation import format_number
from bptrain.nn import LAYERS, LOSSES
from bptrain.optim import OPTIMIZERS, SCHEDULES

TEXTBOOK = Path(__file__).parents[1] / "configs" / "textbook"
ALL_ROWS = {"validation": 0, "test": 0}
PLANE = {"source": {"synthetic": {"kind": "plane", "rows": 12}}, "split": ALL_ROWS}
BLOBS = {"source": {"synthetic": {"kind": "blobs", "rows": 12}}, "split": ALL_ROWS}
MOONS = {"source": {"synthetic": {"kind": "moons", "rows": 12}}, "split": ALL_ROWS}
COUNTS = {
    "source": {"inline": {"columns": ["a", "y"], "rows": [[1, 0], [2, 1], [3, 1], [4, 3], [0.5, 1]]}},
    "task": "regression",
    "split": ALL_ROWS,
}
SHARES = {
    "source": {"inline": {"columns": ["a", "y", "z"], "rows": [[1, 0.25, 0.75], [2, 0.5, 0.5], [3, 0.125, 0.875]]}},
    "target": ["y", "z"],
    "split": ALL_ROWS,
}
DATA = {"poisson": COUNTS, "kl_divergence": SHARES, "binary_cross_entropy": MOONS, "focal": MOONS, "hinge": BLOBS}
DATA["softmax_cross_entropy"] = BLOBS

OPTIONS = {
    "dense": {"units": 4, "bias": False},
    "residual": {"layers": [{"dense": {"units": 5}}, "tanh", {"dense": {"units": 4}}]},
    "multi_step": {"milestones": [1, 2]},
}


def build_config(**parts):
    """A small network with such parts."""
    layer = parts.pop("layer", "tanh")
    training = {"epochs": 6, "batch_size": "full", **parts.pop("training", {})}
    network = [{"dense": {"units": 4}}, layer, "dense"]
    return {"data": PLANE, "network": network, "loss": "mse", "dtype": "float64", "training": training, **parts}


def build_component(name, **options):
    return {name: {**OPTIONS.get(name, {}), **options}}


CASES = {
    **{f"layer {name}": build_config(layer=build_component(name)) for name in LAYERS},
    **{f"loss {name}": build_config(loss=name, data=DATA.get(name, PLANE)) for name in LOSSES},
    **{f"optimizer {name}": build_config(optimizer=name) for name in OPTIMIZERS},
    **{f"schedule {name}": build_config(schedule=build_component(name)) for name in SCHEDULES},
    "half mse": build_config(loss={"mse": {"half": True}}),
    "mse on classes": build_config(data=BLOBS),
    "focal with alpha": build_config(loss={"focal": {"alpha": 0.25}}, data=MOONS),
    "hinge on two classes": build_config(loss="hinge", data=MOONS),
    "label smoothing": build_config(loss={"softmax_cross_entropy": {"label_smoothing": 0.1}}, data=BLOBS),
    "positive weight": build_config(loss={"binary_cross_entropy": {"positive_weight": 3}}, data=MOONS),
    "momentum": build_config(optimizer={"sgd": {"momentum": 0.9}}),
    "dampening": build_config(optimizer={"sgd": {"momentum": 0.9, "dampening": 0.1}}),
    "nesterov": build_config(optimizer={"sgd": {"momentum": 0.9, "nesterov": True}}),
    "amsgrad": build_config(optimizer={"adam": {"amsgrad": True}}),
    "adamw amsgrad": build_config(optimizer={"adamw": {"amsgrad": True}}),
    "centered": build_config(optimizer={"rmsprop": {"centered": True, "momentum": 0.5}}),
    "lion with decay": build_config(optimizer={"lion": {"weight_decay": 0.1}}),
    "l1": build_config(regularization={"l1": 0.1}),
    "l2": build_config(regularization={"l2": 0.1}),
    "l1 and l2 of a layer": build_config(
        layer=build_component("dense", l1=0.1), regularization={"l1": 0.02, "l2": 0.1}
    ),
    "max_norm": build_config(regularization={"max_norm": 0.2}),
    "clipping": build_config(training={"clipping": {"value": 0.1, "norm": 0.1}}),
    "augmented": build_config(augmentation=[{"gaussian_noise": {"std": 0.2}}]),
    "mixed": build_config(augmentation=[{"mixup": {"alpha": 0.5}}]),
    "batches": build_config(training={"batch_size": 5, "average": 0.9}),
    "accumulated": build_config(training={"batch_size": 3, "accumulate": 2}),
}


def save(document):
    path = Path("c.yaml")
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


class Spy:
    """Records what the kernels compute while training runs, by patching their classes."""

    def __init__(self, monkeypatch):
        self.steps = [[]]
        for cls in LAYERS.members.values():
            for name in ("forward", "backward"):
                monkeypatch.setattr(cls, name, self.spy_on(getattr(cls, name), name))
        for cls in OPTIMIZERS.members.values():
            if "update" in vars(cls):
                monkeypatch.setattr(cls, "update", self.spy_on_update(cls.update))
        self.inside = 0

    def spy_on(self, real, name):
        def forward(layer, p, x, y, s):
            real(layer, p, x, y, s)
            if s.training:
                self.steps[-1].append(("y", y.copy()))

        def backward(layer, p, g, x, y, dy, dx, s):
            real(layer, p, g, x, y, dy, dx, s)
            if s.training:
                found = {f"{key}.gradient": value.copy() for key, value in vars(g).items()}
                self.steps[-1].append(("dx", None if dx is None else dx.copy(), found))

        return forward if name == "forward" else backward

    def spy_on_update(self, real):
        def update(optimizer, theta, grad, slots, *, lr, step, decayed):
            # Adamw calls Adam's.
            self.inside += 1
            before, given = theta.copy(), grad.copy()
            real(optimizer, theta, grad, slots, lr=lr, step=step, decayed=decayed)
            self.inside -= 1
            if not self.inside:
                self.steps[-1].append(("update", before, given, theta.copy(), lr))
                self.steps.append([])

        return update


@pytest.mark.parametrize("name", sampled(CASES, every=3))
def test_every_number_equals_training_bit_for_bit(name, monkeypatch):
    """Bit for bit, against what passed through the kernels in a training of its own."""
    step, path = 3, save(CASES[name])
    page = bptrain.explain(path, step=step)
    with monkeypatch.context() as patch:
        spy = Spy(patch)
        result = bptrain.train(path, [f"training.max_steps={step}"])
    lines = list(page.lines.values())
    network = result.session.model.network
    if "average" not in CASES[name]["training"]:
        news = {line.name: line for line in lines}
        for entry, array in network.parameters().items():
            line = news.get(f"{entry}.constrained", news[f"{entry}.new"])
            np.testing.assert_array_equal(line.value, array)
    # Those of L-BFGS run several times a step.
    if name != "optimizer lbfgs":
        check_kernels(spy.steps[step - 1], lines, network)


def check_kernels(seen, lines, network):
    """The page shows each array that the kernels were seen to write in a step."""
    forward = [one[1] for one in seen if one[0] == "y"]
    shown = [line.value for line in lines if line.name.endswith(".y")]
    assert len(forward) == len(shown) > 2
    for real, line in zip(forward, shown, strict=True):
        np.testing.assert_array_equal(line, real)
    shown = [line.value for line in lines if line.name.endswith(".dx")]
    handed_on = [one[1] for one in seen if one[0] == "dx" and one[1] is not None]
    assert len(shown) == len(handed_on) >= 2
    # Those inside a block come back before their block in the kernels, and after it on the page.
    key = lambda array: (array.shape, array.tobytes())  # noqa: E731
    assert sorted(map(key, shown)) == sorted(map(key, handed_on))
    gradients = sorted(key(one) for call in seen if call[0] == "dx" for one in call[2].values())
    assert sorted(key(line.value) for line in lines if line.name.endswith(".gradient")) == gradients
    _, before, given, after, lr = seen[-1]
    by_name = {line.name: line.value for line in lines}
    assert by_name["lr"] == lr
    for entry, array in network.view_parameters(after).items():
        np.testing.assert_array_equal(by_name[f"{entry}.new"], array)
    for entry, array in network.view_parameters(before).items():
        np.testing.assert_array_equal(by_name.get(entry, by_name.get(f"batch1.{entry}")), array)
    last = [one for one in ("clipped", "penalised", "gathered") if any(key.endswith(one) for key in by_name)]
    for entry, array in network.view_parameters(given).items():
        for kind in last:
            if f"{entry}.{kind}" in by_name:
                np.testing.assert_array_equal(by_name[f"{entry}.{kind}"], array)
                break


def translate_to_python(formula):
    """A formula with numbers as an expression that Python computes by itself."""
    for sign, python in (("·", "*"), ("²", "**2"), ("³", "**3"), ("^", "**"), ("ln(", "log("), ("√", "sqrt ")):
        formula = formula.replace(sign, python)
    formula = re.sub(r"sqrt (\d[\d.e+-]*(?:\*\*2)?)", r"sqrt(\1)", formula).replace("sqrt (", "sqrt(")
    formula = re.sub(r"\|([^|]*)\|", r"abs(\1)", formula)
    return re.sub(r"\[([^\]]*)\]", r"float(\1)", formula)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


PYTHON = {
    **{name: getattr(math, name) for name in ("exp", "log", "cos", "tanh", "cosh", "sinh", "sqrt", "floor")},
    "π": math.pi,
    "abs": abs,
    "float": float,
    "max": max,
    "min": min,
    "sign": lambda x: (x > 0) - (x < 0),
    "sigmoid": sigmoid,
    "σ": sigmoid,
    "softmax": float,
    "mean": float,
    "__builtins__": {},
}


def is_scattered(line):
    """Whether a gradient is put together from those of the embedded numbers, which lie at places of their own."""
    return line.name.endswith("periodic.dx")


def is_mixed(name, line):
    """Whether a loss is that of two targets, which a note says."""
    return name == "mixed" and line.name in ("loss", "dscores")


@pytest.mark.parametrize("name", sampled(CASES, every=3))
def test_every_formula_with_numbers_gives_its_result_in_python(name):
    page = bptrain.explain(save(CASES[name]), step=2, digits=17)
    computed = 0
    for line in page.lines.values():
        if line.formula is not None and not isinstance(line.formula, Number):
            is_known = line.numbers is not None or is_mixed(name, line) or is_scattered(line)
            assert is_known, f"{line.name}: the formula does not give what training had"
        if line.numbers is None or "…" in line.numbers.to_text():
            continue
        value = eval(translate_to_python(line.numbers.to_text()), dict(PYTHON))
        assert value == pytest.approx(line.entry, rel=1e-8, abs=1e-14), (line.name, line.numbers.to_text())
        computed += 1
    assert computed >= 10


NOT_COMPUTED = {"h", "lr", "m", "p", "t", "x", "z", "L", "L + P", "|g|", "w̄", "e", "f", "d"}


@pytest.mark.parametrize("name", sampled(CASES, every=3))
def test_every_computed_quantity_has_a_formula(name):
    page = bptrain.explain(save(CASES[name]), step=2)
    json.dumps(page.to_json(), allow_nan=False)
    without = [
        line.symbol for line in page.lines.values() if line.formula is None and not line.words.startswith("before")
    ]
    allowed = NOT_COMPUTED | ({"g"} if name in ("accumulated", "clipping") else set())
    allowed |= {"θ"} if name == "max_norm" else set()
    allowed |= {"share", "t₂"} if name == "mixed" else set()
    allowed |= {"P"} if name == "l1 and l2 of a layer" else set()
    allowed |= {"π"} if name == "layer periodic" else set()
    assert set(without) <= allowed


def test_gradients_with_penalty_and_clipped_ones_name_their_parameter():
    page = bptrain.explain(save(build_config(regularization={"l2": 0.1}, training={"clipping": {"norm": 0.1}})))
    for kind in ("text", "markdown", "latex"):
        shown = render_page(page, kind)
        # In Markdown and LaTeX the dot or what is around it may be escaped.
        assert len(re.findall(r"of 0\\?\.dense\\?\.weight", shown)) == 2


def test_the_textbook_example_is_right():
    page = bptrain.explain(TEXTBOOK / "two_three_one.yaml")
    named = page.aliases
    assert named["z1"].value.tolist() == [[5, 11, 17]]
    assert named["a1"].value[0] == pytest.approx([0.9933071490757153, 0.999983298578152, 0.9999999586006244], rel=1e-14)
    assert float(named["loss"].value) == pytest.approx(2.0049816371822224, rel=1e-14)
    y = 0.997510730524519
    assert named["delta2"].value[0, 0] == pytest.approx((y - 3) * y * (1 - y), rel=1e-12)
    assert named["W2"].value[0, 0] == pytest.approx(1 - 0.1 * named["dW2"].value[0, 0], rel=1e-15)
    assert named["new_loss"].value < named["loss"].value
    shown = render_page(page, "text")
    assert "0.993307  0.999983  0.99999996" in shown
    assert re.search(r"^ +1\.000003 ", shown, re.MULTILINE)


def test_a_step_in_the_middle_of_an_epoch_is_replayed_exactly():
    training = {"batch_size": 5, "epochs": 30}
    path = save({**build_config(layer={"dropout": {"rate": 0.3}}, training=training), "dtype": "float32"})
    page = bptrain.explain(path, step=37)
    result = bptrain.train(path, ["training.max_steps=37"])
    assert result.steps == 37
    for name, array in result.session.model.network.parameters().items():
        np.testing.assert_array_equal(page.lines[f"{name}.new"].value, array)


def test_after_divergence_the_repeated_step_is_shown():
    """The rate is far too large; training halves it, and comes to the step again."""
    document = build_config(
        optimizer={"sgd": {"lr": 100}}, training={"batch_size": 1, "on_divergence": "restore_and_halve"}
    )
    document["network"] = [{"dense": {"units": 4}}, "dense"]
    path, step = save(document), 9
    page = bptrain.explain(path, step=step)
    result = bptrain.train(path, [f"training.max_steps={step}"])
    assert result.session.halvings > 0
    assert page.lines["lr"].value == result.session.lr
    assert len(page.lines["input"].value) == 1
    for name, array in result.session.model.network.parameters().items():
        np.testing.assert_array_equal(page.lines[f"{name}.new"].value, array)


def test_chosen_rows_are_the_batch():
    page = bptrain.explain(save(build_config()), rows=[3, 7])
    rng = np.random.default_rng(0)
    x1, x2 = rng.uniform(-1, 1, (2, 12))
    table = np.stack([x1, x2], axis=1)
    expected = (table - table.mean(axis=0)) / table.std(axis=0)
    assert page.rows == (3, 7)
    assert page.lines["input"].value == pytest.approx(expected[[2, 6]])


def test_mixed_rows_are_shown_with_a_note():
    page = bptrain.explain(save(CASES["mixed"]), step=2)
    z, t, other = (page.lines[name].value for name in ("scores", "target", "other_target"))
    share = float(page.lines["share"].value)
    assert 0 < share < 1
    assert sorted(other.ravel()) == sorted(t.ravel())
    mixed = share * ((z - t) ** 2).mean() + (1 - share) * ((z - other) ** 2).mean()
    assert float(page.lines["loss"].value) == pytest.approx(mixed, rel=1e-12)
    assert float(page.lines["new_loss"].value) == pytest.approx(mixed, rel=0.05)
    assert any("share" in note for note in page.notes)


def test_weighted_rows_are_shown_with_a_note():
    rows = [[1, 2, 0], [2, 1, 1], [3, 5, 1], [4, 1, 0]]
    data = {"source": {"inline": {"columns": ["a", "weight", "y"], "rows": rows}}, "sample_weight": "weight"}
    page = bptrain.explain(save(build_config(data={**data, "split": ALL_ROWS, "task": "regression"})))
    assert page.lines["row_weight"].value.tolist() == [2, 1, 5, 1]
    assert "weight" in page.notes[0]
    assert page.lines["loss"].numbers is None


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("name", ["iris", "digits", "textbook/vanishing", "textbook/exploding"])
def test_a_page_fits_the_width(name, width, repository):
    from bptrain.explanation.formats.plain_text import to_text

    page = bptrain.explain(repository / "configs" / f"{name}.yaml", rows=[2, 5, 11])
    for full in (False, True) if name == "iris" else (False,):
        lines = to_text(page, width=width, full=full).splitlines()
        assert width - 10 < max(map(len, lines)) <= width
    assert max(map(len, to_text(page, width=width, digits=17).splitlines())) <= width


def test_full_shows_every_number(repository):
    page = bptrain.explain(repository / "configs" / "iris.yaml", rows=[1, 2, 3, 4, 5, 6, 7])
    shown = render_page(page, "text", digits=17, full=True)
    for name in ("0.dense.weight.new", "0.dense.weight.gradient", "1.tanh.y"):
        for value in page.lines[name].value.ravel():
            assert format_number(float(value), 17) in shown
    short = render_page(page, "text", digits=17)
    assert len(short) < len(shown) / 2
    assert "…" in short


def test_markdown_contains_every_line_and_no_html(repository):
    from markdown_it import MarkdownIt

    name = "a_b*c<b>"
    page = bptrain.explain(save({**CASES["layer residual"], "name": name}))
    tokens = MarkdownIt("commonmark").parse(render_page(page, "markdown"))
    headings = [tokens[k + 1] for k, token in enumerate(tokens) if token.type == "heading_open"]
    shown = ["".join(child.content for child in token.children) for token in headings]
    assert shown[0].startswith(f"{name}: step 1")
    assert shown[1:] == [section.title for section in page.sections]
    assert not [token for token in tokens if token.type == "html_block"]
    inline = [child.type for token in tokens for child in token.children or ()]
    assert "html_inline" not in inline
    assert "em_open" not in inline
    fences = [token for token in tokens if token.type == "fence"]
    assert len(fences) == len(page.lines)
    assert "1.residual.0.dense.y" in page.lines


@pytest.mark.parametrize(
    "name", ["layer residual", "layer elu", "layer gelu_tanh", "loss softmax_cross_entropy", "optimizer nadam"]
)
def test_latex_is_balanced(name):
    document = render_page(bptrain.explain(save({**CASES[name], "name": "50%_{of} $x$ \\ & #1 ~^ ö"})), "latex")
    assert document.isascii()
    bare = re.sub(r"\\[\\{}$&#%_]", "", document)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert not set("#%~") & set(bare)
    depth = 0
    for brace in re.findall(r"[{}]", bare):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    stack = []
    for word, environment in re.findall(r"\\(begin|end)\{(\w+)\}", document):
        if word == "begin":
            stack.append(environment)
        else:
            assert stack.pop() == environment
    assert not stack
    assert document.count(r"\left") == document.count(r"\right")
    assert document.count(r"\[") == document.count(r"\]") > 0


ENGINES = ("tectonic", "pdflatex", "lualatex", "xelatex")


@pytest.mark.parametrize("name", ["layer residual", "layer elu", "loss softmax_cross_entropy", "optimizer nadam"])
def test_latex_compiles(name, tmp_path):
    engine = next((one for one in ENGINES if shutil.which(one)), None)
    if engine is None:
        pytest.skip(f"no LaTeX engine here ({', '.join(ENGINES)})")
    (tmp_path / "page.tex").write_text(render_page(bptrain.explain(save(CASES[name])), "latex"))
    options = [] if engine == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run([engine, *options, "page.tex"], cwd=tmp_path, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "page.pdf").stat().st_size > 1000


def test_a_custom_component_is_explained(code_is_taken_out):
    Path("mine.py").write_text(
        "from dataclasses import dataclass\nimport numpy as np\n"
        "from bptrain.nn import ACTIVATIONS, Activation, Equations\n"
        "@ACTIVATIONS.register\n@dataclass(frozen=True)\nclass Cube(Activation):\n"
        '    """The cube."""\n    equations = Equations(forward=("y = x³",), backward=("dx = 3 x² dy",))\n'
        "    def forward(self, p, x, y, s):\n        y[...] = x**3\n"
        "    def backward(self, p, g, x, y, dy, dx, s):\n        dx[...] = 2 * x**2 * dy\n"
    )
    page = bptrain.explain(save(build_config(layer="cube")), code=["mine.py"])
    assert page.lines["1.cube.y"].numbers is not None
    assert page.lines["1.cube.dx"].numbers is None, "the formula does not give what the wrong code computes"
    assert render_page(page, "text").count("dx = 3 x² dy") == 1


def test_a_custom_layer_names_its_own_symbols(code_is_taken_out):
    Path("mine.py").write_text(
        "from dataclasses import dataclass\nfrom bptrain.nn import LAYERS, Equations, Parameter, Plan\n"
        "@LAYERS.register\n@dataclass(frozen=True)\nclass Mixing:\n"
        '    """A product with U."""\n'
        '    equations = Equations(forward=("y = s x U",), backward=("dU = s (xᵀ dy)", "dx = s dy Uᵀ"))\n'
        "    strength: float = 2.0\n    symbols = {'strength': 's'}\n"
        "    def plan(self, shape):\n"
        "        return Plan(shape, {'mixture': Parameter((*shape, *shape), symbol='U')}, linear=True)\n"
        "    def forward(self, p, x, y, s):\n        y[...] = self.strength * x @ p.mixture\n"
        "    def backward(self, p, g, x, y, dy, dx, s):\n"
        "        g.mixture[...] = self.strength * x.T @ dy\n        dx[...] = self.strength * dy @ p.mixture.T\n"
    )
    page = bptrain.explain(save(build_config(layer="mixing")), code=["mine.py"])
    lines = [page.lines[f"1.mixing.{name}"] for name in ("mixture", "mixture.gradient", "y", "dx")]
    assert [line.symbol for line in lines] == ["U", "dU", "y", "dx"]
    assert [line.numbers is not None for line in lines] == [False, True, True, True]
    assert page.aliases["dU2"] is page.lines["1.mixing.mixture.gradient"]


REFUSED = [
    (["--row", "13"], "error: --row: there is no row 13 (the data has rows 1 to 12); choose another"),
    (["--row", "0"], "error: --row: there is no row 0 (the data has rows 1 to 12); choose another"),
    (["--rows", "1,one"], "error: --row: expected row numbers from 1, such as 3 or 3,7 (got '1,one')"),
    (["--rows", "2,2"], "error: --row: names row 2 twice; name it once"),
    (["--step", "7"], "error: there is no step 7: training ends with step 6; choose a step up to that"),
    (["--step", "0"], "error: --step: steps count from 1 (got 0)"),
    (
        ["--step", "2", "--row", "1"],
        "error: --step explains a step of training, --row and --rows rows of your choice; give only one of them",
    ),
    (["--digits", "18"], "error: --digits: expected a number from 1 to 17 (got 18)"),
    (["-o", "there.md"], "error: there.md: exists already and is not overwritten; choose another path"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_impossible_requests_are_errors_of_one_line(bptrain_in, arguments, message):
    save(build_config())
    Path("there.md").write_text("mine")
    done = bptrain_in("explain", "c.yaml", "--format", "markdown", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1
    assert Path("there.md").read_text() == "mine"


def test_one_row_is_too_few_for_batch_norm():
    with pytest.raises(bptrain.errors.InputError, match="batch_norm needs at least 2 rows"):
        bptrain.explain(save(build_config(layer="batch_norm")), rows=[1])


def test_json_is_one_object_with_all_numbers(bptrain_in):
    save(build_config())
    found = json.loads(bptrain_in("explain", "c.yaml", "--row", "5", "--format", "json").stdout)
    lines = {line["name"]: line for section in found["sections"] for line in section["lines"]}
    assert found["rows"] == [5]
    assert lines["0.dense.y"]["alias"] == "z1"
    assert np.shape(lines["0.dense.weight.new"]["value"]) == tuple(lines["0.dense.weight.new"]["shape"]) == (2, 4)


BAD = ["", "x +", "(x", "x)", "|x", "[x]", "x ^", "1 2 §", "x ᵀ ᵀ +", "max(x,"]


@pytest.mark.parametrize("formula", BAD)
def test_a_text_that_is_not_a_formula_is_an_error(formula):
    with pytest.raises(FormulaError):
        parse(formula)
    assert parse_equations([f"y = {formula}"]) == ()
