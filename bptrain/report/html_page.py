"""HTML built from elements, in which all text is escaped but what was built here, and the page: one file, in light and
dark, for screens of any width and for paper.

A content security policy keeps the page from requesting anything: all it has is its own style and images in `data:`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from bptrain import __version__
from bptrain.text import printable

VOID = frozenset({"br", "hr", "img", "link", "meta", "wbr"})
"""The elements without an end tag."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

LONG_NAME = 30
"""Names longer than this may be broken within a word."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = Html | str | int | float | None


def tag(name: str, /, *children: Content, **attributes: Content) -> Html:
    """Return an element. In attribute names `_` stands for `-`, and a trailing `_` avoids a Python keyword: `class_`.
    Attributes and children that are None are left out."""
    return element(name, {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}, children)


def element(name: str, attributes: Mapping[str, Content], children: Iterable[Content]) -> Html:
    """Return an element with attributes by their HTML names."""
    opening = "".join(f' {key}="{escape_text(value)}"' for key, value in attributes.items() if value is not None)
    if name in VOID:
        return Html(f"<{name}{opening}>")
    return Html(f"<{name}{opening}>{join(children)}</{name}>")


def join(children: Iterable[Content]) -> Html:
    """Return contents joined as HTML, without those that are None."""
    return Html("".join(escape_text(child) for child in children if child is not None))


def escape_text(text: Content) -> Html:
    """Return text as one line of HTML with markup and invisible characters escaped; HTML is returned unchanged."""
    return text if isinstance(text, Html) else Html(escape(printable(str(text))))


def escape_lines(text: str) -> Html:
    """Return text of several lines as HTML, for `pre`."""
    return Html("\n".join(escape(printable(line)) for line in text.split("\n")))


def safe_name(text: object, longest: int = 120) -> str:
    """Return a name from the data or the config with control characters escaped; a very long one is cut, and its length
    added."""
    name = printable(str(text))
    return name if len(name) <= longest else f"{name[:longest]}… ({len(name):,} characters)"


def build_page(title: str, lead: Content, sections: Sequence[tuple[str, Html]]) -> str:
    """Build a whole page.

    Args:
        title: the heading.
        lead: a sentence below it.
        sections: the title and content of each, which is linked at the top.

    Returns:
        HTML that needs no other file.
    """
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    head = join(
        (
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
            tag("meta", name="generator", content=f"bptrain {__version__}"),
            tag("title", title),
            tag("style", Html(style)),
        )
    )
    anchored = list(zip(make_anchors([name for name, _ in sections]), sections, strict=True))
    links = tag("ul", *(tag("li", tag("a", name, href=f"#{anchor}")) for anchor, (name, _) in anchored))
    body = join(
        (
            tag("header", tag("h1", title), tag("p", lead, class_="lead")),
            tag("nav", links, aria_label="Sections"),
            tag("main", *(section(name, content, anchor=anchor) for anchor, (name, content) in anchored)),
            tag("footer", f"Written by bptrain {__version__}."),
        )
    )
    return f"<!doctype html>\n{tag('html', tag('head', head), tag('body', body), lang='en')}\n"


def make_anchors(titles: Sequence[str]) -> list[str]:
    """Return the anchor of each section, such as `learning-curves`, numbered where titles give the same one."""
    anchors: list[str] = []
    for title in titles:
        first = anchor = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        number = 1
        while anchor in anchors:
            number += 1
            anchor = f"{first}-{number}"
        anchors.append(anchor)
    return anchors


def section(title: str, *content: Content, anchor: str) -> Html:
    """Return a section with its title."""
    return tag("section", tag("h2", title), *content, id=anchor)


def facts(pairs: Iterable[tuple[str, Content]]) -> Html:
    """Return names and values side by side."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs), class_="facts")


def table(head: Sequence[str], rows: Iterable[Sequence[Content]], *, caption: str | None = None) -> Html:
    """Return a table whose first column names the rows. Columns of numbers are aligned right. A table that is wider
    than the page gets a scroll bar of its own."""
    rows = list(rows)
    sides = [None, *("number" if all(is_number(row[k]) for row in rows) else None for k in range(1, len(head)))]
    top = tag("tr", *(head_cell(name, "col", side) for name, side in zip(head, sides, strict=True)))
    body = (
        tag("tr", head_cell(row[0], "row"), *(tag("td", row[k], class_=sides[k]) for k in range(1, len(head))))
        for row in rows
    )
    whole = tag("table", tag("caption", caption) if caption else None, tag("thead", top), tag("tbody", *body))
    return scroll_box(whole, caption or f"Table by {head[0]}")


def head_cell(name: Content, scope: str, side: str | None = None) -> Html:
    """Return the heading of a column or row, which may be broken after `_`, and anywhere if it is long."""
    if isinstance(name, Html) or len(str(name)) > LONG_NAME:
        return tag("th", name, scope=scope, class_=" ".join(filter(None, ("long", side))))
    words = str(name).split("_")
    parts = (part for k, word in enumerate(words) for part in ((word,) if k == 0 else ("_", tag("wbr"), word)))
    return tag("th", *parts, scope=scope, class_=side)


def is_number(value: Content) -> bool:
    """Return whether a cell shows a number, with or without a unit, or a missing one."""
    return value is None or bool(re.fullmatch(r"[-+−]?[\d,.]+(e[-+]?\d+)?( ?[%A-Za-z]{1,3})?|–|undefined", str(value)))


def scroll_box(content: Html, label: str) -> Html:
    """Return a box that scrolls where its content is wider than the page, by keyboard too."""
    return tag("div", content, class_="scroll", tabindex="0", role="region", aria_label=label)


def listing(text: str, label: str) -> Html:
    """Return text in a fixed-width font."""
    return tag("pre", tag("code", escape_lines(text)), tabindex="0", role="region", aria_label=label)


def figure(chart: Html, caption: Content = None) -> Html:
    """Return a chart with a caption."""
    return tag("figure", chart, tag("figcaption", caption) if caption else None)


def figures(*charts: Html) -> Html:
    """Return charts side by side where there is room."""
    return tag("div", *charts, class_="figures")


def note(text: Content) -> Html:
    """Return a remark."""
    return tag("p", text, class_="note")


def details(summary: str, *content: Content) -> Html:
    """Return content that opens on a click, and is open on paper."""
    return tag("details", tag("summary", summary), *content)
