"""The recipe of a first config: the network and its training, chosen by the number of rows."""

from dataclasses import dataclass
from math import ceil

FEWEST_TO_SPLIT = 30
"""With fewer rows than this, none are held out."""

MOST_WITHOUT_VALIDATION = 20_000
"""With fewer rows than this, a fixed number of steps predicts better than early stopping on rows held out; the
guide's page on tables has what was measured."""


@dataclass(frozen=True)
class Recipe:
    """How a first network is built and trained. A `patience` of 0 means no early stopping, and `validation` and `test`
    are the shares of the rows held out."""

    hidden: tuple[int, ...]
    activation: str
    lr: float
    l2: float
    epochs: int
    batch: int | str
    patience: int
    validation: float
    test: float
    schedule: str = ""


def choose_recipe(rows: int, columns: int, *, in_order: bool = False, quick: bool = False) -> Recipe:
    """Return the recipe for a number of rows and columns.

    Args:
        rows: the rows to learn from and to hold out.
        columns: the columns to predict from.
        in_order: whether the rows are divided by time, which takes validation rows of a later time.
        quick: whether the plain network is wanted, which stops early.
    """
    share, batch = choose_share(rows), choose_batch(rows)
    if quick or in_order or rows < FEWEST_TO_SPLIT or rows >= MOST_WITHOUT_VALIDATION:
        is_small = rows < 2000
        epochs, patience = next((e for most, e in ((2000, (200, 25)), (20_000, (100, 15))) if rows < most), (30, 5))
        l2 = 0.001 if is_small else 0.0001 if rows < 20_000 else 0
        hidden, lr = choose_units(rows, columns), 0.003 if is_small else 0.001
        return Recipe(hidden, "relu", lr, l2, epochs, batch, patience if share else 0, share, share)
    hidden, l2, steps = (64, 32), 0.001, 5000
    if rows < 1000:
        hidden, l2, steps = choose_units(rows, columns), 0.03 if rows < 300 else 0.01, 1200
    assert isinstance(batch, int)
    epochs = ceil(steps / ceil(rows * (1 - share) / batch))
    return Recipe(hidden, "mish", 0.01, l2, epochs, batch, 0, 0, share, "cosine")


def choose_share(rows: int) -> float:
    """Return the share of the rows that is held out for the test."""
    return 0 if rows < FEWEST_TO_SPLIT else 0.2 if rows < 1000 else 0.15 if rows < 10_000 else 0.1


def choose_batch(rows: int) -> int | str:
    """Return the rows of a step."""
    sizes = ((FEWEST_TO_SPLIT, "full"), (500, 16), (10_000, 32), (100_000, 128))
    return next((size for most, size in sizes if rows < most), 512)


def choose_units(rows: int, columns: int) -> tuple[int, ...]:
    """Return the units of the hidden layers: more for more rows, and for more than thirty columns."""
    units = next((u for most, u in ((200, 16), (2000, 32), (20_000, 64)) if rows < most), 128) * (1 + (columns > 30))
    return (units,) if rows < 2000 else (units, units // 2)
