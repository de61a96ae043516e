"""Rehearsal: one batch of everything that a run does, to see that it works and what an epoch will take."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from bptrain.arrays import Streams
from bptrain.errors import Problem, StorageError
from bptrain.model.assemble import Assembly, prepare
from bptrain.model.model import build_model, scoring_rows
from bptrain.model.scoring import score
from bptrain.nn.threads import threads_for
from bptrain.rules import require_sense
from bptrain.run.checkpoint import read_last, restore, save_last
from bptrain.run.directory import ROOT
from bptrain.run.keeper import require_room
from bptrain.run.trackers import require_trackers
from bptrain.training.budget import Budget
from bptrain.training.loop import pass_over_rows
from bptrain.training.session import Session, begin

WARM_UP = 2
"""Steps before the one that is timed: the first ones load libraries and fill caches."""


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
    assembly = prepare(config, overrides, code)
    warnings = require_sense(assembly, strict=strict)
    require_trackers(assembly.config)
    session = begin(assembly)
    require_room(ROOT, session)
    steps = min(WARM_UP + 1, session.steps_per_epoch)
    with np.errstate(all="ignore"), threads_for(session.model.network, session.batch_size):
        took = [time_step(session, step + 1) for step in range(steps)]
    now, peak = memory()
    held_out, portion = session.held_out, scoring_rows(session.model.experiment)
    began = perf_counter()
    score(session.model, held_out.first(portion))
    validation = (perf_counter() - began) * len(held_out) / min(portion, len(held_out))
    save, restoring, size = time_checkpoint(session, twin_of(assembly))
    epoch, epochs = took[-1] * session.steps_per_epoch + validation, session.model.experiment.training.epochs
    return DryRun(
        session.model.experiment.name,
        session.batch_size,
        session.steps_per_epoch,
        epochs,
        took[-1],
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


def time_checkpoint(session: Session, twin: Session) -> tuple[float, float, int]:
    """Save a session and restore it in its twin: the seconds of both, and the bytes of the file.

    Raises:
        StorageError: it does not come back as it was.
    """
    with TemporaryDirectory(prefix="bptrain-") as folder:
        path = Path(folder) / "last.npz"
        began = perf_counter()
        save_last(path, session, {})
        saved = perf_counter()
        _, arrays, stored, _ = read_last(path)
        restore(twin, arrays, stored, path)
        restored, size = perf_counter(), path.stat().st_size
    if not is_identical(session, twin):
        raise StorageError("what was saved does not come back as it was; please report this as a bug")
    return saved - began, restored - saved, size


def twin_of(assembly: Assembly) -> Session:
    """Return a session at its start with a network of its own, on the same rows."""
    model, rows = assembly.model, len(assembly.parts["train"])
    fresh = build_model(model.experiment, model.columns, Streams(model.experiment.seed), rows=rows)
    return begin(replace(assembly, model=fresh))


def time_step(session: Session, step: int) -> float:
    """The seconds of one step, up to that number."""
    began = perf_counter()
    for _ in pass_over_rows(session, Budget(pause=step)):
        pass
    return perf_counter() - began


def is_identical(one: Session, other: Session) -> bool:
    """Whether two sessions are the same, bit for bit."""
    arrays, others = one.arrays(), other.arrays()
    same = arrays.keys() == others.keys() and all(arrays[name].tobytes() == others[name].tobytes() for name in arrays)
    return same and one.progress() == other.progress() and one.model.streams.state() == other.model.streams.state()


def memory() -> tuple[int, int]:
    """The bytes that the process has in use, and the most that it had; zero where the system does not say."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["VmRSS"].split()[0]) * 1024, int(lines["VmHWM"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 0, 0
