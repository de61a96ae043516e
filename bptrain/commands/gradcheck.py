"""`bptrain gradcheck`"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bptrain.code import load_code
from bptrain.errors import InputError
from bptrain.gradcheck.components import ROWS, ComponentChecker, build_twin_to_sweep
from bptrain.gradcheck.network_check import MethodName, check, make_note
from bptrain.gradcheck.planted import MUTATIONS
from bptrain.gradcheck.planted.mutation import MutationReport, Outcome, judge_mutation
from bptrain.gradcheck.sweep import Sweep, replace_nonfinite, sweep
from bptrain.gradcheck.twin import Twin
from bptrain.gradcheck.verdict import Check, Entries
from bptrain.model.assemble import Assembly, assemble_file
from bptrain.model.model import Rows
from bptrain.nn import ACTIVATIONS, LAYERS, LOSSES


@dataclass(frozen=True)
class GradientReport:
    """The result of a gradient check.

    Attributes:
        checks: a verdict for each gradient, or for each component.
        notes: remarks that are not verdicts, such as on a forward pass that cannot run in complex numbers.
    """

    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every gradient is right."""
        return all(one.passed for one in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Return the keys of `bptrain gradcheck --json`; a number that is not finite is null."""
        checks = [replace_nonfinite(asdict(one)) for one in self.checks]
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
        config: a YAML file whose network is checked, with its loss and penalties, on a few rows of its own training
            data without augmentation, at the start and after 20 steps. None: every component that `code` registers,
            in several small random networks; without code, every component there is.
        overrides: `KEY=VALUE` each, applied to the config.
        code: Python files that register layers, activations or losses; these are checked too.
        method: `complex` (the complex step, exact to rounding), `central` (central differences), or `both`.
        entries: how many entries of each array are tried one by one: a number, `all`, or `auto` for all entries of
            small arrays and random directions in large ones.
        watch: called with every check as soon as it is done.

    Returns:
        A report with a check for each parameter and one for the inputs, or one for each component.

    Raises:
        InputError: the config, its data or the code cannot be used.

    Example:
        >>> report = bptrain.check_gradients("configs/digits.yaml")
        >>> report.passed
        True
        >>> [check.diagnosis for check in report.checks if not check.passed]
        []
    """
    classes = load_classes(code)
    checks = []
    for one in run_checks(config, overrides, classes, ComponentChecker(method, entries)):
        checks.append(one)
        if watch:
            watch(one)
    notes = tuple(f"{one.name}: {one.diagnosis}" for one in checks if one.kind == "note")
    return GradientReport(tuple(one for one in checks if one.kind != "note"), notes)


def run_checks(
    config: str | Path | None, overrides: Sequence[str], classes: Sequence[type], checker: ComponentChecker
) -> Iterator[Check]:
    """Yield the checks of a config's network and of some classes; without either, of every registered component."""
    used: set[type] = set()
    if config is not None:
        assembly = assemble_file(config, overrides)
        twin = build_twin(assembly)
        used = {type(twin.real.loss), *(type(real.layer) for real, _ in twin.layers)}
        yield from check(twin, checker.method, checker.entries)
        if assembly.model.experiment.augmentation:
            yield make_note("augmentation", "not checked: the rows are used without augmentation")
    for cls in classes:
        try:
            yield from checker.check_classes([cls])
        except InputError as error:
            # A class that fits no small network has been checked in the network of the config.
            if cls not in used:
                raise InputError(f"{error}; check it with a config that uses it") from None
            yield make_note(cls.__name__, f"checked in the config only: {error}")
    if config is None and not classes:
        yield from checker.check_all()


def sweep_gradients(
    config: str | Path | None = None, overrides: Sequence[str] = (), *, code: Sequence[str | Path] = ()
) -> Sweep:
    """Judge gradients without a tolerance, by central differences at every step size and by Taylor remainders.

    Args:
        config: a YAML file whose network is swept, with its loss and penalties, on a few rows of its own training data.
            None: a small network, with the layers and the loss that `code` registers in it.
        overrides: `KEY=VALUE` each, applied to the config.
        code: Python files that register layers, activations or losses.

    Returns:
        The relative errors at step sizes from 1e-1 to 1e-15, and for each gradient whether it is right, wrong or
        undecided.

    Raises:
        InputError: the config, its data or the code cannot be used.
    """
    classes = load_classes(code)
    return sweep(build_twin_to_sweep(classes) if config is None else build_twin(assemble_file(config, overrides)))


def mutate_gradients(watch: Callable[[Outcome], None] | None = None) -> MutationReport:
    """Plant every bug of the catalogue, one after the other, and report whether the checker catches it.

    Args:
        watch: called with every outcome as soon as it is known.

    Returns:
        A report with an outcome for each bug, in the order of the catalogue.
    """
    outcomes = []
    for one in MUTATIONS:
        outcomes.append(judge_mutation(one, check(one.build_twin())))
        if watch:
            watch(outcomes[-1])
    return MutationReport(tuple(outcomes))


def load_classes(code: Sequence[str | Path]) -> list[type]:
    """Return the layers, activations and losses that some files register.

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


def build_twin(assembly: Assembly) -> Twin:
    """Return the twin of a model, on a few rows of its training data, which are not augmented."""
    model, rows = assembly.model, sample_rows(assembly.splits["train"])
    return Twin(
        model.experiment.layers,
        model.network.input_shape,
        model.objective.loss,
        model.experiment.regularization,
        rows.inputs,
        rows.targets,
        model.experiment.seed,
        weights=rows.weights,
    )


def sample_rows(rows: Rows) -> Rows:
    """Return a few rows, evenly spread, of those that count in the loss."""
    weighted = np.arange(len(rows)) if rows.weights is None else np.flatnonzero(rows.weights > 0)
    chosen = weighted[np.unique(np.linspace(0, len(weighted) - 1, ROWS).astype(int))]
    weights = None if rows.weights is None else rows.weights[chosen]
    return replace(rows, inputs=rows.inputs[chosen], targets=rows.targets[chosen], weights=weights)
