"""Running: from a config file to a trained model in a run directory."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from shlex import quote
from time import perf_counter
from typing import Any

import numpy as np

from bptrain.errors import DivergedError, Problem, StoppedError
from bptrain.interruption import Interruption
from bptrain.model.assemble import Assembly, prepare
from bptrain.model.scoring import Score, score
from bptrain.needs import code_options
from bptrain.nn.threads import threads_for
from bptrain.rules import require_sense
from bptrain.run.checkpoint import save_best
from bptrain.run.directory import ROOT, RunDirectory, create
from bptrain.run.history import History
from bptrain.run.keeper import Keeper, refuse_no_room
from bptrain.run.lock import Lock
from bptrain.run.outcome import noted
from bptrain.run.trackers import TensorBoard, require_trackers
from bptrain.training import loop
from bptrain.training.budget import Budget
from bptrain.training.session import Best, Session, begin


@dataclass(frozen=True)
class Started:
    """Before the first step: the session, where it is kept, and what is risky in the config."""

    session: Session
    run: Path
    warnings: tuple[Problem, ...] = ()


Sink = Callable[[Started | loop.Event], None]


@dataclass(frozen=True)
class Result:
    """What a run came to: `to_json` gives what `bptrain train --json` prints."""

    run: Path
    checkpoint: Path
    epochs: int
    steps: int
    seconds: float
    stopped: str
    best: Best
    test: Score | None
    session: Session

    def to_json(self) -> dict[str, Any]:
        """The keys that scripts may rely on."""
        return {
            "run": str(self.run),
            "checkpoint": str(self.checkpoint),
            "epochs": self.epochs,
            "steps": self.steps,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "best": {"epoch": self.best.epoch, **self.best.score.to_json()},
            "test": self.test.to_json() if self.test else None,
        }


def train(
    config: str | Path,
    overrides: Sequence[str] = (),
    *,
    run: str | Path | None = None,
    strict: bool = False,
    sinks: Sequence[Sink] = (),
    interruption: Interruption | None = None,
    code: Sequence[str | Path] = (),
) -> Result:
    """Train the network of a config, keeping the run in a directory of its own.

    Args:
        config: a YAML file.
        overrides: `KEY=VALUE` each, put over the file.
        run: the run directory, new or empty; default `runs/NAME-001` with the next free number.
        strict: whether what is risky in the config is an error; otherwise sinks get it as warnings with `Started`.
        sinks: are called with `Started`, with `Notice` for what became of the data, and then every event of the loop.
        interruption: is looked at between two steps; None: training goes on to its end.
        code: Python files that register components which the config names.

    Returns:
        What came of it. The network in `session` has the best weights.

    Raises:
        InputError: the code, the config or the data cannot be used, or make no sense together; nothing was written.
        DivergedError: a number was not finite; the run directory has what was good before.
        StorageError: the run could not be written.
        StoppedError: it was interrupted; `resume` goes on with it.
    """
    began = perf_counter()
    new = opened(prepare(config, overrides, code), run, strict=strict)
    with new.lock:
        notes, warnings = new.notes, new.warnings
        return carry_out(new.session, new.run, None, sinks, interruption, warnings=warnings, notes=notes, began=began)


@dataclass(frozen=True)
class Opening:
    """A session at its start, its new run directory with the lock of that, what is risky in its config, and what is to
    be said of its data."""

    session: Session
    run: RunDirectory
    lock: Lock
    warnings: tuple[Problem, ...]
    notes: tuple[str, ...]


def opened(assembly: Assembly, run: str | Path | None, *, strict: bool = False) -> Opening:
    """Begin a new run.

    Raises:
        ConfigError: the config makes no sense, or cannot be tracked as it says; nothing was written.
        StorageError: there is no room for the run.
    """
    warnings = require_sense(assembly, strict=strict)
    require_trackers(assembly.config)
    session = begin(assembly)
    wanted = Path(run) if run is not None else None
    refuse_no_room(wanted or ROOT, session)
    return Opening(session, *create(session.model.experiment, session.environment, wanted), warnings, assembly.notes)


def carry_out(
    session: Session,
    run: RunDirectory,
    seen: dict[str, Any] | None,
    sinks: Sequence[Sink],
    interruption: Interruption | None = None,
    *,
    warnings: tuple[Problem, ...] = (),
    notes: tuple[str, ...] = (),
    pause: float = inf,
    began: float,
) -> Result:
    """Train a session to its end, or until something comes between.

    Args:
        session: at its start, or restored.
        run: its directory, which nobody else writes to.
        seen: how much of the history belongs to the session; None: it is at its start, and not saved yet.
        sinks: are called with `Started` and then with every event of the loop.
        interruption: is looked at between two steps.
        warnings: of what is risky, for `Started`.
        notes: on the data, said after it.
        pause: a step after which to stop as if interrupted.
        began: when the work was begun, by `perf_counter`.

    Raises:
        DivergedError: a number was not finite.
        StorageError: the run could not be written.
        StoppedError: it was interrupted.
    """
    training, interruption = session.model.experiment.training, interruption or Interruption()
    deadline = perf_counter() + (training.max_seconds or inf)
    budget = Budget(interruption, training.max_steps or inf, deadline, pause)
    with noted(run, began) as note:
        go_through(session, run, seen, sinks, budget, warnings, notes)
        if interruption.signal is not None or budget.paused == "interruption":
            where = f" at step {session.step} (epoch {min(session.epoch + 1, training.epochs)})"
            needed = code_options(session.model.experiment)
            rest = f"{where}; go on with: bptrain resume {quote(str(run.path))}{needed}"
            raise StoppedError(interruption.signal or 0, rest)
        result = outcome(session, run, began, budget.paused or session.stopped)
        note.state, note.why = "stopped" if budget.paused else "finished", result.stopped
        said = result.to_json()
        note.best, note.test = said["best"], said["test"]
        return result


def go_through(
    session: Session,
    run: RunDirectory,
    seen: dict[str, Any] | None,
    sinks: Sequence[Sink],
    budget: Budget,
    warnings: tuple[Problem, ...],
    notes: tuple[str, ...],
) -> None:
    """Train a session as long as its budget lasts, and keep what it comes to; see `carry_out`."""
    history = History(run.history, seen)
    # Overflow is found in the loss and said once, not by NumPy at every step.
    with (
        closing(history),
        budget.interruption.watched(),
        np.errstate(all="ignore"),
        threads_for(session.model.network, session.batch_size),
        ExitStack() as trackers,
    ):
        keeper = Keeper(run, session, history, budget)
        if seen is None:
            keeper.save()
        if history.notice:
            tell(sinks, loop.Notice(history.notice))
        if session.model.experiment.training.log.tensorboard:
            board = trackers.enter_context(closing(TensorBoard(run)))
            sinks = [board, *sinks]
        tell(sinks, Started(session, run.path, warnings))
        for note in notes:
            tell(sinks, loop.Notice(note, warning=False))
        try:
            for event in loop.train(session, budget):
                keeper(event)
                tell(sinks, event)
            keeper.save()
        except BaseException:
            keeper.rescue()
            raise


def outcome(session: Session, run: RunDirectory, began: float, stopped: str | None) -> Result:
    """What a session came to; its network gets the best weights.

    Raises:
        DivergedError: it ended before there was anything to keep.
        StorageError: the best weights could not be written.
    """
    if session.position:
        # Left inside an epoch, whose weights may be the best of all.
        with session.averaged():
            seen = score(session.model, session.held_out)
        best = session.best
        if isfinite(seen.loss) and (best is None or seen.loss < best.score.loss or "validation" not in session.parts):
            session.keep_best(seen, session.epoch + 1)
            save_best(run.best, session)
    best = session.best
    if best is None or stopped is None:
        raise DivergedError("training diverged: the loss is not finite; try a smaller learning rate")
    network = session.model.network
    network.theta[...], network.state[...] = best.theta, best.state
    test = score(session.model, session.parts["test"]) if "test" in session.parts else None
    seconds = perf_counter() - began
    return Result(run.path, run.best, session.epoch, session.step, seconds, stopped, best, test, session)


def tell(sinks: Sequence[Sink], event: "Started | loop.Event") -> None:
    """Hand an event to every sink."""
    for sink in sinks:
        sink(event)
