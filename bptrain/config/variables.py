"""Variables: `${key.of.this.config}` and `${env:NAME}` in the values of a config, put in before anything is built.

A value that is one reference and nothing else takes the value referred to, with its type; inside a longer text it is
inserted as text. `$${` stands for a literal `${`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, replace
from typing import Any

from bptrain.config.origin import FieldPath, Origin, Reference, join_path, split_path
from bptrain.config.scalars import read_scalar, show_value, write_scalar
from bptrain.config.suggest import Map
from bptrain.config.tree import find_default, first_option
from bptrain.config.yaml_text import MOST_DEPTH, MOST_PROBLEMS
from bptrain.errors import Problem
from bptrain.text import cut, find_closest

REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)(\}?)")
VARIABLE = re.compile(r"env:\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?::-(.*))?", re.DOTALL)
MOST_VALUES = 100_000
MOST_TEXT = 1 << 20

BROKEN: Any = object()
"""Stands for a value whose reference leads nowhere; its mistake is noted already."""


class NowhereError(Exception):
    """A reference cannot be followed; the message is noted where it stands."""


def resolve(tree: dict[str, Any], origin: Origin, environment: Mapping[str, str]) -> tuple[Any, list[Problem]]:
    """Return the tree with every reference followed, and the mistakes in them; the origin learns where they stood.

    Args:
        tree: the file with its overrides.
        origin: knows the places of the values.
        environment: the variables that `${env:NAME}` can name.
    """
    if not any("${" in text for text in texts(tree)):
        return tree, []
    resolver = Resolver(tree, origin, environment)
    return resolver.follow(tree, (), 0), resolver.problems


def texts(value: Any) -> Iterator[str]:
    """Yield all single texts in a tree, without recursion."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, tuple):
            waiting.extend(one)


