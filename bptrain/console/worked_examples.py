"""Worked examples on the terminal, forward and backward pass in different colours, and verdicts on answers to them."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from bptrain.console.terminal import get_console, is_interactive
from bptrain.explanation.exercises.verification import Verification, format_truth
from bptrain.explanation.formats.plain_text import render_rows
from bptrain.explanation.page import Page
from bptrain.text import printable

COLOURS = {
    "given": "default", "forward": "cyan", "loss": "yellow", "backward": "magenta", "gradient": "magenta",
    "update": "green", "result": "yellow",
}  # fmt: skip

NARROWEST, WIDEST = 40, 100
"""The least and the largest width of a page on a terminal."""

FILE_WIDTH = 80


@contextmanager
def show_replay(step: int | None) -> Iterator[None]:
    """Show on stderr that training runs up to a step, which may take a while."""
    if step is None or not is_interactive(sys.stderr):
        yield
        return
    with Console(stderr=True, markup=False, highlight=False).status(f"training up to step {step:,}"):
        yield


def print_worked_example(page: Page, *, digits: int, full: bool) -> None:
    """Print a page."""
    console = get_console()
    at_terminal = sys.stdout is not None and sys.stdout.isatty()
    width = min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST) if at_terminal else FILE_WIDTH
    for row in render_rows(page, width=width, digits=digits, full=full):
        colour = COLOURS.get(row.kind or "", "default")
        style = {
            "title": "bold", "heading": f"bold {colour}", "formula": colour, "numbers": "dim", "note": "yellow",
        }.get(row.role, "")  # fmt: skip
        console.print(Text(printable(row.text.rstrip()), style=style), soft_wrap=True)


def print_verification(found: Verification) -> None:
    """Print the right answers, the first wrong one with both values and the likely slip, and the others."""
    console = get_console()
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
        text = f"{', '.join(found.others)}: wrong too, perhaps for the same reason"
        console.print(Text(text, style="dim"))
    if found.blank:
        console.print(Text(f"not answered yet: {', '.join(found.blank)}", style="dim"))
    if found.passed:
        many = len(found.right) > 1
        count = (f"all {len(found.right)} answers" if many else "the only answer") + " so far" * bool(found.blank)
        console.print(Text(f"{count} {'are' if many else 'is'} right, to the digits written", style="green"))
