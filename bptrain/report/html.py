"""HTML by construction: every text is escaped unless it was made here."""

from collections.abc import Iterable, Mapping
from html import escape

from bptrain.text import printable

VOID = frozenset({"br", "hr", "img", "link", "meta", "wbr"})
"""The elements that have no end."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = Html | str | int | float | None


def tag(name: str, /, *children: Content, **attributes: Content) -> Html:
    """An element. Attributes are written with `_` for `-`, and with one at the end where Python has the word: `class_`;
    one that is None is left out, and so is a child that is."""
    return element(name, {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}, children)


def element(name: str, attributes: Mapping[str, Content], children: Iterable[Content]) -> Html:
    """An element with attributes by their names in HTML."""
    opened = "".join(f' {key}="{escape_text(value)}"' for key, value in attributes.items() if value is not None)
    if name in VOID:
        return Html(f"<{name}{opened}>")
    return Html(f"<{name}{opened}>{join(children)}</{name}>")


def join(children: Iterable[Content]) -> Html:
    """Contents one after another."""
    return Html("".join(escape_text(child) for child in children if child is not None))


def escape_text(text: Content) -> Html:
    """Text as one line of HTML, markup and what is invisible as escapes; what is HTML already as it is."""
    return text if isinstance(text, Html) else Html(escape(printable(str(text))))


def safe_name(text: object, longest: int = 120) -> str:
    """Somebody's name without anything in it that acts; of a very long one the beginning, and how long it is."""
    name = printable(str(text))
    return name if len(name) <= longest else f"{name[:longest]}… ({len(name):,} characters)"


def lines(text: str) -> Html:
    """A text of several lines as HTML, for `pre`."""
    return Html("\n".join(escape(printable(line)) for line in text.split("\n")))
