"""Layout: the tables and lists that commands print, all in the same style."""

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

UNBOUNDED = 10_000
"""A width in which every table fits."""


def new_table(left: Sequence[str] = (), right: Sequence[str] = (), *, gap: int = 1) -> Table:
    """Return an empty table with headings above a line.

    Args:
        left: headings of columns of text, which may wrap.
        right: headings of the columns of numbers that follow, aligned right and never wrapped.
        gap: spaces between columns.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, gap, 0, 0))
    for name in left:
        table.add_column(Text(name), overflow="fold")
    for name in right:
        table.add_column(Text(name), justify="right", no_wrap=True)
    return table


def new_pairs(pairs: Iterable[tuple[str, str | Text]], *, style: str = "dim", gap: int = 2) -> Table:
    """Return names and texts side by side, the texts wrapped."""
    table = Table.grid(padding=(0, gap, 0, 0))
    table.add_column(style=style, no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in pairs:
        table.add_row(Text(name), Text(text) if isinstance(text, str) else text)
    return table


def new_list(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return the rows of a table one below the other: the first cell, and under it the others with their headings."""
    table = Table.grid()
    table.add_column(overflow="fold")
    for first, *cells in rows:
        table.add_row(Text(first, style="bold"))
        facts = [f"{name} {cell}" for name, cell in zip(headings[1:], cells, strict=True) if cell]
        table.add_row(Text(f"  {', '.join(facts)}"))
    return table


def measure_width(table: Table, console: Console) -> int:
    """Return the width of a table in columns of the terminal if nothing wraps."""
    return console.measure(table, options=console.options.update(max_width=UNBOUNDED)).maximum
