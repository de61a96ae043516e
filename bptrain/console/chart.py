"""Charts in characters: curves of braille dots, and sparklines of blocks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import isfinite, log10

from rich.text import Text

LABEL_WIDTH = 9
"""The width of the numbers at the axis."""

WIDE_RANGE = 10.0
"""A chart is logarithmic if its largest value is at least this many times its smallest."""

BLOCKS = "▁▂▃▄▅▆▇█"
LEVELS = "_.-=+*#@"
"""The levels of a sparkline, and the same in ASCII."""

BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of the dots in a braille character, row by row, added to U+2800."""


class Curve:
    """Values at increasing places. When there are many, each pair of neighbours is replaced by its mean."""

    LONGEST = 400

    def __init__(self) -> None:
        self.places: list[float] = []
        self.values: list[float] = []
        self._stride = 1
        self._waiting: list[float] = []

    def append(self, place: float, value: float | None) -> None:
        """Add a value, unless it is not finite."""
        if value is None or not isfinite(value):
            return
        self._waiting.append(value)
        if len(self._waiting) < self._stride:
            return
        value, self._waiting = sum(self._waiting) / self._stride, []
        # New lists, since the thread that draws may read them at any moment; it stops at the shorter of the two.
        self.places, self.values = [*self.places, place], [*self.values, value]
        if len(self.places) == self.LONGEST:
            self.places = self.places[1::2]
            self.values = [(a + b) / 2 for a, b in zip(self.values[::2], self.values[1::2], strict=True)]
            self._stride *= 2

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Line:
    """A curve in a chart: its name, its style, and its mark in ASCII."""

    name: str
    curve: Curve
    style: str
    mark: str


def draw_chart(lines: Sequence[Line], width: int, height: int, *, ascii_only: bool = False) -> list[Text]:
    """Return curves over the same axes, or an empty list if there is no room or nothing to draw.

    Args:
        lines: the last is drawn on top.
        width: in columns, including the axis and its numbers.
        height: in lines.
        ascii_only: whether to use ASCII marks and no braille.
    """
    points = [(line, list(zip(line.curve.places, line.curve.values, strict=False))) for line in lines]
    places = [place for _, each in points for place, _ in each]
    values = [value for _, each in points for _, value in each]
    if len(values) < 2 or width < LABEL_WIDTH + 8 or height < 2:
        return []
    low, high, begin, end = min(values), max(values), min(places), max(places)
    across, down = (1, 1) if ascii_only else (2, 4)
    columns, rows = (width - LABEL_WIDTH - 1) * across, height * down
    share = make_scale(low, high)
    cells: dict[tuple[int, int], tuple[int, Line]] = {}
    for line, each in points:
        dots = [
            (round((place - begin) / ((end - begin) or 1) * (columns - 1)), round((1 - share(value)) * (rows - 1)))
            for place, value in each
        ]
        for column, row in connect_dots(dots):
            cell = row // down, column // across
            bits = cells.get(cell, (0, line))[0] | BRAILLE[row % 4][column % 2]
            cells[cell] = bits, line
    figures = {0: format_label(high), height - 1: format_label(low)}
    drawn = []
    for y in range(height):
        text = Text(f"{figures.get(y, ''):>{LABEL_WIDTH - 1}} ").append("|" if ascii_only else "│", style="dim")
        marks = [cells.get((y, x)) for x in range(columns // across)]
        for style, run in groupby(marks, lambda cell: cell[1].style if cell else None):
            parts = (" " if cell is None else cell[1].mark if ascii_only else chr(0x2800 + cell[0]) for cell in run)
            text.append("".join(parts), style)
        drawn.append(text)
    return drawn


def format_label(value: float) -> str:
    """Format a number at the axis so that it fits there."""
    return next((text for text in (f"{value:.4g}", f"{value:.2g}") if len(text) < LABEL_WIDTH), f"{value:.0e}")


def make_scale(low: float, high: float) -> Callable[[float], float]:
    """Return a function that maps the lowest value to 0 and the highest to 1, logarithmic if they are far apart."""
    if low == high:
        return lambda value: 0.5
    if low > 0 and high >= WIDE_RANGE * low:
        return lambda value: log10(value / low) / log10(high / low)
    return lambda value: (value - low) / (high - low)


def connect_dots(dots: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the dots of the lines that connect the given dots."""
    yield from dots[:1]
    for (x, y), (to_x, to_y) in pairwise(dots):
        steps = max(to_x - x, abs(to_y - y))
        for k in range(1, steps + 1):
            yield x + round((to_x - x) * k / steps), y + round((to_y - y) * k / steps)


def render_sparkline(values: Sequence[float | None], width: int = 16, *, ascii_only: bool = False) -> str:
    """Return values as a row of blocks, logarithmic if they are far apart."""
    known = [value for value in values if value is not None and isfinite(value)]
    if not known:
        return ""
    count = min(width, len(known))
    edges = [round(k * len(known) / count) for k in range(count + 1)]
    means = [sum(known[a:b]) / (b - a) for a, b in pairwise(edges)]
    share, levels = make_scale(min(means), max(means)), LEVELS if ascii_only else BLOCKS
    return "".join(levels[round(share(mean) * (len(levels) - 1))] for mean in means)
