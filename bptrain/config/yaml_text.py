"""YAML text to plain values, with the line and column of each.

Only what a config needs: mappings, lists and scalars; tags, anchors and duplicate keys are mistakes with a place.
"""

import codecs
import os
import re
import stat
from pathlib import Path
from typing import Any

from bptrain.config.origin import FieldPath, Origin, Source, Spot, keep_first
from bptrain.config.scalars import read_scalar
from bptrain.config.yaml_errors import explain_error
from bptrain.errors import ConfigError, InputError, Problem, StorageError
from bptrain.text import cut

MOST_BYTES = 1 << 20
MOST_DEPTH = 50
MOST_PROBLEMS = 100

# What YAML 1.2 takes for no character of a text, and the byte order mark where it marks nothing.
FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
STRING_TAG = "tag:yaml.org,2002:str"


def read_text(path: Path) -> str:
    """Return the text of a config file.

    Raises:
        InputError: no such file, not a regular file, too large, or not UTF-8.
        StorageError: the file is there and cannot be read.
    """
    try:
        data = read_bytes(path)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such file") from None
    except ValueError:
        raise InputError(f"{path}: no such file (the path has a NUL character)") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: a config has at most 1 MiB ({MOST_BYTES:,} bytes); keep data in a file of its own")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ConfigError([Problem(str(path), 1, 1, "", "the file is UTF-16 or UTF-32 text; save it as UTF-8")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = Source(str(path), data[: error.start].decode("utf-8-sig", errors="replace"))
        line, column = before.position(len(before.text))
        what = f"the file is not UTF-8 text (got the byte 0x{data[error.start]:02X}); save it as UTF-8"
        raise ConfigError([Problem(str(path), line, column, "", what)]) from None


def read_bytes(path: Path) -> bytes:
    """Return the first 1 MiB of a regular file and one byte more; a pipe or device is refused before it can block.

    Raises:
        InputError: something else is there.
        OSError: nothing is there, or it cannot be read.
    """
    kind = path.stat().st_mode
    if not stat.S_ISREG(kind):
        what = "folder" if stat.S_ISDIR(kind) else "pipe" if stat.S_ISFIFO(kind) else "device"
        raise InputError(f"{path}: not a file (got a {what}); name a YAML file")
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InputError(f"{path}: not a file")
        return file.read(MOST_BYTES + 1)


def parse(text: str, file: str, *, before: str = "") -> tuple[Any, Origin]:
    """Return the value of a YAML document and where everything in it stands. Lists become tuples.

    Args:
        text: the document.
        file: the name of its source in messages.
        before: what stands before the document on its first line, such as the `KEY=` of an override.

    Raises:
        ConfigError: the text is no YAML, or has something that configs do without.
    """
    import yaml

    source = Source(file, before + text)
    if found := FORBIDDEN.search(text):
        place = source.position(len(before) + found.start())
        advice = "remove it" if found[0] != "\0" else "remove it, or save the file as UTF-8 if it is UTF-16"
        what = f"the character U+{ord(found[0]):04X} cannot stand in YAML; {advice}"
        raise ConfigError([source.problem(*place, (), what)])
    reader = _Reader(source, len(before))
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            reader.take(event)
    except yaml.YAMLError as error:
        line, column, what = explain_error(error, text)
        shift = len(before) if line == 1 else 0
        reader.problems.append(source.problem(line, column + shift, (), f"not valid YAML: {what}"))
    if reader.problems:
        raise keep_first(reader.problems, MOST_PROBLEMS)
    return reader.result, Origin(file, reader.root)


