"""What is checked: the network of a config on its own data, or every registered part in small random networks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from bptrain.code import load_code
from bptrain.gradcheck.checking import MethodName, check
from bptrain.gradcheck.comparison import Check, Entries
from bptrain.gradcheck.parts import ROWS, Parts, example, small_twin
from bptrain.gradcheck.sweep import Sweep, sweep
from bptrain.gradcheck.twin import Twin
from bptrain.nn import LAYERS, LOSSES, Loss
from bptrain.nn.activations import Tanh
from bptrain.nn.layers import Dense
from bptrain.nn.losses import SoftmaxCrossEntropy
from bptrain.optim import Regularization
from bptrain.training import Rows, prepare


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


def check_gradients(
    config: str | Path | None = None,
    overrides: Sequence[str] = (),
    *,
    code: Sequence[str | Path] = (),
    method: MethodName = "complex",
    entries: Entries = "auto",
    watch: Callable[[Check], None] | None = None,
) -> GradientReport:
    """Check hand-written gradients against the derivative of the forward pass.

    Args:
        config: whose network is checked, with its loss and penalties, on rows of its own data, at its start and after
            20 steps. None: every part that `code` registers, each in several small random networks; without code,
            every part there is.
        overrides: `KEY=VALUE` each, put over the config.
        code: files that register components, which are checked too.
        method: the complex step, central differences, or both.
        entries: how many entries of each array are tried one by one; auto: all of small arrays, and random directions
            in large ones.
        watch: is called with every check as soon as it is done.

    Returns:
        A check for each parameter and one for the inputs; or one for each part.

    Raises:
        InputError: the config, its data or the code cannot be used.
    """
    classes = [cls for file in map(load_code, code) for _, _, cls in file.components]
    checks = []
    for one in each(config, overrides, classes, method, entries):
        checks.append(one)
        if watch:
            watch(one)
    return GradientReport(tuple(checks))


def each(
    config: str | Path | None,
    overrides: Sequence[str],
    classes: Sequence[type],
    method: MethodName,
    entries: Entries,
) -> Iterator[Check]:
    """The checks of a config and of some classes; of every registered part if there is neither."""
    parts = Parts(method, entries)
    if config is not None:
        yield from check(twin_of_config(config, overrides), method, entries)
    if classes:
        yield from parts.named(classes)
    elif config is None:
        yield from parts.every()


def twin_of_config(config: str | Path, overrides: Sequence[str]) -> Twin:
    """The network of a config, on a few rows spread over its training data.

    Raises:
        InputError: the config or its data cannot be used.
    """
    assembly = prepare(config, overrides)
    experiment, rows = assembly.model.experiment, some(assembly.parts["train"])
    return Twin(
        experiment.layers,
        assembly.model.network.input_shape,
        assembly.model.objective.loss,
        experiment.regularization,
        rows.inputs,
        rows.targets,
        experiment.seed,
    )


def sweep_gradients(
    config: str | Path | None = None, overrides: Sequence[str] = (), *, code: Sequence[str | Path] = ()
) -> Sweep:
    """See a gradient without a tolerance: central differences at every step size, and the order of Taylor remainders.

    Args:
        config: whose network is swept, with its loss and penalties, on rows of its own data; None: a small network,
            with the layers and the loss that `code` registers in it.
        overrides: `KEY=VALUE` each, put over the config.
        code: files that register components.

    Raises:
        InputError: the config, its data or the code cannot be used.
    """
    classes = [cls for file in map(load_code, code) for _, _, cls in file.components]
    return sweep(twin_to_sweep(classes) if config is None else twin_of_config(config, overrides))


def twin_to_sweep(classes: Sequence[type]) -> Twin:
    """A small network with these layers and losses in it; without any, one without kinks, as in the book."""
    layers = [example(cls, 6, cls.__name__) for cls in classes if cls in LAYERS.members.values()]
    losses = [example(cls, 6, cls.__name__) for cls in classes if cls in LOSSES.members.values()]
    loss: Loss = losses[0] if losses else SoftmaxCrossEntropy()
    kinds = next(kind for kind in ((3, 1), (2, 1), (None, 2)) if loss.widths(*kind))
    width = loss.widths(*kinds)[0]
    network = (Dense(6), *(layers or [Tanh()]), Dense(width))
    return small_twin(network, loss, 0, Regularization(l2=0.01), kinds[0])


def some(rows: Rows) -> Rows:
    """A few rows, evenly spread."""
    chosen = np.unique(np.linspace(0, len(rows) - 1, ROWS).astype(int))
    return replace(rows, inputs=rows.inputs[chosen], targets=rows.targets[chosen])
