"""The terminal: what it can show, numbers and names as text for it, the console for results, and a progress bar."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, TextIO

from bptrain.metrics import Figure
from bptrain.text import printable as printable

if TYPE_CHECKING:
    from rich.console import Console


REFRESH = 0.1
"""Seconds between two drawings at least."""


def number(value: float | int | None) -> str:
    """A number in six digits; `undefined` for None."""
    if value is None:
        return "undefined"
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def figure(value: Figure) -> str:
    """A metric: a number, or a list of numbers or of lists."""
    return f"[{', '.join(map(figure, value))}]" if isinstance(value, list) else number(value)


def figures(metrics: Mapping[str, float | None]) -> str:
    """Metrics in a line: `accuracy 0.98`."""
    return " · ".join(f"{printable(name)} {number(value)}" for name, value in metrics.items())


def duration(seconds: float) -> str:
    """A time in words: `0.42 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def is_interactive(stream: TextIO | None) -> bool:
    """Whether a live view may be drawn on a stream: a terminal that understands more than plain text."""
    return (
        stream is not None and stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def output() -> "Console":
    """Return the console for results: colours on a terminal, wide plain text elsewhere."""
    from rich.console import Console

    colour = is_interactive(sys.stdout)
    return Console(
        force_terminal=colour,
        color_system="auto" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        width=shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else 160,
    )


@contextmanager
def progress_bar(name: str, unit: str) -> Iterator[Callable[[int, int], None] | None]:
    """What shows on stderr how much is done, of how much, and the time left; None where nobody looks. It goes away at
    the end."""
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
            if perf_counter() - drawn >= REFRESH or done == total:
                progress.update(task, completed=done, total=total, visible=True, refresh=True)
                drawn = perf_counter()

        yield watch
