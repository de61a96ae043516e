"""Loading a config: a file and `KEY=VALUE` overrides to an experiment."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bptrain.config.build import Builder
from bptrain.config.dump import escape
from bptrain.config.experiment import Experiment
from bptrain.config.origin import Origin, Source, Spot
from bptrain.config.overrides import override
from bptrain.config.scalars import show_value
from bptrain.config.tree import freeze
from bptrain.config.variables import resolve
from bptrain.config.yaml_text import parse, read_text
from bptrain.errors import ConfigError, OptionError, Problem


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
        what = "the file is empty; a config needs at least data and hidden"
        raise ConfigError([Problem(str(path), 1, 1, "", what)])
    if not isinstance(tree, dict):
        raise ConfigError([origin.problem((), f"expected a mapping of keys at the top (got {show_value(tree)})")])
    # The file's name need not be text that a file can hold.
    stem = path.stem.encode("utf-8", "replace").decode()
    return finish(tree, origin, overrides, path.resolve().parent, name=stem)


def from_json(document: dict[str, Any], file: str) -> Experiment:
    """Return the experiment that `dump` wrote; `file` is named in messages.

    Raises:
        ConfigError: it is not what `dump` writes.
    """
    return load_document(document, file, ()).experiment


def load_document(document: dict[str, Any], file: str, overrides: Sequence[str]) -> Config:
    """Return what `dump` wrote with `KEY=VALUE` overrides put over it; paths in those start from the present folder.

    Raises:
        ConfigError: the document is not what `dump` writes, or an override does not fit.
    """
    # What is written there stands for itself; only the overrides can refer to something.
    origin = Origin(file, Spot(Source(file, ""), 1, 1))
    return finish(freeze(escape(document)), origin, overrides, Path.cwd(), name=Experiment.name)


def finish(tree: dict[str, Any], origin: Origin, overrides: Sequence[str], folder: Path, *, name: str) -> Config:
    """Return the experiment of a tree with overrides and references followed; `name` is its default name."""
    problems: list[Problem] = []
    for text in overrides:
        try:
            tree = override(tree, origin, text)
        except ConfigError as error:
            problems.extend(error.problems)
    tree, nowhere = resolve({"name": escape(name), **tree}, origin, os.environ)
    return Config(Builder(origin, folder, [*problems, *nowhere]).build(tree), origin)


@contextmanager
def place_errors(config: Config) -> Iterator[None]:
    """Give mistakes in options that the data or the rest of the config brings to light their places in the file.

    Raises:
        ConfigError: in place of an `OptionError`.
    """
    try:
        yield
    except OptionError as error:
        raise config.origin.place(error) from None
