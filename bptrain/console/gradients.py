"""Verdicts on gradients, as tables on stdout."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bptrain.console.tables import output
from bptrain.console.text import is_interactive, number, printable
from bptrain.gradcheck import Check, GradientReport
from bptrain.gradcheck.mutations import Outcome


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
    console = output()
    console.print(verdicts(report.checks, console.width))
    for check in report.checks:
        if check.passed and check.diagnosis:
            console.print(Text(printable(f"note: {check.name}: {check.diagnosis}"), style="yellow"), soft_wrap=True)
    causes: dict[str, list[str]] = {}
    for check in report.checks:
        if not check.passed:
            causes.setdefault(check.cause or check.diagnosis or "wrong", []).append(check.name)
    for cause, names in causes.items():
        blamed(console, cause, names)
    failed = sum(not check.passed for check in report.checks)
    skipped = sum(check.skipped for check in report.checks)
    if skipped:
        entries = sum(check.entries for check in report.checks)
        console.print(f"{number(skipped)} of {number(entries)} entries lie at kinks and were skipped")
    count = len(report.checks)
    every = f"all {count} checks are exact" if count > 1 else "the check is exact"
    console.print(every if report.passed else f"{failed} of {count} checks found a wrong gradient")


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
        if check.passed and not check.entries:
            continue
        verdict = Text("exact", style="green") if check.passed else Text("WRONG", style="bold red")
        cells: list[str | Text] = [Text(printable(check.name))]
        if shapes and not narrow:
            cells.append(" x ".join(map(str, check.shape)))
        cells += [number(check.entries), f"{max(check.max_error, 0):.1e}"]
        if not narrow:
            cells.append(f"{check.tolerance:.1e}")
        table.add_row(*cells, verdict)
    return table


def blamed(console: Console, cause: str, names: Sequence[str]) -> None:
    """A cause, and the gradients that are wrong for it."""
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
