"""Rehearsal: one batch of everything that a run does, to see that it works and what an epoch will take."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bptrain.arrays import get_process_memory
from bptrain.errors import Problem
from bptrain.model.assemble import assemble_file
from bptrain.rules import check_rules
from bptrain.run.directory import ROOT
from bptrain.run.keeper import require_disk_space
from bptrain.run.rehearsal import begin_twin, time_checkpoint, time_step, time_validation
from bptrain.run.trackers import require_trackers
from bptrain.training.session import begin


@dataclass(frozen=True)
class DryRun:
    """What one batch of everything took, in seconds and bytes, and what follows for an epoch.

    `total_seconds` is that of all epochs, if nothing ends training earlier; `epoch_bytes` what the process has in use
    while it trains, and `peak_bytes` the most that it ever had, reading the data included.
    """

    name: str
    batch_rows: int
    steps_per_epoch: int
    epochs: int
    step_seconds: float
    validation_seconds: float
    save_seconds: float
    restore_seconds: float
    checkpoint_bytes: int
    epoch_bytes: int
    peak_bytes: int
    epoch_seconds: float
    total_seconds: float
    warnings: tuple[Problem, ...]

    def to_json(self) -> dict[str, Any]:
        """What `bptrain train --dry-run --json` prints."""
        return {key: value for key, value in asdict(self).items() if key != "warnings"}


def dry_run(
    config: str | Path, overrides: Sequence[str] = (), *, strict: bool = False, code: Sequence[str | Path] = ()
) -> DryRun:
    """Train on a batch, validate on a batch, save and restore; nothing of it is kept.

    Args:
        config: a YAML file.
        overrides: `KEY=VALUE` each, put over the file.
        strict: whether what is risky in the config is an error.
        code: Python files that register components which the config names.

    Raises:
        InputError: the code, the config or the data cannot be used, or make no sense together.
        DivergedError: the very first steps meet a number that is not finite.
        StorageError: there is no room for the run, or what was saved does not come back as it was.
    """
    assembly = assemble_file(config, overrides, code)
    warnings = check_rules(assembly, strict=strict)
    require_trackers(assembly.config)
    session = begin(assembly)
    require_disk_space(ROOT, session)
    step = time_step(session)
    now, peak = get_process_memory()
    validation = time_validation(session)
    save, restoring, size = time_checkpoint(session, begin_twin(assembly))
    epoch, epochs = step * session.steps_per_epoch + validation, session.model.experiment.training.epochs
    return DryRun(
        session.model.experiment.name,
        session.batch_size,
        session.steps_per_epoch,
        epochs,
        step,
        validation,
        save,
        restoring,
        size,
        now,
        peak,
        epoch,
        epoch * epochs,
        warnings,
    )
