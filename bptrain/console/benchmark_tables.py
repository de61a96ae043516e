"""What was measured, as tables on stdout."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bptrain.bench.command_lines import OURS, Command
from bptrain.bench.measuring import Comparison
from bptrain.commands.bench import Benchmark, Watch
from bptrain.console.terminal import is_interactive, output, printable


@contextmanager
def progress() -> Iterator[Watch | None]:
    """A bar on stderr while it lasts; None where nobody looks."""
    if not is_interactive(sys.stderr):
        yield None
        return
    columns = (BarColumn(None), TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("getting ready", total=1.0)
        yield lambda what, share: bar.update(task, completed=share, description=what)


def benchmark_result(result: Benchmark) -> None:
    """A table for each workload, one for the whole commands, and the machine."""
    console = output()
    for one in result.comparisons:
        console.print(Text(one.workload.name, style="bold"))
        console.print(steps(one, narrow=console.width < 70))
    if result.commands:
        console.print(Text("digits, whole commands", style="bold"))
        console.print(whole(result.commands))
    for name in result.absent:
        console.print(f"{name} is not installed, and was not measured", style="yellow")
    machine = result.machine
    words = f"{machine['cpus']} x {machine['processor']}, Python {machine['python']}, NumPy {machine['numpy']}"
    console.print(Text(printable(words), style="dim"))


def table(*columns: str) -> Table:
    """A table whose first column is text, the others numbers."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for k, name in enumerate(columns):
        made.add_column(name, justify="right" if k else "left", no_wrap=k > 0)
    return made


def steps(one: Comparison, *, narrow: bool) -> Table:
    """The contenders on a workload; `ratio` is our time by theirs."""
    made = table("", "us a step", "ratio") if narrow else table("", "us a step", "samples/s", "peak MB", "ratio")
    for each in one.measurements:
        ours = each.contender == "bptrain"
        cells = [f"{each.median:,.0f}" if each.median >= 100 else f"{each.median:,.1f}"]
        if not narrow:
            cells += [f"{one.workload.batch / each.median * 1e6:,.0f}", f"{each.peak_bytes / 1e6:,.0f}"]
        ratio = one.ratio(each.contender)
        cells.append("" if ours else f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}")
        made.add_row(Text(each.contender), *cells, style="bold" if ours else "")
    return made


def whole(commands: tuple[Command, ...]) -> Table:
    """The whole commands; `ratio` is our time by theirs."""
    made = table("", "seconds", "ratio")
    ours = next(one for one in commands if one.name == OURS)
    for one in commands:
        made.add_row(Text(one.name), f"{one.median:.2f}", "" if one is ours else f"{ours.median / one.median:.2f}")
    return made
