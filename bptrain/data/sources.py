"""Sources: where a table comes from."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Protocol

import numpy as np
from annotated_types import Ge, Le

from bptrain.data.csv_reader import read_csv
from bptrain.data.table import Table
from bptrain.errors import Mistake, OptionError
from bptrain.registry import Family, suggestion

BUNDLED_TARGETS = {
    "breast_cancer": "diagnosis",
    "diabetes": "progression",
    "digits": "digit",
    "iris": "species",
    "wine": "cultivar",
}


class Source(Protocol):
    """Something that can be read as a table."""

    @abstractmethod
    def load(self) -> Table:
        """The table.

        Raises:
            InputError: there is nothing to read, or it cannot be read whole.
            StorageError: it is there and may not be read.
        """


SOURCES = Family("source", contract=Source)


@cache
def resources(kind: Literal["datasets", "configs"]) -> Path:
    """The folder of bundled data or configs: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return next(folder for folder in (package / kind, package.parent / kind) if folder.is_dir())


@SOURCES.register
@dataclass(frozen=True)
class Bundled:
    """A data set that comes with bptrain: breast_cancer, diabetes, digits, iris or wine. It knows its target."""

    name: Annotated[str, "name of the data set"]

    def __post_init__(self) -> None:
        if self.name not in BUNDLED_TARGETS:
            what = f"no bundled data set of that name (got {self.name!r}); {suggestion(self.name, BUNDLED_TARGETS)}"
            raise OptionError(Mistake("name", what))

    def load(self) -> Table:
        path = next(resources("datasets").glob(f"{self.name}.csv*"))
        return Table(read_csv(path).columns, self.name, target=(BUNDLED_TARGETS[self.name],))


@SOURCES.register
@dataclass(frozen=True)
class Csv:
    """A comma-separated UTF-8 file whose first line names the columns; gzipped if its name ends in `.gz`."""

    path: Annotated[Path, "the file, relative to the config file"]

    def load(self) -> Table:
        if not self.path.exists():
            raise OptionError(Mistake("path", f"no such file (got {self.path})"))
        return read_csv(self.path)


@SOURCES.register
@dataclass(frozen=True)
class Synthetic:
    """Points made from a formula, for worked examples.

    `xor`: columns a, b and target xor, the four rows of the truth table repeated as often as fits `rows`.
    `line`: x uniform in [-1, 1] and `y = slope · x + intercept + noise`. `plane`: x1 and x2 likewise and
    `y = slope · x1 - slope / 2 · x2 + intercept + noise`. The noise is normal.
    """

    kind: Annotated[Literal["xor", "line", "plane"], "which formula"]
    rows: Annotated[int, Ge(4), Le(100_000_000), "number of rows"] = 200
    slope: Annotated[float, "slope along the first feature"] = 3.0
    intercept: Annotated[float, "value at zero"] = 2.0
    noise: Annotated[float, Ge(0), "standard deviation of the noise"] = 0.1
    seed: Annotated[int, Ge(0), "seed of the points and the noise"] = 0

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
        x1, x2 = rng.uniform(-1, 1, (2, self.rows))
        y = self.slope * x1 - self.slope / 2 * x2 + self.intercept + rng.normal(0, self.noise, self.rows)
        return Table({"x1": x1, "x2": x2, "y": y}, origin, target=("y",))
