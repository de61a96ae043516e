"""Variables: `${key.of.this.config}` and `${env:NAME}` in the values of a config, resolved before anything is built.

A value that is one reference and nothing else takes the value referred to, with its type; inside longer text it is
inserted as text. `$${` stands for a literal `${`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, replace
from typing import Any

from bptrain.config.document.origin import FieldPath, Origin, Reference, join_path, split_path
from bptrain.config.document.yaml_text import MOST_DEPTH, MOST_PROBLEMS, read_scalar, show_value, write_scalar
from bptrain.config.suggest import OptionMap
from bptrain.config.tree import find_default, find_first_option
from bptrain.errors import Problem
from bptrain.text import cut, find_closest

REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)(\}?)")
VARIABLE = re.compile(r"env:\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?::-(.*))?", re.DOTALL)
MOST_VALUES = 100_000
MOST_TEXT = 1 << 20
MOST_PATHS = 500

BROKEN: Any = object()
"""Stands for a value with a broken reference, whose mistake is recorded."""


class BrokenError(Exception):
    """A reference that cannot be resolved."""


def resolve(tree: dict[str, Any], origin: Origin, environment: Mapping[str, str]) -> tuple[Any, list[Problem]]:
    """Return the tree with every reference resolved, and the mistakes in them; the origin records the references."""
    if not any(isinstance(one, str) and "${" in one for one in iter_values(tree)):
        return tree, []
    resolver = Resolver(tree, origin, environment)
    return resolver.resolve(tree, (), 0), resolver.problems


def iter_values(value: Any) -> Iterator[Any]:
    """Yield a value and all values inside it, without recursion."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, dict | tuple):
            waiting.extend(one.values() if isinstance(one, dict) else one)


