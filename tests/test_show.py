"""Showing a config: every default filled in and marked, still runnable; and what its network costs, counted by hand."""

import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len
from samples import write_config
from speeds import sampled

from bptrain import show, summarize, train
from bptrain.config import annotate, load
from bptrain.hints import list_options
from bptrain.model.assemble import assemble_file
from bptrain.optim import OPTIMIZERS, SCHEDULES

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
HEAD = "data: {source: {bundled: iris}}\n"


def lines(text):
    """The code, mark and comment of each line that has code, by the words of the code."""
    found = {}
    for line in text.splitlines():
        code, _, comment = line.partition("  # ")
        if code.strip() and not line.startswith("#") and (code.strip() + " ").strip("#").strip():
            found.setdefault(code.strip(), comment[:9].strip() if comment[:1] != " " else "")
    return found


@pytest.mark.parametrize("width", [120, 80, 40])
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_what_is_shown_loads_as_what_would_run(path, width):
    resolved = assemble_file(path).model.experiment
    text = show(path, width=width)
    assert load(write_config(text)).experiment == resolved
    assert assemble_file("my.yaml").model.experiment == resolved
    code = [line.partition("  #")[0].rstrip() for line in text.splitlines()]
    assert all(len(line) <= max(width, len(bare)) + 15 for line, bare in zip(text.splitlines(), code, strict=True))
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("name", ["iris", "xor", "linear_regression"])
def test_a_run_as_shown_is_the_same_to_the_bit(name):
    path = CONFIGS[0].parent / f"{name}.yaml"
    short = ["training.epochs=3"]
    one, again = train(path, short), train(write_config(show(path, short)))
    assert again.checkpoint.read_bytes() == one.checkpoint.read_bytes()


def test_marks_say_where_each_value_comes_from():
    text = HEAD + "hidden: [8]\nseed: 0\noptimizer: {adam: {lr: 0.001}}\ntraining: {epochs: 7}\n"
    found = lines(show(write_config(text), ["training.batch_size=16"]))
    given = ["name: iris", "units: 8", "seed: 0", "lr: 0.001", "epochs: 7", "batch_size: 16"]
    settled = ["target: species", "task: classification", "method: stratified", "units: 3", "softmax_cross_entropy:"]
    default = ["version: 1", "name: my", "dtype: float32", "features: null", "- relu", "bias: true", "beta1: 0.9"]
    default += ["schedule: constant", "l1: 0.0", "clipping: null", "validation: 0.15"]
    settled += ["weight_init: he_normal", "weight_init: glorot_uniform", "metrics:", "- accuracy"]
    for words, mark in ((given, ""), (settled, "auto"), (default, "default")):
        assert {word: found[word] for word in words} == dict.fromkeys(words, mark)


def test_every_default_is_filled_in_and_explained_once():
    text = show(write_config(HEAD + "network: [{dense: 4}, relu, {dense: 3}, tanh, dense]\n"))
    joined = " ".join(re.sub(r"\n +# {10}", " ", text).split())
    resolved = assemble_file("my.yaml").model.experiment
    for cls in (type(resolved.data), type(resolved.optimizer), type(resolved.training)):
        for option in list_options(cls):
            assert re.search(rf"^ +{option.name}:", text, re.M), option.name
            # A section is explained by its own text.
            sections = ("split", "early_stopping", "clipping", "checkpoint", "log")
            assert option.doc in joined or option.name in sections, option.doc
    assert joined.count("A fully connected layer: every unit is a weighted sum of all inputs.") == 1
    assert text.count("- dense:") == 3
    assert text.count("whether each unit adds a bias b") == 1


def test_the_short_form_says_so():
    assert "written out from hidden and activation" in show(write_config(HEAD + "hidden: []\n"))
    assert "written out" not in show(write_config(HEAD + "network: [dense]\n"))
    found = lines(show(write_config(HEAD + "hidden: [4]\nactivation: {leaky_relu: {slope: 0.3}}\n")))
    assert (found["- leaky_relu:"], found["slope: 0.3"]) == ("", "")


