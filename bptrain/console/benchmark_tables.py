"""Benchmarks on the terminal: a bar while they run, and their results as tables."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bptrain.bench.command_lines import OURS, TimedCommand
from bptrain.bench.measuring import Comparison
from bptrain.commands.bench import Benchmark, Watch
from bptrain.console.layout import new_table
from bptrain.console.terminal import get_console, is_interactive
from bptrain.text import printable

NARROW = 70
"""The width below which a table shows only times and ratios."""


@contextmanager
def show_progress() -> Iterator[Watch | None]:
    """Yield a function that shows progress as a bar on stderr; None if stderr is not a terminal."""
    if not is_interactive(sys.stderr):
        yield None
        return
    columns = (BarColumn(None), TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("preparing", total=1.0)
        yield lambda name, share: bar.update(task, completed=share, description=name)


def print_benchmark(result: Benchmark) -> None:
    """Print a table for each workload, one for whole commands, and the machine."""
    console = get_console()
    for comparison in result.comparisons:
        console.print(Text(comparison.workload.name, style="bold"))
        console.print(render_steps(comparison, narrow=console.width < NARROW))
    if result.commands:
        console.print(Text("digits, whole commands", style="bold"))
        console.print(render_commands(result.commands))
    for name in result.absent:
        console.print(f"{name} is not installed, so it was not measured", style="yellow")
    machine = result.machine
    text = f"{machine['cpus']} x {machine['processor']}, Python {machine['python']}, NumPy {machine['numpy']}"
    console.print(Text(printable(text), style="dim"))


def render_steps(comparison: Comparison, *, narrow: bool) -> Table:
    """Return the times of all contenders on a workload; `ratio` is our time divided by theirs."""
    table = new_table([""], ["us a step", "ratio"] if narrow else ["us a step", "samples/s", "peak MB", "ratio"])
    for one in comparison.measurements:
        is_ours, ratio = one.contender == "bptrain", comparison.ratio(one.contender)
        cells = [f"{one.median:,.0f}" if one.median >= 100 else f"{one.median:,.1f}"]
        if not narrow:
            cells += [f"{comparison.workload.batch / one.median * 1e6:,.0f}", f"{one.peak_bytes / 1e6:,.0f}"]
        cells.append("" if is_ours else f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}")
        table.add_row(Text(one.contender), *cells, style="bold" if is_ours else "")
    return table


def render_commands(commands: tuple[TimedCommand, ...]) -> Table:
    """Return the times of whole commands; `ratio` is our time divided by theirs."""
    table = new_table([""], ["seconds", "ratio"])
    ours = next(one for one in commands if one.name == OURS)
    for one in commands:
        table.add_row(Text(one.name), f"{one.median:.2f}", "" if one is ours else f"{ours.median / one.median:.2f}")
    return table