class Resolver:
    """Resolves the references of one tree, within limits that only hostile configs reach."""

    def __init__(self, tree: dict[str, Any], origin: Origin, environment: Mapping[str, str]) -> None:
        self.tree = tree
        self.origin = origin
        self.environment = environment
        self.problems: list[Problem] = []
        # The values of the paths referred to so far, and what is wrong with those that have none.
        self.found: dict[FieldPath, Any] = {}
        self.broken: dict[FieldPath, str] = {}
        # The paths that are being resolved, outermost first.
        self.trail: list[FieldPath] = []
        self.values_left = MOST_VALUES
        self.text_left = MOST_TEXT

    def resolve(self, value: Any, path: FieldPath, depth: int) -> Any:
        """Return a value of the tree with the references in it resolved; `depth` counts the levels around it."""
        if isinstance(value, dict):
            return {key: self.resolve(one, (*path, key), depth + 1) for key, one in value.items()}
        if isinstance(value, tuple):
            return tuple(self.resolve(one, (*path, k), depth + 1) for k, one in enumerate(value))
        return self.resolve_text(value, path, depth) if isinstance(value, str) and "${" in value else value

    def resolve_text(self, value: str, path: FieldPath, depth: int) -> Any:
        """Return the value that a text with references stands for."""
        is_whole = REFERENCE.fullmatch(value) is not None
        pieces, end, searched, is_broken = [], 0, 0, False
        for match in REFERENCE.finditer(value):
            if len(self.problems) >= MOST_PROBLEMS or self.values_left < 0 or self.text_left < 0:
                return BROKEN
            pieces.append(value[end : match.start()])
            end = match.end()
            if match[0] == "$${":
                pieces.append("${")
                continue
            column, searched = self.find_column(path, match[0], searched)
            try:
                found, text = self.resolve_reference(match, depth)
                if is_whole and found is not BROKEN:
                    self.origin.references[path] = Reference(match[0], text)
                    return found
                is_broken = is_broken or found is BROKEN
                pieces.append("" if is_broken else self.write(match[0], found))
            except BrokenError as error:
                is_broken = True
                self.problems.append(replace(self.origin.make_problem(path, str(error)), column=column))
        return BROKEN if is_broken else "".join(pieces) + value[end:]

    def find_column(self, path: FieldPath, text: str, searched: int) -> tuple[int, int]:
        """Return the column of a reference in the line of its value, and where to search for the next one."""
        spot = self.origin.find_spot(path)
        if spot is None:
            return 1, 0
        index = spot.source.get_line(spot.line).find(text, max(searched, spot.column - 1))
        return (spot.column, searched) if index < 0 else (index + 1, index + len(text))

    def resolve_reference(self, match: re.Match[str], depth: int) -> tuple[Any, str | None]:
        """Return the value of a reference, and the text of an environment variable if it names one."""
        name = match[1].strip()
        if not match[2] and match.string[match.end() : match.end() + 1] == "{":
            raise BrokenError("references cannot be nested; write the full path")
        if not match[2]:
            raise BrokenError(
                f"unclosed reference (got {show_value(match[0])}); add }}, or write $${{ for a literal ${{"
            )
        if not name:
            raise BrokenError("empty reference (got ${}); name a key or a variable, such as ${seed} or ${env:HOME}")
        if ":" in name:
            text = self.read_variable(name)
            return read_scalar(text), text
        target = split_path(name)
        if not target:
            raise BrokenError(
                f"no key {show_value(name)} in this config; write a full path, such as ${{training.epochs}}"
            )
        if target in self.trail:
            cycle = " -> ".join(map(join_path, [*self.trail[self.trail.index(target) :], target]))
            raise BrokenError(f"circular reference ({cut(cycle, 200)}); write a value in place of one of them")
        if depth > 2 * MOST_DEPTH or len(self.trail) > MOST_DEPTH:
            raise BrokenError(f"leads through more than {MOST_DEPTH} references; write the value here")
        if target in self.broken:
            raise BrokenError(self.broken[target])
        if target not in self.found:
            self.trail.append(target)
            try:
                self.found[target] = self.look_up(target, name, depth)
            except BrokenError as error:
                self.broken[target] = str(error)
                raise
            finally:
                self.trail.pop()
        for _ in iter_values(self.found[target]):
            self.values_left -= 1
            if self.values_left < 0:
                raise BrokenError(f"the references expand to more than {MOST_VALUES:,} values; use fewer")
        return self.found[target], None

    def look_up(self, target: FieldPath, name: str, depth: int) -> Any:
        """Return the value at a path of the tree with its references resolved, or the default there."""
        value: Any = self.tree
        done: FieldPath = ()
        resolved = False
        for word in target:
            key: str | int = word if isinstance(value, tuple) else str(word)
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, tuple) and isinstance(word, int) and word < len(value):
                value = value[word]
            elif isinstance(value, dict | tuple) or not done or find_first_option(str(done[-1])) != word:
                value = find_default(self.tree, target)
                if value is MISSING:
                    raise BrokenError(self.describe_missing(name, target))
                return value
            done = (*done, key)
            if isinstance(value, str) and "${" in value and not resolved:
                value, resolved = self.resolve(value, done, depth + 1), True
        return value if resolved else self.resolve(value, target, depth + 1)

    def describe_missing(self, name: str, target: FieldPath) -> str:
        """Return the message for a reference to a key that does not exist, with the key that may be meant."""
        what = f"no key {show_value(name)} in this config"
        options = OptionMap(self.tree)
        last = str(target[-1])
        if join_path(target) in options.find_paths(last):
            return f"{what}, and it has no default; write a value there, or here"
        if name in self.environment:
            return f"{what}; for the environment variable write ${{env:{name}}}"
        keys = [join_path(path) for path in list_paths(self.tree)]
        same = [key for key in keys if key.split(".")[-1] == last] or options.find_paths(last)
        closest = same[0] if same else find_closest(cut(name), [*keys, *options.homes])
        return f"{what}; " + (
            f"did you mean ${{{closest}}}?" if closest else "write a full path, such as ${training.epochs}"
        )

    def read_variable(self, name: str) -> str:
        """Return the text of `env:NAME` or `env:NAME:-default`."""
        match = VARIABLE.fullmatch(name)
        if not match:
            what = f"not a key or an environment variable (got {show_value(name)})"
            raise BrokenError(f"{what}; name one, such as ${{seed}} or ${{env:HOME}}")
        text = self.environment.get(match[1], "")
        variable = f"the environment variable {cut(match[1])}"
        if not text and match[2] is not None:
            text = match[2]
        elif match[1] not in self.environment:
            raise BrokenError(f"{variable} is not set; set it, or write ${{env:{cut(match[1])}:-DEFAULT}}")
        if not text.isprintable():
            raise BrokenError(f"{variable} has unprintable characters (got {show_value(text)}); remove them")
        return text

    def write(self, name: str, value: Any) -> str:
        """Return the value of a reference as text."""
        if value is None or isinstance(value, dict | tuple):
            what = f"{cut(name)} is {show_value(value)}, which cannot be inserted into text"
            raise BrokenError(f"{what}; refer to a single value")
        text = write_scalar(value)
        self.text_left -= len(text)
        if self.text_left < 0:
            raise BrokenError("the references expand to more than 1 MiB of text; use fewer")
        return text


def list_paths(tree: dict[str, Any]) -> list[FieldPath]:
    """Return the paths of the keys in a tree, those near the top first, without the end of a very long list."""
    waiting: list[tuple[FieldPath, Any]] = [((), tree)]
    for path, value in waiting:
        if isinstance(value, dict) and len(waiting) < MOST_PATHS:
            waiting.extend(((*path, key), one) for key, one in list(value.items())[:MOST_PATHS])
    return [path for path, _ in waiting[1:]]
