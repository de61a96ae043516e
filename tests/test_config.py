"""Configs: what they give when read, overridden and written; `test_config_errors.py` has their mistakes."""

import textwrap
from dataclasses import fields, replace

import pytest

from bptrain.config import Experiment, dump, from_json, load, to_yaml
from bptrain.errors import ConfigError, InputError
from bptrain.hints import Section, list_options
from bptrain.nn.activations import Relu, Tanh
from bptrain.nn.initializers import Values
from bptrain.nn.layers import Dense, Dropout
from bptrain.optim import Adam, Cosine, Sgd

MINIMAL = "data: {source: {bundled: iris}}\nhidden: [8]\n"


def write_config(text, name="my.yaml"):
    """Write a config file in the folder of the test, and return its path."""
    with open(name, "w", encoding="utf-8") as file:
        file.write(textwrap.dedent(text))
    return name


def experiment(text, *overrides):
    return load(write_config(text), overrides).experiment


def problems(text, *overrides):
    """Return the mistakes of a config as `LINE:COL: FIELD: MESSAGE`, or `KEY=VALUE:...` for overrides."""
    with pytest.raises(ConfigError) as caught:
        load(write_config(text), overrides)
    return [str(problem).removeprefix("my.yaml:") for problem in caught.value.problems]


def test_a_minimal_config_has_all_defaults():
    one = experiment(MINIMAL)
    assert one.name == "my"
    assert (one.seed, one.dtype, one.optimizer, one.training.epochs) == (0, "float32", Adam(), 100)
    assert one.layers == (Dense(8), Relu(), Dense())


def test_a_component_can_be_written_in_every_way():
    one = experiment(
        """
        data: {source: {bundled: {name: iris}}}
        network:
          - dense: {units: 4, weight_init: {values: [[1, 2], [3, 4]]}}
          - dense: 3
          - tanh
          - tanh:
          - dropout: 0.25
          - dense
        optimizer: {sgd: {lr: 1e-3, momentum: 0.9, nesterov: true}}
        schedule: cosine
        """
    )
    assert one.network == (
        Dense(4, weight_init=Values(((1.0, 2.0), (3.0, 4.0)))),
        Dense(3),
        Tanh(),
        Tanh(),
        Dropout(0.25),
        Dense(),
    )
    assert one.optimizer == Sgd(0.001, momentum=0.9, nesterov=True)
    assert one.schedule == Cosine()


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file():
    found = problems(
        """
        seed: -1
        data: {source: {bundled: iris}, task: guess}
        hidden: [8, 0]
        optimizer: {adam: {lr: -1, beta9: 2}}
        trainin: {}
        """
    )
    assert [line.split(": ")[1] for line in found] == [
        "seed",
        "data.task",
        "hidden.1",
        "optimizer.adam.lr",
        "optimizer.adam.beta9",
        "trainin",
    ]


OVERRIDES = [
    ("training.epochs=7", lambda e: e.training.epochs, 7),
    ("optimizer.adam.lr=1e-4", lambda e: e.optimizer.lr, 1e-4),
    ("optimizer={sgd: {lr: 0.5}}", lambda e: e.optimizer, Sgd(0.5)),
    ("optimizer=sgd", lambda e: e.optimizer, Sgd()),
    ("hidden=[3, 4]", lambda e: e.hidden, (3, 4)),
    ("training.early_stopping.patience=3", lambda e: e.training.early_stopping.patience, 3),
    ("name=a=b", lambda e: e.name, "a=b"),
]


@pytest.mark.parametrize(("override", "read", "expected"), OVERRIDES)
def test_an_override_replaces_a_value(override, read, expected):
    assert read(experiment(MINIMAL, override)) == expected


def test_an_override_can_set_an_option_inside_a_shorthand():
    text = "data: {source: {bundled: iris}}\nnetwork: [dense: 4, dropout: 0.2, dense]\noptimizer: {sgd: 0.1}\n"
    overrides = ["optimizer.sgd.momentum=0.5", "network.0.dense.bias=false", "network.1.dropout.rate=0.5"]
    one = experiment(text, *overrides, "data.source.bundled.name=wine")
    assert one.optimizer == Sgd(lr=0.1, momentum=0.5)
    assert one.network == (Dense(4, bias=False), Dropout(0.5), Dense())
    assert one.data.source.name == "wine"


def test_an_override_can_set_an_option_in_a_list_and_behind_a_bare_name():
    text = "data: {source: {bundled: iris}}\nnetwork: [dense: {units: 4}, relu, dense]\noptimizer: adam\n"
    one = experiment(text, "network.0.dense.units=9", "optimizer.adam.lr=2", "network.1=tanh")
    assert one.network == (Dense(9), Tanh(), Dense())
    assert one.optimizer == Adam(2.0)


