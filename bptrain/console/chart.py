"""Curves in characters: a small chart of braille dots, and sparklines of blocks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import isfinite, log10

from rich.text import Text

LABEL = 9
"""Columns for the figures at the axis."""

SPREAD = 10.0
"""The largest value over the smallest from which a chart is logarithmic."""

BLOCKS = "▁▂▃▄▅▆▇█"
LEVELS = "_.-=+*#@"
"""The same in ASCII."""

BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of the dots in a cell, row by row, over U+2800."""


class Curve:
    """Values at growing places; it stays short, since neighbours become their mean when it gets long."""

    LONGEST = 400

    def __init__(self) -> None:
        self.places: list[float] = []
        self.values: list[float] = []
        self._stride = 1
        self._waiting: list[float] = []

    def append(self, place: float, value: float | None) -> None:
        """Take a value; what is not finite is left out."""
        if value is None or not isfinite(value):
            return
        self._waiting.append(value)
        if len(self._waiting) < self._stride:
            return
        value, self._waiting = sum(self._waiting) / self._stride, []
        # New lists: the thread that draws may look at any moment, and stops at the shorter of the two.
        self.places, self.values = [*self.places, place], [*self.values, value]
        if len(self.places) == self.LONGEST:
            self.places = self.places[1::2]
            self.values = [(a + b) / 2 for a, b in zip(self.values[::2], self.values[1::2], strict=True)]
            self._stride *= 2

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Line:
    """A curve in a chart: its name, its style, and its mark where there is only ASCII."""

    name: str
    curve: Curve
    style: str
    mark: str


def chart(lines: Sequence[Line], width: int, height: int, *, ascii_only: bool = False) -> list[Text]:
    """Curves over the same axes; nothing, where there is no room or nothing to draw.

    Args:
        lines: the last is drawn on top.
        width: columns, axis and figures among them.
        height: lines of text.
        ascii_only: whether to do without braille.
    """
    points = [(line, list(zip(line.curve.places, line.curve.values, strict=False))) for line in lines]
    everything = [point for _, some in points for point in some]
    if len(everything) < 2 or width < LABEL + 8 or height < 2:
        return []
    low, high = min(value for _, value in everything), max(value for _, value in everything)
    begin, end = min(place for place, _ in everything), max(place for place, _ in everything)
    across, down = (1, 1) if ascii_only else (2, 4)
    columns, rows = (width - LABEL - 1) * across, height * down
    share = scale(low, high)
    cells: dict[tuple[int, int], tuple[int, Line]] = {}
    for line, some in points:
        dots = [
            (round((place - begin) / ((end - begin) or 1) * (columns - 1)), round((1 - share(value)) * (rows - 1)))
            for place, value in some
        ]
        for column, row in strokes(dots):
            cell = row // down, column // across
            bits = cells.get(cell, (0, line))[0] | BRAILLE[row % 4][column % 2]
            cells[cell] = bits, line
    figures = {0: label(high), height - 1: label(low)}
    drawn = []
    for y in range(height):
        text = Text(f"{figures.get(y, ''):>{LABEL - 1}} ").append("|" if ascii_only else "│", style="dim")
        row_of = [cells.get((y, x)) for x in range(columns // across)]
        for style, run in groupby(row_of, lambda cell: cell[1].style if cell else None):
            parts = (" " if cell is None else cell[1].mark if ascii_only else chr(0x2800 + cell[0]) for cell in run)
            text.append("".join(parts), style)
        drawn.append(text)
    return drawn


def label(value: float) -> str:
    """A figure at the axis, in the columns for it."""
    return next((text for text in (f"{value:.4g}", f"{value:.2g}") if len(text) < LABEL), f"{value:.0e}")


def scale(low: float, high: float) -> Callable[[float], float]:
    """Where a value stands from the lowest (0) to the highest (1); by its logarithm where these are far apart."""
    if low == high:
        return lambda value: 0.5
    if low > 0 and high >= SPREAD * low:
        return lambda value: log10(value / low) / log10(high / low)
    return lambda value: (value - low) / (high - low)


def strokes(dots: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The dots of the lines between dots, column by column."""
    yield from dots[:1]
    for (x, y), (to_x, to_y) in pairwise(dots):
        steps = max(to_x - x, abs(to_y - y))
        for k in range(1, steps + 1):
            yield x + round((to_x - x) * k / steps), y + round((to_y - y) * k / steps)


def sparkline(values: Sequence[float | None], width: int = 16, *, ascii_only: bool = False) -> str:
    """Values as a row of blocks, by their logarithm where they are far apart."""
    known = [value for value in values if value is not None and isfinite(value)]
    if not known:
        return ""
    count = min(width, len(known))
    edges = [round(k * len(known) / count) for k in range(count + 1)]
    means = [sum(known[a:b]) / (b - a) for a, b in pairwise(edges)]
    share, levels = scale(min(means), max(means)), LEVELS if ascii_only else BLOCKS
    return "".join(levels[round(share(mean) * (len(levels) - 1))] for mean in means)
