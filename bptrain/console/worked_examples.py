"""Worked examples on the terminal, what goes forward in one colour and what comes back in another, and verdicts on a
person's answers to them."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from bptrain.console.terminal import is_interactive, output, printable
from bptrain.explanation.exercises.verification import Verification, format_truth
from bptrain.explanation.formats.plain_text import render_rows
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
    for row in render_rows(page, width=width, digits=digits, full=full):
        colour = COLOURS.get(row.kind or "", "default")
        style = {
            "title": "bold", "heading": f"bold {colour}", "formula": colour, "numbers": "dim", "note": "yellow",
        }.get(row.role, "")  # fmt: skip
        console.print(Text(printable(row.text.rstrip()), style=style), soft_wrap=True)


def print_verification(found: Verification) -> None:
    """What is right, the first that is not with both values and the likely slip, and what is left."""
    console = output()
    if found.right:
        console.print(Text("right: ", style="green").append(", ".join(found.right), style="default"))
    if found.wrong is not None:
        wrong = found.wrong
        place = f"[{', '.join(map(str, wrong.place))}]" if wrong.place else ""
        console.print(Text("WRONG: ", style="bold red").append(f"{wrong.name}{place}", style="default"))
        console.print(Text(f"  yours  {printable(wrong.answer)}"))
        console.print(Text(f"  truth  {format_truth(wrong.truth, wrong.answer)}"))
        console.print(Text("  slip   ").append(wrong.words, style="yellow"))
    if found.others:
        what = "differ too, perhaps because of it"
        console.print(Text(f"{', '.join(found.others)}: {what}", style="dim"))
    if found.blank:
        console.print(Text(f"not answered yet: {', '.join(found.blank)}", style="dim"))
    if found.passed:
        rest = "" if not found.blank else ", as far as there are answers"
        console.print(Text(f"all {len(found.right)} answers are right, to the digits written{rest}", style="green"))
