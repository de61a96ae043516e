"""Rules: each finds its mistake with its code at the right place, and sensible configs have none."""

import random
import re
from pathlib import Path

import numpy as np
import pytest

import bptrain
from bptrain.arrays import Streams
from bptrain.errors import ConfigError, InputError
from bptrain.nn import ACTIVATIONS, Network
from bptrain.optim import OPTIMIZERS
from bptrain.rules import RULES
from bptrain.run.train_run import Started

REPOSITORY = Path(__file__).parents[1]
CONFIGS = sorted((REPOSITORY / "configs").glob("*.yaml"))
GUIDE = REPOSITORY / "bptrain" / "guide"
CODE = re.compile(r"BP[0-9]{3}")


@pytest.fixture(autouse=True)
def houses():
    """Write the table that the examples read: 120 houses."""
    rng, lines = random.Random(0), ["id,area,rooms,country,age,price,price_eur,grade,sold"]
    for k in range(120):
        area, rooms, age = rng.gauss(100, 30), rng.randint(1, 8), -999 if k % 17 == 0 else rng.randint(0, 90)
        price = round(3 * area + 20 * rooms + rng.gauss(0, 20), 2)
        grade, sold = "c" if k == 5 else rng.choice("ab"), rng.choice(["yes", "no"])
        lines.append(f"{k + 1},{area:.1f},{rooms},1,{age},{price},{0.9 * price!r},{grade},{sold}")
    few = "".join(f"{k // 2},{rng.random()},{rng.random()}\n" for k in range(80))
    Path("few.csv").write_text(f"customerId,x,y\n{few}")
    Path("houses.csv").write_text("\n".join(lines) + "\n")


def validate(text):
    """Return the errors and warnings of a config."""
    Path("c.yaml").write_text(text)
    found = bptrain.validate(["c.yaml"])
    assert all(problem.severity == "error" for problem in found.problems)
    assert all(problem.severity == "warning" for problem in found.warnings)
    return [*found.problems, *found.warnings]


PAGES = {topic.name: topic for topic in bptrain.help_topics() if CODE.fullmatch(topic.name)}


@pytest.mark.parametrize("code", PAGES)
def test_the_examples_of_a_code(code):
    wrong, right = (example.config for example in PAGES[code].examples)
    (problem,) = validate(wrong)
    assert (problem.code, problem.severity) == (code, "error" if code < "BP2" else "warning")
    assert re.search(r"; \w", problem.message), "says what to do"
    assert problem.field
    assert validate(right) == []


@pytest.mark.parametrize("code", PAGES)
def test_the_page_of_a_code(code):
    page, topic = (GUIDE / f"{code}.md").read_text(), PAGES[code]
    first = rf"# {code}: .*\n\n[^#]+\n\nMore: \[[^\]]+\]\([a-z]+\.md\)\n\n"
    assert re.fullmatch(first + r"## Wrong\n\n```yaml\n[^`]+```\n\n## Right\n\n```yaml\n[^`]+```\n", page)
    assert topic.title
    assert topic.kind == ("error" if code < "BP2" else "warning")
    assert [example.caption for example in topic.examples] == ["wrong", "right"]
    wrong, right = (example.config.splitlines() for example in topic.examples)
    assert max(map(len, (*wrong, *right))) <= 38, "fits a terminal of 40 columns, indented by two"
    same = [[line for line in lines if not line.endswith("  # <-")] for lines in (wrong, right)]
    assert same[0] == same[1], "every line that differs is marked"


def test_every_code_in_the_source_has_its_page_and_every_page_its_check():
    sources = [path.read_text() for path in (REPOSITORY / "bptrain").rglob("*.py")]
    raised = {code for text in sources for code in re.findall(r', "(BP[0-9]{3})"\)', text)}
    assert "BP107" in raised
    assert raised | RULES.keys() == PAGES.keys()


def test_the_index_of_the_codes_is_complete():
    listed = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\) \| (.+) \|$", (GUIDE / "codes.md").read_text(), re.M)
    assert listed == [(code, code, topic.title) for code, topic in sorted(PAGES.items())]


