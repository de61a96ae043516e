"""Markdown: a page with headings, formulas as code, and numbers in fenced blocks, which every reader shows alike."""

import re
from collections.abc import Iterator

from bptrain.explanation.formats.matrices import BLANK, is_small, matrix
from bptrain.explanation.formats.plain_text import heading
from bptrain.explanation.notation import number, shape_in_words
from bptrain.explanation.page import Line, Page

WIDTH = 100


def to_markdown(page: Page, *, digits: int = 6, full: bool = False) -> str:
    """A page as Markdown."""
    parts = [f"# {escape_markdown(heading(page))}", *(f"*{escape_markdown(note)}*" for note in page.notes)]
    for section in page.sections:
        parts.append(f"## {escape_markdown(section.title)}")
        for line in section.lines:
            parts += quantity(line, digits, full=full)
    return "\n\n".join(parts) + "\n"


def quantity(line: Line, digits: int, *, full: bool) -> Iterator[str]:
    """What it is, how it comes about, and its value."""
    shape = shape_in_words(line.shape) if line.shape else ""
    label = " ".join(filter(None, (f"**{escape_markdown(line.alias)}**" if line.alias else "", shape)))
    rule = code(f"{line.symbol} = {line.formula.to_text()}") if line.formula else code(line.symbol)
    said = f": {escape_markdown(line.words)}" if line.words and not line.formula else ""
    yield f"{rule}{said} {label}".rstrip()
    value, worked = BLANK if line.blank else number(line.entry, digits), []
    if line.is_worked and line.numbers is not None:
        place = f"[{', '.join(str(k + 1) for k in line.place)}]" if line.place and not is_small(line.value) else ""
        worked = [f"{line.symbol}{place} = {line.numbers.to_text()} = {value}"]
    elif is_small(line.value):
        worked = [f"{line.symbol} = {value}"]
    lines = (
        worked if is_small(line.value) else [*worked, *matrix(line.value, digits, WIDTH, full=full, blank=line.blank)]
    )
    yield "\n".join(("```text", *lines, "```"))


def code(words: str) -> str:
    """Inline code."""
    return f"`{words}`"


def escape_markdown(words: str) -> str:
    """Escape what is markup in a text."""
    return re.sub(r"([\\`*_{}\[\]<>()#+.!|~&-])", r"\\\1", words)
