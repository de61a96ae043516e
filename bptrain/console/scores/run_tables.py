"""Runs on the terminal, as a list and side by side, and the cache of parsed tables."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bptrain.commands.cache import Contents
from bptrain.console.chart import render_sparkline
from bptrain.console.layout import measure_width, new_pairs, new_table
from bptrain.console.terminal import get_console
from bptrain.quantities import format_bytes, format_duration, format_number
from bptrain.report.comparison import Comparison, describe_held_out
from bptrain.run.run_list import Run
from bptrain.text import printable, shorten

STYLES = {"finished": "green", "running": "bold cyan", "stopped": "yellow"}
"""The colours of states; all others are red."""

LONGEST_NAME = 60
LONGEST_VALUE = 96
LONGEST_PROBLEM = 300
CURVE_WIDTH = 24

NARROWEST = 14
"""The least width of a run beside others."""

HEADINGS = ("epochs", "best", "time", "started")
"""The columns of a list of runs after name and state."""


def print_runs(runs: Sequence[Run]) -> None:
    """Print the runs, and which of their files cannot be read."""
    console = get_console()
    if not runs:
        console.print("no runs")
        return
    for part in render_runs(runs, console):
        console.print(part)
    for run in runs:
        if run.problem:
            path, problem = (shorten(text, LONGEST_PROBLEM) for text in (run.path, run.problem))
            console.print(Text(f"{path}: {problem}", style="yellow"))


def render_runs(runs: Sequence[Run], console: Console) -> Iterator[Table | Text]:
    """Yield a table of the columns that fit and a line naming the others, or a list if the first columns do not fit."""
    rows = [
        (format_epochs(run), format_best(run), format_time(run), printable((run.started or "-")[:16].replace("T", " ")))
        for run in runs
    ]
    for count in (4, 2):
        table = new_table(["run", "state", *HEADINGS[:count]])
        for run, cells in zip(runs, rows, strict=True):
            table.add_row(render_name(run, "bold"), render_state(run), *map(Text, cells[:count]))
        if measure_width(table, console) <= console.width:
            yield table
            if count < len(HEADINGS):
                yield Text(f"not shown at this width: {', '.join(HEADINGS[count:])}; --json has all", style="dim")
            return
    for run, cells in zip(runs, rows, strict=True):
        yield render_name(run, "bold").append("  ").append_text(render_state(run))
        facts = (f"{name} {cell}" for name, cell in zip(HEADINGS, cells, strict=True) if cell != "-")
        yield Text(f"  {', '.join(facts)}", style="dim")


def print_comparison(comparison: Comparison) -> None:
    """Print differences and scores: a column for each run, or a block for each if the columns do not fit."""
    console, runs = get_console(), comparison.runs
    names = [
        "best epoch",
        *(one.key for one in comparison.differences),
        *(f"{describe_held_out(runs)} {one.name}" for one in comparison.scores),
    ]
    room = (console.width - max(map(len, names)) - 3) // len(runs) - 3
    if room >= NARROWEST:
        table = new_table()
        table.add_column("", style="dim", no_wrap=True)
        for run in runs:
            table.add_column(render_name(run), overflow="fold", max_width=room)
        for name, values in list_facts(comparison, console, min(room, CURVE_WIDTH)):
            table.add_row(shorten(name, LONGEST_NAME), *values)
        console.print(table)
    else:
        facts = list(list_facts(comparison, console, CURVE_WIDTH))
        for k, run in enumerate(runs):
            console.print(render_name(run, "bold"))
            console.print(new_pairs((f"  {shorten(name, LONGEST_NAME)}", v[k]) for name, v in facts))
    if not comparison.differences and len(runs) > 1:
        console.print("the configs do not differ")
    if comparison.remark:
        console.print(Text(printable(comparison.remark), style="yellow"))


def list_facts(comparison: Comparison, console: Console, curve_width: int) -> Iterator[tuple[str, list[Text]]]:
    """Yield the name of each fact, and its text for each run."""
    runs, ascii_only = comparison.runs, console.options.ascii_only
    for one in comparison.differences:
        yield one.key, [Text(format_value(value)) for value in one.values]
    yield "state", [render_state(run) for run in runs]
    yield "epochs", [Text(format_epochs(run)) for run in runs]
    yield "time", [Text(format_time(run)) for run in runs]
    yield "best epoch", [Text(str(run.best["epoch"]) if run.best else "-") for run in runs]
    held_out = describe_held_out(runs)
    star = " *" if ascii_only else " ★"
    for score in comparison.scores:
        texts = [format_number(value) if value is not None else "-" for value in score.values]
        yield (
            score.name if score.name.startswith("test ") else f"{held_out} {score.name}",
            [Text(text + star, style="bold green") if k in score.best else Text(text) for k, text in enumerate(texts)],
        )
    curves = (render_sparkline(run.monitored, curve_width, ascii_only=ascii_only) for run in runs)
    yield "loss curve", [Text(curve, style="cyan") for curve in curves]


def format_value(value: Any) -> str:
    """Format a value of a config on one line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return shorten(f"{value:g}" if isinstance(value, float) else value, LONGEST_VALUE)


def render_name(run: Run, style: str = "") -> Text:
    """Return the directory of a run."""
    return Text(shorten(run.path, LONGEST_NAME), style=style)


def render_state(run: Run) -> Text:
    """Return the state of a run in its colour."""
    return Text(run.state, style=STYLES.get(run.state, "red"))


def format_epochs(run: Run) -> str:
    """Return how many epochs are done: `12 of 40`."""
    return f"{run.epochs:,}" + (f" of {run.of:,}" if run.of is not None else "")


def format_time(run: Run) -> str:
    """Return how long a run trained."""
    return format_duration(run.seconds) if run.seconds is not None else "-"


def format_best(run: Run) -> str:
    """Return the loss and the first metric of the best epoch."""
    if run.best is None:
        return "no epoch yet"
    metrics = [(name, value) for name, value in run.best["metrics"].items() if isinstance(value, int | float)]
    first = "".join(f", {name} {value:.4g}" for name, value in metrics[:1])
    return printable(f"loss {run.best['loss']:.4g}{first}")


def print_cache(found: Contents, *, removed: bool = False) -> None:
    """Print the tables in the cache, the most recently used first, and their size; or how many were removed."""
    console = get_console()
    number = len(found.tables)
    total = f"{number:,} table{'s' * (number != 1)}, {format_bytes(found.bytes)}"
    if removed:
        console.print(Text(printable(f"{found.folder}: removed {total}")), soft_wrap=True)
        return
    table = new_table(["read from"], ["rows", "columns", "size", "used"])
    for one in found.tables:
        more = f" and {len(one.files) - 1} more" if len(one.files) > 1 else ""
        where = f"{one.files[0]}{more}" if one.files else f"{one.path} is {one.source}"
        used = f"{format_duration(max(time.time() - one.used, 0.0))} ago"
        cells = (where, f"{one.rows:,}", f"{one.columns:,}", format_bytes(one.bytes), used)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    if found.tables:
        console.print(table)
        console.print()
    text = f"{found.folder}: {total}, limit {format_bytes(found.limit)}"
    console.print(Text(printable(text)), soft_wrap=True)