IRIS = "data: {source: {bundled: iris}}\n"
WINE = "data: {source: {bundled: wine}}\n"
HOUSES = "data: {source: {csv: houses.csv}, target: price, features: [%s]}\nhidden: [8]\n"

# A mark such as <BP101 network.3> is right before the value that the message is about.
MARKED = [
    IRIS + "network: [dense: 4, <BP208 network.1>softmax, {dense: 3}, <BP101 network.3>softmax]",
    IRIS + "network: [dense: 4, relu, dense, <BP101 network.3>softmax, identity]",
    IRIS + "network: [dense: 4, relu, dense, <BP102 network.3>sigmoid]\nloss: focal",
    IRIS + "network: [dense: 4, relu, dense, <BP103 network.3>tanh]\nloss: hinge",
    IRIS + "network: [dense: 4, relu, dense, <BP103 network.3>elu]",
    IRIS + "network: [dense: 4, relu, dense, <BP105 network.3>gaussian_noise]",
    IRIS + "network: [dense: 4, relu, dense: 1, <BP106 network.3><BP208 network.3>softmax, dense: 3]",
    IRIS + "network: [{dense: {units: <BP107 network.0.dense.units>4}}]",
    IRIS + "network:\n- dense: 8\n- relu\n- dense: {units: <BP107 network.2.dense.units>4}\n- softmax",
    IRIS + "hidden: [4]\n"
    "loss: {softmax_cross_entropy: {class_weights: <BP124 loss.softmax_cross_entropy.class_weights>[1]}}",
    IRIS + "hidden: [4]\nloss: <BP225 loss>mse\noptimizer: {adam: <BP240 optimizer.adam.lr>1}",
    "data: {source: {bundled: wine}, features: [hue, <BP123 data.features.1>cultivar]}\nhidden: [4]",
    "data: {source: {bundled: diabetes}, task: regression}\nhidden: [4]\nloss: <BP121 loss>hinge",
    "data: {source: {bundled: iris}, target: petal_width}\nhidden: [4]\nloss: <BP120 loss>softmax_cross_entropy",
    "data: {source: {bundled: iris}, target: petal_width, task: <BP120 data.task>classification}\nhidden: [4]",
    "data: {source: {bundled: iris}, target: [petal_width, sepal_width], features: [petal_length]}\nhidden: [4]\n"
    "loss: <BP122 loss>kl_divergence",
    "data: {source: {bundled: wine}}\nhidden: [4]\nloss: mse\nmetrics: [accuracy, <BP125 metrics.1>r2]",
    "data: {source: {bundled: diabetes}, split: {method: <BP126 data.split.method>stratified}}\nhidden: [4]",
    "data: {source: {bundled: wine}, scaling: <BP220 data.scaling>none, "
    "split: {test: <BP228 data.split.test>0.02}}\nhidden: [4]",
    HOUSES % "area, <BP223 data.features.1>id, <BP222 data.features.2>country, <BP224 data.features.3>price_eur, "
    "<BP226 data.features.4>age",
    "data: <BP223 data.features>{source: {csv: few.csv}, target: y, "
    "split: {test: <BP228 data.split.test>0.1}}\nhidden: [8]",
    WINE + "network: [dense: 8, <BP202 network.1>dense: 8, relu, dense]",
    WINE + "network: [dense: 8, dropout, identity, <BP202 network.3>dense: 8, relu, dense]",
    WINE + "network:\n- dense: 8\n"
    "- residual: {layers: [dense: 9, <BP202 network.1.residual.layers.1>dense: 8]}\n- relu\n- dense",
    WINE + "network: [dense: 8, relu, <BP204 network.2>dropout: 0.5, batch_norm, "
    "dropout: <BP205 network.4.dropout.rate>0.9, dense]",
    WINE + "network: [dense: {units: 8, weight_init: <BP206 network.0.dense.weight_init>{constant: 0.5}}, relu, dense]",
    WINE + "hidden: [8, 8, 8, 8, 8, 8, 8, 8, 8]\nactivation: <BP207 activation>tanh",
    WINE + "network: [dense: 8, tanh, dense, <BP201 network.3>layer_norm]",
    IRIS + "hidden: [4]\noptimizer: lion\ntraining: {average: <BP245 training.average>0.9999}",
    IRIS + "hidden: [4]\noptimizer: {sgd: <BP240 optimizer.sgd.lr>7}\n"
    "schedule: {warmup: {epochs: 5, then: {multi_step: "
    "{milestones: <BP243 schedule.warmup.then.multi_step.milestones>[300]}}}}",
    IRIS + "hidden: [4]\ntraining: {average: <BP245 training.average>0.98, accumulate: 4}",
    IRIS + "hidden: [4]\nschedule: {warmup: {epochs: <BP243 schedule.warmup.epochs>100}}",
    IRIS + "hidden: [4]\nschedule: {plateau: {patience: <BP243 schedule.plateau.patience>10}}\n"
    "training: {early_stopping: {patience: 10}}",
    IRIS + "hidden: [4]\ntraining: {epochs: 10, convergence: {patience: <BP242 training.convergence.patience>10}, "
    "accumulate: <BP241 training.accumulate>8}",
    IRIS + "hidden: [4]\noptimizer: {lion: {weight_decay: 0.1}}\nregularization: {l1: <BP246 regularization.l1>1, "
    "l2: <BP244 regularization.l2>0.1}",
]


