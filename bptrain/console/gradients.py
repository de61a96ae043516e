"""Verdicts on gradients, as tables on stdout."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bptrain.commands.gradcheck import GradientReport
from bptrain.console.terminal import is_interactive, number, output, printable
from bptrain.gradcheck import Check
from bptrain.gradcheck.planted.mutation import Outcome


@contextmanager
def progress() -> Iterator[Callable[[Check | Outcome], None] | None]:
    """What shows on stderr how many checks are done, while they are; None where nobody looks."""
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


def gradient_report(report: GradientReport) -> None:
    """A line for each check, and below what is wrong, and who makes it wrong."""
    console, checks = output(), report.checks
    console.print(verdicts(checks, console.width))
    for note in report.notes:
        console.print(Text(printable(f"note: {note}"), style="yellow"), soft_wrap=True)
    causes: dict[str, list[str]] = {}
    for check in checks:
        if not check.passed:
            causes.setdefault(check.cause or check.diagnosis or "wrong", []).append(check.name)
    for cause, names in causes.items():
        print_cause(console, cause, names)
    if skipped := sum(check.skipped for check in checks):
        entries = sum(check.entries for check in checks)
        console.print(f"{number(skipped)} of {number(entries)} entries lie at kinks and were skipped")
    wrong = sum(not check.passed and check.kind != "skipped" for check in checks)
    word = "exact" if all(check.method == "complex step" for check in checks) else "right, by central differences"
    if report.passed:
        console.print(f"all {len(checks)} checks are {word}" if len(checks) > 1 else f"the check is {word}")
    elif wrong:
        console.print(f"{wrong} of {len(checks)} checks found a wrong gradient")
    else:
        console.print("no gradient was found wrong, and too little is known to call them right")


def verdicts(checks: Sequence[Check], width: int) -> Table:
    """The table of checks."""
    narrow, shapes = width < 70, any(check.shape for check in checks)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("gradient", overflow="fold")
    if shapes and not narrow:
        table.add_column("shape", no_wrap=True)
    for name in ("entries", "worst error") if narrow else ("entries", "worst error", "allowed"):
        table.add_column(name, justify="right", no_wrap=not narrow)
    table.add_column("", no_wrap=True)
    for check in checks:
        verdict = verdict_on(check)
        cells: list[str | Text] = [Text(printable(check.name))]
        if shapes and not narrow:
            cells.append(" x ".join(map(str, check.shape)))
        cells += [number(check.entries), f"{check.max_error:.1e}"]
        if not narrow:
            cells.append(f"{check.tolerance:.1e}")
        table.add_row(*cells, verdict)
    return table


def verdict_on(check: Check) -> Text:
    """The verdict in a word."""
    if check.passed:
        return Text("exact" if check.method == "complex step" else "right", style="green")
    return Text("?", style="yellow") if check.kind == "skipped" else Text("WRONG", style="bold red")


def print_cause(console: Console, cause: str, names: Sequence[str]) -> None:
    """Print a cause, and the gradients that are wrong for it."""
    console.print(Text(printable(cause), style="red"), soft_wrap=True)
    console.print(Text(printable(f"  makes wrong: {', '.join(names)}"), style="dim"), soft_wrap=True)


def mutation_report(outcomes: Sequence[Outcome]) -> None:
    """A line for each planted bug: what it is, whether it was caught, and what the checker called it."""
    console = output()
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("planted bug", overflow="fold")
    table.add_column("", no_wrap=True)
    wide = console.width >= 100
    if wide:
        table.add_column("what the checker says", overflow="fold")
    for one in outcomes:
        verdict = Text("caught", style="green") if one.caught else Text("MISSED", style="bold red")
        table.add_row(Text(one.description), verdict, *([Text(printable(one.said))] if wide else []))
    console.print(table)
    caught, named = sum(one.caught for one in outcomes), sum(one.recognised for one in outcomes)
    console.print(f"{caught} of {len(outcomes)} planted bugs caught, {named} named rightly: the layer and the mistake")
