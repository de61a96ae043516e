"""The keeper: the sink that writes history and checkpoints of a session into its run directory."""

import contextlib
import json
from math import inf
from pathlib import Path
from time import monotonic

from bptrain.errors import BptrainError, StorageError
from bptrain.run import npz
from bptrain.run.checkpoint import document, save_best, save_last
from bptrain.run.directory import RunDirectory
from bptrain.run.disk import longest_file, room
from bptrain.run.history import History
from bptrain.training.budget import Budget
from bptrain.training.counters import Stop
from bptrain.training.loop import EpochEnd, Event
from bptrain.training.session import Session

Mark = tuple[int, int, int, Stop | None, int]
"""How far a session has come: two that are alike have the same content."""

EVERY_SECONDS = 30.0
"""Between two checkpoints, where the config names no interval."""

SHARE = 0.035
"""Of the time, that checkpoints may take where the config names no interval."""


class Keeper:
    """Keeps a run: its history, `last.npz` to go on from, and `best.npz` to be used.

    Args:
        run: its directory.
        session: what is kept.
        history: to append to.
        budget: is told at which step to report.
    """

    def __init__(self, run: RunDirectory, session: Session, history: History, budget: Budget) -> None:
        self.run = run
        self.session = session
        self.history = history
        self.budget = budget
        self.every = session.model.experiment.training.checkpoint
        self.saved_at = monotonic()
        self.saved_epoch = session.epoch
        self.cost = 0.0
        self.best_epoch = 0
        self.saved: Mark | None = None
        self._look_ahead()

    def __call__(self, event: Event) -> None:
        """Append a finished epoch to the history, and save when it is time."""
        ended = isinstance(event, EpochEnd)
        if isinstance(event, EpochEnd):
            self.history.append(event.record)
        if self._due(ended):
            self.save()

    def save(self) -> None:
        """Write the checkpoints, unless nothing has happened since: the best weights if they are new, and the whole
        session."""
        session = self.session
        mark = (session.epoch, session.step, session.position, session.stopped, session.halvings)
        if mark == self.saved:
            return
        began, best = monotonic(), session.best
        # Where training ends the file is written again, since the config may have changed since.
        if best is not None and (best.epoch != self.best_epoch or session.stopped):
            save_best(self.run.best, session)
            self.best_epoch = best.epoch
        save_last(self.run.last, session, self.history.position())
        self.saved, self.saved_at, self.saved_epoch = mark, monotonic(), session.epoch
        self.cost = self.saved_at - began
        self._look_ahead()

    def rescue(self) -> None:
        """Write the best weights so far before an error ends the run; what already fails to be written is left."""
        best = self.session.best
        if best is not None and best.epoch != self.best_epoch:
            with contextlib.suppress(BptrainError):
                save_best(self.run.best, self.session)

    def _due(self, ended: bool) -> bool:
        """Whether to save now."""
        session, every = self.session, self.every
        passed = monotonic() - self.saved_at
        if session.stopped:
            return False
        if every.every_epochs is every.every_steps is every.every_seconds is None:
            return ended and passed >= max(EVERY_SECONDS, self.cost / SHARE)
        epochs, steps, seconds = every.every_epochs or inf, self.budget.report, every.every_seconds or inf
        return session.epoch - self.saved_epoch >= epochs or session.step >= steps or passed >= seconds

    def _look_ahead(self) -> None:
        """Say when the loop is to report next, if it is at a certain step."""
        if steps := self.every.every_steps:
            self.budget.report = (self.session.step // steps + 1) * steps


def require_room(folder: Path, session: Session) -> None:
    """Refuse to begin what could not be saved.

    Args:
        folder: where the checkpoints will be.
        session: at its start, or where it is gone on with.

    Raises:
        StorageError: the checkpoints, with the one that is written while its predecessors are kept, do not fit.
    """
    network = session.model.network
    weights = npz.size({"theta": network.theta, "state": network.state})
    text = len(json.dumps(document(session))) + 4096
    later = 0 if session.best else weights * (1 if session.average is None else 2)
    whole = npz.size(session.arrays()) + later + text
    needed, free = 3 * whole + 2 * (weights + text), room(folder)
    if free < needed:
        what = f"the checkpoints of this run need {needed:,} bytes, and the disk has room for {free:,}"
        raise StorageError(f"{folder}: {what}; free some, or choose another place with --run DIR")
    if (longest := longest_file()) < whole:
        what = f"a checkpoint of this run needs {whole:,} bytes, and a file may have {longest:,}"
        raise StorageError(f"{folder}: {what}; raise the limit (ulimit -f)")
