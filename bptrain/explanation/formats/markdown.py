"""Markdown: a page with headings, formulas as code, and numbers in fenced blocks, which every reader shows alike."""

import re
from collections.abc import Iterator

from bptrain.explanation.formats.plain_text import format_array, format_value, format_working
from bptrain.explanation.page import Line, Page

WIDTH = 100


def to_markdown(page: Page, *, digits: int = 6, full: bool = False) -> str:
    """Return a page as Markdown."""
    paragraphs = [f"# {escape_markdown(page.heading)}", *(f"*{escape_markdown(note)}*" for note in page.notes)]
    for section in page.sections:
        paragraphs.append(f"## {escape_markdown(section.title)}")
        for line in section.lines:
            paragraphs += render_line(line, digits, full=full)
    return "\n\n".join(paragraphs) + "\n"


def render_line(line: Line, digits: int, *, full: bool) -> Iterator[str]:
    """Yield a quantity: the formula with alias and shape, then the formula with numbers and the value."""
    alias = f"**{escape_markdown(line.alias)}**" if line.alias else ""
    words = f": {escape_markdown(line.words)}" if line.words and not line.formula else ""
    formula = f" = {line.formula.to_text()}" if line.formula else ""
    yield " ".join(filter(None, (f"`{line.symbol}{formula}`{words}", alias, line.shape_text)))
    working = format_working(line, digits)
    numbers = [working] if working else []
    if not line.is_single:
        numbers += format_array(line, digits, WIDTH, full=full)
    elif not working:
        numbers = [f"{line.symbol} = {format_value(line, digits)}"]
    yield "\n".join(("```text", *numbers, "```"))


def escape_markdown(text: str) -> str:
    """Escape all characters of a text that are markup in Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>()#+.!|~&-])", r"\\\1", text)
