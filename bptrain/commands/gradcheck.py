"""What is checked: the network of a config on its own data, or every registered part in small random networks."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from bptrain.gradcheck.network_check import MethodName, check
from bptrain.gradcheck.parts import twin_to_sweep
from bptrain.gradcheck.planted import MUTATIONS
from bptrain.gradcheck.planted.mutation_report import MutationReport, Outcome, outcome
from bptrain.gradcheck.scope import check_scope, load_classes, twin_of_assembly
from bptrain.gradcheck.sweep import Sweep, sweep
from bptrain.gradcheck.verdict import Check, Entries
from bptrain.model.assemble import assemble_file


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
    classes = load_classes(code)
    checks = []
    for one in check_scope(config, overrides, classes, method, entries):
        checks.append(one)
        if watch:
            watch(one)
    notes = tuple(f"{one.name}: {one.diagnosis}" for one in checks if one.kind == "note")
    return GradientReport(tuple(one for one in checks if one.kind != "note"), notes)


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
    classes = load_classes(code)
    return sweep(twin_to_sweep(classes) if config is None else twin_of_assembly(assemble_file(config, overrides)))


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
