"""Loading a config: a YAML file and `KEY=VALUE` overrides to an experiment."""

import codecs
import os
import re
import shlex
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bptrain.config.build import Builder
from bptrain.config.document.dump import escape
from bptrain.config.document.origin import FieldPath, Origin, Source, Spot, join_path, split_path
from bptrain.config.document.variables import resolve
from bptrain.config.document.yaml_text import MOST_DEPTH, parse, show_value
from bptrain.config.experiment import Experiment
from bptrain.config.tree import find_first_option, freeze
from bptrain.errors import ConfigError, InputError, Mistake, OptionError, Problem, StorageError
from bptrain.text import cut

MOST_BYTES = 1 << 20
DATA_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".npy", ".npz", ".xlsx", ".xls", ".ods", ".zip")
"""The names of files of data end so, and those of configs do not."""


@dataclass(frozen=True)
class Config:
    """An experiment with the places of its values, for messages about mistakes that only the data reveal."""

    experiment: Experiment
    origin: Origin


def load(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read a config file.

    Args:
        path: a YAML file. Relative paths in it start from its folder.
        overrides: `KEY=VALUE` each, such as `training.epochs=5`; the value is YAML.

    Raises:
        InputError: the file cannot be read, or is one of data.
        ConfigError: everything that is wrong in it, with places.
    """
    path = Path(path)
    if path.name.lower().removesuffix(".gz").endswith(DATA_SUFFIXES) and path.is_file():
        command = shlex.join(["bptrain", "init", str(path)])
        raise InputError(f"{path}: a file of data, not a config; write a config for it with: {command}")
    tree, origin = read_yaml(path)
    if tree is None:
        what = "the file is empty; a config needs at least data and hidden"
        raise ConfigError([Problem(str(path), 1, 1, "", what)])
    if not isinstance(tree, dict):
        what = f"expected a mapping of keys at the top (got {show_value(tree)}); write KEY: VALUE lines"
        raise ConfigError([origin.make_problem((), what)])
    # The name of a file can hold bytes that are not text.
    stem = path.stem.encode("utf-8", "replace").decode()
    return finish(tree, origin, overrides, path.resolve().parent, name=stem)


def from_json(document: dict[str, Any], file: str) -> Experiment:
    """Return the experiment that `dump` wrote; `file` is named in messages.

    Raises:
        ConfigError: it is not what `dump` writes.
    """
    return load_document(document, file, ()).experiment


def load_document(document: dict[str, Any], file: str, overrides: Sequence[str]) -> Config:
    """Return what `dump` wrote, with `KEY=VALUE` overrides; relative paths in those start from the working directory.

    Raises:
        ConfigError: the document is not what `dump` writes, or an override does not fit.
    """
    # References in the document were resolved when it was written; only the overrides can have new ones.
    origin = Origin(file, Spot(Source(file, ""), 1, 1))
    return finish(freeze(escape(document)), origin, overrides, Path.cwd(), name=Experiment.name)


def finish(tree: dict[str, Any], origin: Origin, overrides: Sequence[str], folder: Path, *, name: str) -> Config:
    """Return the experiment of a tree, with overrides and references resolved; `name` is its default name."""
    problems: list[Problem] = []
    for text in overrides:
        try:
            tree = override(tree, origin, text)
        except ConfigError as error:
            problems.extend(error.problems)
    tree, broken = resolve({"name": escape(name), **tree}, origin, os.environ)
    return Config(Builder(origin, folder, [*problems, *broken]).build(tree), origin)


@contextmanager
def place_errors(config: Config) -> Iterator[None]:
    """Add the places in the file to mistakes in options that are found inside this block.

    Raises:
        ConfigError: in place of an `OptionError`.
    """
    try:
        yield
    except OptionError as error:
        raise config.origin.place(error) from None


def read_yaml(path: Path) -> tuple[Any, Origin]:
    """Return the value of a YAML file, with lists as tuples, and the places of everything in it.

    Raises:
        InputError: no such file, not a regular file, too large, or not UTF-8.
        StorageError: the file exists but cannot be read.
        ConfigError: it is not YAML, or uses what configs do not support.
    """
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            # Opening a pipe or device could block.
            what = "folder" if stat.S_ISDIR(kind) else "pipe" if stat.S_ISFIFO(kind) else "device"
            raise InputError(f"{path}: not a file (got a {what}); name a YAML file")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such file") from None
    except ValueError:
        raise InputError(f"{path}: no such file (the path has a NUL character)") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: larger than the limit of 1 MiB ({MOST_BYTES:,} bytes); move data to a separate file")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ConfigError([Problem(str(path), 1, 1, "", "the file is UTF-16 or UTF-32 text; save it as UTF-8")])
    try:
        return parse(data.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        before = Source(str(path), data[: error.start].decode("utf-8-sig", errors="replace"))
        line, column = before.find_position(len(before.text))
        what = f"the file is not UTF-8 text (got the byte 0x{data[error.start]:02X}); save it as UTF-8"
        raise ConfigError([Problem(str(path), line, column, "", what)]) from None


def override(tree: dict[str, Any], origin: Origin, text: str) -> dict[str, Any]:
    """Return the tree with one `KEY=VALUE` put in, and add its place to the origin.

    Raises:
        ConfigError: the text has no `=`, its value is not YAML, or its key goes through a value that is neither a
            mapping nor a list.
    """
    key, equals, written = text.partition("=")
    path = split_path(key.strip())
    source = Source(cut(text, 200), text)
    if not equals or not path or len(path) > MOST_DEPTH or not text.isprintable():
        what = "an override is KEY=VALUE, such as training.epochs=5; put one with spaces in quotes"
        raise ConfigError([source.make_problem(1, 1, (), what)])
    try:
        value, inner = parse(written, source.file, before=f"{key}=")
    except ConfigError as error:
        inside = [replace(p, field=".".join(filter(None, (join_path(path), p.field)))) for p in error.problems]
        raise ConfigError(inside) from None
    indent = len(key) - len(key.lstrip())
    words = [(match.start(), match[0]) for match in re.finditer(r"[^.]+", key.strip())]
    columns = [1 + indent + start + len(word) - len(word.lstrip()) for start, word in words]
    try:
        path, tree = put(tree, path, value)
    except OptionError as error:
        (mistake,) = error.mistakes
        here = split_path(mistake.field)
        raise ConfigError([source.make_problem(1, columns[len(here) - 1], here, mistake.message)]) from None
    spot = origin.root or Spot(source, 1, 1)
    for word, column in zip(path[:-1], columns, strict=False):
        if word not in (spot.inside or {}):
            spot.put(word, Spot(source, 1, column))
        spot = (spot.inside or {})[word]
    last = inner.root or Spot(source, 1, len(key) + 2)
    last.key_line, last.key_column = 1, columns[-1]
    spot.put(path[-1], last)
    return tree


def put(tree: Any, path: FieldPath, value: Any, done: FieldPath = ()) -> tuple[FieldPath, Any]:
    """Return a copy of the tree with the value at the path and missing sections added, after the path in the tree's own
    keys: an index of a list stays a number, and a key of a mapping becomes text."""
    if len(done) == len(path):
        return done, value
    step = path[len(done)]
    if isinstance(tree, tuple):
        here = (*done, step)
        if not isinstance(step, int) or step >= len(tree):
            has = f"the list has {len(tree)} item{'s' * (len(tree) != 1)}, counted from 0"
            raise OptionError(Mistake(join_path(here), f"{has} (got {step})"))
        full, item = put(tree[step], path, value, here)
        return full, (*tree[:step], item, *tree[step + 1 :])
    here = (*done, str(step))
    if tree is None:
        tree = {}
    if isinstance(tree, str) and tree == step:
        tree = {step: {}}
    elif not isinstance(tree, dict) and done and (first := find_first_option(str(done[-1]))):
        tree = {first: tree}
    if not isinstance(tree, dict):
        key = join_path(done)
        raise OptionError(Mistake(join_path(here), f"{key} is {show_value(tree)}, not a mapping; write {key}=VALUE"))
    full, item = put(tree.get(str(step)), path, value, here)
    return full, {**tree, str(step): item}
