"""Layout: a page as lines of plain text no wider than asked for, each with what it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import Literal

from bptrain.explanation.formats.matrices import BLANK, is_small, matrix
from bptrain.explanation.notation import number, shape_in_words
from bptrain.explanation.page import Kind, Line, Page, Section

Role = Literal["title", "heading", "formula", "numbers", "value", "note"]

INDENT = "  "


@dataclass(frozen=True)
class Row:
    """A line of text: what it is, and in which kind of section it stands."""

    text: str
    role: Role
    kind: Kind | None = None


def rows(page: Page, *, width: int, digits: int, full: bool) -> Iterator[Row]:
    """A page from top to bottom.

    Args:
        page: a worked example.
        width: of the lines, at least 20.
        digits: significant ones.
        full: whether to write long vectors out.
    """
    for line in wrap(heading(page), width):
        yield Row(line, "title")
    for note in page.notes:
        for line in wrap(f"note: {note}", width, subsequent_indent=INDENT):
            yield Row(line, "note")
    for section in page.sections:
        yield Row("", "heading", section.kind)
        for line in wrap(section.title, width, subsequent_indent=INDENT):
            yield Row(line, "heading", section.kind)
        for one in section.lines:
            yield from quantity(one, section, width=width, digits=digits, full=full)


def heading(page: Page) -> str:
    """What the page is about."""
    return f"{page.title}: step {page.step} of training, with its own numbers"


def quantity(line: Line, section: Section, *, width: int, digits: int, full: bool) -> Iterator[Row]:
    """A quantity: formula with alias and shape, the formula with numbers, and the result."""
    label = " ".join(filter(None, (line.alias, shape_in_words(line.shape) if line.shape else "")))
    rule = line.symbol + f": {line.words}" * bool(line.words)
    if line.formula is not None:
        rule = f"{line.symbol} = {line.formula.to_text()}"
    single = is_small(line.value)
    value = BLANK if line.blank else number(line.entry, digits)
    if single and not line.is_worked:
        # A number that takes no computing stands beside its name.
        between = f"{line.formula.to_text()} = " if line.formula is not None else ""
        rule = f"{line.symbol} = {between}{value}" + f"  {line.words}" * bool(line.words)
    yield from (Row(one, "formula", section.kind) for one in add_label(rule, label, width))
    if line.is_worked and line.numbers is not None:
        place = f"[{', '.join(str(k + 1) for k in line.place)}]" if line.place and not single else ""
        worked = f"{line.symbol}{place} = {line.numbers.to_text()} = {value}"
        for one in wrap(worked, width - 4, subsequent_indent=INDENT):
            yield Row(2 * INDENT + one, "numbers", section.kind)
    if not single:
        for one in matrix(line.value, digits, width - 4, full=full, blank=line.blank):
            yield Row(2 * INDENT + one, "value", section.kind)


def add_label(left: str, right: str, width: int) -> list[str]:
    """A text with a label at the right edge, wrapped where both do not fit into a line."""
    lines = [INDENT + one for one in wrap(left, width - 2, subsequent_indent=INDENT)]
    if not right:
        return lines
    if len(lines[-1]) + len(right) + 2 <= width:
        lines[-1] += right.rjust(width - len(lines[-1]))
        return lines
    return [*lines, right.rjust(width)[:width]]


def to_text(page: Page, *, width: int = 80, digits: int = 6, full: bool = False) -> str:
    """A page as plain text."""
    return "".join(f"{row.text.rstrip()}\n" for row in rows(page, width=width, digits=digits, full=full))