HOSTILE = [
    "a\nseed: 99",
    "a # b",
    "${seed}",
    "1e3",
    "no",
    "- x",
    "{a: b}",
    "\x1b[31mred",
    "\u202eevil",
    "a\u2028b",
    "'",
    '"',
    ": ",
    "~",
]


@pytest.mark.parametrize("name", sampled(HOSTILE, every=4))
def test_names_from_data_leave_neither_comment_nor_quotes(name):
    quoted = '"' + name.replace('"', '""') + '"'
    rows = "".join(f"{k},{quoted if k % 2 else 'other'},{-k}\n" for k in range(40))
    write_config(f"x,y,{quoted}\n{rows}", "h.csv")
    Path("h.yaml").write_text(json.dumps({
        "data": {"source": {"csv": "h.csv"}, "target": "y", "features": ["x", name.replace("${", "$${")]}, "hidden": [2]
    }))  # fmt: skip
    text = show("h.yaml")
    assert text.isprintable() or all(line.isprintable() for line in text.split("\n"))
    assert load(write_config(text)).experiment == assemble_file("h.yaml").model.experiment
    assert all(fact.text.isprintable() for fact in summarize("h.yaml").formulas)
    assert summarize("h.yaml").target.isprintable()


def test_long_lists_are_broken_into_lines():
    names = [f"column number {k}" for k in range(80)]
    write_config(",".join([*names, "y"]) + "\n" + "".join(f"{k}," * 80 + f"{k % 2}\n" for k in range(20)), "w.csv")
    write_config(
        json.dumps({"data": {"source": {"csv": "w.csv"}, "target": "y", "features": names}, "hidden": [2]}), "w.yaml"
    )
    text = show("w.yaml")
    assert max(len(line) for line in text.splitlines() if " path: " not in line) <= 120
    assert load(write_config(text)).experiment.data.features == tuple(names)


def test_the_meaning_of_a_long_value_follows_on_the_next_line():
    folder = Path("long" * 40)
    folder.mkdir()
    write_config("x,y\n" + "".join(f"{k},{k % 2}\n" for k in range(20)), folder / "w.csv")
    text = show(write_config(f"data: {{source: {{csv: {folder}/w.csv}}, target: y}}\nhidden: [2]\n"))
    line, below = re.search(r"\n +(path: .*)\n(.*)\n", text).groups()
    assert below.strip() == "#          the file or a pattern, relative to the config file"
    assert line == f"path: {folder.resolve()}/w.csv"
    assert max(len(line) for line in text.splitlines() if " path: " not in line) <= 120


def test_the_walk_needs_no_data():
    config = load(write_config(HEAD + "hidden: [4]\n"))
    assert "units: auto" in annotate(config, config.experiment.__class__(**{
        **vars(config.experiment), "network": config.experiment.layers, "hidden": None
    }))  # fmt: skip


BLOCK = """
network:
  - dense: {units: 8, bias: false}
  - batch_norm
  - residual: {layers: [{dense: 4}, relu, {dense: 8}]}
  - dense
training: {batch_size: 10, accumulate: 3}
"""


def test_costs_counted_by_hand():
    """Iris: 4 inputs, 3 classes. By the rule: 2 · n · in · out forward, twice that backward but for the first layer."""
    one = summarize(write_config(HEAD + BLOCK))
    n, f4 = 10, 4
    by_hand = {
        "0.dense": ((8,), 32, 2 * n * 32, 2 * n * 32),
        "1.batch_norm": ((8,), 16, n * (16 + 8), n * (16 + 8)),
        "2.residual": ((8,), 0, n * 8, n * 8),
        "2.residual.0.dense": ((4,), 36, n * (2 * 32 + 4), n * (4 * 32 + 4)),
        "2.residual.1.relu": ((4,), 0, n * 4, n * 4),
        "2.residual.2.dense": ((8,), 40, n * (2 * 32 + 8), n * (4 * 32 + 8)),
        "3.dense": ((3,), 27, n * (2 * 24 + 3), n * (4 * 24 + 3)),
    }
    assert {c.name: (c.shape, c.parameters, c.forward, c.backward) for c in one.layers} == by_hand
    assert one.totals.parameters == 32 + 16 + 36 + 40 + 27
    assert one.totals.parameter_bytes == one.totals.gradient_bytes == 151 * f4
    assert one.totals.optimizer_bytes == 2 * 151 * f4
    assert one.totals.forward == 3 * sum(c[2] for c in by_hand.values())
    assert one.totals.backward == 3 * sum(c[3] for c in by_hand.values())
    assert (one.batch_size, one.steps_per_epoch) == (10, 4)


