"""Component checks: every registered layer, activation and loss in several small random networks, and the penalties."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.gradcheck.network_check import MethodName, check
from bptrain.gradcheck.twin import Twin, get_kinks
from bptrain.gradcheck.verdict import SKIPPED, Check, Entries, judge_skipped
from bptrain.nn import ACTIVATIONS, LAYERS, LOSSES, Activation, Layer, Loss, resolve_layers
from bptrain.nn.activations import Tanh
from bptrain.nn.chain import Chain
from bptrain.nn.layers import Dense
from bptrain.nn.losses import BinaryCrossEntropy, Mse, MultiTask, Part, SoftmaxCrossEntropy
from bptrain.nn.observer import KernelError
from bptrain.optim import Regularization
from bptrain.registry import name_of

ROWS = 7
INPUTS = 5
SEEDS = (0, 1, 2)
"""Seed k has `ROWS` - k rows, so that a kernel that is right for one number of rows only is caught."""
SIZES = (1e-3, 0.1, 0.5, 1.5, 2.5, 3.5, 4.5, 6.5, 8.5, 20, 50)
POINTS = (0, *(sign * size for size in SIZES for sign in (1, -1)))
"""Inputs at which activations are tried, near and far from 0."""

NO_PENALTY = Regularization()


class ComponentChecker:
    """Checks components, all with the same method and entries."""

    def __init__(self, method: MethodName, entries: Entries) -> None:
        self.method = method
        self.entries = entries

    def check_all(self) -> Iterator[Check]:
        """Yield a check for each registered layer, activation and loss, one for several losses, one for penalties."""
        yield from self.check_classes(LAYERS.members.values())
        yield from self.check_classes(LOSSES.members.values())
        yield summarize_checks("several losses", [self.check_several_losses(seed) for seed in SEEDS])
        penalties, layers = Regularization(0.1, 0.2), (Dense(4), Tanh(), Dense())
        found = [self.check_twin(build_small_twin(layers, Mse(), seed, penalties)) for seed in SEEDS]
        yield summarize_checks("regularization", found)

    def check_classes(self, classes: Iterable[type]) -> Iterator[Check]:
        """Yield a check for each class that is a layer, activation or loss; others have no gradient.

        Raises:
            InputError: a component cannot be created, or fits no network that is tried.
        """
        for cls in classes:
            for family in (ACTIVATIONS, LAYERS, LOSSES):
                if name := next((name for name, member in family.members.items() if member is cls), None):
                    title, run = f"{family.kind} {name}", self.check_loss if family is LOSSES else self.check_layer
                    checks = [run(cls, title, seed) for seed in SEEDS]
                    yield summarize_checks(title, checks)
                    notes = [one for found in checks for one in found if one.kind == "note"]
                    yield from {one.diagnosis: one for one in notes}.values()
                    break

    def check_layer(self, cls: type, title: str, seed: int) -> list[Check]:
        """Check a layer between dense layers, right after the inputs, and between activations whose backward reads y;
        an activation also far from 0, and on both sides of its kinks."""
        layer: Layer = make_example(cls, 4, title)
        first: Layer = make_example(cls, INPUTS, title)
        shape = layer.plan((4,)).shape
        if len(shape) != 1:
            what = f"gives rows of the shape {shape}, but the small networks that it is checked in have flat rows"
            raise InputError(f"{title}: {what}")
        found = [
            one
            for layers in ((Dense(4), layer, Dense()), (first, Dense()), (Dense(4), Tanh(), layer, Tanh(), Dense()))
            for one in self.check_twin(build_small_twin(layers, Mse(), seed))
        ]
        if isinstance(first, Activation):
            found += self.check_far_inputs(first)
        return found

    def check_far_inputs(self, layer: Layer) -> list[Check]:
        """Check an activation directly after inputs that reach far from 0, and lie on both sides of its kinks."""
        twin = build_small_twin((layer, Dense()), Mse(), 0)
        points = np.array([*POINTS, *(kink + side for kink in get_kinks(layer) for side in (-1e-3, 1e-3))])
        for farthest in (np.inf, 10.0, 3.0):
            grid = np.resize(points[np.abs(points) <= farthest], twin.batches[0].input.shape)
            for batch in twin.batches:
                batch.input[...] = grid
            # An activation that overflows or stops at these inputs is tried on smaller ones.
            with suppress(KernelError):
                if np.isfinite(sum(twin.compute_objective())):
                    break
        return self.check_twin(twin)

    def check_loss(self, cls: type, title: str, seed: int) -> list[Check]:
        """Check a loss after a small network, for every kind of target that it accepts."""
        loss: Loss = make_example(cls, 2, title)
        return [
            one
            for classes, columns in find_target_kinds(loss, title)
            for width in loss.widths(classes, columns)
            for one in self.check_twin(build_small_twin((Dense(4), Tanh(), Dense(width)), loss, seed, classes=classes))
        ]

    def check_several_losses(self, seed: int) -> list[Check]:
        """Check targets of different kinds, each with a loss of its own, after one network."""
        rows, rng = ROWS - seed, np.random.default_rng(seed)
        loss = MultiTask(
            (
                Part("numbers", Mse(), 2, 2, 0.5),
                Part("classes", SoftmaxCrossEntropy(), 3, 1, 2.0),
                Part("yes or no", BinaryCrossEntropy(), 1),
            )
        )
        targets = rng.normal(size=(rows, 2)), rng.integers(0, 3, (rows, 1)), rng.integers(0, 2, (rows, 1))
        layers, inputs = (Dense(4), Tanh(), Dense(6)), rng.normal(size=(rows, INPUTS))
        twin = Twin(layers, (INPUTS,), loss, NO_PENALTY, inputs, np.concatenate(targets, axis=1), seed)
        return self.check_twin(twin)

    def check_twin(self, twin: Twin) -> list[Check]:
        """Check the gradients of a twin."""
        return check(twin, self.method, self.entries)


def find_target_kinds(loss: Loss, title: str) -> list[tuple[int | None, int]]:
    """Return the kinds of target that a loss accepts, as the number of classes (None: numbers) and of columns.

    Raises:
        InputError: it accepts none of those that are tried.
    """
    tried: tuple[tuple[int | None, int], ...] = ((None, 2), (2, 1), (3, 1))
    kinds = [kind for kind in tried if loss.widths(*kind)]
    if not kinds:
        what = "accepts none of the targets that are tried: two columns of numbers, 2 classes, 3 classes"
        raise InputError(f"{title}: {what}")
    return kinds


def make_example(cls: Any, width: int, title: str) -> Any:
    """Return a component to try: its own `example` for `width` values, or one with the defaults.

    Raises:
        InputError: it has an option without a default, and no `example`.
    """
    try:
        component = cls.example(width) if hasattr(cls, "example") else cls()
    except TypeError as error:
        what = f"needs defaults for its options, or a classmethod example(width) ({error})"
        raise InputError(f"{title}: {what}") from None
    if not isinstance(component, cls):
        what = f"example({width}) must return an instance of {cls.__name__} (got {type(component).__name__})"
        raise InputError(f"{title}: {what}")
    return component


def build_small_twin(
    layers: Sequence[Layer],
    loss: Loss,
    seed: int,
    penalties: Regularization = NO_PENALTY,
    classes: int | None = None,
) -> Twin:
    """Return the twin of a network of these layers with random parameters, on random rows."""
    rng = np.random.default_rng(seed)
    resolved = resolve_layers(layers, 3)
    width = Chain(resolved, (INPUTS,)).shapes[-1][0]
    rows = ROWS - seed
    inputs = rng.normal(size=(rows, INPUTS))
    return Twin(resolved, (INPUTS,), loss, penalties, inputs, draw_targets(loss, classes, width, rows, rng), seed)


def build_twin_to_sweep(classes: Sequence[type]) -> Twin:
    """Return the twin of a small network with these layers and losses; if there are none, of one without kinks."""
    layers = [make_example(cls, 6, cls.__name__) for cls in classes if cls in LAYERS.members.values()]
    losses = [make_example(cls, 6, cls.__name__) for cls in classes if cls in LOSSES.members.values()]
    loss: Loss = losses[0] if losses else SoftmaxCrossEntropy()
    target_classes, columns = find_target_kinds(loss, f"loss {name_of(loss)}")[-1]
    width = loss.widths(target_classes, columns)[0]
    network = (Dense(6), *(layers or [Tanh()]), Dense(width))
    return build_small_twin(network, loss, 0, Regularization(l2=0.01), target_classes)


def draw_targets(loss: Loss, classes: int | None, width: int, rows: int, rng: np.random.Generator) -> Array:
    """Draw targets in the encoding of a loss: class numbers, 0 and 1, shares, or any numbers.

    Raises:
        InputError: the loss accepts none of these.
    """
    if classes is None:
        shares = rng.uniform(0.1, 1, (rows, width))
        kinds = (rng.normal(size=(rows, width)), shares / shares.sum(axis=1, keepdims=True), np.round(shares))
        for targets in kinds:
            if loss.objection(targets, None) is None:
                return targets
        problem = loss.objection(kinds[0], None)
        raise InputError(f"loss {name_of(loss)}: accepts none of the targets that are tried: {problem}")
    codes = rng.integers(0, classes, rows)
    if loss.encoding == "codes":
        return codes
    return (codes[:, None] == np.arange(width)).astype(np.float64) if width > 1 else codes[:, None].astype(np.float64)


def summarize_checks(name: str, checks: list[list[Check]]) -> Check:
    """Return many checks as one: the worst of them, with the entries of all. Entries skipped at kinks are counted over
    all of them."""
    every = [one for found in checks for one in found if one.kind != "note" and one.name != SKIPPED]
    every += [one for one in judge_skipped(every) if not one.passed]
    failed = [one for one in every if not one.passed]
    worst = max(failed or every, key=lambda one: one.severity)
    diagnosis = f"{worst.name}: {worst.diagnosis}" if worst.diagnosis else None
    entries, skipped = sum(one.entries for one in every), sum(one.skipped for one in every)
    return replace(worst, name=name, entries=entries, skipped=skipped, diagnosis=diagnosis, shape=())
