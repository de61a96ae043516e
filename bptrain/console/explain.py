"""Worked examples on the terminal: what goes forward in one colour, what comes back in another."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from bptrain.console.tables import output
from bptrain.console.text import is_interactive, printable
from bptrain.explanation.layout import rows
from bptrain.explanation.page import Page

COLOURS = {
    "given": "default", "forward": "cyan", "loss": "yellow", "backward": "magenta", "gradient": "magenta",
    "update": "green", "result": "yellow",
}  # fmt: skip

NARROWEST, WIDEST = 40, 100
"""Columns of a page: as the terminal has them, within these bounds; 80 in a file."""


@contextmanager
def replaying(step: int | None) -> Iterator[None]:
    """Say on stderr that training goes on up to a step, which may take a while."""
    if step is None or not is_interactive(sys.stderr):
        yield
        return
    with Console(stderr=True, markup=False, highlight=False).status(f"training up to step {step:,}"):
        yield


def worked_example(page: Page, *, digits: int, full: bool) -> None:
    """Print a page."""
    console = output()
    at_terminal = sys.stdout is not None and sys.stdout.isatty()
    width = min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST) if at_terminal else 80
    for row in rows(page, width=width, digits=digits, full=full):
        colour = COLOURS.get(row.kind or "", "default")
        style = {
            "title": "bold", "heading": f"bold {colour}", "formula": colour, "numbers": "dim", "note": "yellow",
        }.get(row.role, "")  # fmt: skip
        console.print(Text(printable(row.text.rstrip()), style=style), soft_wrap=True)