def remove_marks(text):
    """Return the config without marks, and code, line, column and field of each mark."""
    expected, mark = set(), re.compile(r"<(BP\d{3}) ([\w.]+)>")
    while found := mark.search(text):
        before = text[: found.start()]
        expected.add((found[1], before.count("\n") + 1, found.start() - before.rfind("\n"), found[2]))
        text = before + text[found.end() :]
    assert expected
    return text, expected


@pytest.mark.parametrize("marked", MARKED)
def test_a_problem_has_its_code_and_its_place(marked):
    text, expected = remove_marks(marked)
    assert {(p.code, p.line, p.column, p.field) for p in validate(text)} == expected


# Sensible configs of many kinds.
SENSIBLE = [
    IRIS + "hidden: []",
    IRIS + "hidden: [8, 8, 8]\nactivation: tanh",
    IRIS + "hidden: [16]\nloss: focal\noptimizer: {sgd: {lr: 1, momentum: 0.5}}",
    IRIS + "hidden: [16]\noptimizer: lbfgs\ntraining: {batch_size: full, epochs: 20}\nregularization: {l2: 0.01}",
    IRIS + "hidden: [16]\noptimizer: rprop\ntraining: {batch_size: full}",
    IRIS + "network: [dense: 16, batch_norm, relu, dropout: 0.5, dense]",
    IRIS + "network: [batch_norm, dense: 16, relu, residual: {layers: [layer_norm, relu, dense: 16]}, relu, dense]",
    IRIS + "network: [dense: 16, residual: {layers: [relu, dense: 16]}, relu, dense]",
    IRIS + f"network: [{'dense: 8, batch_norm, tanh, ' * 10} dense]",
    IRIS + "network: [dense: 2, dense: 8, relu, dense]",
    IRIS + "network: [dense: {weight_init: zeros}]",
    IRIS + "network: [dense: 16, gelu_tanh, gaussian_noise, dense, identity]",
    IRIS + "network: [dense: 16, prelu, dense, leaky_relu]",
    IRIS + "hidden: [8]\nschedule: {warmup: {epochs: 5, then: cosine}}\ntraining: {average: 0.99}",
    IRIS + "hidden: [8]\nschedule: {plateau: {patience: 3}}\ntraining: {early_stopping: {patience: 10}}",
    IRIS + "hidden: [8]\nschedule: {multi_step: {milestones: [50, 200]}}\ntraining: {accumulate: 2}",
    IRIS + "hidden: [8]\noptimizer: adamw\nregularization: {l1: 0.0001, max_norm: 3}",
    "data: {source: {bundled: iris}, split: {validation: 0, test: 0}}\nhidden: [8]",
    "data: {source: {bundled: breast_cancer}}\nhidden: [16]\nloss: hinge",
    "data: {source: {bundled: breast_cancer}}\nhidden: [16]\nloss: {softmax_cross_entropy: {class_weights: [1, 2]}}",
    "data: {source: {bundled: digits}, scaling: none}\nhidden: [32]",
    "data: {source: {bundled: diabetes}}\nhidden: [16]\nloss: {huber: 1}",
    "data: {source: {bundled: diabetes}}\nhidden: [16]\nloss: poisson",
    "data: {source: {csv: many.csv}, target: wet, features: [a, b], task: regression}\nhidden: [16]\nloss: mse",
    "data: {source: {synthetic: {kind: line, noise: 0}}}\nhidden: []\noptimizer: {sgd: 0.1}",
    "data: {source: {csv: houses.csv}, target: grade, features: [area], split: {validation: 0, test: 0}}\nhidden: [8]",
    "data: {source: {synthetic: {kind: line, rows: 60}}}\nhidden: []\noptimizer: {sgd: 0.1}",
    "data: {source: {synthetic: plane}, target_scaling: none}\nnetwork: [dense: 1]\nloss: {mse: {half: true}}",
    "data: {source: {synthetic: {kind: xor, rows: 4}}, split: {validation: 0, test: 0}, scaling: none}\n"
    "network: [dense: 2, tanh, dense]\ntraining: {batch_size: full}\noptimizer: {sgd: 1}",
    # Several labels, an autoencoder, targets from 0 to 1 after a sigmoid, a straight line through numbered rows.
    "data: {source: {csv: many.csv}, target: [wet, cold], features: [a, b, c]}\nhidden: [8]",
    "data: {source: {csv: many.csv}, target: [a2, b2, c2], features: [a, b, c]}\nnetwork: [dense: 2, tanh, dense]",
    "data: {source: {csv: many.csv}, target: a, features: [b, c], target_scaling: none}\n"
    "network: [dense: 8, relu, dense, sigmoid]\nloss: mse",
    "data: {source: {csv: many.csv}, target: b, features: [number]}\nhidden: [8]",
    "data: {source: {csv: many.csv}, target: b, features: [year, paid, grid, has_id, a]}\nhidden: [8]",
    "data: {source: {csv: many.csv}, target: many, features: [a, b]}\nhidden: [8]\nloss: poisson",
]


