"""A newly registered component is known wherever configs are read, explained or written."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import jsonschema
import pytest
from annotated_types import Ge

from bptrain.commands.list import FAMILIES, reference
from bptrain.config import annotate, dump, from_json, load, to_yaml
from bptrain.config.schema import build_schema
from bptrain.errors import ConfigError
from bptrain.hints import Choice, Single, list_options

IRIS = "data: {source: {bundled: iris}}\n"
# A config for each family, with a component of it at the X.
CONFIGS = {
    "sources": "data: {source: X}\nhidden: [8]\n",
    "imputers": "data: {source: {bundled: iris}, missing: X}\nhidden: [8]\n",
    "scalers": "data: {source: {bundled: iris}, scaling: X}\nhidden: [8]\n",
    "encodings": "data: {source: {bundled: iris}, encoding: X}\nhidden: [8]\n",
    "layers": IRIS + "network: [X, dense]\n",
    "activations": IRIS + "hidden: [8]\nactivation: X\n",
    "initializers": IRIS + "network: [{dense: {weight_init: X}}]\n",
    "losses": IRIS + "hidden: [8]\nloss: X\n",
    "optimizers": IRIS + "hidden: [8]\noptimizer: X\n",
    "schedules": IRIS + "hidden: [8]\nschedule: X\n",
    "augmentations": IRIS + "hidden: [8]\naugmentation: [X]\n",
    "metrics": IRIS + "hidden: [8]\nmetrics: [X]\n",
}


@pytest.fixture(params=FAMILIES)
def component(request):
    """Register a component with a new option in each family; yield the name of the family and the component in YAML."""
    family = FAMILIES[request.param]
    base = min(
        family.get_own_members().values(), key=lambda cls: sum(option.is_required for option in list_options(cls))
    )
    body = {
        "__doc__": "Does what nobody did.",
        "__annotations__": {"novelty": Annotated[int, Ge(1), "how new it is"]},
        "novelty": 3,
        "aliases": ("brand_new",),
    }
    cls = family.register(dataclass(frozen=True)(type("ThirdParty", (base,), body)))
    required = "".join(
        f"{option.name}: {write_example(option)}, " for option in list_options(cls) if option.is_required
    )
    yield request.param, f"{{third_party: {{{required}novelty: 5}}}}"
    family.withdraw("third_party")


def write_example(option):
    """Return a value that a required option takes."""
    return next((form.values[0] for form in option.hint if isinstance(form, Choice)), "iris")


def experiment_of(key, text):
    """Load a config with a component of a family."""
    Path("my.yaml").write_text(CONFIGS[key].replace("X", text))
    return load("my.yaml")


def mistakes(key, text):
    """Return the messages about a component."""
    with pytest.raises(ConfigError) as caught:
        experiment_of(key, text)
    return [problem.message for problem in caught.value.problems]


def test_the_component_is_read_written_and_annotated(component):
    key, text = component
    config = experiment_of(key, text)
    assert experiment_of(key, text.replace("5", "4")).experiment != config.experiment
    assert "novelty: 5" in to_yaml(config.experiment)
    assert from_json(dump(config.experiment), "x") == config.experiment
    written_out = replace(config.experiment, network=config.experiment.layers, hidden=None, activation=None)
    lines = annotate(config, written_out).splitlines()
    assert any(line.strip().strip("- ").startswith("third_party:") for line in lines)
    (line,) = (line for line in lines if "novelty" in line)
    assert "novelty: 5" in line
    assert line.endswith("how new it is")


def test_a_misspelling_suggests_the_component(component):
    key, text = component
    (name,) = mistakes(key, text.replace("third_party", "third_part"))
    assert "'third_party'" in name
    (alias,) = mistakes(key, text.replace("third_party", "BrandNew"))
    assert "did you mean 'third_party'?" in alias
    assert "did you mean 'novelty'?" in mistakes(key, text.replace("novelty", "noveltie"))[0]
    assert mistakes(key, text.replace("5", "0")) == ["expected a whole number >= 1 (got 0)"]


def test_the_schema_and_the_manual_have_the_component(component):
    key, text = component
    schema = jsonschema.Draft7Validator(build_schema())
    for novelty in (5, 0, "new"):
        document = with_novelty(dump(experiment_of(key, text).experiment), novelty)
        assert schema.is_valid(document) is (novelty == 5)
    (entry,) = reference(key, "third_party")
    assert entry.text.startswith("Does what nobody did.")
    (option,) = (one for one in entry.options if one.name == "novelty")
    assert (option.takes, option.default, option.doc) == ("a whole number >= 1", "3", "how new it is")


def with_novelty(value, novelty):
    """Return the document with another value of the new option."""
    if isinstance(value, dict):
        return {key: novelty if key == "novelty" else with_novelty(one, novelty) for key, one in value.items()}
    return [with_novelty(one, novelty) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("component", ["optimizers"], indirect=True)
def test_overrides_and_references_reach_the_new_option(component):
    key, text = component
    experiment_of(key, text)
    config = load("my.yaml", ["optimizer.third_party.novelty=7", "seed=${optimizer.third_party.novelty}"])
    assert (config.experiment.optimizer.novelty, config.experiment.seed) == (7, 7)
    Path("my.yaml").write_text(IRIS + "hidden: [8]\noptimizer: third_party\nseed: ${optimizer.third_party.novelty}\n")
    assert load("my.yaml").experiment.seed == 3


@pytest.mark.parametrize(("path", "name"), [("my.csv.gz", "csv"), ("my.parquet", "parquet"), ("a/my.npz", "npz")])
def test_a_path_alone_suggests_the_source_that_reads_such_files(path, name):
    (message,) = mistakes("sources", path)
    assert message == f"unknown source '{path}'; write {{{name}: {path}}}"


# A type of single values, what is of it, and what only looks like it.
SINGLE = {
    int: ([0, -1, 10**300], [True, 1.0, "1", None, (1,)]),
    float: ([0, 1.5, 10**308], [True, math.inf, -math.inf, math.nan, 10**400, "1.5", None]),
    str: (["", "1", "\N{SNOWMAN}"], [1, None, True, "\ud800"]),
    bool: ([True, False], [1, 0, "true", None]),
    Path: ([Path("x")], ["x", None, 1]),
    type(None): ([None], [False, 0, "", "null"]),
}


@pytest.mark.parametrize("kind", SINGLE)
def test_a_single_value_is_accepted_only_with_its_exact_type(kind):
    right, wrong = SINGLE[kind]
    assert all(Single(kind).accepts(value) for value in right)
    assert not any(Single(kind).accepts(value) for value in wrong)


def test_bounds_are_open_or_closed_as_their_sign_says():
    for sign, right, wrong in ((">", [2], [1, 0]), (">=", [1, 2], [0]), ("<", [0], [1, 2]), ("<=", [0, 1], [2])):
        for kind in (int, float):
            assert all(Single(kind, ((sign, 1),)).accepts(value) for value in right)
            assert not any(Single(kind, ((sign, 1),)).accepts(value) for value in wrong)