BROKEN_OVERRIDES = [
    ("epochs", "epochs:1:1: an override is KEY=VALUE, such as training.epochs=5"),
    ("=5", "=5:1:1: an override is KEY=VALUE"),
    ("training.epochs=0", "training.epochs=0:1:17: training.epochs: expected a whole number >= 1 (got 0)"),
    ("training.epoch=5", "training.epoch=5:1:10: training.epoch: unknown key; did you mean 'epochs'?"),
    ("seed.x=1", "seed.x=1:1:6: seed.x: seed is 3, not a mapping; write seed=VALUE"),
    ("hidden.5=1", "hidden.5=1:1:8: hidden.5: the list has 1 item, counted from 0 (got 5)"),
    ("seed=", "seed=:1:6: seed: expected a whole number >= 0 (got null)"),
    ("name.x=1", "name.x=1:1:1: name: expected text (got a mapping with key x)"),
    ("a" + ".a" * 3000 + "=1", "a.a.a"),
    ("training." + "9" * 5000 + "=1", "training.999"),
    ("name=\udcff", "name=\udcff:1:1: an override is KEY=VALUE"),
    ("seed=[1", "seed=[1:1:6: seed: not valid YAML"),
]


@pytest.mark.parametrize(("override", "start"), BROKEN_OVERRIDES)
def test_a_mistake_in_an_override_is_placed_in_the_override(override, start):
    (line,) = problems(MINIMAL + "seed: 3\n", override)
    assert line.startswith(start), line


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "the file is empty"),
        (b"# nothing\n", "the file is empty"),
        (b"a: \xff\n", r"odd.yaml:1:4: the file is not UTF-8 text \(got the byte 0xFF\); save it as UTF-8"),
        (b"#" * ((1 << 20) + 1), "larger than the limit of 1 MiB"),
    ],
    ids=["missing", "empty", "comment", "encoding", "size"],
)
def test_a_file_that_is_not_a_config_is_an_error(tmp_path, content, message):
    path = tmp_path / "odd.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load(path)


def test_a_folder_is_not_a_config(tmp_path):
    with pytest.raises(InputError, match="not a file"):
        load(tmp_path)


def test_paths_start_from_the_folder_of_the_config(tmp_path):
    (tmp_path / "deep").mkdir()
    path = tmp_path / "deep" / "c.yaml"
    path.write_text("data: {source: {csv: {path: ../my.csv}}}\nhidden: [8]\n")
    assert load(path).experiment.data.source.path.resolve() == tmp_path / "my.csv"


FULL = """
seed: 4
dtype: float64
data:
  source: {synthetic: {kind: line, noise: 0.5}}
  target: [y]
  features: [x]
  split: {validation: 0, test: 0.5, method: random}
  scaling: none
network:
  - dense: {units: 2, bias: false, weight_init: {values: [[1, 2]]}}
  - leaky_relu: {slope: 0.2}
  - dense: {units: 1, bias_init: {normal: {std: 0.1}}}
loss: mse
optimizer: {sgd: {lr: 0.1, momentum: 0.5, nesterov: true}}
schedule: {cosine: {final: 0.1}}
regularization: {l1: 0.1, l2: 0.2}
training: {epochs: 3, batch_size: full, early_stopping: {patience: 2}, convergence: {tolerance: 1e-3}}
"""


@pytest.mark.parametrize(
    "name",
    ["1e3", "\x85a", "a\u2028", "\x1b", "no", "null", "0x10", "12", "1_000", "a: b", "~", "true", "é", "2020-01-01"],
)
def test_text_that_looks_like_another_type_stays_text(name):
    one = replace(experiment(MINIMAL), name=name)
    assert load(write_config(to_yaml(one), "again.yaml")).experiment.name == name


@pytest.mark.parametrize("text", [MINIMAL, FULL])
def test_a_written_config_reads_back_the_same(text):
    one = experiment(text)
    assert from_json(dump(one), "x") == one
    assert load(write_config(to_yaml(one), "again.yaml")).experiment == one


def test_every_option_is_documented():
    def sections(cls):
        yield cls
        for option in list_options(cls):
            for form in option.hint:
                if isinstance(form, Section):
                    yield from sections(form.cls)

    seen = [(cls, option) for cls in sections(Experiment) for option in list_options(cls)]
    sections_seen = {cls.__name__ for cls, _ in seen}
    assert sections_seen == {
        "Experiment", "Data", "Split", "Regularization", "Training", "EarlyStopping", "Convergence", "Clipping",
        "Checkpointing", "FeatureChoice", "Logging", "MissingByKind",
    }  # fmt: skip
    assert len(seen) >= len(fields(Experiment))
    assert [(cls.__name__, option.name) for cls, option in seen if not option.doc] == []
