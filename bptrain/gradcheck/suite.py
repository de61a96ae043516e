"""What is checked: the network of a config on its own data, or every registered part in small random networks."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.complex_step import Check, Twin, check
from bptrain.nn import ACTIVATIONS, LAYERS, LOSSES, Layer, Loss, completed
from bptrain.nn.activations import Tanh
from bptrain.nn.layers import Dense
from bptrain.nn.losses import Mse
from bptrain.optim import Regularization
from bptrain.training import Rows, prepare

ROWS = 8
INPUTS = 5
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class GradientReport:
    """All verdicts; `to_json` gives what `bptrain gradcheck --json` prints."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every gradient is right."""
        return all(one.passed for one in self.checks)

    def to_json(self) -> dict[str, Any]:
        """The keys that scripts may rely on; a number that is not finite is null."""
        checks = [
            {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in one.items()}
            for one in map(asdict, self.checks)
        ]
        return {"passed": self.passed, "checks": checks}


def check_gradients(config: str | Path | None = None, overrides: Sequence[str] = ()) -> GradientReport:
    """Check hand-written gradients against the complex step.

    Args:
        config: whose network is checked, with its loss and penalties, on rows of its own data; None: every registered
            layer, activation and loss, each in several small random networks.
        overrides: `KEY=VALUE` each, put over the config.

    Returns:
        A check for each parameter and one for the inputs; or one for each part.

    Raises:
        InputError: the config or its data cannot be used.
    """
    return GradientReport(tuple(every_part() if config is None else of_config(config, overrides)))


def of_config(config: str | Path, overrides: Sequence[str]) -> list[Check]:
    """The checks of a config's network on a few rows spread over its training data."""
    assembly = prepare(config, overrides)
    experiment, rows = assembly.model.experiment, some(assembly.parts["train"])
    layers, loss = experiment.layers, assembly.model.objective.loss
    shape = assembly.model.network.input_shape
    penalties = experiment.regularization
    return check(Twin(layers, shape, loss, penalties, rows.inputs, rows.targets, experiment.seed))


def some(rows: Rows) -> Rows:
    """A few rows, evenly spread."""
    chosen = np.unique(np.linspace(0, len(rows) - 1, ROWS).astype(int))
    return Rows(rows.inputs[chosen], rows.targets[chosen])


def every_part() -> Iterator[Check]:
    """One check for each registered layer, activation and loss, and one for the penalties."""
    for name, cls in LAYERS.members.items():
        kind = ACTIVATIONS.kind if name in ACTIVATIONS.members else LAYERS.kind
        yield summary(f"{kind} {name}", [check_layer(cls, seed) for seed in SEEDS])
    for name, cls in LOSSES.members.items():
        yield summary(f"{LOSSES.kind} {name}", [check_loss(cls(), seed) for seed in SEEDS])
    penalties = [check_layers((Dense(4), Tanh(), Dense()), Mse(), seed, Regularization(0.1, 0.2)) for seed in SEEDS]
    yield summary("regularization", penalties)


def example(cls: type, width: int) -> Layer:
    """A layer to try behind `width` values: by its own `example`, or with its defaults."""
    layer: Layer = cls.example(width) if hasattr(cls, "example") else cls()
    return layer


def check_layer(cls: type, seed: int) -> list[Check]:
    """A layer between others, right behind the inputs, and among activations that need their own outputs."""
    layer = example(cls, 4)
    return [
        one
        for layers in (
            (Dense(4), layer, Dense()),
            (example(cls, INPUTS), Dense()),
            (Dense(4), Tanh(), layer, Tanh(), Dense()),
        )
        for one in check_layers(layers, Mse(), seed)
    ]


def check_loss(loss: Loss, seed: int) -> list[Check]:
    """A loss behind a small network, for every kind of target that it takes."""
    kinds = ((None, 2), (2, 1), (3, 1))
    return [
        one
        for classes, columns in kinds
        for width in loss.widths(classes, columns)
        for one in check_layers((Dense(4), Tanh(), Dense(width)), loss, seed, classes=classes)
    ]


def check_layers(
    layers: Sequence[Layer],
    loss: Loss,
    seed: int,
    penalties: Regularization = Regularization(),  # noqa: B008
    classes: int | None = None,
) -> list[Check]:
    """A network with random parameters on random rows."""
    rng = np.random.default_rng(seed)
    done = completed(layers, 3)
    width = next(layer.units for layer in reversed(done) if isinstance(layer, Dense))
    assert isinstance(width, int)
    inputs = rng.normal(size=(ROWS, INPUTS))
    return check(Twin(done, (INPUTS,), loss, penalties, inputs, random_targets(loss, classes, width, rng), seed))


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
    """Many checks as one: the worst of them speaks."""
    every = [one for part in checks for one in part]
    failed = [one for one in every if not one.passed]
    worst = max(failed or every, key=lambda one: one.max_error / one.tolerance if one.tolerance else one.max_error)
    diagnosis = f"{worst.name}: {worst.diagnosis}" if worst.diagnosis else None
    return replace(worst, name=name, entries=sum(one.entries for one in every), diagnosis=diagnosis)
