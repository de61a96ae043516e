"""`bptrain train --dry-run`"""

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
    """The time and memory of each part of a run, measured on one batch, and estimates for an epoch and for the run.

    Attributes:
        name: of the experiment.
        batch_rows: rows of a batch.
        steps_per_epoch: steps in an epoch.
        epochs: the epochs of the run, unless something ends it earlier.
        step_seconds: of one step.
        validation_seconds: of one pass over the validation rows, estimated from a batch.
        save_seconds: of writing a checkpoint.
        restore_seconds: of reading it back.
        checkpoint_bytes: size of a checkpoint.
        epoch_bytes: memory in use while training.
        peak_bytes: the most memory in use so far, also while the data was read.
        epoch_seconds: of one epoch.
        total_seconds: of all epochs.
        warnings: about the config.
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
        """Return the keys of `bptrain train --dry-run --json`."""
        return {key: value for key, value in asdict(self).items() if key != "warnings"}


def dry_run(
    config: str | Path, overrides: Sequence[str] = (), *, strict: bool = False, code: Sequence[str | Path] = ()
) -> DryRun:
    """Train on one batch, validate on one batch, save and restore, and keep none of it.

    Args:
        config: path of a YAML file.
        overrides: `KEY=VALUE` each, such as `training.epochs=5`, applied over the file.
        strict: whether warnings about the config are errors.
        code: Python files that register components which the config names.

    Returns:
        How long each part took, and estimates for an epoch and for the run.

    Raises:
        InputError: the code, the config or the data cannot be used, or do not fit together.
        DivergedError: a number is not finite in the very first steps.
        StorageError: there is no room for the run, or the restored checkpoint is not what was saved.

    Example:
        >>> bptrain.dry_run("configs/digits.yaml").epoch_seconds
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
        epoch * epochs * len(session.phases),
        warnings,
    )
