"""What the YAML parser complains of, in plain words: where the mistake most likely is, and what to do about it."""

from typing import Any

# What the complaint of the parser begins with; what to say, with {inside} where something begun earlier is open.
SAYINGS = {
    "did not find expected ',' or '}'": "expected ',' or '}' here{inside}; close it, or put a comma before this",
    "did not find expected ',' or ']'": "expected ',' or ']' here{inside}; close it, or put a comma before this",
    "mapping values are not allowed": "': ' cannot stand here; put text with a colon in quotes, or mend the indent",
    "did not find expected key": "expected a key here{inside}; indent it like the keys above, or close the quotes",
    "did not find expected '-'": "expected '- ' here{inside}; indent it like the items above",
    "block sequence entries are not": "a list item cannot stand here; begin it on a line of its own",
    "did not find expected alphabetic": "a value cannot begin with '*' or '&'; put it in quotes",
    "did not find expected node content": "a value is missing here{inside}; write it, or remove the comma",
    "did not find expected <document start>": "expected nothing here; mend the indentation, or remove it",
    "found unknown escape character": "no such escape; put text with backslashes in single quotes",
    "found invalid Unicode character escape": "no such character; write it as itself",
    "found incompatible YAML document": "only YAML 1.1 and 1.2 can be read; remove this line",
    "found unknown directive": "no such directive; remove this line",
    "did not find expected hexdecimal": "no such escape; put text with backslashes in single quotes",
    "found a tab character": "a tab cannot be indentation; use spaces",
    "found undefined tag handle": "tags are not supported; put text that begins with '!' in quotes",
}
# The same for complaints whose cause is where the parser began to read what it could not finish.
BEGUN = {
    "could not find expected ':'": "a key without ': ' after it; write KEY: VALUE",
    "found unexpected end of stream": "the quotes that open here are never closed; close them",
    "found unexpected document indicator": "the quotes that open here are never closed; close them",
}
CANNOT_START = "found character that cannot start any token"
INSIDE = {"flow mapping": "{ }", "flow sequence": "[ ]", "block mapping": "mapping", "block collection": "list"}


def explain_error(error: Any, text: str) -> tuple[int, int, str]:
    """Return line and column, counted from 1, and the message for an error that PyYAML raised on a text."""
    begun = getattr(error, "context_mark", None)
    mark = getattr(error, "problem_mark", None) or begun
    what = " ".join(str(getattr(error, "problem", None) or error).split())
    start = mark.index if mark is not None else 0
    here = text[start : start + 1]
    place = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    if what == CANNOT_START:
        if here == "\t":
            return *place, "a tab cannot be indentation; use spaces"
        return *place, f"a value cannot begin with {here!r}; put it in quotes"
    if here == "{" and text[:start].endswith("$"):
        return place[0], place[1] - 1, 'inside { } and [ ] a reference stands in quotes; write "${...}"'
    if begun is not None and "flow" in str(error.context) and not text[start:].strip():
        return begun.line + 1, begun.column + 1, "this is never closed; close it"
    for beginning, saying in BEGUN.items():
        if what.startswith(beginning) and begun is not None:
            return begun.line + 1, begun.column + 1, saying
    for beginning, saying in SAYINGS.items():
        if what.startswith(beginning):
            return *place, saying.replace("{inside}", describe_open(error))
    return *place, what


def describe_open(error: Any) -> str:
    """Say what was begun and is open: `, in the { } that begins on line 3`."""
    name = next((name for key, name in INSIDE.items() if key in str(error.context or "")), None)
    if name is None or error.context_mark is None:
        return ""
    return f", in the {name} that begins on line {error.context_mark.line + 1}"
