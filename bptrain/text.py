"""Text for a line: of words joined, and of other people's words with nothing in them that acts."""

import unicodedata
from collections.abc import Sequence


def printable(text: str) -> str:
    """Return the text in one line: line breaks, control, direction and other invisible characters as escapes."""
    return "".join(
        c if c == " " or unicodedata.category(c)[0] not in "CZ" else c.encode("unicode_escape").decode() for c in text
    )


def join_or(words: Sequence[str]) -> str:
    """Join words: `a`, `a or b`, `a, b or c`."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def join_and(words: Sequence[str]) -> str:
    """Join words: `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
