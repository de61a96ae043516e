"""Sources without files: a table written in the config itself, and points computed from a formula."""

from dataclasses import dataclass
from math import pi
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Le

from bptrain.arrays import Array
from bptrain.errors import Mistake, OptionError
from bptrain.tables.source import SOURCES
from bptrain.tables.table import Table

Cell = float | str
Kind = Literal["xor", "moons", "circles", "spirals", "blobs", "line", "plane", "sine"]


@SOURCES.register
@dataclass(frozen=True)
class Inline:
    """A small table written in the config itself, for worked examples; a single row is enough.

    `columns: [x1, x2, y]` and `rows: [[1, 2, 3]]`. A column with a text in it is text. Unless `target` says otherwise,
    the last column is the one to predict.
    """

    columns: Annotated[tuple[str, ...], "names of the columns"]
    rows: Annotated[tuple[tuple[Cell, ...], ...], "a list of values for each row"]

    def __post_init__(self) -> None:
        mistakes = []
        if len(self.columns) < 2:
            what = f"expected at least two columns, the target last (got {len(self.columns)}); add one"
            mistakes.append(Mistake("columns", what))
        for k, name in enumerate(self.columns):
            if name in self.columns[:k]:
                mistakes.append(Mistake(f"columns.{k}", f"names the column {name!r} twice; choose another name"))
        if not self.rows:
            mistakes.append(Mistake("rows", "has no rows; write at least one"))
        for k, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                what = f"expected {len(self.columns)} values, one for each column (got {len(row)})"
                mistakes.append(Mistake(f"rows.{k}", f"{what}; add or remove some"))
        if mistakes:
            raise OptionError(*mistakes)

    def load(self) -> Table:
        columns = {name: convert_cells([row[k] for row in self.rows]) for k, name in enumerate(self.columns)}
        return Table(columns, "data.source.inline", target=(self.columns[-1],), written=True)


def convert_cells(values: list[Cell]) -> Array:
    """Return the column of some values: numbers, or text if any of them is text."""
    if not any(isinstance(value, str) for value in values):
        return np.array(values, dtype=np.float64)
    texts = np.empty(len(values), dtype=object)
    texts[:] = [value if isinstance(value, str) else f"{value:g}" for value in values]
    return texts


@SOURCES.register
@dataclass(frozen=True)
class Synthetic:
    """Points computed from a formula, for worked examples.

    With classes, in the column `class`, which take turns row by row: `moons`, two interlocking half circles of radius
    1; `circles`, one of radius 1 around one of radius 0.5; `spirals`, `classes` arms of one and a half turns and radius
    4; `blobs`, `classes` clouds around points on the unit circle. Columns x1 and x2. `xor`: columns a, b and target
    xor, the four rows of the truth table repeated up to `rows`, without noise.

    With numbers, in the column `y`: `line`, x uniform in [-1, 1] and `y = slope · x + intercept`; `plane`, x1 and x2
    likewise and `y = slope · x1 - slope / 2 · x2 + intercept`; `sine`, x uniform in [-π, π] and `y = sin(x)`.

    The noise is normal; it is added to x1 and x2 of classes, and to y of numbers. The points are drawn by NumPy's
    PCG64.
    """

    aliases: ClassVar[tuple[str, ...]] = ("generated",)
    kind: Annotated[Kind, "the formula"]
    rows: Annotated[int, Ge(4), Le(100_000_000), "number of rows"] = 200
    slope: Annotated[float, "slope of line and plane along the first feature"] = 3.0
    intercept: Annotated[float, "value of line and plane at zero"] = 2.0
    noise: Annotated[float, Ge(0), "standard deviation of the noise"] = 0.1
    seed: Annotated[int, Ge(0), "seed of the points and the noise"] = 0
    classes: Annotated[int, Ge(2), Le(100), "number of classes of spirals and blobs"] = 3

    def load(self) -> Table:
        rng = np.random.default_rng(self.seed)
        origin = f"synthetic {self.kind}"
        if self.kind == "xor":
            a, b = np.resize([0.0, 0.0, 1.0, 1.0], self.rows), np.resize([0.0, 1.0, 0.0, 1.0], self.rows)
            return Table({"a": a, "b": b, "xor": np.abs(a - b)}, origin, target=("xor",))
        if self.kind == "line":
            x = rng.uniform(-1, 1, self.rows)
            y = self.slope * x + self.intercept + rng.normal(0, self.noise, self.rows)
            return Table({"x": x, "y": y}, origin, target=("y",))
        if self.kind == "plane":
            x1, x2 = rng.uniform(-1, 1, (2, self.rows))
            y = self.slope * x1 - self.slope / 2 * x2 + self.intercept + rng.normal(0, self.noise, self.rows)
            return Table({"x1": x1, "x2": x2, "y": y}, origin, target=("y",))
        if self.kind == "sine":
            x = rng.uniform(-pi, pi, self.rows)
            return Table({"x": x, "y": np.sin(x) + rng.normal(0, self.noise, self.rows)}, origin, target=("y",))
        x1, x2, code = self.draw_points(rng)
        e1, e2 = rng.normal(0, self.noise, (2, self.rows))
        return Table({"x1": x1 + e1, "x2": x2 + e2, "class": code.astype(np.float64)}, origin, target=("class",))

    def draw_points(self, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """Return the points of classes without noise, and the class of each, `(rows,)`; u is uniform in [0, 1)."""
        code = np.arange(self.rows) % (self.classes if self.kind in ("spirals", "blobs") else 2)
        if self.kind == "blobs":
            angle = 2 * pi * code / self.classes
            return np.cos(angle), np.sin(angle), code
        u = rng.uniform(0, 1, self.rows)
        if self.kind == "moons":
            x1, x2 = np.cos(pi * u), np.sin(pi * u)
            return np.where(code == 0, x1, 1 - x1), np.where(code == 0, x2, 0.5 - x2), code
        if self.kind == "circles":
            radius = np.where(code == 0, 1.0, 0.5)
            return radius * np.cos(2 * pi * u), radius * np.sin(2 * pi * u), code
        angle = 2 * pi * (1.5 * u + code / self.classes)
        return 4 * u * np.cos(angle), 4 * u * np.sin(angle), code
