"""Where the values of a config stand: in which file or override, on which line, in which column."""

import re
from dataclasses import dataclass, field, replace
from functools import cached_property

from bptrain.errors import ConfigError, OptionError, Problem
from bptrain.text import cut

FieldPath = tuple[str | int, ...]

# What YAML takes for the end of a line.
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Source:
    """A text that values come from: `file` is its path, or `KEY=VALUE` for an override, which is its own text."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return LINE_BREAK.split(self.text)

    def line(self, number: int) -> str:
        """Return a line, counted from 1; empty beyond the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def position(self, index: int) -> tuple[int, int]:
        """Return line and column, counted from 1, of the character at an index."""
        breaks = [match.end() for match in LINE_BREAK.finditer(self.text, 0, index)]
        return len(breaks) + 1, index - (breaks[-1] if breaks else 0) + 1

    def problem(self, line: int, column: int, path: FieldPath, message: str) -> Problem:
        """Return a mistake at a place of this text."""
        return Problem(self.file, line, column, join_path(path), message, source=self.line(line))


class Spot:
    """Where a value stands and where its key does, with the spots of what is inside; columns count from 1.

    One is made for every value of a config, so it holds bare numbers.
    """

    __slots__ = ("column", "inside", "key_column", "key_line", "line", "source")

    def __init__(self, source: Source, line: int, column: int, key_line: int = 0, key_column: int = 0) -> None:
        self.source = source
        self.line = line
        self.column = column
        self.key_line = key_line or line
        self.key_column = key_column or column
        self.inside: dict[str | int, Spot] | None = None

    def put(self, part: str | int, spot: "Spot") -> None:
        """Note where something inside stands."""
        if self.inside is None:
            self.inside = {}
        self.inside[part] = spot


@dataclass(frozen=True)
class Reference:
    """What `${...}` stood in the place of a whole value; `text` is an environment variable as it is set."""

    name: str
    text: str | None = None


@dataclass
class Origin:
    """Where the values of a config stand. `root` is None for one that was not read from text."""

    file: str
    root: Spot | None = None
    references: dict[FieldPath, Reference] = field(default_factory=dict)

    def spot(self, path: FieldPath) -> Spot | None:
        """Return the spot of the value at a path, or of the nearest thing around it."""
        spot = self.root
        for part in path:
            inner = spot.inside.get(part) if spot is not None and spot.inside else None
            if inner is None:
                break
            spot = inner
        return spot

    def has(self, path: FieldPath) -> bool:
        """Tell whether a value is written at a path."""
        spot = self.root
        for part in path:
            spot = spot.inside.get(part) if spot is not None and spot.inside else None
        return spot is not None

    def problem(self, path: FieldPath, message: str, *, at_key: bool = False) -> Problem:
        """Return a mistake at a path, or at the nearest thing around it that stands in the file."""
        spot = self.spot(path)
        if spot is None:
            return Problem(self.file, 1, 1, join_path(path), message)
        place = (spot.key_line, spot.key_column) if at_key else (spot.line, spot.column)
        return spot.source.problem(*place, path, message)

    def place(self, error: OptionError) -> ConfigError:
        """Return mistakes that only know their fields, with their places."""
        return ConfigError(replace(self.problem(self.path(m.field), m.message), code=m.code) for m in error.mistakes)

    def path(self, text: str) -> FieldPath:
        """Return a dotted field as a path; a name with dots that the user chose, such as a column's, is one part."""
        found: list[str | int] = []
        spot, parts = self.root, text.split(".")
        while parts:
            inside = (spot.inside if spot else None) or {}
            names: list[str | int] = [".".join(parts[:k]) for k in range(len(parts), 0, -1)]
            key = next((name for name in (*names, *split_path(parts[0])) if name in inside), None)
            if key is None:
                break
            found.append(key)
            spot, parts = inside[key], parts[str(key).count(".") + 1 :]
        return (*found, *split_path(".".join(parts)))


def join_path(path: FieldPath) -> str:
    """Return a path as `network.0.dense`, with words that no key is as long as cut."""
    some = [cut(str(part)) for part in path[:50]]
    return ".".join(some) + "..." * (len(path) > 50)


def split_path(text: str) -> FieldPath:
    """Return `network.0.dense` as a path: whole numbers are places in a list."""
    places = re.compile(r"[0-9]{1,9}")
    return tuple(int(part) if places.fullmatch(part) else part for part in text.split(".") if part)


def keep_first(problems: list[Problem], most: int) -> ConfigError:
    """Return at most so many mistakes in the order of the file: a hostile one does not flood the terminal."""
    ordered = ConfigError(problems).problems
    if len(ordered) <= most:
        return ConfigError(ordered)
    last = ordered[most - 1]
    more = Problem(last.file, last.line, last.column, "", f"more than {most} mistakes; mend these first")
    return ConfigError([*ordered[:most], more])
