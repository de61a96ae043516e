"""Loading a config: a file and `KEY=VALUE` overrides to an experiment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bptrain.config.build import Builder, shown
from bptrain.config.experiment import Experiment
from bptrain.config.reference import FAMILIES
from bptrain.config.yaml_text import MOST_DEPTH, FieldPath, Origin, Place, field_path, parse, read_text
from bptrain.errors import ConfigError, InputError, Problem
from bptrain.registry import options


@dataclass(frozen=True)
class Config:
    """An experiment with the places of its values, for messages about what only the data can tell."""

    experiment: Experiment
    origin: Origin


def load(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read a config file.

    Args:
        path: a YAML file. Relative paths in it start from its folder.
        overrides: `KEY=VALUE` each, such as `training.epochs=5`; the value is YAML.

    Raises:
        InputError: the file cannot be read.
        ConfigError: everything that is wrong in it, with places.
    """
    path = Path(path)
    tree, origin = parse(read_text(path), str(path))
    if tree is None:
        raise InputError(f"{path}: the file is empty; a config needs at least data and hidden")
    if not isinstance(tree, dict):
        raise ConfigError([origin.problem((), f"expected a mapping of keys at the top (got {shown(tree)})")])
    for text in overrides:
        tree = overridden(tree, origin, text)
    experiment: Experiment = Builder(origin, path.resolve().parent).build(Experiment, tree)
    return Config(experiment if "name" in tree else replace(experiment, name=path.stem), origin)


def from_json(document: dict[str, Any], file: str) -> Experiment:
    """The experiment that `dump` wrote; `file` is named in messages.

    Raises:
        ConfigError: it is not what `dump` writes.
    """
    return changed(document, file, ()).experiment


def changed(document: dict[str, Any], file: str, overrides: Sequence[str]) -> Config:
    """What `dump` wrote with `KEY=VALUE` overrides put over it; paths in those start from the present folder.

    Raises:
        ConfigError: the document is not what `dump` writes, or an override does not fit.
    """
    origin, tree = Origin(file), frozen(document)
    for text in overrides:
        tree = overridden(tree, origin, text)
    return Config(Builder(origin, Path.cwd()).build(Experiment, tree), origin)


def frozen(value: Any) -> Any:
    """JSON's lists as tuples."""
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def overridden(tree: dict[str, Any], origin: Origin, text: str) -> dict[str, Any]:
    """The tree with one `KEY=VALUE` put in; the origin learns where the value stands.

    Raises:
        ConfigError: the text has no `=`, its value is no YAML, or its key leads through a single value.
    """
    key, equals, written = text.partition("=")
    path = field_path(key.strip())
    if not equals or not path or len(path) > MOST_DEPTH or not text.isprintable():
        raise ConfigError([Problem(text, 1, 1, "", "an override is KEY=VALUE, such as training.epochs=5")])
    try:
        value, inner = parse(written, text)
    except ConfigError as error:
        column = len(key) + 2
        raise ConfigError(Problem(text, 1, column, key, problem.message) for problem in error.problems) from None
    for part in [part for part in origin.values if part[: len(path)] == path]:
        del origin.values[part]
    for part, place in inner.values.items():
        origin.values[path + part] = Place(text, place.line, place.column + len(key) + 1)
    for part, place in inner.keys.items():
        origin.keys[path + part] = Place(text, place.line, place.column + len(key) + 1)
    origin.values.setdefault(path, Place(text, 1, len(key) + 2))
    origin.keys[path] = Place(text, 1, 1)
    for k in range(1, len(path)):
        origin.values.setdefault(path[:k], Place(text, 1, 1))
        origin.keys.setdefault(path[:k], Place(text, 1, 1))
    return dict(put(tree, path, value, text, ()))


def first_option(name: str) -> str | None:
    """The first option of the component of that name, which `name: value` gives without saying so."""
    for family in FAMILIES.values():
        if name in family.members:
            return next((option.name for option in options(family.members[name])), None)
    return None


def put(tree: Any, path: FieldPath, value: Any, text: str, done: FieldPath) -> Any:
    """A copy of the tree with the value at the path; sections on the way are made where they are missing."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    here = (*done, step)
    if isinstance(tree, tuple):
        if not isinstance(step, int) or step >= len(tree):
            what = f"the list has items 0 to {len(tree) - 1} (got {step})"
            raise ConfigError([Problem(text, 1, 1, ".".join(map(str, here)), what)])
        return (*tree[:step], put(tree[step], rest, value, text, here), *tree[step + 1 :])
    if tree is None:
        tree = {}
    if isinstance(tree, str) and tree == step:
        tree = {step: {}}
    elif not isinstance(tree, dict) and done and (first := first_option(str(done[-1]))):
        tree = {first: tree}
    if not isinstance(tree, dict):
        what = f"{'.'.join(map(str, done))} is {shown(tree)} and has no keys inside"
        raise ConfigError([Problem(text, 1, 1, ".".join(map(str, here)), what)])
    key = str(step)
    return {**tree, key: put(tree.get(key), rest, value, text, here)}
