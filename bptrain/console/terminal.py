"""The terminal: what it supports, messages wrapped to its width, the console for results, and a progress bar."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from textwrap import wrap
from time import perf_counter
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

REFRESH_SECONDS = 0.1
"""The least time between two drawings of a progress bar."""

FILE_WIDTH = 160
"""The width of tables that go to a file or a pipe."""


def is_interactive(stream: TextIO | None) -> bool:
    """Return whether colours and a live view may be written to a stream: a terminal, unless NO_COLOR or TERM=dumb says
    otherwise."""
    return (
        stream is not None and stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def wrap_message(text: str, stream: TextIO | None, indent: str = "") -> str:
    """Return a message wrapped between words to the width of a terminal, with an indent from the second line on;
    if the stream is not a terminal, it stays one line."""
    if stream is None or not stream.isatty():
        return text
    width = max(shutil.get_terminal_size().columns, 20)
    return "\n".join(wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False))


def get_console() -> "Console":
    """Return the console for results: colours on a terminal, wide plain text elsewhere."""
    from rich.console import Console

    colour = is_interactive(sys.stdout)
    return Console(
        force_terminal=colour,
        color_system="auto" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        width=shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else FILE_WIDTH,
    )


@contextmanager
def show_progress_bar(name: str, unit: str) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function `watch(done, total)` that shows progress and the time left as a bar on stderr; None if stderr is
    not a terminal. The bar disappears at the end."""
    if not is_interactive(sys.stderr):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(name), BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as progress:
        task, drawn = progress.add_task(name, total=None, visible=False), 0.0

        def watch(done: int, total: int) -> None:
            nonlocal drawn
            if perf_counter() - drawn >= REFRESH_SECONDS or done == total:
                progress.update(task, completed=done, total=total, visible=True, refresh=True)
                drawn = perf_counter()

        yield watch
