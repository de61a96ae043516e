"""Overrides: `KEY=VALUE` put over the tree of a config file."""

from dataclasses import replace
from typing import Any

from bptrain.config.origin import FieldPath, Origin, Source, Spot, join_path, split_path
from bptrain.config.scalars import show_value
from bptrain.config.tree import first_option
from bptrain.config.yaml_text import MOST_DEPTH, parse
from bptrain.errors import ConfigError
from bptrain.text import cut


def override(tree: dict[str, Any], origin: Origin, text: str) -> dict[str, Any]:
    """Return the tree with one `KEY=VALUE` put in; the origin learns where the value stands.

    Raises:
        ConfigError: the text has no `=`, its value is no YAML, or its key leads through a single value.
    """
    key, equals, written = text.partition("=")
    path = split_path(key.strip())
    name = cut(text, 200)
    source = Source(name, text)
    if not equals or not path or len(path) > MOST_DEPTH or not text.isprintable():
        raise ConfigError([source.problem(1, 1, (), "an override is KEY=VALUE, such as training.epochs=5")])
    try:
        value, inner = parse(written, name, before=f"{key}=")
    except ConfigError as error:
        inside = [replace(p, field=".".join(filter(None, (join_path(path), p.field)))) for p in error.problems]
        raise ConfigError(inside) from None
    columns = starts(key)
    path, tree = put(tree, path, value, Problems(source, columns))
    spot = origin.root or Spot(source, 1, 1)
    for part, column in zip(path[:-1], columns, strict=False):
        next_one = (spot.inside or {}).get(part)
        if next_one is None:
            next_one = Spot(source, 1, column)
            spot.put(part, next_one)
        spot = next_one
    last = inner.root or Spot(source, 1, len(key) + 2)
    last.key_line, last.key_column = 1, columns[-1]
    spot.put(path[-1], last)
    return tree


def starts(key: str) -> list[int]:
    """Return the column, counted from 1, at which each part of a dotted key begins."""
    columns, column = [], 1
    for part in key.split("."):
        if part.strip():
            columns.append(column + len(part) - len(part.lstrip()))
        column += len(part) + 1
    return columns


class Problems:
    """The mistakes that an override can make on its way into the tree."""

    def __init__(self, source: Source, columns: list[int]) -> None:
        self.source = source
        self.columns = columns

    def at(self, path: FieldPath, message: str) -> ConfigError:
        """Return the error at the last part of a path."""
        return ConfigError([self.source.problem(1, self.columns[len(path) - 1], path, message)])


def put(tree: Any, path: FieldPath, value: Any, problems: Problems, done: FieldPath = ()) -> tuple[FieldPath, Any]:
    """Return the path as the tree knows it, and a copy of the tree with the value there; missing sections are made."""
    if len(done) == len(path):
        return done, value
    step = path[len(done)]
    if isinstance(tree, tuple):
        here = (*done, step)
        if not isinstance(step, int) or step >= len(tree):
            has = f"items 0 to {len(tree) - 1}" if tree else "no items"
            raise problems.at(here, f"the list has {has} (got {step})")
        way, item = put(tree[step], path, value, problems, here)
        return way, (*tree[:step], item, *tree[step + 1 :])
    here = (*done, str(step))
    if tree is None:
        tree = {}
    if isinstance(tree, str) and tree == step:
        tree = {step: {}}
    elif not isinstance(tree, dict) and done and (first := first_option(str(done[-1]))):
        tree = {first: tree}
    if not isinstance(tree, dict):
        raise problems.at(here, f"{join_path(done)} is {show_value(tree)} and has no keys inside")
    way, item = put(tree.get(str(step)), path, value, problems, here)
    return way, {**tree, str(step): item}
