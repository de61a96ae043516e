"""The cache of parsed tables on the terminal."""

import time

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bptrain.commands.cache import Contents
from bptrain.console.summary_tables import size
from bptrain.console.terminal import duration, output, printable


def cache_table(found: Contents) -> None:
    """The tables, the latest used first, and what they take together."""
    console = output()
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("read from", overflow="fold")
    for name in ("rows", "columns", "size", "used"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found.tables:
        more = f" and {len(one.files) - 1} more" if len(one.files) > 1 else ""
        where = f"{one.files[0]}{more}" if one.files else f"{one.path} is {one.source}"
        used = f"{duration(max(time.time() - one.used, 0.0))} ago"
        cells = (where, f"{one.rows:,}", f"{one.columns:,}", size(one.bytes), used)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    if found.tables:
        console.print(table)
        console.print()
    console.print(
        Text(printable(f"{found.folder}: {count_tables(found)}, of {size(found.limit)} at most")), soft_wrap=True
    )


def print_removed(removed: Contents) -> None:
    """What was removed."""
    console = output()
    console.print(Text(printable(f"{removed.folder}: removed {count_tables(removed)}")), soft_wrap=True)


def count_tables(found: Contents) -> str:
    """How many tables there are, and what they take."""
    number = len(found.tables)
    return f"{number:,} table{'s' * (number != 1)}, {size(found.bytes)}"
