"""Variables in configs: their values, and what can be wrong with them."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from speeds import examples

from bptrain.columns.scalers import Unscaled
from bptrain.config import dump, from_json, load, to_yaml
from bptrain.errors import ConfigError
from bptrain.optim import Adam

MINIMAL = "data: {source: {bundled: iris}}\nhidden: [8]\n"


def experiment(text, *overrides):
    Path("my.yaml").write_text(MINIMAL + text, encoding="utf-8")
    return load("my.yaml", overrides).experiment


# Text in a config, the environment variables that are set, and the name that results (None: an error).
GOOD = [
    ("seed: 3\nname: run-${seed}", {}, "run-3"),
    ("seed: 3\nname: ${seed}-${ seed }-${dtype}", {}, "3-3-float32"),
    ("name: 'x${optimizer.adam.lr}'", {}, "x0.001"),
    ("optimizer: {adam: {lr: 1e-4}}\nname: 'x${optimizer.adam.lr}'", {}, "x0.0001"),
    ("optimizer: sgd\nname: 'x${optimizer.sgd.lr}'", {}, "x0.01"),
    ("optimizer: {sgd: 0.5}\nname: 'x${optimizer.sgd.lr}'", {}, "x0.5"),
    ("name: x${hidden.0}", {}, "x8"),
    ("name: ${data.source.bundled.name}", {}, "iris"),
    ("name: ${data.source.bundled}", {}, "iris"),
    ("name: ${data.split.method}", {}, "auto"),
    ("name: x${regularization.l2}", {}, "x0.0"),
    ("training: {early_stopping: {}}\nname: 'x${training.early_stopping.patience}'", {}, "x10"),
    ("name: ${env:WHO}", {"WHO": "me"}, "me"),
    ("name: ${env:WHO}", {"WHO": "2024"}, "2024"),
    ("name: ${env:WHO:-you}", {}, "you"),
    ("name: ${env:WHO:-you}", {"WHO": ""}, "you"),
    ("name: a${env:WHO:-}b", {}, None),
    ("name: a${env:WHO}b", {"WHO": "07"}, "a07b"),
    ("name: $${seed}", {}, "${seed}"),
    ("name: $$${seed}", {}, "$${seed}"),
    ("name: a$b ${seed} $ {x} $$", {}, "a$b 0 $ {x} $$"),
    ('name: "\\x24{dtype}"', {}, "float32"),
    ("name: my-${name2}-x\nseed: 0", {}, None),
]


@pytest.mark.parametrize(("text", "environment", "name"), GOOD, ids=range(len(GOOD)))
def test_a_reference_is_replaced_by_its_value(text, environment, name, monkeypatch):
    monkeypatch.delenv("WHO", raising=False)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    if name is None:
        with pytest.raises(ConfigError):
            experiment(text)
    else:
        assert experiment(text).name == name


def test_a_value_that_is_one_reference_takes_its_type():
    one = experiment(
        "seed: ${training.epochs}\ntraining: {epochs: 7, early_stopping: {patience: '${seed}'}}\n"
        "regularization: {l2: '${optimizer.adam.lr}'}\n"
    )
    assert (one.seed, one.training.early_stopping.patience, one.regularization.l2) == (7, 7, 0.001)


def test_a_reference_can_name_a_section_or_a_list():
    data = "source: {bundled: iris}, target: [a, b], features: '${data.target}', target_scaling: '${data.scaling}'"
    Path("my.yaml").write_text(f"data: {{{data}}}\nhidden: [8]\n")
    one = load("my.yaml", ["data.scaling=none"]).experiment
    assert one.data.features == ("a", "b")
    assert one.data.target_scaling == one.data.scaling == Unscaled()


def test_environment_variables_are_read_as_yaml_scalars(monkeypatch):
    monkeypatch.setenv("N", "5")
    monkeypatch.setenv("R", "1e-3")
    monkeypatch.setenv("B", "false")
    text = "seed: ${env:N}\noptimizer: {adam: {lr: '${env:R}', amsgrad: '${env:B}'}}\n"
    one = experiment(text)
    assert (one.seed, one.optimizer) == (5, Adam(lr=0.001, amsgrad=False))


def test_a_path_can_have_a_variable_in_it(monkeypatch):
    monkeypatch.setenv("WHERE", "7")
    Path("my.yaml").write_text("data: {source: {csv: '${env:WHERE}/my.csv'}, target: y}\nhidden: [8]\n")
    assert load("my.yaml").experiment.data.source.path == Path.cwd() / "7" / "my.csv"
    Path("my.yaml").write_text("data: {source: {csv: '${env:WHERE}'}, target: '${env:WHERE}'}\nhidden: [8]\n")
    one = load("my.yaml").experiment
    assert (one.data.source.path, one.data.target) == (Path.cwd() / "7", "7")


def test_overrides_can_use_references_and_change_their_values():
    assert experiment("name: x${seed}\n", "seed=4").name == "x4"
    assert experiment("seed: 4\n", "name=x${seed}").name == "x4"
    assert experiment("", "name=x${training.epochs}", "training.epochs=9").name == "x9"


def test_the_name_of_the_file_is_not_read_as_a_reference():
    Path("${seed}.yaml").write_text(MINIMAL)
    assert load("${seed}.yaml").experiment.name == "${seed}"
    Path("b.yaml").write_text(MINIMAL)
    assert load("b.yaml", ["data.source={csv: '${name}.csv'}"]).experiment.data.source.path.name == "b.csv"


def test_the_name_of_a_file_can_have_bytes_that_are_not_text(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.yaml"
    with open(path, "wb") as file:
        file.write(MINIMAL.encode())
    one = load(os.fsdecode(path)).experiment
    assert one.name == "?"
    assert to_yaml(one).encode()


def test_a_variable_with_unprintable_characters_is_an_error(monkeypatch):
    monkeypatch.setenv("ODD", "a\nb")
    with pytest.raises(ConfigError, match=r"3:7: name: the environment variable ODD has unprintable characters"):
        experiment("name: ${env:ODD}")


# The columns of the mistakes, in the last line.
PLACES = [
    ("name: a ${zz} b ${yy}", [9, 17]),
    ("name: 'a ${seed} b ${zz}'", [20]),
    ("name: '${zz} ${zz}'", [8, 14]),
    ("hidden2: [a, '${zz}']", [1, 15]),
]


@pytest.mark.parametrize(("text", "columns"), PLACES)
def test_a_mistake_is_placed_at_the_reference(text, columns):
    with pytest.raises(ConfigError) as caught:
        experiment(text)
    assert [problem.column for problem in caught.value.problems] == columns


TEXTS = st.text(
    st.one_of(st.sampled_from("${}:-' \"#\\\n\t[]&*!%@0123.eabcX"), st.characters(codec="utf-8")), max_size=30
)


@examples(300)
@given(TEXTS, TEXTS)
def test_any_text_survives_dump_and_reload(name, target):
    Path("my.yaml").write_text(MINIMAL)
    one = load("my.yaml").experiment
    one = replace(one, name=name, data=replace(one.data, target=(target, name)))
    Path("again.yaml").write_bytes(to_yaml(one).encode())
    assert load("again.yaml").experiment == one
    assert from_json(dump(one), "x") == one


@examples(300)
@given(TEXTS, st.integers(0, 10**6))
def test_any_escaped_text_beside_a_reference_is_unchanged(text, seed):
    escaped = text.replace("${", "$${")
    quoted = "".join(f"\\U{ord(c):08x}" for c in escaped)
    Path("my.yaml").write_text(MINIMAL + f'seed: {seed}\nname: "{quoted} ${{seed}}"\n')
    assert load("my.yaml").experiment.name == f"{text} {seed}"


def test_the_config_of_a_run_has_no_references(monkeypatch):
    monkeypatch.setenv("WHO", "me")
    text = to_yaml(experiment("seed: 3\nname: a-${seed}-${env:WHO}-$${x}\n"))
    assert "name: a-3-me-$${x}" in text
    assert text.count("${") == 1
