"""The page: one file with everything in it, in light and dark, for screens of any width and for paper.

A content security policy keeps it from asking for anything outside: nothing but its own style and pictures in `data:`.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from bptrain import __version__
from bptrain.report.html import Content, Html, join, lines, tag

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


LONG = 30
"""Characters of a name from which it may be broken within a word."""


def page(title: str, lead: Content, sections: Sequence[tuple[str, Html]]) -> str:
    """A whole page.

    Args:
        title: heads it.
        lead: a sentence below.
        sections: title and content each; they are listed at the top.

    Returns:
        HTML with nothing outside of it.
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
    named = list(zip(anchors([name for name, _ in sections]), sections, strict=True))
    places = tag("ul", *(tag("li", tag("a", name, href=f"#{place}")) for place, (name, _) in named))
    body = join(
        (
            tag("header", tag("h1", title), tag("p", lead, class_="lead")),
            tag("nav", places, aria_label="Sections"),
            tag("main", *(section(name, content, place=place) for place, (name, content) in named)),
            tag("footer", f"Made by bptrain {__version__}."),
        )
    )
    return f"<!doctype html>\n{tag('html', tag('head', head), tag('body', body), lang='en')}\n"


def anchors(titles: Sequence[str]) -> list[str]:
    """The places of sections, such as `learning-curves`; numbered where titles come to the same."""
    found: list[str] = []
    for title in titles:
        first = place = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        number = 1
        while place in found:
            number += 1
            place = f"{first}-{number}"
        found.append(place)
    return found


def section(title: str, *content: Content, place: str) -> Html:
    """A part of the page with its title; links name its place."""
    return tag("section", tag("h2", title), *content, id=place)


def facts(pairs: Iterable[tuple[str, Content]]) -> Html:
    """Names and values side by side."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs), class_="facts")


def table(head: Sequence[str], rows: Iterable[Sequence[Content]], *, caption: str | None = None) -> Html:
    """A table whose first column names its rows; a column of numbers stands to the right. It scrolls by itself where it
    is wider than the page."""
    rows = list(rows)
    sides = [None, *("number" if all(is_number(row[k]) for row in rows) else None for k in range(1, len(head)))]
    tops = tag("tr", *(heading(name, "col", side) for name, side in zip(head, sides, strict=True)))
    body = (
        tag("tr", heading(row[0], "row"), *(tag("td", row[k], class_=sides[k]) for k in range(1, len(head))))
        for row in rows
    )
    whole = tag("table", tag("caption", caption) if caption else None, tag("thead", tops), tag("tbody", *body))
    return scrolling(whole, caption or f"Table by {head[0]}")


def heading(name: Content, scope: str, side: str | None = None) -> Html:
    """The name of a column or a row; it may be broken after `_`, and where it is long, anywhere."""
    if isinstance(name, Html) or len(str(name)) > LONG:
        return tag("th", name, scope=scope, class_=" ".join(filter(None, ("long", side))))
    words = str(name).split("_")
    parts = (part for k, word in enumerate(words) for part in ((word,) if k == 0 else ("_", tag("wbr"), word)))
    return tag("th", *parts, scope=scope, class_=side)


def is_number(value: Content) -> bool:
    """Whether a cell shows a number, with or without a unit, or that there is none."""
    return value is None or bool(re.fullmatch(r"[-+−]?[\d,.]+(e[-+]?\d+)?( ?[%A-Za-z]{1,3})?|–|undefined", str(value)))


def scrolling(content: Html, label: str) -> Html:
    """What may be wider than the page; reachable by keyboard, so that it can be scrolled by it."""
    return tag("div", content, class_="scroll", tabindex="0", role="region", aria_label=label)


def listing(text: str, label: str) -> Html:
    """A text as it is, in a fixed width."""
    return tag("pre", tag("code", lines(text)), tabindex="0", role="region", aria_label=label)


def figure(picture: Html, caption: Content = None) -> Html:
    """A picture with what is to be said below."""
    return tag("figure", picture, tag("figcaption", caption) if caption else None)


def figures(*pictures: Html) -> Html:
    """Pictures side by side where there is room."""
    return tag("div", *pictures, class_="figures")


def note(text: Content) -> Html:
    """A remark."""
    return tag("p", text, class_="note")


def details(summary: str, *content: Content) -> Html:
    """What is shown when asked for, and on paper."""
    return tag("details", tag("summary", summary), *content)
