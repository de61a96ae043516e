"""YAML text to plain values, with the line and column of each, and its mistakes in plain words.

Configs use mappings, lists and scalars only: tags, anchors, aliases and duplicate keys are mistakes. Numbers, `true`,
`false` and `null` are read as in YAML 1.2: `1e-3` is a number; `no`, `010`, `1_000`, `1:30` and `2020-01-01` are text.
A number beyond the range of floating point stays text, so that messages show it as written.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from bptrain.config.document.origin import Origin, Source, Spot, keep_first
from bptrain.errors import ConfigError, Problem
from bptrain.text import cut

MOST_DEPTH = 50
MOST_PROBLEMS = 100

NULL = re.compile(r"null|Null|NULL|~|")
BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,299})")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
SPECIAL = {".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf, ".nan": math.nan}

# Characters that YAML 1.2 does not allow in text, and the byte order mark anywhere but at the start.
FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
STRING_TAG = "tag:yaml.org,2002:str"

# The beginnings of PyYAML's messages, and the messages shown instead; {inside} names the bracket or list still open.
MESSAGES = {
    "did not find expected ',' or '}'": "expected ',' or '}' here{inside}; add the comma, or close the { }",
    "did not find expected ',' or ']'": "expected ',' or ']' here{inside}; add the comma, or close the [ ]",
    "mapping values are not allowed": "': ' is not allowed here; quote text that has a colon, or fix the indentation",
    "did not find expected key": "expected a key here{inside}; align it with the keys above, or close the quotes",
    "did not find expected '-'": "expected '- ' here{inside}; align it with the items above",
    "block sequence entries are not": "a list item cannot start here; start it on a new line",
    "did not find expected alphabetic": "a value cannot begin with '*' or '&'; put it in quotes",
    "did not find expected node content": "a value is missing here{inside}; add it, or remove the comma",
    "did not find expected <document start>": "unexpected text here; fix the indentation, or remove it",
    "found unknown escape character": "unknown escape; put text with backslashes in single quotes",
    "found invalid Unicode character escape": "no such character; write the character itself",
    "found incompatible YAML document": "only YAML 1.1 and 1.2 can be read; remove this line",
    "found unknown directive": "unknown directive; remove this line",
    "did not find expected hexdecimal": "unknown escape; put text with backslashes in single quotes",
    "found a tab character": "tabs cannot indent YAML; use spaces",
    "found undefined tag handle": "tags are not supported; put text that begins with '!' in quotes",
}
# The same, for mistakes that are reported at the beginning of the unfinished text.
MESSAGES_AT_START = {
    "could not find expected ':'": "this key has no ': ' after it; write KEY: VALUE",
    "found unexpected end of stream": "these quotes are never closed; add the closing quote",
    "found unexpected document indicator": "these quotes are never closed; add the closing quote",
}
CANNOT_START = "found character that cannot start any token"
INSIDE = {"flow mapping": "{ }", "flow sequence": "[ ]", "block mapping": "mapping", "block collection": "list"}


def read_scalar(text: str) -> Any:
    """Return the value of an unquoted scalar."""
    if NULL.fullmatch(text):
        return None
    if BOOL.fullmatch(text):
        return text.lower() == "true"
    if INT.fullmatch(text):
        return int(text)
    if len(text) <= 1000 and FLOAT.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else text
    return SPECIAL.get(text.lower(), text)


def write_scalar(value: Any) -> str:
    """Return null, a truth value or a number as YAML; text unchanged."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return str(value)


def show_value(value: Any) -> str:
    """Return a value for a message: as YAML writes it, unprintable characters escaped, cut to 60 characters."""
    if isinstance(value, dict):
        text = (
            f"a mapping with key{'s' * (len(value) > 1)} {', '.join(map(str, value))}" if value else "an empty mapping"
        )
    elif isinstance(value, tuple):
        text = f"a list of {len(value)} item{'s' * (len(value) > 1)}" if value else "an empty list"
    elif isinstance(value, str):
        text = ascii(value)
    else:
        text = write_scalar(value)
    return cut(text)


def parse(text: str, file: str, *, before: str = "") -> tuple[Any, Origin]:
    """Return the value of a YAML document, with lists as tuples, and the places of everything in it.

    Args:
        text: the document.
        file: the name of its source in messages.
        before: what precedes the document on its first line, such as the `KEY=` of an override.

    Raises:
        ConfigError: the text is not YAML, or uses what configs do not support.
    """
    import yaml

    source = Source(file, before + text)
    if found := FORBIDDEN.search(text):
        place = source.find_position(len(before) + found.start())
        advice = "remove it" if found[0] != "\0" else "remove it, or save the file as UTF-8 if it is UTF-16"
        what = f"YAML does not allow the character U+{ord(found[0]):04X}; {advice}"
        raise ConfigError([source.make_problem(*place, (), what)])
    reader = _Reader(source, len(before))
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            reader.take(event)
    except yaml.YAMLError as error:
        line, column, what = explain_error(error, text)
        shift = len(before) if line == 1 else 0
        reader.problems.append(source.make_problem(line, column + shift, (), f"not valid YAML: {what}"))
    if reader.problems:
        raise keep_first(reader.problems, MOST_PROBLEMS)
    return reader.result, Origin(file, reader.root)


@dataclass
class _Container:
    """An open mapping or list: its value, its spot, and the key whose value comes next, with line and column."""

    value: Any
    spot: Spot
    key: tuple[str, int, int] | None = None

    @property
    def next_key(self) -> str | int:
        """The key or index of the value that comes next."""
        return len(self.value) if isinstance(self.value, list) else self.key[0] if self.key else "?"


