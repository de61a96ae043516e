"""The places of the values of a config: in which file or override, on which line, in which column."""

import re
from dataclasses import dataclass, field, replace
from functools import cached_property

from bptrain.errors import ConfigError, OptionError, Problem
from bptrain.text import cut

FieldPath = tuple[str | int, ...]

# The ends of lines in YAML.
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Source:
    """A text that values come from: `file` is its path, or `KEY=VALUE` for an override."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return LINE_BREAK.split(self.text)

    def get_line(self, number: int) -> str:
        """Return a line, counted from 1; empty beyond the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def find_position(self, index: int) -> tuple[int, int]:
        """Return line and column, counted from 1, of the character at an index."""
        breaks = [match.end() for match in LINE_BREAK.finditer(self.text, 0, index)]
        return len(breaks) + 1, index - (breaks[-1] if breaks else 0) + 1

    def make_problem(self, line: int, column: int, path: FieldPath, message: str) -> Problem:
        """Return a mistake at a place of this text."""
        return Problem(self.file, line, column, join_path(path), message, source=self.get_line(line))


class Spot:
    """The place of a value and of its key, with the spots of the values inside; lines and columns count from 1.

    Every value of a config has one, so it is kept small.
    """

    __slots__ = ("column", "inside", "key_column", "key_line", "line", "source")

    def __init__(self, source: Source, line: int, column: int, key_line: int = 0, key_column: int = 0) -> None:
        self.source = source
        self.line = line
        self.column = column
        self.key_line = key_line or line
        self.key_column = key_column or column
        self.inside: dict[str | int, Spot] | None = None

    def put(self, key: str | int, spot: "Spot") -> None:
        """Record the spot of a value inside."""
        if self.inside is None:
            self.inside = {}
        self.inside[key] = spot


@dataclass(frozen=True)
class Reference:
    """A `${...}` that was a whole value; `text` is what an environment variable held, None for another key."""

    name: str
    text: str | None = None


@dataclass
class Origin:
    """The places of the values of a config. `root` is None if the config was not read from text."""

    file: str
    root: Spot | None = None
    references: dict[FieldPath, Reference] = field(default_factory=dict)

    def find_spot(self, path: FieldPath) -> Spot | None:
        """Return the spot of the value at a path, or of the nearest value around it."""
        spot = self.root
        for key in path:
            inner = spot.inside.get(key) if spot is not None and spot.inside else None
            if inner is None:
                break
            spot = inner
        return spot

    def has(self, path: FieldPath) -> bool:
        """Return whether the config gives a value at a path."""
        spot = self.root
        for key in path:
            spot = spot.inside.get(key) if spot is not None and spot.inside else None
        return spot is not None

    def make_problem(self, path: FieldPath, message: str, *, at_key: bool = False) -> Problem:
        """Return a mistake at a path, placed at its value or key, or at the nearest value around it."""
        spot = self.find_spot(path)
        if spot is None:
            return Problem(self.file, 1, 1, join_path(path), message)
        place = (spot.key_line, spot.key_column) if at_key else (spot.line, spot.column)
        return spot.source.make_problem(*place, path, message)

    def place(self, error: OptionError) -> ConfigError:
        """Return the mistakes of an error with the places of the fields that they name."""
        return ConfigError(
            replace(self.make_problem(self.find_path(m.field), m.message), code=m.code) for m in error.mistakes
        )

    def find_path(self, text: str) -> FieldPath:
        """Return a dotted field as a path; a name with dots in it, such as that of a column, stays one key."""
        found: list[str | int] = []
        spot, words = self.root, text.split(".")
        while words:
            inside = (spot.inside if spot else None) or {}
            names: list[str | int] = [".".join(words[:k]) for k in range(len(words), 0, -1)]
            key = next((name for name in (*names, *split_path(words[0])) if name in inside), None)
            if key is None:
                break
            found.append(key)
            spot, words = inside[key], words[str(key).count(".") + 1 :]
        return (*found, *split_path(".".join(words)))


def join_path(path: FieldPath) -> str:
    """Return a path as `network.0.dense`, with very long words cut."""
    words = [cut(str(key)) for key in path[:50]]
    return ".".join(words) + "..." * (len(path) > 50)


def split_path(text: str) -> FieldPath:
    """Return `network.0.dense` as a path, with whole numbers as indices of lists."""
    index = re.compile(r"[0-9]{1,9}")
    return tuple(int(word) if index.fullmatch(word) else word for word in text.split(".") if word)


def keep_first(problems: list[Problem], most: int) -> ConfigError:
    """Return an error with at most `most` mistakes in the order of the file, so as not to flood the terminal."""
    ordered = ConfigError(problems).problems
    if len(ordered) <= most:
        return ConfigError(ordered)
    last = ordered[most - 1]
    more = Problem(last.file, last.line, last.column, "", f"more than {most} mistakes; fix these first")
    return ConfigError([*ordered[:most], more])
