"""A progress bar on stderr, for work that says how far it is."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from bptrain.console.text import is_interactive

REFRESH = 0.1
"""Seconds between two drawings at least."""


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