@pytest.fixture
def many():
    """Write a table of 200 rows with many kinds of columns."""
    rng, lines = random.Random(1), ["number,year,paid,grid,has_id,a,b,c,a2,b2,c2,wet,cold,many"]
    for k in range(200):
        a, b, c = (round(rng.random(), 4) for _ in "abc")
        counts = f"{rng.randint(0, 99)},{rng.randint(960, 999)},{rng.randint(0, 1)}"
        marks = f"{rng.randint(0, 1)},{rng.randint(0, 1)},{rng.randint(0, 40)}"
        lines.append(f"{k},{1800 + k},{counts},{a},{b},{c},{a},{b},{c},{marks}")
    Path("many.csv").write_text("\n".join(lines) + "\n")


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("text", SENSIBLE)
def test_a_sensible_config_has_no_problem(text):
    assert [str(problem) for problem in validate(text)] == []


def test_the_bundled_configs_have_no_problem():
    assert {"digits.yaml", "iris.yaml"} <= {path.name for path in CONFIGS}
    found = bptrain.validate(CONFIGS, strict=True)
    assert (found.problems, found.warnings) == ((), ())


def first_warnings(config, overrides=(), **options):
    """Return the warnings that `train` gives to its sinks before the first step."""
    seen = []

    def sink(event):
        if isinstance(event, Started):
            seen.append(event.warnings)

    bptrain.train(config, overrides, sinks=[sink], **options)
    (warnings,) = seen
    return warnings


