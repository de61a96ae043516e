"""A race on the terminal: the standings while it goes on, curves, and what the seeds say."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from math import isfinite, log

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bptrain.console.tables import output
from bptrain.console.text import is_interactive, number, printable
from bptrain.racing import Comparison, Race, Standing
from bptrain.racing.racing import Lap

BARS = "▁▂▃▄▅▆▇█"
COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")
WIDEST = 72
HEIGHT = 12
SPARK = 24


@contextmanager
def progress(quiet: bool = False) -> Iterator[Callable[[Lap], None] | None]:
    """What shows the standings on stderr while the race goes on: a live table, or a line for each seed."""
    if quiet:
        yield None
    elif is_interactive(sys.stderr):
        with Live(console=Console(stderr=True, markup=False, highlight=False), transient=True) as live:
            yield lambda lap: live.update(table(lap.standings, f"seed {lap.number}, epoch {lap.epoch}", SPARK))
    else:
        told: set[int] = set()

        def line(lap: Lap) -> None:
            finished = all(len(one.losses) == lap.number for one in lap.standings)
            if finished and lap.number not in told:
                told.add(lap.number)
                losses = "  ".join(f"{one.contender.name} {shown(one.losses[-1])}" for one in lap.standings)
                print(printable(f"seed {lap.seed}: {losses}"), file=sys.stderr, flush=True)

        yield line


def race_result(found: Race, *, plot: bool) -> None:
    """The standings, the curves if they are wanted, and whether the leader leads by more than noise."""
    console = output()
    ascii_only = console.options.ascii_only
    seeds = f"{len(found.seeds)} seed{'s' * (len(found.seeds) > 1)}"
    spark = 0 if console.width < 60 or ascii_only else SPARK if console.width >= 100 else SPARK // 2
    console.print(table(found.standings, f"{found.measure}, {seeds}", spark))
    if plot:
        for row in picture(found.standings, min(console.width - 12, WIDEST), colour=console.color_system is not None):
            console.print(row, no_wrap=True, overflow="crop", crop=True)
    for one in found.comparisons:
        style = "green" if one.more_than_noise else "yellow"
        console.print(Text(printable(sentence(one)), style=style))
    if not found.same_start:
        what = "the contenders differ in their weights or rows at the start, since the option is about those"
        console.print(Text(f"note: {what}", style="yellow"))


def shown(loss: float) -> str:
    """A loss, or that there is none."""
    return f"{loss:.4g}" if isfinite(loss) else "diverged"


def table(standings: Sequence[Standing], title: str, spark: int) -> Table:
    """A line for each contender."""
    found = Table(box=SIMPLE_HEAD, pad_edge=False)
    found.add_column(Text(title), overflow="fold")
    for name in ("mean", "spread", "best", "worst"):
        found.add_column(name, justify="right", no_wrap=True)
    if spark:
        found.add_column("mean loss by epoch", no_wrap=True)
    for standing in standings:
        losses = standing.losses or [curve[-1] for curve in standing.curves if curve]
        spread = "" if standing.spread is None else f"{standing.spread:.2g}"
        mean = sum(losses) / len(losses) if losses else float("inf")
        cells = [shown(mean), spread, *(shown(one) for one in (min(losses), max(losses)))] if losses else [""] * 4
        if spark:
            cells.append(sparkline(standing.curve, spark))
        found.add_row(Text(printable(standing.contender.name)), *cells)
    return found


def sampled(curve: Sequence[float], width: int) -> list[float]:
    """A curve at no more than so many places, the last one among them."""
    if len(curve) <= width:
        return list(curve)
    return [curve[round(k * (len(curve) - 1) / (width - 1))] for k in range(width)]


def scaled(value: float, low: float, high: float) -> float:
    """Where a number lies between two, from 0 to 1; by its logarithm where both are above 0."""
    if high <= low:
        return 0.0
    if low > 0:
        return (log(value) - log(low)) / (log(high) - log(low))
    return (value - low) / (high - low)


def sparkline(curve: Sequence[float], width: int) -> str:
    """A curve in blocks of eight heights; a cross where it is not finite."""
    points = sampled(curve, width)
    finite = [one for one in points if isfinite(one)]
    if not finite:
        return "×" * len(points)
    low, high = min(finite), max(finite)
    return "".join(
        BARS[min(int(scaled(one, low, high) * len(BARS)), len(BARS) - 1)] if isfinite(one) else "×" for one in points
    )


def picture(standings: Sequence[Standing], width: int, *, colour: bool) -> list[Text]:
    """The mean curves of all contenders: in braille dots with colours, or in letters without."""
    finite = [one for standing in standings for one in standing.curve if isfinite(one)]
    width = max(width, 10)
    if not finite:
        return [Text("no curve is finite")]
    low, high = min(finite), max(finite)
    canvas = Canvas(width, HEIGHT)
    longest = max(len(standing.curve) for standing in standings)
    for k, standing in enumerate(standings):
        points = [
            (j / max(longest - 1, 1), scaled(one, low, high)) for j, one in enumerate(standing.curve) if isfinite(one)
        ]
        for start, end in pairwise(points):
            canvas.line(start, end, k)
        for point in points[:1]:
            canvas.dot(*point, k)
    rows = canvas.rows(colour=colour)
    labels = {0: shown(high), len(rows) - 1: shown(low)}
    lines = [Text(f"{labels.get(k, ''):>10} │", style="dim").append(row) for k, row in enumerate(rows)]
    lines.append(Text(" " * 11 + "└" + "─" * width, style="dim"))
    lines.append(Text(f"{'epoch 1':>18}{longest:>{max(width - 7, 1)}}", style="dim"))
    for k, standing in enumerate(standings):
        mark = "⠶" if colour else letter(k)
        name = printable(standing.contender.name)
        lines.append(Text(" " * 12).append(f"{mark} {name}", style=COLOURS[k % len(COLOURS)] if colour else ""))
    return lines


def letter(k: int) -> str:
    """The mark of a contender without colours."""
    return "abcdefghijklmnopqrstuvwxyz"[k % 26]


class Canvas:
    """Cells of two by four dots each, and whose dots they are."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.dots: dict[tuple[int, int], int] = {}
        self.owner: dict[tuple[int, int], int] = {}

    def dot(self, x: float, y: float, who: int) -> None:
        """A dot; both coordinates from 0 to 1, from the lower left."""
        column, row = round(x * (2 * self.width - 1)), round((1 - y) * (4 * self.height - 1))
        cell = (row // 4, column // 2)
        self.dots[cell] = self.dots.get(cell, 0) | BRAILLE[row % 4][column % 2]
        self.owner[cell] = who

    def line(self, start: tuple[float, float], end: tuple[float, float], who: int) -> None:
        """Dots all the way from one point to another."""
        (x, y), (to_x, to_y) = start, end
        steps = max(1, round(max(abs(to_x - x) * 2 * self.width, abs(to_y - y) * 4 * self.height)))
        for k in range(1, steps + 1):
            self.dot(x + (to_x - x) * k / steps, y + (to_y - y) * k / steps, who)

    def rows(self, *, colour: bool) -> list[Text]:
        """The lines from top to bottom."""
        lines = []
        for row in range(self.height):
            line = Text()
            for column in range(self.width):
                cell = (row, column)
                who = self.owner.get(cell, 0)
                mark = chr(0x2800 + self.dots[cell]) if colour and cell in self.dots else " "
                if not colour and cell in self.dots:
                    mark = letter(who)
                line.append(mark, style=f"not dim {COLOURS[who % len(COLOURS)]}" if colour else "")
            line.rstrip()
            lines.append(line)
        return lines


BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of the dots of a cell, by row and column."""


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
