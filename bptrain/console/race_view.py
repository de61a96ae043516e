"""A race on the terminal: the standings while it goes on, curves, and what the seeds say."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isfinite

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bptrain.console.chart import LABEL, Curve, Line, chart, sparkline
from bptrain.console.terminal import is_interactive, number, output, printable
from bptrain.search.significance import Comparison
from bptrain.search.standings import Lap, Race, Standing

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")
WIDEST = 84
HEIGHT = 12
SPARK = 24


@contextmanager
def progress(quiet: bool = False) -> Iterator[Callable[[Lap], None] | None]:
    """What shows the standings on stderr while the race goes on: a live table, or a line for each seed."""
    if quiet:
        yield None
    elif is_interactive(sys.stderr):
        console = Console(stderr=True, markup=False, highlight=False)

        def picture_of(lap: Lap) -> Group:
            narrow = console.width < 60
            place = Text(f"seed {lap.number}, epoch {lap.epoch}", style="bold")
            return Group(place, table(lap.standings, 0 if narrow else SPARK, narrow=narrow))

        with Live(console=console, transient=True) as live:
            yield lambda lap: live.update(picture_of(lap))
    else:
        told: set[int] = set()

        def line(lap: Lap) -> None:
            finished = all(len(one.losses) == lap.number for one in lap.standings)
            if finished and lap.number not in told:
                told.add(lap.number)
                losses = "  ".join(f"{one.contender.name} {render_loss(one.losses[-1])}" for one in lap.standings)
                print(printable(f"seed {lap.seed}: {losses}"), file=sys.stderr, flush=True)

        yield line


def race_result(found: Race, *, plot: bool) -> None:
    """The standings, the curves if they are wanted, and whether the leader leads by more than noise."""
    console = output()
    ascii_only = console.options.ascii_only
    seeds = f"{len(found.seeds)} seed{'s' * (len(found.seeds) > 1)}"
    spark = 0 if console.width < 60 or ascii_only else SPARK if console.width >= 100 else SPARK // 2
    console.print(Text(f"{printable(found.measure)}, {seeds}", style="bold"))
    console.print(table(found.standings, spark, narrow=console.width < 60))
    if plot:
        for row in picture(found.standings, min(console.width, WIDEST), colour=console.color_system is not None):
            console.print(row, no_wrap=True, overflow="crop", crop=True)
    for one in found.comparisons:
        style = "green" if one.more_than_noise else "yellow"
        console.print(Text(printable(sentence(one)), style=style))
    if not found.same_start:
        what = "the contenders differ in their weights or rows at the start, since the option is about those"
        console.print(Text(f"note: {what}", style="yellow"))


def render_loss(loss: float) -> str:
    """Write a loss, or that there is none."""
    return f"{loss:.4g}" if isfinite(loss) else "diverged"


def table(standings: Sequence[Standing], spark: int, *, narrow: bool) -> Table:
    """A line for each contender."""
    found = Table(box=SIMPLE_HEAD, pad_edge=False)
    found.add_column("", overflow="fold")
    for name in ("mean", "spread") if narrow else ("mean", "spread", "best", "worst"):
        found.add_column(name, justify="right", no_wrap=True)
    if spark:
        found.add_column("mean loss by epoch", no_wrap=True)
    for standing in standings:
        losses = standing.losses or [curve[-1] for curve in standing.curves if curve]
        spread = "" if standing.spread is None else f"{standing.spread:.2g}"
        mean = sum(losses) / len(losses) if losses else float("inf")
        cells = [render_loss(mean), spread] if losses else ["", ""]
        if not narrow:
            cells += [render_loss(min(losses)), render_loss(max(losses))] if losses else ["", ""]
        if spark:
            cells.append(course(standing.curve, spark))
        found.add_row(Text(printable(standing.contender.name)), *cells)
    return found


def course(curve: Sequence[float], width: int) -> str:
    """A curve in blocks of eight heights; a cross at the end where it diverged."""
    diverged = not all(map(isfinite, curve))
    return sparkline(curve, width - diverged) + "×" * diverged


def picture(standings: Sequence[Standing], width: int, *, colour: bool) -> list[Text]:
    """The mean curves of all contenders: in braille dots with colours, or in letters without."""
    lines = []
    for k, standing in enumerate(standings):
        curve = Curve()
        for epoch, loss in enumerate(standing.curve, start=1):
            curve.append(epoch, loss)
        lines.append(Line(standing.contender.name, curve, COLOURS[k % len(COLOURS)] if colour else "", letter(k)))
    drawn = chart(lines, width, HEIGHT, ascii_only=not colour)
    if not drawn:
        return [Text("there are no curves to draw, or there is no room")]
    longest = max(len(standing.curve) for standing in standings)
    drawn.append(Text(f"{'':>{LABEL + 1}}epoch 1{longest:>{width - LABEL - 8}}", style="dim"))
    for line in lines:
        mark = "⠶" if colour else line.mark
        drawn.append(Text(f"{'':>{LABEL + 1}}").append(f"{mark} {printable(line.name)}", style=line.style))
    return drawn


def letter(k: int) -> str:
    """The mark of a contender without colours."""
    return "abcdefghijklmnopqrstuvwxyz"[k % 26]


def sentence(one: Comparison) -> str:
    """What a comparison says, in words."""
    seeds = f"{one.seeds} seed{'s' * (one.seeds > 1)}"
    lead = f"{one.better} ends lower than {one.worse} in {one.wins} of {seeds}"
    if one.difference < 0:
        lead = f"{one.better} leads since {one.worse} diverged in {one.diverged} of {seeds}"
        test = "" if one.p is None else f" (paired t-test, {odds(one.p)})"
        return f"{lead}; where both finished, it ends higher by {number(-one.difference)} on average{test}"
    if isfinite(one.difference):
        lead += f", by {number(one.difference)} on average"
    if one.p is None and one.seeds > 1:
        return f"{lead}, and the others diverged: there is nothing to test"
    if one.p is None:
        return f"{lead}: too few seeds to tell it from noise; try --seeds 5"
    return f"{lead}: {'more than' if one.more_than_noise else 'no more than'} noise (paired t-test, {odds(one.p)})"


def odds(p: float) -> str:
    """How often chance alone makes such a difference."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"
