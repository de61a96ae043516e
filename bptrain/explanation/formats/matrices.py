"""Matrices: arrays as aligned lines of numbers, abridged where they are long."""

from collections.abc import Sequence

import numpy as np

from bptrain.arrays import Array
from bptrain.explanation.notation import number

MOST_ROWS = 6
"""Rows of a matrix that are shown, unless all are asked for."""

DOTS = "…"
BLANK = "_____"
BETWEEN = 2


def as_rows(array: Array) -> Array:
    """An array as rows: a vector is one, further dimensions are laid side by side."""
    return array.reshape(len(array), -1) if array.ndim > 1 else array.reshape(1, -1)


def choose_places(count: int, most: int) -> list[int | None]:
    """Which of so many are shown: all, or the first ones, None for those left out, and the last."""
    if count <= most:
        return list(range(count))
    if most < 2:
        return [0, None]
    return [*range(max(most - 2, 1)), None, count - 1]


def cells(array: Array, digits: int, rows: Sequence[int | None], columns: Sequence[int | None]) -> list[list[str]]:
    """The numbers of some rows and columns; dots where something is left out."""
    return [[DOTS if i is None or j is None else number(float(array[i, j]), digits) for j in columns] for i in rows]


def align(table: list[list[str]]) -> list[str]:
    """Columns set to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    gap = " " * BETWEEN
    return [gap.join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table]


def matrix(array: Array, digits: int, width: int, *, full: bool, blank: bool = False) -> list[str]:
    """An array as lines no wider than `width`.

    Args:
        array: of any shape.
        digits: significant ones.
        width: of the lines.
        full: whether to show every number, in blocks of columns, rather than the first ones and the last.
        blank: whether to leave a blank for each number.
    """
    table = as_rows(array)
    count = table.shape[1]
    if full:
        return blocks(table, digits, width, blank=blank)
    rows = choose_places(len(table), MOST_ROWS)
    most = min(count, max(width // (1 + BETWEEN), 1))
    while True:
        lines = align(blank_out(cells(table, digits, rows, choose_places(count, most)), blank=blank))
        if len(lines[0]) <= width or most <= 1:
            return lines
        # As many columns as fit, found by how much too wide the lines are.
        most = max(1, min(most - 1, most * width // len(lines[0])))


def blank_out(table: list[list[str]], *, blank: bool) -> list[list[str]]:
    """Blanks in place of all numbers, if they are wanted."""
    return [[BLANK if cell != DOTS else cell for cell in row] for row in table] if blank else table


def blocks(table: Array, digits: int, width: int, *, blank: bool = False) -> list[str]:
    """Every number, as many columns side by side as fit, and the rest below."""
    every = blank_out([[number(float(one), digits) for one in row] for row in table], blank=blank)
    widest = max((len(cell) for row in every for cell in row), default=1)
    most = max(1, (width + BETWEEN) // (widest + BETWEEN))
    count, lines = table.shape[1], list[str]()
    for start in range(0, count, most):
        if count > most:
            lines.append(f"columns {start + 1} to {min(start + most, count)}:")
        lines += align([row[start : start + most] for row in every])
    return lines


def is_small(array: Array) -> bool:
    """Whether an array is a single number."""
    return bool(np.size(array) == 1)
