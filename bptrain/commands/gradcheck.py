"""What is checked: the network of a config on its own data, or every registered part in small random networks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from bptrain.code import load_code
from bptrain.errors import InputError
from bptrain.gradcheck.network_check import MethodName, check, note
from bptrain.gradcheck.parts import ROWS, Parts, twin_to_sweep
from bptrain.gradcheck.planted import MUTATIONS
from bptrain.gradcheck.planted.mutation_report import MutationReport, Outcome, outcome
from bptrain.gradcheck.sweep import Sweep, sweep
from bptrain.gradcheck.twin import Twin
from bptrain.gradcheck.verdict import Check, Entries
from bptrain.model.assemble import Assembly, prepare
from bptrain.model.encoded_rows import Rows
from bptrain.nn import ACTIVATIONS, LAYERS, LOSSES
from bptrain.nn.observer import BackwardError, in_backward_order


@dataclass(frozen=True)
class GradientReport:
    """All verdicts; `to_json` gives what `bptrain gradcheck --json` prints.

    `notes` say what is worth knowing and is no verdict, such as a forward pass that cannot run in complex numbers.
    """

    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()

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
        return {"passed": self.passed, "checks": checks, "notes": list(self.notes)}


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
        config: whose network is checked, with its loss and penalties, on rows of its own data as they are, without
            augmentation, at its start and after 20 steps. None: every part that `code` registers, each in several small
            random networks; without code, every part there is.
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
    classes = differentiable(code)
    checks = []
    for one in each(config, overrides, classes, method, entries):
        checks.append(one)
        if watch:
            watch(one)
    notes = tuple(f"{one.name}: {one.diagnosis}" for one in checks if one.kind == "note")
    return GradientReport(tuple(one for one in checks if one.kind != "note"), notes)


def differentiable(code: Sequence[str | Path]) -> list[type]:
    """The layers and losses that some files register.

    Raises:
        InputError: a file cannot be used, or none of them registers any.
    """
    components = [component for file in map(load_code, code) for component in file.components]
    kinds = (LAYERS.kind, ACTIVATIONS.kind, LOSSES.kind)
    classes = [cls for kind, _, cls in components if kind in kinds]
    if code and not classes:
        files = ", ".join(str(path) for path in code)
        raise InputError(f"{files}: registers no layer, activation or loss; nothing else has a gradient to check")
    return classes


def each(
    config: str | Path | None,
    overrides: Sequence[str],
    classes: Sequence[type],
    method: MethodName,
    entries: Entries,
) -> Iterator[Check]:
    """The checks of a config and of some classes; of every registered part if there is neither."""
    parts, used = Parts(method, entries), set()
    if config is not None:
        assembly = prepare(config, overrides)
        twin = twin_of_assembly(assembly)
        used = {type(twin.real.loss), *(type(one.layer) for one in in_backward_order(twin.observed[0]))}
        yield from check(twin, method, entries)
        if assembly.model.experiment.augmentation:
            yield note("augmentation", "left out: the gradient is that of the rows as they are")
    for cls in classes:
        try:
            yield from parts.named([cls])
        except (InputError, BackwardError) as error:
            # One that makes demands has been checked in the config, which meets them.
            if cls not in used:
                raise
            yield note(cls.__name__, f"not tried by itself, only in the config: {error}")
    if config is None and not classes:
        yield from parts.every()


def twin_of_config(config: str | Path, overrides: Sequence[str]) -> Twin:
    """The network of a config, on a few rows spread over its training data.

    Raises:
        InputError: the config or its data cannot be used.
    """
    return twin_of_assembly(prepare(config, overrides))


def twin_of_assembly(assembly: Assembly) -> Twin:
    """The network of a model, on a few rows spread over its training data, which are not augmented."""
    experiment, rows = assembly.model.experiment, sample_rows(assembly.parts["train"])
    return Twin(
        experiment.layers,
        assembly.model.network.input_shape,
        assembly.model.objective.loss,
        experiment.regularization,
        rows.inputs,
        rows.targets,
        experiment.seed,
        weights=rows.weights,
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
    classes = differentiable(code)
    return sweep(twin_to_sweep(classes) if config is None else twin_of_config(config, overrides))


def sample_rows(rows: Rows) -> Rows:
    """A few rows, evenly spread."""
    # A row that weighs nothing has no gradient to be checked.
    heavy = np.arange(len(rows)) if rows.weights is None else np.flatnonzero(rows.weights > 0)
    chosen = heavy[np.unique(np.linspace(0, len(heavy) - 1, ROWS).astype(int))]
    weights = None if rows.weights is None else rows.weights[chosen]
    return replace(rows, inputs=rows.inputs[chosen], targets=rows.targets[chosen], weights=weights)


def mutate_gradients(watch: Callable[[Outcome], None] | None = None) -> MutationReport:
    """Plant every bug of the catalogue, one after the other, and see whether the checker catches it.

    Args:
        watch: is called with every outcome as soon as it is known.
    """
    outcomes = []
    for one in MUTATIONS:
        outcomes.append(outcome(one, check(one.twin())))
        if watch:
            watch(outcomes[-1])
    return MutationReport(tuple(outcomes))
