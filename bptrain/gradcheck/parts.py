"""Every registered part in several small random networks: layers, activations, losses, and the penalties."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.gradcheck.checking import MethodName, check
from bptrain.gradcheck.comparison import Check, Entries
from bptrain.gradcheck.twin import Twin
from bptrain.nn import ACTIVATIONS, LAYERS, LOSSES, Layer, Loss, completed
from bptrain.nn.activations import Tanh
from bptrain.nn.layers import Dense
from bptrain.nn.losses import Mse
from bptrain.optim import Regularization

ROWS = 8
INPUTS = 5
SEEDS = (0, 1, 2)


class Parts:
    """Checks parts, all with the same method and entries."""

    def __init__(self, method: MethodName, entries: Entries) -> None:
        self.method = method
        self.entries = entries

    def every(self) -> Iterator[Check]:
        """One check for each registered layer, activation and loss, and one for the penalties."""
        yield from self.named(LAYERS.members.values())
        yield from self.named(LOSSES.members.values())
        penalties = Regularization(0.1, 0.2)
        found = [self.layers((Dense(4), Tanh(), Dense()), Mse(), seed, penalties) for seed in SEEDS]
        yield summary("regularization", found)

    def named(self, classes: Iterable[type]) -> Iterator[Check]:
        """One check for each of some registered classes; what is no layer and no loss has no gradient."""
        for cls in classes:
            for family in (ACTIVATIONS, LAYERS, LOSSES):
                name = next((name for name, member in family.members.items() if member is cls), None)
                if name is not None:
                    part = f"{family.kind} {name}"
                    checks = [self.loss(cls, part, s) if family is LOSSES else self.layer(cls, part, s) for s in SEEDS]
                    yield summary(part, checks)
                    break

    def layer(self, cls: type, part: str, seed: int) -> list[Check]:
        """A layer between others, right behind the inputs, and among activations that need their own outputs."""
        layer: Layer = example(cls, 4, part)
        return [
            one
            for layers in (
                (Dense(4), layer, Dense()),
                (example(cls, INPUTS, part), Dense()),
                (Dense(4), Tanh(), layer, Tanh(), Dense()),
            )
            for one in self.layers(layers, Mse(), seed)
        ]

    def loss(self, cls: type, part: str, seed: int) -> list[Check]:
        """A loss behind a small network, for every kind of target that it takes."""
        loss: Loss = example(cls, 2, part)
        kinds = ((None, 2), (2, 1), (3, 1))
        return [
            one
            for classes, columns in kinds
            for width in loss.widths(classes, columns)
            for one in self.layers((Dense(4), Tanh(), Dense(width)), loss, seed, classes=classes)
        ]

    def layers(
        self,
        layers: Sequence[Layer],
        loss: Loss,
        seed: int,
        penalties: Regularization = Regularization(),  # noqa: B008
        classes: int | None = None,
    ) -> list[Check]:
        """A network with random parameters on random rows."""
        return check(small_twin(layers, loss, seed, penalties, classes), self.method, self.entries)


def example(cls: Any, width: int, part: str) -> Any:
    """A component to try: by its own `example` for `width` values, or with its defaults.

    Raises:
        InputError: it has an option without a default, and no `example`.
    """
    try:
        return cls.example(width) if hasattr(cls, "example") else cls()
    except TypeError as error:
        what = f"cannot be made without options ({error}); give them defaults, or a classmethod example(width)"
        raise InputError(f"{part}: {what}") from None


def small_twin(
    layers: Sequence[Layer],
    loss: Loss,
    seed: int,
    penalties: Regularization = Regularization(),  # noqa: B008
    classes: int | None = None,
) -> Twin:
    """A network of these layers with random parameters, on random rows."""
    rng = np.random.default_rng(seed)
    done = completed(layers, 3)
    width = next(layer.units for layer in reversed(done) if isinstance(layer, Dense))
    assert isinstance(width, int)
    inputs = rng.normal(size=(ROWS, INPUTS))
    return Twin(done, (INPUTS,), loss, penalties, inputs, random_targets(loss, classes, width, rng), seed)


def random_targets(loss: Loss, classes: int | None, width: int, rng: np.random.Generator) -> Array:
    """Targets in the encoding of a loss: class numbers, 0 and 1, shares, or any numbers, as the loss takes them."""
    if classes is None:
        shares = rng.uniform(0.1, 1, (ROWS, width))
        kinds = (rng.normal(size=(ROWS, width)), shares / shares.sum(axis=1, keepdims=True), np.round(shares))
        return next(targets for targets in kinds if loss.objection(targets, None) is None)
    codes = rng.integers(0, classes, ROWS)
    if loss.encoding == "codes":
        return codes
    return (codes[:, None] == np.arange(width)).astype(np.float64) if width > 1 else codes[:, None].astype(np.float64)


def summary(name: str, checks: list[list[Check]]) -> Check:
    """Many checks as one: the worst of them speaks; what is not complex-safe is said in any case."""
    every = [one for part in checks for one in part]
    failed = [one for one in every if not one.passed]
    worst = max(failed or every, key=lambda one: one.severity)
    note = next((f"{one.name}: {one.diagnosis}" for one in every if one.passed and one.diagnosis), None)
    diagnosis = f"{worst.name}: {worst.diagnosis}" if worst.diagnosis else note
    entries, skipped = sum(one.entries for one in every), sum(one.skipped for one in every)
    return replace(worst, name=name, entries=entries, skipped=skipped, diagnosis=diagnosis, shape=())
