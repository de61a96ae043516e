"""Runs on the terminal: as a list, and side by side."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bptrain.console.chart import sparkline
from bptrain.console.terminal import duration, number, output, printable
from bptrain.report.comparison import Comparison
from bptrain.run.run_list import Run

STYLES = {"finished": "green", "running": "bold cyan", "stopped": "yellow"}
"""Every other state is bad news."""

LONGEST = 60
"""Characters of a name that is shown."""

NARROWEST = 14
"""Columns for a run beside others at least."""


def run_list(runs: Sequence[Run]) -> None:
    """A line for each run, or a few where the terminal is narrow."""
    console = output()
    if not runs:
        console.print("no runs")
        return
    if console.width < 70:
        for run in runs:
            console.print(name_of_run(run, console, "bold").append(f"  {run.state}", STYLES.get(run.state, "red")))
            console.print(Text(f"  {extent(run)}, {best_in_words(run)}", style="dim"))
    else:
        listed = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        columns = ("run", "state", "epochs", "best", "took", "started")[: 6 if console.width >= 100 else 4]
        for column in columns:
            listed.add_column(column, overflow="fold", no_wrap=column not in ("run", "best"))
        for run in runs:
            state = Text(run.state, style=STYLES.get(run.state, "red"))
            began = printable((run.started or "-")[:16].replace("T", " "))
            rest = map(Text, (extent(run), best_in_words(run), took(run), began))
            listed.add_row(*[name_of_run(run, console, "bold"), state, *rest][: len(columns)])
        console.print(listed)
    for run in runs:
        if run.problem:
            path, problem = render_text(run.path, console), render_text(run.problem, console, 300)
            console.print(Text(f"{path}: {problem}", style="yellow"))


def comparison_result(comparison: Comparison) -> None:
    """What differs and what came of it: a column for each run, or, where these do not fit, a block for each."""
    console, runs = output(), comparison.runs
    names = [one.key for one in comparison.differences] + [one.name for one in comparison.scores]
    room = (console.width - max(map(len, ["best epoch", *names])) - 3) // len(runs) - 3
    star = "*" if console.options.ascii_only else "★"
    if room >= NARROWEST:
        console.print(table(comparison, console, room, star))
    else:
        for run, block in zip(runs, blocks(comparison, console, star), strict=True):
            console.print(name_of_run(run, console, "bold"))
            console.print(block)
    if not comparison.differences and len(runs) > 1:
        console.print("the configs do not differ")
    if comparison.remark:
        console.print(Text(printable(comparison.remark), style="yellow"))


def lines(comparison: Comparison, console: Console, room: int, star: str) -> Iterator[tuple[str, list[Text]]]:
    """What is said of the runs: a name, and a text of so many columns for each."""
    runs = comparison.runs
    for one in comparison.differences:
        yield one.key, [render_value(value, console, room) for value in one.values]
    yield "state", [Text(run.state, style=STYLES.get(run.state, "red")) for run in runs]
    yield "epochs", [Text(extent(run)) for run in runs]
    yield "time", [Text(took(run)) for run in runs]
    yield "best epoch", [Text(str(run.best["epoch"]) if run.best else "-") for run in runs]
    for score in comparison.scores:
        figures = [Text(number(value) if value is not None else "-") for value in score.values]
        yield score.name, [add_star(each, k in score.best, star) for k, each in enumerate(figures)]
    ascii_only = console.options.ascii_only
    curves = (sparkline(run.monitored_losses, room, ascii_only=ascii_only) for run in runs)
    yield "loss curve", [Text(curve, style="cyan") for curve in curves]


def table(comparison: Comparison, console: Console, room: int, star: str) -> Table:
    """A column for each run."""
    found = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    found.add_column("", style="dim", no_wrap=True)
    for run in comparison.runs:
        found.add_column(name_of_run(run, console), overflow="fold", max_width=room)
    for name, values in lines(comparison, console, min(room, 24), star):
        found.add_row(render_text(name, console), *values)
    return found


def blocks(comparison: Comparison, console: Console, star: str) -> list[Table]:
    """A table for each run, with a line for each thing that is said of it."""
    found = []
    for k in range(len(comparison.runs)):
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", overflow="fold")
        grid.add_column(overflow="fold")
        for name, values in lines(comparison, console, 24, star):
            grid.add_row(render_text(f"  {name}", console), values[k])
        found.append(grid)
    return found


def add_star(value: Text, best: bool, star: str) -> Text:
    """Mark a value if it is the best."""
    return Text(f"{value.plain} {star}", style="bold green") if best else value


def render_value(value: Any, console: Console, room: int) -> Text:
    """Write a value of a config in one line."""
    names = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return Text(names[value])
    return render_text(f"{value:g}" if isinstance(value, float) else value, console, 4 * room)


def render_text(text: object, console: Console, longest: int = LONGEST) -> Text:
    """Write somebody's text in one line that is not too long, as the encoding can have it."""
    safe = printable(str(text)[: 4 * longest])
    safe = safe if len(safe) <= longest else f"{safe[: longest - 3]}..."
    return Text(safe.encode(console.encoding, "backslashreplace").decode(console.encoding))


def name_of_run(run: Run, console: Console, style: str = "") -> Text:
    """The directory of a run."""
    found = render_text(run.path, console)
    found.style = style
    return found


def extent(run: Run) -> str:
    """How many epochs are done: `12 of 40`."""
    return f"{run.epochs:,}" + (f" of {run.of:,}" if run.of is not None else "")


def took(run: Run) -> str:
    """How long it trained."""
    return duration(run.seconds) if run.seconds is not None else "-"


def best_in_words(run: Run) -> str:
    """The best epoch's loss and first metric."""
    if run.best is None:
        return "no epoch yet"
    metrics = [(name, value) for name, value in run.best["metrics"].items() if isinstance(value, int | float)]
    first = "".join(f", {name} {value:.4g}" for name, value in metrics[:1])
    return printable(f"loss {run.best['loss']:.4g}{first}")
