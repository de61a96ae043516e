"""Gradient checks on the terminal: verdicts, causes, and planted bugs."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bptrain.commands.gradcheck import GradientReport
from bptrain.console.layout import new_table
from bptrain.console.terminal import get_console, is_interactive
from bptrain.gradcheck import Check
from bptrain.gradcheck.planted.mutation import MutationReport, Outcome
from bptrain.quantities import format_number
from bptrain.text import printable

NARROW, WIDE = 70, 100
"""Widths below which shapes and tolerances are left out, and from which the diagnosis of a planted bug is shown."""


@contextmanager
def show_progress() -> Iterator[Callable[[Check | Outcome], None] | None]:
    """Yield a function that shows on stderr how many checks are done; None if stderr is no terminal."""
    if not is_interactive(sys.stderr):
        yield None
        return
    done = 0
    with Console(stderr=True, markup=False, highlight=False).status("checking gradients") as status:

        def watch(one: Check | Outcome) -> None:
            nonlocal done
            done += 1
            status.update(Text(printable(f"{done} checked, {one.name}")))

        yield watch


def print_checks(report: GradientReport) -> None:
    """Print a row for each check, what is wrong, and a conclusion."""
    console, checks = get_console(), report.checks
    console.print(render_checks(checks, console.width))
    console.print()
    for note in report.notes:
        console.print(Text(printable(f"note: {note}"), style="yellow"), soft_wrap=True)
    causes: dict[str, list[str]] = {}
    for check in checks:
        if not check.passed:
            causes.setdefault(check.cause or check.diagnosis or "wrong", []).append(check.name)
    for cause, names in causes.items():
        console.print(Text(printable(cause), style="red"), soft_wrap=True)
        console.print(Text(printable(f"  affects: {', '.join(names)}"), style="dim"), soft_wrap=True)
    if skipped := sum(check.skipped for check in checks):
        entries = format_number(sum(check.entries for check in checks))
        console.print(f"{format_number(skipped)} of {entries} entries are at kinks and were skipped")
    wrong = sum(not check.passed and check.kind != "skipped" for check in checks)
    word = "exact" if all(check.method == "complex step" for check in checks) else "right, by central differences"
    if report.passed:
        console.print(f"all {len(checks)} checks are {word}" if len(checks) > 1 else f"the check is {word}")
    elif wrong:
        console.print(f"{wrong} of {len(checks)} checks found a wrong gradient")
    else:
        console.print("no gradient was found wrong, but too few entries were checked to call them right")


def render_checks(checks: Sequence[Check], width: int) -> Table:
    """Return a row for each check."""
    narrow = width < NARROW
    shapes = not narrow and any(check.shape for check in checks)
    table = new_table(["gradient", *["shape"] * shapes], ["entries", "worst error", *["allowed"] * (not narrow)], gap=2)
    table.add_column("", no_wrap=True)
    for check in checks:
        cells = [" x ".join(map(str, check.shape))] * shapes
        cells += [format_number(check.entries), f"{check.max_error:.1e}"]
        cells += [f"{check.tolerance:.1e}"] * (not narrow)
        verdict = Text("?", style="yellow") if check.kind == "skipped" else Text("WRONG", style="bold red")
        if check.passed:
            verdict = Text("exact" if check.method == "complex step" else "right", style="green")
        table.add_row(Text(printable(check.name)), *cells, verdict)
    return table


def print_mutations(report: MutationReport) -> None:
    """Print a row for each planted bug: whether it was caught, and the diagnosis."""
    console, outcomes = get_console(), report.outcomes
    table, wide = new_table(["planted bug"], gap=2), console.width >= WIDE
    table.add_column("", no_wrap=True)
    if wide:
        table.add_column("diagnosis", overflow="fold")
    for one in outcomes:
        verdict = Text("caught", style="green") if one.caught else Text("MISSED", style="bold red")
        table.add_row(Text(one.description), verdict, *([Text(printable(one.said))] if wide else []))
    console.print(table)
    console.print()
    caught, named = sum(one.caught for one in outcomes), sum(one.recognised for one in outcomes)
    text = f"{caught} of {len(outcomes)} planted bugs caught, {named} with the right layer and kind of mistake"
    console.print(text)
