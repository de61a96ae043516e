"""Inline: a small table that stands in the config itself."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import Mistake, OptionError
from bptrain.tables.source import SOURCES
from bptrain.tables.table import Table

Cell = float | str


@SOURCES.register
@dataclass(frozen=True)
class Inline:
    """A small table that stands in the config itself, for worked examples; a single row is enough.

    `columns: [x1, x2, y]` and `rows: [[1, 2, 3]]`. A column with a text in it is text. Unless `target` says otherwise,
    the last column is the one to predict.
    """

    columns: Annotated[tuple[str, ...], "their names"]
    rows: Annotated[tuple[tuple[Cell, ...], ...], "a list for each row, with a value for each column"]

    def __post_init__(self) -> None:
        mistakes = []
        if len(self.columns) < 2:
            what = f"a table has at least two columns (got {len(self.columns)}); name what to predict last"
            mistakes.append(Mistake("columns", what))
        for k, name in enumerate(self.columns):
            if name in self.columns[:k]:
                mistakes.append(Mistake(f"columns.{k}", f"names the column {name!r} twice; choose another name"))
        if not self.rows:
            mistakes.append(Mistake("rows", "has no rows; write at least one"))
        for k, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                what = f"a row has a value for each of the {len(self.columns)} columns (got {len(row)})"
                mistakes.append(Mistake(f"rows.{k}", f"{what}; write as many"))
        if mistakes:
            raise OptionError(*mistakes)

    def load(self) -> Table:
        columns = {name: column([row[k] for row in self.rows]) for k, name in enumerate(self.columns)}
        return Table(columns, "data.source.inline", target=(self.columns[-1],), written=True)


def column(values: list[Cell]) -> Array:
    """Numbers as they are; text as soon as one of the values is text."""
    if not any(isinstance(value, str) for value in values):
        return np.array(values, dtype=np.float64)
    texts = np.empty(len(values), dtype=object)
    texts[:] = [value if isinstance(value, str) else f"{value:g}" for value in values]
    return texts