class _Reader:
    """Builds values from PyYAML's events, without recursion."""

    def __init__(self, source: Source, shift: int) -> None:
        self.source = source
        self.shift = shift
        self.problems: list[Problem] = []
        self.result: Any = None
        self.root: Spot | None = None
        self.documents = 0
        self.open: list[_Container] = []

    def take(self, event: Any) -> None:
        """Process one event."""
        kind = type(event).__name__
        if kind == "DocumentStartEvent":
            self.documents += 1
            if self.documents > 1:
                self.add_problem(event, "a second YAML document starts here; keep only one")
        elif kind == "AliasEvent":
            self.add_problem(event, f"aliases are not supported (got *{cut(event.anchor)}); write the value out")
            self.place(event, None)
        elif kind == "ScalarEvent":
            self.check_marks(event)
            self.place(event, read_scalar(event.value) if event.implicit[0] else event.value)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            self.check_marks(event)
            if len(self.open) >= MOST_DEPTH:
                what = f"nested deeper than the limit of {MOST_DEPTH} levels; remove some brackets"
                raise ConfigError([self.source.make_problem(*self.find_place(event), (), what)])
            self.open.append(_Container({} if kind == "MappingStartEvent" else [], self.add_spot(event)))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            value = self.open.pop().value
            self.store(tuple(value) if isinstance(value, list) else value)

    def check_marks(self, event: Any) -> None:
        """Check that an event has no tag and no anchor."""
        if event.tag and event.tag != STRING_TAG:
            name = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.add_problem(event, f"tags are not supported (got {cut(name)}); remove it")
        if event.anchor:
            self.add_problem(event, f"anchors are not supported (got &{cut(event.anchor)}); remove it")

    def find_place(self, event: Any) -> tuple[int, int]:
        """Return line and column of an event, counted from 1."""
        mark = event.start_mark
        return mark.line + 1, mark.column + 1 + (0 if mark.line else self.shift)

    def add_problem(self, event: Any, message: str) -> None:
        """Record a mistake at an event; after too many, stop reading."""
        path = tuple(one.next_key for one in self.open[:-1])
        self.problems.append(self.source.make_problem(*self.find_place(event), path, message))
        if len(self.problems) > MOST_PROBLEMS:
            raise keep_first(self.problems, MOST_PROBLEMS)

    def place(self, event: Any, value: Any) -> None:
        """Put a scalar where it belongs: as a key, or as a value."""
        if not self.open or isinstance(self.open[-1].value, list) or self.open[-1].key is not None:
            self.add_spot(event)
            self.store(value)
            return
        around = self.open[-1]
        key = str(getattr(event, "value", ""))
        if key in around.value:
            earlier = (around.spot.inside or {})[key]
            where = f"first on line {earlier.key_line}, column {earlier.key_column}"
            layers = len(self.open) > 1 and self.open[-2].next_key in ("network", "layers")
            advice = "write the layers as a list, with - before each" if layers else "keep one of them"
            self.add_problem(event, f"the key {cut(repr(key))} is given twice ({where}); {advice}")
        elif key == "<<":
            self.add_problem(event, "merge keys are not supported (got <<); write the keys out")
        around.key = (key, *self.find_place(event))

    def add_spot(self, event: Any) -> Spot:
        """Return the spot of the value that begins with this event, recorded in the container around it."""
        line, column = self.find_place(event)
        if not self.open:
            self.root = Spot(self.source, line, column)
            return self.root
        around = self.open[-1]
        if isinstance(around.value, dict) and around.key is None:
            self.add_problem(event, "a key cannot be a list or a mapping; write KEY: VALUE")
            around.key = ("", line, column)
        spot = Spot(self.source, line, column, *(around.key or ())[1:])
        around.spot.put(around.next_key, spot)
        return spot

    def store(self, value: Any) -> None:
        """Put a finished value into the container around it."""
        if not self.open:
            self.result = value
            return
        around = self.open[-1]
        if isinstance(around.value, list):
            around.value.append(value)
        elif around.key is not None:
            around.value[around.key[0]] = value
            around.key = None


def explain_error(error: Any, text: str) -> tuple[int, int, str]:
    """Return line and column, counted from 1, and a plain message for an error that PyYAML raised on a text."""
    start = getattr(error, "context_mark", None)
    mark = getattr(error, "problem_mark", None) or start
    what = " ".join(str(getattr(error, "problem", None) or error).split())
    index = mark.index if mark is not None else 0
    here = text[index : index + 1]
    place = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    if what == CANNOT_START:
        begins = f"a value cannot begin with {here!r}; put it in quotes"
        return *place, "tabs cannot indent YAML; use spaces" if here == "\t" else begins
    if here == "{" and text[:index].endswith("$"):
        return place[0], place[1] - 1, 'inside { } and [ ] a reference needs quotes; write "${...}"'
    inside = ""
    if start is not None:
        context = str(error.context or "")
        if "flow" in context and not text[index:].strip():
            bracket = "]" if "sequence" in context else "}"
            return start.line + 1, start.column + 1, f"this bracket is never closed; add {bracket}"
        for beginning, message in MESSAGES_AT_START.items():
            if what.startswith(beginning):
                return start.line + 1, start.column + 1, message
        if name := next((name for key, name in INSIDE.items() if key in context), None):
            inside = f", in the {name} that starts on line {start.line + 1}"
    before = text[:index].rpartition("\n")[0].rpartition("\n")[2]
    if what.startswith("mapping values are not allowed") and re.fullmatch(r" *\w+ *", before):
        advice = f"write {cut(before.strip())}: on the line above, and indent this line below it"
        return *place, f"': ' is not allowed here; {advice}"
    found = next((message for beginning, message in MESSAGES.items() if what.startswith(beginning)), what)
    return *place, found.replace("{inside}", inside)
