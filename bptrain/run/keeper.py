"""The keeper: it receives all events of the loop, and writes the history and the checkpoints."""

import contextlib
import json
from math import inf
from pathlib import Path
from time import monotonic

from bptrain.errors import BptrainError, StorageError
from bptrain.run import npz
from bptrain.run.checkpoint import build_document, save_best, save_last
from bptrain.run.directory import RunDirectory
from bptrain.run.history import History
from bptrain.training.counters import Stop
from bptrain.training.events import EpochEnd, Event
from bptrain.training.loop import Budget
from bptrain.training.session import Session

EVERY_SECONDS = 30.0
"""The fewest seconds between two checkpoints, where the config sets no interval."""

SHARE = 0.035
"""The largest share of the time that checkpoints may take, where the config sets no interval."""


class Keeper:
    """Saves a run: its history, `last.npz` to resume from, and `best.npz` with the best weights.

    Args:
        run: the directory to write to.
        session: the session to save.
        history: the history to append to.
        budget: `report` is set to the step after which the loop must yield an event.
    """

    def __init__(self, run: RunDirectory, session: Session, history: History, budget: Budget) -> None:
        self.run = run
        self.session = session
        self.history = history
        self.budget = budget
        self.every = session.model.experiment.training.checkpoint
        self.saved_at = monotonic()
        self.saved_phase, self.saved_epoch = session.phase, session.epoch
        self.cost = 0.0
        self.saved_best = 0, 0
        self.saved: tuple[int, int, int, Stop | None, int, int] | None = None
        self._schedule_report()

    def __call__(self, event: Event) -> None:
        """Append a finished epoch to the history, and save when it is time."""
        if isinstance(event, EpochEnd):
            self.history.append(event.record)
        if self._is_due(isinstance(event, EpochEnd)):
            self.save()

    def save(self) -> None:
        """Write the session, and the best weights if they are new, unless nothing has changed since the last time."""
        session = self.session
        progress = (session.epoch, session.step, session.position, session.stopped, session.halvings, session.phase)
        if progress == self.saved:
            return
        began, best = monotonic(), session.best
        # At the end it is written again, because the config in it may have changed when the run was resumed.
        if best is not None and ((session.phase, best.epoch) != self.saved_best or session.stopped):
            save_best(self.run.best, session)
            self.saved_best = session.phase, best.epoch
        save_last(self.run.last, session, self.history.sync())
        self.saved, self.saved_at = progress, monotonic()
        self.saved_phase, self.saved_epoch = session.phase, session.epoch
        self.cost = self.saved_at - began
        self._schedule_report()

    def rescue(self) -> None:
        """Write the best weights so far when another error ends the run; errors here are ignored."""
        best = self.session.best
        if best is not None and (self.session.phase, best.epoch) != self.saved_best:
            with contextlib.suppress(BptrainError):
                save_best(self.run.best, self.session)

    def _is_due(self, ended: bool) -> bool:
        """Tell whether it is time to save; `ended` says that an epoch has just ended."""
        session, every = self.session, self.every
        passed = monotonic() - self.saved_at
        if session.stopped:
            return False
        if every.every_epochs is every.every_steps is every.every_seconds is None:
            return ended and passed >= max(EVERY_SECONDS, self.cost / SHARE)
        epochs, steps, seconds = every.every_epochs or inf, self.budget.report, every.every_seconds or inf
        since = session.epoch - (self.saved_epoch if session.phase == self.saved_phase else 0)
        return since >= epochs or session.steps_done >= steps or passed >= seconds

    def _schedule_report(self) -> None:
        """Set the next step after which the loop must yield an event, if the config sets an interval in steps."""
        if steps := self.every.every_steps:
            self.budget.report = (self.session.steps_done // steps + 1) * steps


def require_disk_space(folder: Path, session: Session) -> None:
    """Require enough space for the checkpoints of a run before it starts.

    Args:
        folder: where the checkpoints will be.
        session: a new or a resumed one.

    Raises:
        StorageError: the checkpoints do not fit, with the one being written while the older ones still exist.
    """
    network = session.model.network
    weights = npz.estimate_size({"theta": network.theta, "state": network.state})
    text = len(json.dumps(build_document(session))) + 4096
    later = 0 if session.best else weights * (1 if session.average is None else 2)
    later += weights * (session.model.experiment.training.members - 1 - len(session.members))
    size = npz.estimate_size(session.get_arrays()) + later + text
    needed, free = 3 * size + 2 * (weights + text), npz.get_free_bytes(folder)
    if free < needed:
        what = f"the checkpoints of this run need {needed:,} bytes, and the disk has {free:,} free"
        raise StorageError(f"{folder}: {what}; free some, or choose a directory on another disk with --run DIR")
    if (limit := npz.get_file_limit()) < size:
        what = f"a checkpoint of this run needs {size:,} bytes, and the system limits a file to {limit:,}"
        raise StorageError(f"{folder}: {what}; raise the limit (ulimit -f)")
