"""YAML text to plain values, with the line and column of each.

Only what a config needs: mappings, lists and scalars. Numbers, `true`, `false` and `null` are read as in YAML 1.2 (so
`1e-3` is a number and `no` is text); tags, anchors and duplicate keys are mistakes with a place.
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bptrain.errors import ConfigError, InputError, OptionError, Problem, StorageError

MOST_BYTES = 1 << 20
MOST_DEPTH = 50

FieldPath = tuple[str | int, ...]

NULL = re.compile(r"null|~|")
BOOL = re.compile(r"true|false")
INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
SPECIAL = {".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")}


@dataclass(frozen=True)
class Place:
    """A position in a file (or in a `KEY=VALUE`), counted from 1."""

    file: str
    line: int
    column: int


@dataclass
class Origin:
    """Where the values of a config stand: the places of keys and of values by path."""

    file: str
    keys: dict[FieldPath, Place] = field(default_factory=dict)
    values: dict[FieldPath, Place] = field(default_factory=dict)

    def problem(self, path: FieldPath, message: str, *, at_key: bool = False) -> Problem:
        """A mistake at a path, or at the nearest thing around it that stands in the file."""
        places = self.keys if at_key else self.values
        around = (path[:k] for k in range(len(path), -1, -1))
        place = next((places[part] for part in around if part in places), Place(self.file, 1, 1))
        return Problem(place.file, place.line, place.column, ".".join(map(str, path)), message)

    def located(self, error: OptionError) -> ConfigError:
        """Mistakes that only know their fields, with their places."""
        return ConfigError(replace(self.problem(field_path(m.field), m.message), code=m.code) for m in error.mistakes)


def field_path(dotted: str) -> FieldPath:
    """`network.0.dense` as a path: whole numbers are places in a list."""
    places = re.compile(r"[0-9]{1,9}")
    return tuple(int(part) if places.fullmatch(part) else part for part in dotted.split(".") if part)


def read_text(path: Path) -> str:
    """The text of a config file.

    Raises:
        InputError: no such file, not a regular file, too large, or not UTF-8.
        StorageError: the file is there and cannot be read.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path}: a config has at most 1 MiB (got {path.stat().st_size:,} bytes)")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: the file is not UTF-8 text (byte {error.start + 1}); save it as UTF-8") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None


def parse(text: str, file: str) -> tuple[Any, Origin]:
    """The value of a YAML document and where everything in it stands. Lists become tuples.

    Raises:
        ConfigError: the text is no YAML, or has something that configs do without.
    """
    import yaml

    origin = Origin(file)
    reader = _Reader(origin)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            reader.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        before = text[: getattr(error, "position", 0)]
        line, column = (mark.line + 1, mark.column + 1) if mark else (before.count("\n") + 1, 1)
        what = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
        raise ConfigError([Problem(file, line, column, "", f"not valid YAML: {what}")]) from None
    if reader.problems:
        raise ConfigError(reader.problems)
    return reader.result, origin


class _Reader:
    """Builds values from PyYAML's events, without recursion."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.problems: list[Problem] = []
        self.result: Any = None
        self.documents = 0
        self.open: list[tuple[Any, FieldPath]] = []
        self.key: list[str | None] = []

    def take(self, event: Any) -> None:
        """Digest one event."""
        kind = type(event).__name__
        if kind == "DocumentStartEvent":
            self.documents += 1
            if self.documents > 1:
                self.complain(event, "a second document begins here; a config is one document")
        elif kind == "AliasEvent":
            self.complain(event, f"aliases are not supported (got *{event.anchor}); write the value out")
            self.place(event, None)
        elif kind == "ScalarEvent":
            self.refuse_marks(event)
            self.place(event, scalar(event.value) if event.implicit[0] else event.value)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            self.refuse_marks(event)
            if len(self.open) >= MOST_DEPTH:
                self.complain(event, f"nested deeper than {MOST_DEPTH} levels")
                raise ConfigError([replace(self.problems[-1], field="")])
            path = self.here(event)
            self.open.append(({} if kind == "MappingStartEvent" else [], path))
            self.key.append(None)
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            value, path = self.open.pop()
            self.key.pop()
            self.store(path, tuple(value) if isinstance(value, list) else value)

    def refuse_marks(self, event: Any) -> None:
        """Complain of tags and anchors."""
        if event.tag and not event.tag.startswith("tag:yaml.org,2002:str"):
            self.complain(event, f"tags are not supported (got {event.tag}); remove it")
        if event.anchor:
            self.complain(event, f"anchors are not supported (got &{event.anchor}); remove it")

    def complain(self, event: Any, message: str) -> None:
        """Note a mistake at an event."""
        mark = event.start_mark
        path = self.open[-1][1] if self.open else ()
        field_name = ".".join(map(str, path))
        self.problems.append(Problem(self.origin.file, mark.line + 1, mark.column + 1, field_name, message))

    def place(self, event: Any, value: Any) -> None:
        """Put a scalar where it belongs: a key, or a value."""
        if self.open and isinstance(self.open[-1][0], dict) and self.key[-1] is None:
            mapping, path = self.open[-1]
            key = value if isinstance(value, str) else str(event.value) if hasattr(event, "value") else ""
            if key in mapping:
                self.complain(event, f"the key {key!r} stands here a second time; keep one of them")
            mark = event.start_mark
            self.origin.keys[(*path, key)] = Place(self.origin.file, mark.line + 1, mark.column + 1)
            self.key[-1] = key
        else:
            self.store(self.here(event), value)

    def here(self, event: Any) -> FieldPath:
        """The path of the value that begins with this event; its place is noted."""
        if not self.open:
            path: FieldPath = ()
        elif isinstance(self.open[-1][0], list):
            container, above = self.open[-1]
            path = (*above, len(container))
        else:
            key = self.key[-1]
            if key is None:
                self.complain(event, "a key must be plain text")
                key = ""
            path = (*self.open[-1][1], key)
        mark = event.start_mark
        place = Place(self.origin.file, mark.line + 1, mark.column + 1)
        self.origin.values[path] = place
        self.origin.keys.setdefault(path, place)
        return path

    def store(self, path: FieldPath, value: Any) -> None:
        """Put a finished value into what is open around it."""
        if not self.open:
            self.result = value
        elif isinstance(self.open[-1][0], list):
            self.open[-1][0].append(value)
        else:
            self.open[-1][0][path[-1]] = value
            self.key[-1] = None


def scalar(text: str) -> Any:
    """The value of an unquoted scalar."""
    if NULL.fullmatch(text):
        return None
    if BOOL.fullmatch(text):
        return text == "true"
    if INT.fullmatch(text) and len(text) <= 300:
        return int(text)
    if FLOAT.fullmatch(text):
        return float(text)
    return SPECIAL.get(text.lower(), text)
