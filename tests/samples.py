"""What tests of several files make: a config, tables, and columns as tables hold them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

import bptrain


def write_config(text: str, name: str = "my.yaml") -> str:
    """Write a config into the test's folder, and return its name."""
    Path(name).write_text(text, encoding="utf-8")
    return name


def text(*values: str | None) -> np.ndarray:
    """Return a column of text, in which None is a missing value."""
    column = np.empty(len(values), object)
    column[:] = values
    return column


def numbers(*values: float | None) -> np.ndarray:
    """Return a column of numbers, in which None is a missing value."""
    return np.array([np.nan if value is None else value for value in values], float)


def write_passengers(path: Path, seed: int, rows: int = 1200) -> None:
    """Write a table as that of the Titanic: categories, missing values, a skewed fare, and whether each survived."""
    rng = np.random.default_rng(seed)
    classes, ports = np.array(["1st", "2nd", "3rd"]), np.array(["C", "Q", "S"])
    cabin, female = rng.choice(3, rows, p=[0.25, 0.2, 0.55]), rng.random(rows) < 0.36
    age, port = rng.gamma(6, 5, rows), rng.choice(3, rows, p=[0.19, 0.09, 0.72])
    fare = np.exp(rng.normal(3.4 - 0.5 * cabin, 0.7))
    odds = 1.2 + 2.4 * female - 1.1 * cabin - 0.03 * age + 0.4 * np.log1p(fare) - 1.5 * (female & (cabin == 2))
    survived = rng.random(rows) < 1 / (1 + np.exp(-1.5 * (odds - 0.6)))
    hole = rng.random(rows)
    lines = ["class,sex,age,fare,port,alone,survived"]
    for k in range(rows):
        years, where = "" if hole[k] < 0.2 else f"{age[k]:.1f}", "" if hole[k] > 0.98 else ports[port[k]]
        sex, alone = ("male", "female")[int(female[k])], ("no", "yes")[k % 2]
        lines.append(f"{classes[cabin[k]]},{sex},{years},{fare[k]:.2f},{where},{alone},{int(survived[k])}")
    path.write_text("\n".join(lines) + "\n")


def write_houses(path: Path, rows: int = 500) -> None:
    """Write a table of made-up houses with their prices."""
    rng = np.random.default_rng(0)
    size = rng.integers(40, 220, rows)
    rooms = np.clip(size // 30 + rng.integers(-1, 2, rows), 1, None)
    garden, age = rng.choice(["yes", "no"], rows), rng.integers(0, 90, rows)
    price = np.round(2.1 * size + 8 * rooms - 0.6 * age + 25 * (garden == "yes") + rng.normal(0, 12, rows), 1)
    area = rng.choice(["centre", "north", "south"], rows)
    price = np.round(price + 60 * (area == "centre"), 1)
    lines = [",".join(map(str, row)) for row in zip(size, rooms, age, garden, area, price, strict=True)]
    path.write_text("\n".join(["size,rooms,age,garden,area,price", *lines]) + "\n")


def write_wide(columns: int) -> None:
    """Write a table of 60 rows, `COLUMNS.csv`, with a config and a run, `run-COLUMNS`, into the working folder."""
    rng = np.random.default_rng(0)
    rows = [",".join(f"{value:.3f}" for value in row) for row in rng.random((60, columns))]
    header = ",".join(f"wide_{k}" for k in range(columns))
    lines = [f"{header},y", *(f"{row},{'ab'[k % 2]}" for k, row in enumerate(rows))]
    Path(f"{columns}.csv").write_text("\n".join(lines) + "\n")
    source = f"{{csv: {columns}.csv}}"
    Path(f"{columns}.yaml").write_text(
        f"data: {{source: {source}, target: y, cache: false}}\nhidden: [4]\ntraining: {{epochs: 1}}\n"
    )
    bptrain.train(f"{columns}.yaml", run=f"run-{columns}")


WIDE_COMMANDS: dict[str, Callable[[str, Path], object]] = {
    "train": lambda name, run: bptrain.train(f"{name}.yaml", run=run / "classes"),
    "train on a number": lambda name, run: bptrain.train(
        f"{name}.yaml", ["data.target=wide_0", "data.features={exclude: [y]}"], run=run / "number"
    ),
    "validate": lambda name, run: bptrain.validate([f"{name}.yaml"]),
    "data": lambda name, run: bptrain.describe_data(f"{name}.yaml"),
    "show": lambda name, run: bptrain.summarize(f"{name}.yaml"),
    "init": lambda name, run: bptrain.init(f"{name}.csv", "y"),
    "predict": lambda name, run: bptrain.predict(f"run-{name}", f"{name}.csv"),
}
"""What a user does with a wide table, given its name and a folder for runs."""
