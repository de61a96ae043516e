"""`--json` prints exactly one JSON object on stdout, on failure too, and changes neither exit code nor stderr."""

import json
from pathlib import Path

import pytest
import typer

from bptrain.cli.app import app
from bptrain.commands import COMMANDS

FAILING = {
    "train": ["no.yaml"],
    "resume": ["no-run"],
    "evaluate": ["no-run"],
    "predict": ["no-run", "no.csv"],
    "runs": ["no-folder"],
    "compare": ["no-run", "no-other"],
    "race": ["no.yaml", "--optimizer", "sgd", "--optimizer", "adam"],
    "gradcheck": ["no.yaml"],
    "verify": ["no.yaml"],
    "data": ["no.yaml"],
    "show": ["no.yaml"],
    "list": ["layers", "no-layer"],
    "bench": ["no-workload"],
    "help": ["no-topic"],
    "examples copy": ["no-example"],
}
"""Arguments with which each command that has --json fails."""

ALWAYS = {"validate", "examples", "cache show", "cache clear"}
"""Those that fail by wrong options alone; `validate` prints what it found in any case."""


def commands_with_json():
    """Every command and its own commands, `cache clear`, that has the option."""
    whole = typer.main.get_command(app)
    for command in COMMANDS:
        one = whole.commands[command.name]
        for name, inner in {"": one, **getattr(one, "commands", {})}.items():
            if any("--json" in parameter.opts for parameter in inner.params):
                yield f"{command.name} {name}".strip()


def test_every_command_with_json_is_tried():
    assert set(commands_with_json()) == set(FAILING) | ALWAYS


def error_of(done):
    document = json.loads(done.stdout)
    assert list(document) == ["error"]
    assert document["error"]["exit_code"] == done.returncode != 0
    return document["error"]


@pytest.mark.parametrize("name", FAILING)
def test_what_fails_is_one_object(bptrain_in, name):
    plain = bptrain_in(*name.split(), *FAILING[name])
    done = bptrain_in(*name.split(), *FAILING[name], "--json")
    assert (done.returncode, done.stderr) == (plain.returncode, plain.stderr)
    assert plain.stdout == ""
    error = error_of(done)
    assert [f"error: {line}" for line in error["message"].splitlines()] == plain.stderr.splitlines()


@pytest.mark.parametrize("name", [*FAILING, *sorted(ALWAYS)])
def test_wrong_arguments_are_one_object(bptrain_in, name):
    done = bptrain_in(*name.split(), "--json", "--no-such-option")
    assert done.returncode == 2
    assert "--no-such-option" in error_of(done)["message"]
    assert "--no-such-option" in done.stderr


WRONG = """data: {source: {bundled: iris}, typo: 1}
hidden: [4, -1]
training: {epochs: many}
optimizer: {adam: {lr: -1}}
"""


@pytest.mark.parametrize("command", ["train", "show", "data", "gradcheck", "race"])
def test_all_mistakes_of_a_config_have_their_places(bptrain_in, command):
    Path("my.yaml").write_text(WRONG)
    more = FAILING["race"][1:] if command == "race" else []
    done = bptrain_in(command, "my.yaml", *more, "--json")
    problems = error_of(done)["problems"]
    expected = [
        (1, "data.typo"), (2, "hidden.1"), (3, "training.epochs"), (4, "optimizer.adam.lr"),
    ]  # fmt: skip
    assert [(one["line"], one["field"]) for one in problems] == expected
    assert all(
        set(one) == {"file", "line", "column", "field", "message", "code", "severity"} and one["file"] == "my.yaml"
        for one in problems
    )
    assert [f"{one['line']}:{one['column']}: {one['field']}" in done.stderr for one in problems] == [True] * 4


def test_what_is_found_by_a_rule_has_its_code(bptrain_in):
    Path("my.yaml").write_text("data: {source: {bundled: iris}}\nhidden: [4]\noptimizer: {adam: {lr: 50}}\n")
    error = error_of(bptrain_in("train", "my.yaml", "--strict", "--json"))
    assert error["problems"][0]["code"].startswith("BP")
    assert error["problems"][0]["severity"] == "error"


def test_what_diverges_is_one_object_with_exit_code_3(bptrain_in):
    text = "data: {source: {bundled: iris}, scaling: none}\nhidden: [4]\nactivation: relu\n"
    Path("my.yaml").write_text(text + "optimizer: {sgd: {lr: 1.0e+38}}\n")
    done = bptrain_in("train", "my.yaml", "-q", "--json")
    assert done.returncode == 3
    assert "diverged" in error_of(done)["message"]


def test_after_two_dashes_json_is_an_argument(bptrain_in):
    done = bptrain_in("list", "--", "--json")
    assert done.returncode == 2
    assert done.stdout == ""
