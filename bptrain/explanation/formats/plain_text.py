"""Plain text and Markdown: a page as lines no wider than asked for, with arrays as aligned columns of numbers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Literal

from bptrain.arrays import Array
from bptrain.explanation.notation import format_number
from bptrain.explanation.page import Kind, Line, Page, Section

Role = Literal["title", "heading", "formula", "numbers", "value", "note"]

INDENT = "  "
GAP = "  "
DOTS = "…"
BLANK = "_____"

MARKDOWN_WIDTH = 100
"""The width of the fenced blocks of numbers, in characters."""

MOST_ROWS = 6
"""The most rows of an array that are shown, unless `full`."""


@dataclass(frozen=True)
class Row:
    """A line of text, its role, and the kind of its section."""

    text: str
    role: Role
    kind: Kind | None = None


def to_text(page: Page, *, width: int = 80, digits: int = 6, full: bool = False) -> str:
    """Return a page as plain text."""
    return "".join(f"{row.text.rstrip()}\n" for row in render_rows(page, width=width, digits=digits, full=full))


def render_rows(page: Page, *, width: int, digits: int, full: bool) -> Iterator[Row]:
    """Yield the lines of a page from top to bottom.

    Args:
        page: a worked example.
        width: of the lines, at least 20.
        digits: significant digits.
        full: whether to show all numbers of large arrays.
    """
    for text in wrap(page.heading, width):
        yield Row(text, "title")
    for note in page.notes:
        for text in wrap(f"note: {note}", width, subsequent_indent=INDENT):
            yield Row(text, "note")
    for section in page.sections:
        yield Row("", "heading", section.kind)
        for text in wrap(section.title, width, subsequent_indent=INDENT):
            yield Row(text, "heading", section.kind)
        for line in section.lines:
            yield from render_line(line, section, width=width, digits=digits, full=full)


def render_line(line: Line, section: Section, *, width: int, digits: int, full: bool) -> Iterator[Row]:
    """Yield a quantity: the formula with alias and shape, the formula with numbers, and the value."""
    working, formula = format_working(line, digits), line.formula.to_text() if line.formula else ""
    if line.is_single and not working:
        # A number without a computation is shown beside its name.
        equal = f"{formula} = " if formula else ""
        rule = f"{line.symbol} = {equal}{format_value(line, digits)}" + f"  {line.words}" * bool(line.words)
    elif formula:
        rule = f"{line.symbol} = {formula}" + f"  {line.words}" * bool(line.words)
    else:
        rule = line.symbol + f": {line.words}" * bool(line.words)
    for text in add_label(rule, " ".join(filter(None, (line.alias, line.shape_text))), width):
        yield Row(text, "formula", section.kind)
    for text in wrap(working, width - 4, subsequent_indent=INDENT):
        yield Row(2 * INDENT + text, "numbers", section.kind)
    if not line.is_single:
        for text in format_array(line, digits, width - 4, full=full):
            yield Row(2 * INDENT + text, "value", section.kind)


def add_label(left: str, right: str, width: int) -> list[str]:
    """Return a text, wrapped, with a label at the right edge of its last line, or below it where both do not fit."""
    lines = [INDENT + text for text in wrap(left, width - 2, subsequent_indent=INDENT)]
    if right and len(lines[-1]) + len(right) + 2 <= width:
        lines[-1] += right.rjust(width - len(lines[-1]))
    elif right:
        lines.append(right.rjust(width)[:width])
    return lines


def format_value(line: Line, digits: int) -> str:
    """Return the value of the entry whose computation is shown, or a blank."""
    return BLANK if line.blank else format_number(line.entry, digits)


def format_working(line: Line, digits: int) -> str:
    """Return the formula with numbers for one entry, and its result; empty where there is none."""
    if line.numbers is None or not line.is_worked:
        return ""
    return f"{line.symbol}{line.place_text} = {line.numbers.to_text()} = {format_value(line, digits)}"


def format_array(line: Line, digits: int, width: int, *, full: bool) -> list[str]:
    """Return an array as lines no wider than `width`: the first rows and columns and the last, or all with `full`."""
    table = to_table(line.value)
    count = table.shape[1]
    if full:
        cells = format_cells(line, digits, range(len(table)), range(count))
        most = max(1, (width + len(GAP)) // (max(len(cell) for row in cells for cell in row) + len(GAP)))
        if count <= most:
            return align(cells)
        lines: list[str] = []
        for start in range(0, count, most):
            lines.append(f"columns {start + 1} to {min(start + most, count)}:")
            lines += align([row[start : start + most] for row in cells])
        return lines
    rows = choose_places(len(table), MOST_ROWS)
    most = min(count, max(width // (1 + len(GAP)), 1))
    while True:
        lines = align(format_cells(line, digits, rows, choose_places(count, most)))
        if len(lines[0]) <= width or most <= 1:
            return lines
        # Try fewer columns, in proportion to the excess width.
        most = max(1, min(most - 1, most * width // len(lines[0])))


def to_table(array: Array) -> Array:
    """Return an array as a matrix: a vector as one row, and dimensions after the first side by side."""
    return array.reshape(len(array), -1) if array.ndim > 1 else array.reshape(1, -1)


def choose_places(count: int, most: int) -> list[int | None]:
    """Return which of `count` rows or columns to show: all, or the first ones, None for a gap, and the last."""
    if count <= most:
        return list(range(count))
    if most < 2:
        return [0, None]
    return [*range(max(most - 2, 1)), None, count - 1]


def format_cells(line: Line, digits: int, rows: Sequence[int | None], columns: Sequence[int | None]) -> list[list[str]]:
    """Return the numbers in some rows and columns of an array, or blanks; dots in the gaps."""
    table = to_table(line.value)

    def cell(i: int | None, j: int | None) -> str:
        if i is None or j is None:
            return DOTS
        return BLANK if line.blank else format_number(float(table[i, j]), digits)

    return [[cell(i, j) for j in columns] for i in rows]


def align(cells: list[list[str]]) -> list[str]:
    """Return rows of cells as lines with right-aligned columns."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [GAP.join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]


def to_markdown(page: Page, *, digits: int = 6, full: bool = False) -> str:
    """Return a page as Markdown."""
    paragraphs = [f"# {escape_markdown(page.heading)}", *(f"*{escape_markdown(note)}*" for note in page.notes)]
    for section in page.sections:
        paragraphs.append(f"## {escape_markdown(section.title)}")
        for line in section.lines:
            paragraphs += render_markdown_line(line, digits, full=full)
    return "\n\n".join(paragraphs) + "\n"


def render_markdown_line(line: Line, digits: int, *, full: bool) -> Iterator[str]:
    """Yield a quantity: the formula with alias and shape, then the formula with numbers and the value."""
    alias = f"**{escape_markdown(line.alias)}**" if line.alias else ""
    words = f": {escape_markdown(line.words)}" if line.words else ""
    formula = f" = {line.formula.to_text()}" if line.formula else ""
    yield " ".join(filter(None, (f"`{line.symbol}{formula}`{words}", alias, line.shape_text)))
    working = format_working(line, digits)
    numbers = [working] if working else []
    if not line.is_single:
        numbers += format_array(line, digits, MARKDOWN_WIDTH, full=full)
    elif not working:
        numbers = [f"{line.symbol} = {format_value(line, digits)}"]
    yield "\n".join(("```text", *numbers, "```"))


def escape_markdown(text: str) -> str:
    """Escape all characters of a text that are markup in Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>()#+.!|~&-])", r"\\\1", text)
