"""Every registered part in several small random networks: layers, activations, losses, and the penalties."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.gradcheck.network_check import MethodName, check
from bptrain.gradcheck.observers import kinks
from bptrain.gradcheck.twin import Twin
from bptrain.gradcheck.verdict import SKIPPED, Check, Entries, too_many_skipped
from bptrain.nn import ACTIVATIONS, LAYERS, LOSSES, Activation, Layer, Loss, resolve_layers
from bptrain.nn.activations import Tanh
from bptrain.nn.chain import Chain
from bptrain.nn.layers import Dense
from bptrain.nn.losses import BinaryCrossEntropy, Mse, MultiTask, Part, SoftmaxCrossEntropy
from bptrain.optim import Regularization
from bptrain.registry import name_of

ROWS = 7
INPUTS = 5
SEEDS = (0, 1, 2)
"""There are so many rows less as the seed says, so that a kernel that is right for one number of rows is caught."""
GRID = (
    0,
    1e-3,
    -1e-3,
    0.1,
    -0.1,
    0.5,
    -0.5,
    1.5,
    -1.5,
    2.5,
    -2.5,
    3.5,
    -3.5,
    4.5,
    -4.5,
    6.5,
    -6.5,
    8.5,
    -8.5,
    20,
    -20,
    50,
    -50,
)


class Parts:
    """Checks parts, all with the same method and entries."""

    def __init__(self, method: MethodName, entries: Entries) -> None:
        self.method = method
        self.entries = entries

    def every(self) -> Iterator[Check]:
        """A check for each registered layer, activation and loss, one for several losses, and one for the penalties."""
        yield from self.check_classes(LAYERS.members.values())
        yield from self.check_classes(LOSSES.members.values())
        yield summary("several losses", [self.several(seed) for seed in SEEDS])
        penalties = Regularization(0.1, 0.2)
        found = [self.layers((Dense(4), Tanh(), Dense()), Mse(), seed, penalties) for seed in SEEDS]
        yield summary("regularization", found)

    def check_classes(self, classes: Iterable[type]) -> Iterator[Check]:
        """Check each of some registered classes; what is no layer and no loss has no gradient."""
        for cls in classes:
            for family in (ACTIVATIONS, LAYERS, LOSSES):
                name = next((name for name, member in family.members.items() if member is cls), None)
                if name is not None:
                    part = f"{family.kind} {name}"
                    checks = [self.loss(cls, part, s) if family is LOSSES else self.layer(cls, part, s) for s in SEEDS]
                    yield summary(part, checks)
                    yield from notes_of(checks)
                    break

    def layer(self, cls: type, part: str, seed: int) -> list[Check]:
        """A layer between others, right behind the inputs, and among activations that need their own outputs; an
        activation also at values far out, and at all its kinks."""
        layer: Layer = example(cls, 4, part)
        first: Layer = example(cls, INPUTS, part)
        if len(layer.plan((4,)).shape) != 1:
            what = f"gives rows of the shape {layer.plan((4,)).shape}, and is tried among layers of flat rows"
            raise InputError(f"{part}: {what}; check it in a config that it fits")
        found = [
            one
            for layers in ((Dense(4), layer, Dense()), (first, Dense()), (Dense(4), Tanh(), layer, Tanh(), Dense()))
            for one in self.layers(layers, Mse(), seed)
        ]
        if isinstance(first, Activation):
            found += self.on_grid(first)
        return found

    def on_grid(self, layer: Layer) -> list[Check]:
        """An activation right behind inputs that reach far out."""
        twin = small_twin((layer, Dense()), Mse(), 0)
        points = np.array([*GRID, *(kink + side for kink in kinks(layer) for side in (-1e-3, 1e-3))])
        for far in (np.inf, 10.0, 3.0):
            grid = np.resize(points[np.abs(points) <= far], twin.batches[0].input.shape)
            for batch in twin.batches:
                batch.input[...] = grid
            # An activation that overflows out there is tried nearer.
            if np.isfinite(sum(twin.values())):
                break
        return check(twin, self.method, self.entries)

    def loss(self, cls: type, part: str, seed: int) -> list[Check]:
        """A loss behind a small network, for every kind of target that it takes."""
        loss: Loss = example(cls, 2, part)
        kinds = kinds_of(loss, part)
        return [
            one
            for classes, columns in kinds
            for width in loss.widths(classes, columns)
            for one in self.layers((Dense(4), Tanh(), Dense(width)), loss, seed, classes=classes)
        ]

    def several(self, seed: int) -> list[Check]:
        """Targets of different kinds, each with a loss of its own, behind one network."""
        rows, rng = ROWS - seed, np.random.default_rng(seed)
        loss = MultiTask(
            (
                Part("numbers", Mse(), 2, 2, 0.5),
                Part("classes", SoftmaxCrossEntropy(), 3, 1, 2.0),
                Part("yes or no", BinaryCrossEntropy(), 1),
            )
        )
        known = rng.normal(size=(rows, 2)), rng.integers(0, 3, (rows, 1)), rng.integers(0, 2, (rows, 1))
        layers, inputs = (Dense(4), Tanh(), Dense(6)), rng.normal(size=(rows, INPUTS))
        twin = Twin(layers, (INPUTS,), loss, Regularization(), inputs, np.concatenate(known, axis=1), seed)
        return check(twin, self.method, self.entries)

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


def kinds_of(loss: Loss, part: str) -> list[tuple[int | None, int]]:
    """The kinds of target that a loss takes, as so many classes (None: numbers) and columns.

    Raises:
        InputError: it takes none of those that are tried.
    """
    tried: tuple[tuple[int | None, int], ...] = ((None, 2), (2, 1), (3, 1))
    kinds = [kind for kind in tried if loss.widths(*kind)]
    if not kinds:
        raise InputError(f"{part}: takes no target that can be tried: two columns of numbers, 2 classes, or 3")
    return kinds


def example(cls: Any, width: int, part: str) -> Any:
    """A component to try: by its own `example` for `width` values, or with its defaults.

    Raises:
        InputError: it has an option without a default, and no `example`.
    """
    try:
        made = cls.example(width) if hasattr(cls, "example") else cls()
    except TypeError as error:
        what = f"cannot be made without options ({error}); give them defaults, or a classmethod example(width)"
        raise InputError(f"{part}: {what}") from None
    if not isinstance(made, cls):
        raise InputError(f"{part}: example({width}) gives no {cls.__name__} (got {type(made).__name__})")
    return made


def small_twin(
    layers: Sequence[Layer],
    loss: Loss,
    seed: int,
    penalties: Regularization = Regularization(),  # noqa: B008
    classes: int | None = None,
) -> Twin:
    """A network of these layers with random parameters, on random rows."""
    rng = np.random.default_rng(seed)
    done = resolve_layers(layers, 3)
    width = Chain(done, (INPUTS,)).shapes[-1][0]
    rows = ROWS - seed
    inputs = rng.normal(size=(rows, INPUTS))
    return Twin(done, (INPUTS,), loss, penalties, inputs, random_targets(loss, classes, width, rows, rng), seed)


def twin_to_sweep(classes: Sequence[type]) -> Twin:
    """A small network with these layers and losses in it; without any, one without kinks, as in the book."""
    layers = [example(cls, 6, cls.__name__) for cls in classes if cls in LAYERS.members.values()]
    losses = [example(cls, 6, cls.__name__) for cls in classes if cls in LOSSES.members.values()]
    loss: Loss = losses[0] if losses else SoftmaxCrossEntropy()
    classes_of_target, columns = kinds_of(loss, f"loss {name_of(loss)}")[-1]
    width = loss.widths(classes_of_target, columns)[0]
    network = (Dense(6), *(layers or [Tanh()]), Dense(width))
    return small_twin(network, loss, 0, Regularization(l2=0.01), classes_of_target)


def random_targets(loss: Loss, classes: int | None, width: int, rows: int, rng: np.random.Generator) -> Array:
    """Targets in the encoding of a loss: class numbers, 0 and 1, shares, or any numbers, as the loss takes them."""
    if classes is None:
        shares = rng.uniform(0.1, 1, (rows, width))
        kinds = (rng.normal(size=(rows, width)), shares / shares.sum(axis=1, keepdims=True), np.round(shares))
        for targets in kinds:
            if loss.objection(targets, None) is None:
                return targets
        what = f"takes none of the numbers that can be tried; it says: {loss.objection(kinds[0], None)}"
        raise InputError(f"loss {name_of(loss)}: {what}")
    codes = rng.integers(0, classes, rows)
    if loss.encoding == "codes":
        return codes
    return (codes[:, None] == np.arange(width)).astype(np.float64) if width > 1 else codes[:, None].astype(np.float64)


def notes_of(checks: list[list[Check]]) -> list[Check]:
    """The notes in many checks, each once."""
    notes = [one for part in checks for one in part if one.kind == "note"]
    return list({one.diagnosis: one for one in notes}.values())


def summary(name: str, checks: list[list[Check]]) -> Check:
    """Many checks as one: the worst of them speaks. What was skipped at kinks is judged over all of them."""
    every = [one for part in checks for one in part if one.kind != "note" and one.name != SKIPPED]
    every += [one for one in too_many_skipped(every) if not one.passed]
    failed = [one for one in every if not one.passed]
    worst = max(failed or every, key=lambda one: one.severity)
    diagnosis = f"{worst.name}: {worst.diagnosis}" if worst.diagnosis else None
    entries, skipped = sum(one.entries for one in every), sum(one.skipped for one in every)
    return replace(worst, name=name, entries=entries, skipped=skipped, diagnosis=diagnosis, shape=())