OVERRIDES = [
    (["optimizer.adam.lr=3"], [("BP240", "optimizer.adam.lr=3", 1, 19)]),
    (["optimizer={adam: {lr: 3}}"], [("BP240", "optimizer={adam: {lr: 3}}", 1, 23)]),
    (["network.1=softmax"], [("BP208", "network.1=softmax", 1, 11)]),
    (["training.batch_size=500"], [("BP241", "training.batch_size=500", 1, 21)]),
    (["training.early_stopping.patience=3"], [("BP242", "training.early_stopping.patience=3", 1, 34)]),
    # If an override cuts the epochs for a quick trial, patience and defaults that are longer are no problem.
    (["training.epochs=1"], []),
    (["training.epochs=1", "schedule={step: 5}"], [("BP243", "schedule={step: 5}", 1, 17)]),
    (["hidden=[4]", "network=null"], []),
]


@pytest.mark.parametrize(("overrides", "expected"), OVERRIDES, ids=[" ".join(row[0]) for row in OVERRIDES])
def test_a_problem_in_an_override_has_its_place_there(overrides, expected):
    text = IRIS + "network: [dense: 4, relu, dense]\ntraining: {epochs: 2, early_stopping: {patience: 1}}"
    Path("c.yaml").write_text(text)
    found = first_warnings("c.yaml", overrides)
    assert [(p.code, p.file, p.line, p.column) for p in found] == expected
    if expected:
        with pytest.raises(ConfigError) as caught:
            bptrain.train("c.yaml", overrides, strict=True, run="strict")
        assert [(p.code, p.severity) for p in caught.value.problems] == [(row[0], "error") for row in expected]
        assert not Path("strict").exists()


def test_a_config_with_an_error_is_never_trained():
    Path("c.yaml").write_text(PAGES["BP101"].examples[0].config)
    with pytest.raises(ConfigError, match=r"c\.yaml:6:5: network\.3: .* \[BP101\]"):
        bptrain.train("c.yaml")
    assert not Path("runs").exists()


@pytest.mark.parametrize("cls", OPTIMIZERS.members.values())
def test_the_default_learning_rate_is_a_usual_one(cls):
    least, most = cls.usual_lr
    assert 0 < least <= cls().lr <= most
    assert most / least >= 3


@pytest.mark.parametrize("cls", ACTIVATIONS.members.values())
def test_the_bounds_of_an_activation_are_those_of_its_values(cls):
    activation = cls()
    network = Network([activation], (1,), batch=4003, dtype="float64", rng=Streams(0))
    frame = network.frame(4003)
    frame.input[:, 0] = [-1e6, *np.linspace(-200, 200, 4001), 1e6]
    frame.forward(training=False)
    low, high = activation.bounds
    seen = frame.scores.min(), frame.scores.max()
    assert low <= seen[0] + 1e-3
    assert seen[1] - 1e-3 <= high
    assert seen[0] < -100 if low == -np.inf else seen[0] == pytest.approx(low, abs=0.01)
    assert seen[1] > 100 if high == np.inf else seen[1] == pytest.approx(high, abs=0.01)


EXCLUSIONS = [
    ("", r"leave it out with (features: \{exclude: \[id\]\})"),
    ("  features: {exclude: [price_eur, country, age]}\n", "add it to features.exclude"),
    ("  features: [id, area, rooms]\n", "leave it out$"),
]


@pytest.mark.parametrize(("features", "advice"), EXCLUSIONS)
def test_the_advice_to_leave_a_feature_out_works(features, advice):
    text = "data:\n  source: {csv: houses.csv}\n  target: price\n%s  target_scaling: standard\nhidden: [8]\n"
    (problem,) = [one for one in validate(text % features) if one.code == "BP223"]
    found = re.search(advice, problem.message)
    assert found, problem.message
    followed = (
        f"  {found[1]}\n" if found.groups() else features.replace("[price", "[id, price").replace("[id, area", "[area")
    )
    assert [one for one in validate(text % followed) if one.code == "BP223"] == []


SPLIT = "  split: {method: random}\nhidden: [8]\n"
TWO = "data:\n  source: {csv: houses.csv}\n  target: %s\n  features: [area, rooms]\n"

