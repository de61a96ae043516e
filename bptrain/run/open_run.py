"""An open run: a session with the directory that keeps it, which this process alone may write to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bptrain.errors import Problem
from bptrain.model.assemble import Assembly
from bptrain.rules import require_sense
from bptrain.run.directory import ROOT, RunDirectory, create_directory
from bptrain.run.keeper import require_disk_space
from bptrain.run.lock import Lock
from bptrain.run.trackers import require_trackers
from bptrain.training.session import Session, begin


@dataclass(frozen=True)
class OpenRun:
    """A session that is to be trained, and where it is kept; a context manager that gives the lock back.

    `began` is when the work began, by `perf_counter`. `seen` says how much of the history belongs to the session; None:
    it is at its start, and not saved yet. `warnings` are of what is risky in the config, `notes` say what became of the
    data, and `notices` what a person should know of a run that is resumed.
    """

    session: Session
    directory: RunDirectory
    lock: Lock
    began: float
    seen: dict[str, Any] | None = None
    warnings: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    def __enter__(self) -> "OpenRun":
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def create_run(assembly: Assembly, path: str | Path | None, began: float, *, strict: bool = False) -> OpenRun:
    """Begin a new run in a directory of its own.

    Args:
        assembly: the model and the data.
        path: of the directory, new or empty; default `runs/NAME-001` with the next free number.
        began: when the work began, by `perf_counter`.
        strict: whether what is risky in the config is an error.

    Raises:
        ConfigError: the config makes no sense, or cannot be tracked as it says; nothing was written.
        InputError: there is something at the path already.
        StorageError: there is no room for the run, or its directory cannot be made.
    """
    warnings = require_sense(assembly, strict=strict)
    require_trackers(assembly.config)
    session = begin(assembly)
    wanted = Path(path) if path is not None else None
    require_disk_space(wanted or ROOT, session)
    directory, lock = create_directory(session.model.experiment, session.environment, wanted)
    return OpenRun(session, directory, lock, began, warnings=warnings, notes=assembly.notes)