def test_activations_counted_by_hand():
    """Of a dense layer: signals and their gradients; of a relu in place: its mask alone; beside them the input."""
    one = summarize(
        write_config(HEAD + "network: [{dense: 8}, relu, dense]\ndtype: float64\ntraining: {batch_size: 10}\n")
    )
    dense, relu, last = (layer.activation_bytes for layer in one.layers)
    assert (dense, relu, last) == (10 * 8 * 8 * 2, 10 * 8, 10 * 3 * 8 * 2)
    assert one.totals.activation_bytes == dense + relu + last + 10 * 4 * 8
    assert one.layers[0].parameter_bytes == 40 * 8


def test_a_batch_counts_the_rows_that_there_are():
    one = summarize(write_config(HEAD + "hidden: [4]\ntraining: {batch_size: full, accumulate: 5}\n"))
    assert (one.batch_size, one.steps_per_epoch) == (one.rows["train"], 1)
    assert one.totals.forward == sum(layer.forward for layer in one.layers)


def list_facts(text, *overrides):
    """Return the lines of the summary of a config."""
    return [(fact.name, fact.text) for fact in summarize(write_config(text), overrides).formulas]


def test_the_formulas_of_a_step():
    text = HEAD + (
        "hidden: [4]\noptimizer: {sgd: {lr: 0.05, momentum: 0.9, nesterov: true}}\n"
        "regularization: {l1: 0.5, l2: 0.01, max_norm: 3}\n"
        "training: {epochs: 20, batch_size: 16, clipping: {value: 1, norm: 2}, accumulate: 2, average: 0.75}\n"
    )
    assert list_facts(text) == [
        ("minimized", "softmax_cross_entropy + the penalty"),
        ("loss", "softmax_cross_entropy: L = -Σ q ln softmax(z) / n, q = onehot(t); the mean over a batch of n = 16 "
         "rows; label_smoothing = 0, class_weights = null"),
        ("penalty", "0.5 Σ|w| + 0.01/2 Σw² over 0.dense.weight, 2.dense.weight"),
        ("gradient", "the mean over 2 batches, weighted by their rows"),
        ("clipping", "g = min(max(g, -1), 1)"),
        ("clipping", "g = g · 2 / |g| if |g| is above 2"),
        ("update", "sgd: v = 0.9 · v + g, θ = θ - 0.05 · (g + 0.9 · v)"),
        ("schedule", "constant: lr = 0.05"),
        ("after each step", "if the weights into a unit have a norm above 3, they are scaled down to it"),
        ("evaluated", "with averaged weights: w̄ = 0.75 w̄ + 0.25 w after each step"),
    ]  # fmt: skip


RULES = [
    ("sgd", "sgd: θ = θ - 0.01 · g"),
    ("{sgd: {momentum: 0.5}}", "sgd: v = 0.5 · v + g, θ = θ - 0.01 · v"),
    (
        "{sgd: {momentum: 0.5, dampening: 0.25}}",
        "sgd: v = 0.5 · v + (1 - 0.25) g for t > 1, else g, θ = θ - 0.01 · v",
    ),
    (
        "{adam: {beta1: 0.8, epsilon: 0.5}}",
        "adam: m = 0.8 m + (1 - 0.8) g, v = 0.999 v + (1 - 0.999) g², m̂ = m / (1 - 0.8ᵗ), v̂ = v / (1 - 0.999ᵗ), "
        "θ = θ - 0.001 · m̂ / (√v̂ + 0.5)",
    ),
    ("{rmsprop: {rho: 0.5}}", "rmsprop: v = 0.5 v + (1 - 0.5) g², d = g / (√v + 1e-08), θ = θ - 0.001 · d"),
    ("lion", "lion: θ = θ - 0.0001 · sign(0.9 m + (1 - 0.9) g), m = 0.99 m + (1 - 0.99) g"),
]