# A config, the advice in the message of its error, and the change that follows it.
ADVICE = [
    (
        TWO % "[sold, grade]" + "  task: classification\n" + SPLIT,
        "write task: multi_task",
        "classification",
        "multi_task",
    ),
    (TWO % "[sold, grade]" + "  task: multi_label\n" + SPLIT, "write task: multi_task", "multi_label", "multi_task"),
    (TWO % "{price: {}}" + SPLIT + "loss: mse", "{NAME: {loss: ...}}, and remove", "{}}", "{loss: mse}}"),
    (TWO % "{price: {}}" + "  task: regression\n" + SPLIT, "a list of names as the target", "{price: {}}", "[price]"),
    (TWO % "price" + "  task: classification\nhidden: [8]", "write task: regression", "classification", "regression"),
    (TWO % "price" + "hidden: [8]\nloss: hinge", "for numbers use mse", "hinge", "mse"),
    (TWO % "price" + "hidden: [8]\nloss: focal", "such as mse", "focal", "mse"),
    (TWO % "price" + "  class_weight: balanced\nhidden: [8]", "remove it", "  class_weight: balanced\n", ""),
    (TWO % "price" + "  columns: {price: {missing: mean}}\nhidden: [8]", "use drop or error", "mean", "drop"),
    (TWO % "grade" + "hidden: [8]", "use method: random", "hidden", "  split: {method: random}\nhidden"),
    (TWO % "sold" + "network: [dense: 8, relu]", "add - dense at the end", "relu]", "relu, dense]"),
    (TWO % "sold" + "network: [dense: 8, relu, dense: 8]", "write units: auto", "dense: 8]", "dense: {units: auto}]"),
    (
        TWO % "price" + "  columns: {rooms: {kind: categorical, missing: mean}}\nhidden: [8]",
        "missing: most_frequent",
        "mean",
        "most_frequent",
    ),
    (
        TWO % "price" + "  columns: {rooms: {kind: categorical, scaling: standard}}\nhidden: [8]",
        "remove it",
        ", scaling: standard",
        "",
    ),
    (
        TWO % "inputs" + "hidden: [8]\nloss: binary_cross_entropy",
        "write data.scaling: minmax",
        "  features",
        "  scaling: minmax\n  features",
    ),
    (
        TWO % "sold" + "  task: autoencoder\nhidden: [8]",
        "remove task: autoencoder",
        "  task: autoencoder\n",
        "",
    ),
]


@pytest.mark.parametrize(("text", "advice", "old", "new"), ADVICE)
def test_a_config_that_follows_the_advice_has_no_error(text, advice, old, new):
    errors = [one for one in validate(text) if one.severity == "error"]
    assert [one for one in errors if advice in one.message], errors
    assert text.count(old) >= 1
    followed = text.replace(old, new)
    if "and remove" in advice:
        followed = followed.replace("\nloss: mse", "")
    if "a list" in advice:
        followed = followed.replace("  task: regression\n", "")
    assert [str(one) for one in validate(followed) if one.severity == "error"] == []


def test_large_tables_are_checked_on_a_sample_and_confirmed_on_all_rows():
    rows = [f"{int(k == 4999)},{k},{k % 7},{k % 11}.5" for k in range(9000)]
    Path("large.csv").write_text("rare,count,x,y\n" + "\n".join(rows) + "\n")
    found = validate("data: {source: {csv: large.csv}, target: y, features: [rare, count, x]}\nhidden: [4]")
    assert [(p.code, p.field) for p in found] == [("BP223", "data.features.1")]
    # One fraction, in a row that the sample does not have.
    rows[4000] = rows[4000].replace(",4000,", ",4000.5,")
    Path("large.csv").write_text("rare,count,x,y\n" + "\n".join(rows) + "\n")
    assert validate("data: {source: {csv: large.csv}, target: y, features: [rare, count, x]}\nhidden: [4]") == []


def test_help_topics():
    assert [topic.name for topic in bptrain.help_topics() if topic.kind in ("error", "warning")] == sorted(PAGES)
    (topic,) = bptrain.help_topics("bp220")
    assert (topic.name, topic.kind, topic.title) == ("BP220", "warning", "unscaled features")
    assert [example.caption for example in topic.examples] == ["wrong", "right"]
    with pytest.raises(InputError, match=r"there is no help on 'BP2200'; did you mean 'BP220'\?"):
        bptrain.help_topics("BP2200")