class _Reader:
    """Builds values from PyYAML's events, without recursion."""

    def __init__(self, source: Source, shift: int) -> None:
        self.source = source
        self.shift = shift
        self.problems: list[Problem] = []
        self.result: Any = None
        self.root: Spot | None = None
        self.documents = 0
        # The containers that are open, and the key that waits for its value in each.
        self.open: list[tuple[Any, Spot]] = []
        self.key: list[tuple[str, int, int] | None] = []

    def take(self, event: Any) -> None:
        """Digest one event."""
        kind = type(event).__name__
        if kind == "DocumentStartEvent":
            self.documents += 1
            if self.documents > 1:
                self.complain(event, "a second document begins here; a config is one document")
        elif kind == "AliasEvent":
            self.complain(event, f"aliases are not supported (got *{cut(event.anchor)}); write the value out")
            self.place(event, None)
        elif kind == "ScalarEvent":
            self.check_marks(event)
            self.place(event, read_scalar(event.value) if event.implicit[0] else event.value)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            self.check_marks(event)
            if len(self.open) >= MOST_DEPTH:
                line, column = self.at(event)
                raise ConfigError([self.source.problem(line, column, (), f"nested deeper than {MOST_DEPTH} levels")])
            self.open.append(({} if kind == "MappingStartEvent" else [], self.spot(event)))
            self.key.append(None)
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            value, _ = self.open.pop()
            self.key.pop()
            self.store(tuple(value) if isinstance(value, list) else value)

    def check_marks(self, event: Any) -> None:
        """Complain of tags and anchors."""
        if event.tag and event.tag != STRING_TAG:
            name = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.complain(event, f"tags are not supported (got {cut(name)}); remove it")
        if event.anchor:
            self.complain(event, f"anchors are not supported (got &{cut(event.anchor)}); remove it")

    def at(self, event: Any) -> tuple[int, int]:
        """Return line and column of an event, counted from 1."""
        mark = event.start_mark
        return mark.line + 1, mark.column + 1 + (0 if mark.line else self.shift)

    def complain(self, event: Any, message: str) -> None:
        """Note a mistake at an event; those beyond all patience end the reading."""
        path: FieldPath = tuple(
            len(container) if isinstance(container, list) else key[0] if key else "?"
            for (container, _), key in zip(self.open[:-1], self.key[:-1], strict=True)
        )
        self.problems.append(self.source.problem(*self.at(event), path, message))
        if len(self.problems) > MOST_PROBLEMS:
            raise keep_first(self.problems, MOST_PROBLEMS)

    def place(self, event: Any, value: Any) -> None:
        """Put a scalar where it belongs: a key, or a value."""
        if self.open and isinstance(self.open[-1][0], dict) and self.key[-1] is None:
            mapping, around = self.open[-1]
            key = str(getattr(event, "value", ""))
            if key in mapping:
                earlier = (around.inside or {})[key]
                where = f"first on line {earlier.key_line}, column {earlier.key_column}"
                layers = len(self.key) > 1 and self.key[-2] is not None and self.key[-2][0] in ("network", "layers")
                advice = "layers are a list: write - before each" if layers else "keep one of them"
                self.complain(event, f"the key {cut(repr(key))} stands here a second time ({where}); {advice}")
            elif key == "<<":
                self.complain(event, "merge keys are not supported (got <<); write the keys out")
            self.key[-1] = (key, *self.at(event))
        else:
            self.spot(event)
            self.store(value)

    def spot(self, event: Any) -> Spot:
        """Return the spot of the value that begins with this event."""
        line, column = self.at(event)
        if not self.open:
            self.root = Spot(self.source, line, column)
            return self.root
        container, around = self.open[-1]
        if isinstance(container, list):
            spot = Spot(self.source, line, column)
            around.put(len(container), spot)
            return spot
        if self.key[-1] is None:
            self.complain(event, "a key must be plain text")
            self.key[-1] = ("", line, column)
        key, *key_place = self.key[-1] or ("", 0, 0)
        spot = Spot(self.source, line, column, *key_place)
        around.put(key, spot)
        return spot

    def store(self, value: Any) -> None:
        """Put a finished value into what is open around it."""
        if not self.open:
            self.result = value
            return
        container, key = self.open[-1][0], self.key[-1]
        if isinstance(container, list):
            container.append(value)
        elif key is not None:
            container[key[0]] = value
            self.key[-1] = None