@pytest.mark.parametrize(("optimizer", "rule"), RULES)
def test_update_rules_with_their_numbers(optimizer, rule):
    assert ("update", rule) in list_facts(HEAD + f"hidden: [4]\noptimizer: {optimizer}\n")


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_update_rule_has_its_numbers_in_place(name):
    text = HEAD + "hidden: [4]\ntraining: {batch_size: full}\n"
    (rule,) = [t for n, t in list_facts(text, f"optimizer={name}") if n == "update"]
    assert rule.startswith(f"{name}: ")
    assert not re.search(r"[`βερ]|· lr|lr ·|as adam|in adam", rule), rule
    assert "θ = θ" in rule
    (scheduled,) = [t for n, t in list_facts(text, f"optimizer={name}", "schedule=cosine") if n == "update"]
    assert not re.search(r"[`βερ]", scheduled)


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_every_schedule_has_its_factor(name):
    given = "{multi_step: [3, 6]}" if name == "multi_step" else name
    text = HEAD + "hidden: [4]\ntraining: {epochs: 33}\n"
    (schedule,) = [t for n, t in list_facts(text, f"schedule={given}") if n == "schedule"]
    assert schedule.startswith(f"{name}: lr = 0.001")
    assert name == "constant" or "factor: " in schedule
    assert not re.search(r"`|\bT\b|PyTorch|Keras|Reference", schedule)


def test_the_rate_stays_a_letter_where_a_schedule_moves_it():
    found = dict(
        list_facts(HEAD + "hidden: [4]\noptimizer: {sgd: {lr: 0.5}}\nschedule: cosine\ntraining: {epochs: 9}\n")
    )
    assert found["update"] == "sgd: θ = θ - lr · g"
    assert found["schedule"] == (
        "cosine: lr = 0.5 · factor; factor: 0 + (1 - 0) (1 + cos(π t / 9)) / 2 with t of 9 epochs done"
    )


def test_json_and_table_say_the_same(bptrain_in):
    write_config(HEAD + BLOCK)
    document = json.loads(bptrain_in("show", "my.yaml", "--json").stdout)
    assert set(document) == {
        "name", "rows", "inputs", "target", "batch_size", "steps_per_epoch", "layers", "totals", "formulas", "config",
    }  # fmt: skip
    assert document == json.loads(json.dumps(summarize("my.yaml").to_json()))
    assert document == json.loads(bptrain_in("show", "my.yaml", "--summary", "--json").stdout)
    done = bptrain_in("show", "my.yaml", "--summary", PYTHONIOENCODING="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    for layer in document["layers"]:
        assert re.search(
            rf"^ *{re.escape(layer['name'])} +{layer['shape'][0]} +{layer['parameters']}\b", done.stdout, re.M
        )
    words = " ".join(done.stdout.split())
    for fact in document["formulas"]:
        assert f"{fact['name']} {fact['text']}" in words
    assert "106 train, 22 validation, 22 test" in words
    assert document["target"] in words


@pytest.mark.slow
@pytest.mark.parametrize("columns", sampled([80, 40, 160]))
def test_the_terminal_is_wide_enough(bptrain_in, columns):
    write_config(HEAD + BLOCK)
    for option in ([], ["--summary"]):
        shown = bptrain_in.on_a_terminal("show", "my.yaml", *option, columns=columns, NO_COLOR="1").replace("\r", "")
        # Values are never broken: their mark may go over the edge of a narrow screen.
        narrow = [line for line in shown.splitlines() if not re.search(r"[^ #].*  # (auto|default)$", line)]
        assert max(map(cell_len, narrow)) <= columns
        assert max(map(cell_len, shown.splitlines())) <= columns + 10
        assert "…" not in shown
        if option:
            for layer in summarize("my.yaml").layers:
                assert layer.name in shown
                assert all(start in shown for start in layer.initializers.values())
        else:
            assert (
                load(write_config(shown, "shown.yaml")).experiment
                == assemble_file("my.yaml", ["name=my"]).model.experiment
            )
