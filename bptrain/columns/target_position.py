"""A target that is named by the position of its column."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Position:
    """A column that was named by its position, and a note about it."""

    name: str
    note: str


def find_position(text: str, names: Sequence[str]) -> Position | None:
    """Return the column at a position: `first`, `last`, 1 for the first, -1 for the last; None: there is none."""
    word = {"first": "1", "last": "-1"}.get(text.lower(), text)
    if text in names or not re.fullmatch(r"-?[0-9]{1,6}", word):
        return None
    k = int(word) - (int(word) > 0)
    if word.strip("-0") == "" or not -len(names) <= k < len(names):
        return None
    name = names[k]
    return Position(name, f"the target is {name}, column {names.index(name) + 1:,} of {len(names):,}")
