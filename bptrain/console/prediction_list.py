"""Predictions on the terminal: the first ones as a table."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bptrain.arrays import Array
from bptrain.console.terminal import number, output, printable
from bptrain.evaluation.file_prediction import Prediction

FIRST = 20
"""So many rows are shown."""

WIDEST = 40
"""Characters of a cell that are shown."""


def print_written(found: Prediction) -> None:
    """Where predictions are, and how many."""
    output().print(Text(f"{printable(str(found.output))}: {found.rows:,} rows written"), soft_wrap=True)


def print_predictions(found: Prediction) -> None:
    """The first rows: with all columns, or without the probabilities, or below each other, whatever is as wide as the
    terminal."""
    console = output()
    wide = console.options.update(max_width=1000)
    tables = (table(one) for one in (found.table, keep_likeliest(found.table)))
    fitting = (one for one in tables if console.measure(one, options=wide).maximum <= console.width)
    console.print(next(fitting, None) or listing(keep_likeliest(found.table)))
    shown = len(next(iter(found.table.values())))
    if shown < found.rows:
        more = f"{found.rows - shown:,} more rows; write them all with -o OUT.csv"
        console.print(Text(more, style="dim"), soft_wrap=True)


def keep_likeliest(columns: Mapping[str, Array]) -> dict[str, Array]:
    """Return the columns with the largest probability of the classes of a target in place of all of them."""
    out = dict(columns)
    for name in columns:
        target = name.removeprefix("predicted_")
        each = [other for other in columns if target != name and other.startswith(f"{target}=")]
        if len(each) > 1:
            rows = zip(*(out.pop(other) for other in each), strict=True)
            out["probability" if "probability" not in out else f"probability of {target}"] = column(
                None if None in row else max(row) for row in rows
            )
    return out


def column(values: Iterable[Any]) -> Array:
    """Values as an array of objects."""
    cells = list(values)
    out: Array = np.empty(len(cells), object)
    out[:] = cells
    return out


def table(columns: Mapping[str, Array]) -> Table:
    """Columns side by side."""
    grid = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for name, values in columns.items():
        numeric = any(isinstance(value, float | np.number) for value in values)
        grid.add_column(Text(cell(name)), justify="right" if numeric else "left", no_wrap=True)
    for row in zip(*columns.values(), strict=True):
        grid.add_row(*(Text(cell(value)) for value in row))
    return grid


def listing(columns: Mapping[str, Array]) -> Table:
    """Each row below the one before, a value a line."""
    grid = Table.grid()
    grid.add_column(overflow="fold")
    for row in zip(*columns.values(), strict=True):
        for k, (name, value) in enumerate(zip(columns, row, strict=True)):
            grid.add_row(Text("" if k == 0 else "  ").append(f"{cell(name)} ", style="dim").append(cell(value)))
    return grid


def cell(value: Any) -> str:
    """A value for a person, cut where it is long."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return number(value.item() if isinstance(value, np.generic) else value)
    text = printable(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."