class Resolver:
    """Follows the references of one tree, within bounds that no honest config meets."""

    def __init__(self, tree: dict[str, Any], origin: Origin, environment: Mapping[str, str]) -> None:
        self.tree = tree
        self.origin = origin
        self.environment = environment
        self.problems: list[Problem] = []
        # What the paths stand for that were referred to, and what is wrong with those that stand for nothing.
        self.known: dict[FieldPath, Any] = {}
        self.lost: dict[FieldPath, str] = {}
        # The paths that are being resolved, from the outermost reference to the innermost.
        self.trail: list[FieldPath] = []
        self.values_left = MOST_VALUES
        self.text_left = MOST_TEXT

    def follow(self, value: Any, path: FieldPath, depth: int) -> Any:
        """Return a value of the tree with the references in it followed."""
        if isinstance(value, dict):
            return {key: self.follow(one, (*path, key), depth + 1) for key, one in value.items()}
        if isinstance(value, tuple):
            return tuple(self.follow(one, (*path, k), depth + 1) for k, one in enumerate(value))
        if not isinstance(value, str) or "${" not in value:
            return value
        whole = REFERENCE.fullmatch(value)
        pieces, end, searched, broken = [], 0, 0, False
        for match in REFERENCE.finditer(value):
            if len(self.problems) >= MOST_PROBLEMS or self.values_left < 0 or self.text_left < 0:
                return BROKEN
            pieces.append(value[end : match.start()])
            end = match.end()
            if match[0] == "$${":
                pieces.append("${")
                continue
            column, searched = self.column(path, match[0], searched)
            try:
                found, text = self.follow_name(match, depth)
                if whole and found is not BROKEN:
                    self.origin.references[path] = Reference(match[0], text)
                    return found
                broken = broken or found is BROKEN
                pieces.append("" if broken else self.insert(match[0], found))
            except NowhereError as error:
                broken = True
                problem = self.origin.problem(path, str(error))
                self.problems.append(replace(problem, column=column))
        if broken:
            return BROKEN
        return "".join(pieces) + value[end:]

    def column(self, path: FieldPath, text: str, searched: int) -> tuple[int, int]:
        """Return the column of a reference in the line of its value, and where the search for the next one begins."""
        spot = self.origin.spot(path)
        if spot is None:
            return 1, 0
        index = spot.source.line(spot.line).find(text, max(searched, spot.column - 1))
        return (spot.column, searched) if index < 0 else (index + 1, index + len(text))

    def follow_name(self, match: re.Match[str], depth: int) -> tuple[Any, str | None]:
        """Return what a reference stands for; of an environment variable also the text that it was read from.

        Raises:
            NowhereError: nothing.
        """
        name = match[1].strip()
        if not match[2] and match.string[match.end() : match.end() + 1] == "{":
            raise NowhereError("a reference cannot hold another; write the whole path")
        if not match[2]:
            raise NowhereError(
                f"a reference is not closed (got {show_value(match[0])}); write }}, or $${{ for a literal ${{"
            )
        if not name:
            raise NowhereError("a reference names nothing (got ${}); write ${seed} or ${env:NAME}")
        if ":" in name:
            text = self.read_variable(name)
            return read_scalar(text), text
        target = split_path(name)
        if not target:
            raise NowhereError(
                f"no key {show_value(name)} in this config; write a whole path, such as ${{training.epochs}}"
            )
        if target in self.trail:
            cycle = [*self.trail[self.trail.index(target) :], target]
            raise NowhereError(
                f"refers to itself ({cut(' -> '.join(map(join_path, cycle)), 200)}); write a value in one of them"
            )
        if depth > 2 * MOST_DEPTH or len(self.trail) > MOST_DEPTH:
            raise NowhereError(f"leads through more than {MOST_DEPTH} references; write the value here")
        if target in self.lost:
            raise NowhereError(self.lost[target])
        if target not in self.known:
            self.trail.append(target)
            try:
                self.known[target] = self.look_up(target, name, depth)
            except NowhereError as error:
                self.lost[target] = str(error)
                raise
            finally:
                self.trail.pop()
        found = self.known[target]
        self.spend(found)
        return found, None

    def look_up(self, target: FieldPath, name: str, depth: int) -> Any:
        """Return the value at a path of the tree, its own references followed, or else the default there."""
        value: Any = self.tree
        done: FieldPath = ()
        followed = False
        for part in target:
            key: str | int = part if isinstance(value, tuple) else str(part)
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, tuple) and isinstance(part, int) and part < len(value):
                value = value[part]
            elif isinstance(value, dict | tuple) or not done or first_option(str(done[-1])) != part:
                value = find_default(self.tree, target)
                if value is MISSING:
                    raise NowhereError(self.describe_missing(name, target))
                return value
            done = (*done, key)
            if isinstance(value, str) and "${" in value and not followed:
                value, followed = self.follow(value, done, depth + 1), True
        return value if followed else self.follow(value, target, depth + 1)

    def describe_missing(self, name: str, target: FieldPath) -> str:
        """Say what is wrong with a reference to no key, and which one may be meant."""
        what = f"no key {show_value(name)} in this config"
        options = Map(self.tree)
        if join_path(target) in options.find_paths(str(target[-1])):
            return f"{what}, and no default; write a value there, or here"
        if name in self.environment:
            return f"{what}; for the environment variable write ${{env:{name}}}"
        keys = [join_path(path) for path in paths(self.tree)]
        last = str(target[-1])
        same = [key for key in keys if key.split(".")[-1] == last] or options.find_paths(last)
        near = same[0] if same else find_closest(cut(name), [*keys, *options.homes])
        return (
            f"{what}; did you mean ${{{near}}}?"
            if near
            else f"{what}; write a whole path, such as ${{training.epochs}}"
        )

    def read_variable(self, name: str) -> str:
        """Return the text of `env:NAME` or `env:NAME:-default`."""
        match = VARIABLE.fullmatch(name)
        if not match:
            raise NowhereError(
                f"neither a key nor a variable (got {show_value(name)}); write ${{seed}} or ${{env:NAME}}"
            )
        text = self.environment.get(match[1], "")
        if not text and match[2] is not None:
            text = match[2]
        elif match[1] not in self.environment:
            what = f"the environment variable {cut(match[1])} is not set"
            raise NowhereError(f"{what}; set it, or write ${{env:{cut(match[1])}:-DEFAULT}}")
        if not text.isprintable():
            raise NowhereError(f"the environment variable {cut(match[1])} is not plain text (got {show_value(text)})")
        return text

    def insert(self, name: str, value: Any) -> str:
        """Return a value as text inside a text."""
        if value is None or isinstance(value, dict | tuple):
            raise NowhereError(
                f"{cut(name)} is {show_value(value)}, which cannot stand inside a text; refer to a single value"
            )
        text = write_scalar(value)
        self.text_left -= len(text)
        if self.text_left < 0:
            raise NowhereError("the references grow to more than 1 MiB of text; write less")
        return text

    def spend(self, value: Any) -> None:
        """Take the values of a copy off what is left of them."""
        waiting = [value]
        while waiting:
            self.values_left -= 1
            if self.values_left < 0:
                raise NowhereError(f"the references grow to more than {MOST_VALUES:,} values; write less")
            one = waiting.pop()
            if isinstance(one, dict | tuple):
                waiting.extend(one.values() if isinstance(one, dict) else one)


def paths(tree: dict[str, Any], most: int = 500) -> Iterator[FieldPath]:
    """Yield the paths of the keys in a tree, nearest to the top first, at most so many."""
    waiting: list[tuple[FieldPath, Any]] = [((), tree)]
    for path, value in waiting:
        if path:
            yield path
        if isinstance(value, dict) and len(waiting) < most:
            waiting.extend(((*path, key), one) for key, one in list(value.items())[:most])
