"""JSON Schema: it accepts what the loader accepts, and rejects what no config may say."""

import json
from functools import cache
from pathlib import Path

import jsonschema
import pytest
from speeds import sampled

import bptrain
from bptrain.commands.list import FAMILIES, SECTIONS
from bptrain.config import load
from bptrain.config.document.yaml_text import parse
from bptrain.errors import ConfigError
from bptrain.hints import list_options

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
FILE = CONFIGS[0].parent / "bptrain.schema.json"
HEAD = "data: {source: {bundled: iris}}\n"
MINIMAL = HEAD + "hidden: [8]\n"


@cache
def validator():
    return jsonschema.Draft7Validator(bptrain.schema())


def plain(value):
    """Return a value with lists in place of tuples."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def accepted(text):
    """Return whether the schema accepts a config."""
    return validator().is_valid(plain(parse(text, "my.yaml")[0]))


def loads(text):
    """Return whether bptrain accepts a config, without looking at its data."""
    Path("my.yaml").write_text(text, encoding="utf-8")
    try:
        load("my.yaml")
    except ConfigError:
        return False
    return True


def test_the_schema_is_valid():
    jsonschema.Draft7Validator.check_schema(bptrain.schema())


def test_the_committed_schema_is_up_to_date(bptrain_in, tmp_path):
    done = bptrain_in("schema", "-o", "bptrain.schema.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "bptrain.schema.json" in done.stdout
    assert (tmp_path / "bptrain.schema.json").read_bytes() == FILE.read_bytes()
    assert bptrain_in("schema", PYTHONIOENCODING="utf-8").stdout == FILE.read_text(encoding="utf-8")
    assert json.loads(FILE.read_text(encoding="utf-8")) == bptrain.schema()


def test_the_schema_does_not_depend_on_the_order_of_imports():
    for key in FAMILIES:
        named = [one["const"] for one in bptrain.schema()["definitions"][key]["anyOf"] if "const" in one]
        assert named == sorted(named)


def test_the_command_overwrites_an_earlier_schema_and_no_other_file(bptrain_in, tmp_path):
    (tmp_path / "old.json").write_text('{\n "title": "bptrain config",\n "type": "object"\n}\n')
    assert bptrain_in("schema", "-o", "old.json").returncode == 0
    assert (tmp_path / "old.json").read_bytes() == FILE.read_bytes()
    (tmp_path / "mine.json").write_text('{"my": "thesis"}')
    for path, message in (("mine.json", "exists already"), ("gone/s.json", "there is no folder 'gone'")):
        done = bptrain_in("schema", "-o", path)
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: {path}: {message}")
    assert (tmp_path / "mine.json").read_text() == '{"my": "thesis"}'


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_bundled_config_names_the_schema_and_fits_it(path):
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={FILE.name}"
    validator().validate(plain(parse(text, path.name)[0]))


def test_there_are_bundled_configs():
    assert {"digits", "iris"} <= {path.stem for path in CONFIGS}


def test_every_option_is_described():
    text = bptrain.schema()
    definitions = text["definitions"]
    seen = 0
    for name, cls in SECTIONS.items():
        entry = text if name == "experiment" else definitions[cls.__name__]
        assert set(entry["properties"]) == {option.name for option in list_options(cls)}
        assert entry["additionalProperties"] is False
        seen += sum(option.doc in entry["properties"][option.name]["description"] for option in list_options(cls))
    for family in FAMILIES.values():
        for name, cls in family.members.items():
            (entry,) = [value for key, value in definitions.items() if key.endswith(f".{name}") and same(value, cls)]
            whole = entry["anyOf"][0]
            assert set(whole["properties"]) == {option.name for option in list_options(cls)}
            assert whole["additionalProperties"] is False
            for option in list_options(cls):
                assert option.doc in whole["properties"][option.name]["description"]
                assert ("default" in whole["properties"][option.name]) is not option.is_required
                seen += 1
    assert seen > 100


def same(entry, cls):
    return " ".join((cls.__doc__ or "").split()).startswith(entry["description"])


PLACES = {
    "layers": "network: [{}, dense]\n",
    "activations": "hidden: [4]\nactivation: {}\n",
    "initializers": "network: [dense: {{units: 3, weight_init: {}}}]\n",
    "losses": "hidden: [4]\nloss: {}\n",
    "optimizers": "hidden: [4]\noptimizer: {}\n",
    "schedules": "hidden: [4]\nschedule: {}\n",
    "augmentations": "hidden: [4]\naugmentation: [{}]\n",
    "metrics": "hidden: [4]\nmetrics: [{}]\n",
}
MEMBERS = [(family, name) for family in PLACES for name in FAMILIES[family]]


@pytest.mark.parametrize(("family", "name"), sampled(MEMBERS, every=3), ids=lambda item: item)
def test_the_schema_accepts_the_forms_of_a_component_that_the_loader_accepts(family, name):
    """The forms: the name alone, empty options, a wrong key, and values of several types for the first option."""
    forms = [
        name,
        f"{{{name}: }}",
        f"{{{name}: {{}}}}",
        f"{{{name}: {{zzz: 1}}}}",
        f"{name}x",
        f"{{{name}: 1, zzz: 1}}",
    ]
    forms += [f"{{{name}: {value}}}" for value in ("0.5", "3", "-1", "true", "what", "[3, 4]", "[]", "[[1, 2], [3]]")]
    answers = set()
    for form in forms:
        text = HEAD + PLACES[family].format(form)
        # A component may refuse values that go against each other, which is beyond a schema.
        if loads(text):
            assert accepted(text), form
            answers.add(True)
        elif form in forms[3:6]:
            assert not accepted(text), form
            answers.add(False)
    assert False in answers


FITTING = [
    MINIMAL,
    HEAD + "network: [{dense: {units: 4, l2: null}}, relu, {dropout: 0.5}, {residual: [{dense: 4}]}, dense]\n",
    MINIMAL + "activation: {leaky_relu: {slope: 0.3}}\n",
    MINIMAL + "optimizer: {sgd: {lr: 1e-3, momentum: 0.9}}\nloss: auto\nmetrics: auto\n",
    MINIMAL + "optimizer: {adam: 0.5}\nmetrics: [accuracy, {f1: {average: macro}}]\n",
    MINIMAL + "schedule: {warmup: {epochs: 2, then: {cosine: {final: 0.1}}}}\n",
    MINIMAL + "training: {batch_size: full, clipping: {norm: 1}, early_stopping: null}\n",
    MINIMAL + "version: 1\nname: x\nseed: 3\ndtype: float64\n",
    "data: {source: {csv: a.csv}, target: [a, b], features: [c], task: multi_label}\nhidden: []\n",
    "data: {source: {synthetic: {kind: line, slope: 2}}, split: {validation: 0}}\nhidden: [4]\n",
]

VARIABLES = [
    MINIMAL + "seed: ${env:SEED}\n",
    MINIMAL + "dtype: ${env:DTYPE}\ntraining: {batch_size: '${seed}'}\n",
    MINIMAL + "optimizer: {adam: {lr: '${env:LR}'}}\nschedule: ${env:SCHEDULE}\n",
    MINIMAL + "optimizer: {adam: '${env:LR}'}\n",
    HEAD + "hidden: ['${seed}', 4]\n",
]


@pytest.mark.parametrize("text", FITTING)
def test_the_schema_accepts_correct_configs(text):
    assert loads(text)
    assert accepted(text)


@pytest.mark.parametrize("text", VARIABLES)
def test_the_schema_accepts_a_variable_for_any_single_value(text):
    assert accepted(text)


BROKEN = [
    "hidden: [8]\n",
    HEAD,
    MINIMAL + "network: [dense]\n",
    HEAD + "network: [dense]\nactivation: relu\n",
    MINIMAL + "sed: 1\n",
    MINIMAL + "seed: 1.5\n",
    MINIMAL + "seed: -1\n",
    MINIMAL + "seed: '1'\n",
    MINIMAL + "seed: true\n",
    MINIMAL + "seed:\n",
    MINIMAL + "version: 2\n",
    MINIMAL + "name: 3\n",
    MINIMAL + "dtype: float16\n",
    MINIMAL + "optimizer: adm\n",
    MINIMAL + "optimizer: {adm: {lr: 1}}\n",
    MINIMAL + "optimizer: {adam: {lr: 0}}\n",
    MINIMAL + "optimizer: {adam: {lr: fast}}\n",
    MINIMAL + "optimizer: {adam: {beta1: 1}}\n",
    MINIMAL + "optimizer: {adam: {rate: 1}}\n",
    MINIMAL + "optimizer: {adam: {}, sgd: {}}\n",
    MINIMAL + "optimizer: [adam]\n",
    MINIMAL + "optimizer: {}\n",
    MINIMAL + "optimizer:\n",
    MINIMAL + "activation: dense\n",
    MINIMAL + "loss: 3\n",
    MINIMAL + "schedule: {step: {every: 0}}\n",
    MINIMAL + "schedule: multi_step\n",
    MINIMAL + "metrics: accuracy\n",
    MINIMAL + "metrics: [acuracy]\n",
    MINIMAL + "training: 5\n",
    MINIMAL + "training: {epochs: 0}\n",
    MINIMAL + "training: {batch_size: all}\n",
    MINIMAL + "training: {early_stopping: {patience: 0}}\n",
    MINIMAL + "training: {clipping: {norm: -1}}\n",
    MINIMAL + "regularization: {l2: -1}\n",
    HEAD + "hidden: 8\n",
    HEAD + "hidden: [0]\n",
    HEAD + "hidden: [8.5]\n",
    HEAD + "network: [dence]\n",
    HEAD + "network: [residual]\n",
    HEAD + "network: [{dropout: 1}]\n",
    HEAD + "network: [{relu: 3}]\n",
    HEAD + "network: [{dense: {units: some}}]\n",
    HEAD + "network: [{dense: {units: 3, weight_init: {normal: {std: -1}}}}]\n",
    HEAD + "network: dense\n",
    "data: {target: y}\nhidden: [8]\n",
    "data: iris\nhidden: [8]\n",
    "data: {source: bundled}\nhidden: [8]\n",
    "data: {source: {spreadsheet: a.xls}}\nhidden: [8]\n",
    "data: {source: {bundled: iris}, target: 3}\nhidden: [8]\n",
    "data: {source: {bundled: iris}, task: guess}\nhidden: [8]\n",
    "data: {source: {bundled: iris}, split: {test: 1}}\nhidden: [8]\n",
    "data: {source: {bundled: iris}, split: {tset: 0.1}}\nhidden: [8]\n",
]


@pytest.mark.parametrize("text", BROKEN)
def test_the_schema_rejects_what_no_config_may_say(text):
    assert not loads(text)
    assert not accepted(text)


def test_the_schema_rejects_a_list_at_the_top():
    assert not accepted("[1]\n")
    assert not loads("")
