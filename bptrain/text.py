"""Other people's text with nothing in it that acts, on a terminal or in a file."""

import unicodedata


def printable(text: str) -> str:
    """The text in one line: line breaks, control, direction and other invisible characters written as escapes."""
    return "".join(
        c if c == " " or unicodedata.category(c)[0] not in "CZ" else c.encode("unicode_escape").decode() for c in text
    )
