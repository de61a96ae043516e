"""A race on the terminal: the standings while it runs, curves, and whether the leader leads by more than noise."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isfinite

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bptrain.console.chart import LABEL_WIDTH, Curve, Line, draw_chart, render_sparkline
from bptrain.console.layout import new_table
from bptrain.console.terminal import get_console, is_interactive
from bptrain.quantities import format_number
from bptrain.search.significance import Comparison
from bptrain.search.standings import Lap, Race, Standing
from bptrain.text import printable

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
"""What tells contenders apart: colours, or letters on a terminal without colours."""

NARROW, WIDE = 60, 100
"""The width below which best, worst and curves are left out, and the one from which curves are long."""

CURVE_WIDTH = 24
CHART_WIDTH, CHART_HEIGHT = 84, 12


@contextmanager
def show_progress(quiet: bool = False) -> Iterator[Callable[[Lap], None] | None]:
    """Yield a function that shows the standings on stderr: a live table, or a line for each seed."""
    if quiet:
        yield None
    elif is_interactive(sys.stderr):
        console = Console(stderr=True, markup=False, highlight=False)
        with Live(console=console, transient=True) as live:

            def draw(lap: Lap) -> None:
                narrow = console.width < NARROW
                place = Text(f"seed {lap.number}, epoch {lap.epoch}", style="bold")
                live.update(Group(place, render_standings(lap.standings, 0 if narrow else CURVE_WIDTH, narrow=narrow)))

            yield draw
    else:
        printed: set[int] = set()

        def print_seed(lap: Lap) -> None:
            finished = all(len(one.losses) == lap.number for one in lap.standings)
            if finished and lap.number not in printed:
                printed.add(lap.number)
                losses = "  ".join(f"{one.contender.name} {format_loss(one.losses[-1])}" for one in lap.standings)
                print(printable(f"seed {lap.seed}: {losses}"), file=sys.stderr, flush=True)

        yield print_seed


def print_race(found: Race, *, plot: bool) -> None:
    """Print the standings, the curves if they are wanted, and whether the leader leads by more than noise."""
    console = get_console()
    seeds = f"{len(found.seeds)} seed{'s' * (len(found.seeds) > 1)}"
    narrow = console.width < NARROW
    width = 0 if narrow or console.options.ascii_only else CURVE_WIDTH // (1 if console.width >= WIDE else 2)
    console.print(Text(f"{printable(found.measure)}, {seeds}", style="bold"))
    console.print(render_standings(found.standings, width, narrow=narrow))
    console.print()
    if plot:
        colour = console.color_system is not None
        for row in draw_curves(found.standings, min(console.width, CHART_WIDTH), colour=colour):
            console.print(row, no_wrap=True, overflow="crop", crop=True)
    for one in found.comparisons:
        style = "green" if one.more_than_noise else "yellow"
        console.print(Text(printable(describe_comparison(one)), style=style))
    if not found.same_start:
        text = "note: the contenders start from different weights or rows, since the option changes those"
        console.print(Text(text, style="yellow"))


def format_loss(loss: float) -> str:
    """Format a loss, or say that it diverged."""
    return f"{loss:.4g}" if isfinite(loss) else "diverged"


def render_standings(standings: Sequence[Standing], curve_width: int, *, narrow: bool) -> Table:
    """Return a row for each contender."""
    names = ("mean", "spread") if narrow else ("mean", "spread", "best", "worst")
    table = new_table([""], names, gap=2)
    if curve_width:
        table.add_column("mean loss by epoch", no_wrap=True)
    for standing in standings:
        losses = standing.losses or [curve[-1] for curve in standing.curves if curve]
        cells = [""] * len(names)
        if losses:
            spread = "" if standing.spread is None else f"{standing.spread:.2g}"
            best, worst = format_loss(min(losses)), format_loss(max(losses))
            cells = [format_loss(sum(losses) / len(losses)), spread, best, worst][: len(names)]
        if curve_width:
            cells.append(draw_sparkline(standing.curve, curve_width))
        table.add_row(Text(printable(standing.contender.name)), *cells)
    return table


def draw_sparkline(curve: Sequence[float], width: int) -> str:
    """Return a curve in blocks, with a cross at the end if it diverged."""
    diverged = not all(map(isfinite, curve))
    return render_sparkline(curve, width - diverged) + "×" * diverged


def draw_curves(standings: Sequence[Standing], width: int, *, colour: bool) -> list[Text]:
    """Return the mean curves of all contenders and a legend: braille dots in colours, or letters without them."""
    lines = []
    for k, standing in enumerate(standings):
        curve = Curve()
        for epoch, loss in enumerate(standing.curve, start=1):
            curve.append(epoch, loss)
        style = COLOURS[k % len(COLOURS)] if colour else ""
        lines.append(Line(standing.contender.name, curve, style, LETTERS[k % len(LETTERS)]))
    drawn = draw_chart(lines, width, CHART_HEIGHT, ascii_only=not colour)
    if not drawn:
        return [Text("there are no curves to draw, or the terminal is too narrow for them")]
    longest, indent = max(len(standing.curve) for standing in standings), " " * (LABEL_WIDTH + 1)
    drawn.append(Text(f"{indent}epoch 1{longest:>{width - LABEL_WIDTH - 8}}", style="dim"))
    for line in lines:
        mark = "⠶" if colour else line.mark
        drawn.append(Text(indent).append(f"{mark} {printable(line.name)}", style=line.style))
    return drawn


def describe_comparison(one: Comparison) -> str:
    """Return a comparison of two contenders in a sentence."""
    seeds = f"{one.seeds} seed{'s' * (one.seeds > 1)}"
    lead = f"{one.better} ends lower than {one.worse} in {one.wins} of {seeds}"
    if one.difference < 0:
        lead = f"{one.better} leads since {one.worse} diverged in {one.diverged} of {seeds}"
        test = "" if one.p is None else f" (paired t-test, {format_p(one.p)})"
        return f"{lead}; where both finished, it ends higher by {format_number(-one.difference)} on average{test}"
    if isfinite(one.difference):
        lead += f", by {format_number(one.difference)} on average"
    if one.p is None and one.seeds > 1:
        return f"{lead}, and the others diverged: there is nothing to test"
    if one.p is None:
        return f"{lead}: too few seeds to tell it from noise; try --seeds 5"
    return f"{lead}: {'more than' if one.more_than_noise else 'no more than'} noise (paired t-test, {format_p(one.p)})"


def format_p(p: float) -> str:
    """Format a p-value."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"
