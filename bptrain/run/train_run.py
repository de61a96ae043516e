"""Training a run: the loop trains the session, and the results are saved in the run directory."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from math import inf, isfinite
from pathlib import Path
from shlex import quote
from time import perf_counter
from typing import Any

import numpy as np

from bptrain.errors import DivergedError, Problem, StoppedError
from bptrain.interruption import Interruption
from bptrain.model.model import Weights
from bptrain.model.scoring import Score, score
from bptrain.needs import format_code_options
from bptrain.nn.network import limit_threads
from bptrain.run.checkpoint import save_best
from bptrain.run.history import History
from bptrain.run.keeper import Keeper
from bptrain.run.open_run import OpenRun
from bptrain.run.outcome import record_outcome
from bptrain.run.ruler import Ruler, measure_ruler
from bptrain.run.trackers import TensorBoard
from bptrain.training import loop
from bptrain.training.events import Event, Notice
from bptrain.training.loop import Budget
from bptrain.training.session import Best, Session


@dataclass(frozen=True)
class Started:
    """The event before the first step: the session, its run directory, and the warnings about the config."""

    session: Session
    run: Path
    warnings: tuple[Problem, ...] = ()


Sink = Callable[[Started | Event], None]


@dataclass(frozen=True)
class Result:
    """The result of a run; `to_json` returns what `bptrain train --json` prints."""

    run: Path
    checkpoint: Path
    epochs: int
    steps: int
    seconds: float
    stopped: str
    best: Best
    test: Score | None
    session: Session
    warnings: tuple[Problem, ...] = ()
    ruler: Ruler | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the keys that scripts may rely on."""
        return {
            "run": str(self.run),
            "checkpoint": str(self.checkpoint),
            "epochs": self.epochs,
            "steps": self.steps,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "best": {"epoch": self.best.epoch, **self.best.score.to_json()},
            "test": self.test.to_json() if self.test else None,
            "ruler": self.ruler.to_json() if self.ruler else None,
        }


def train_run(
    run: OpenRun, sinks: Sequence[Sink] = (), interruption: Interruption | None = None, *, pause: float = inf
) -> Result:
    """Train an open run until it ends or is interrupted; a finished one is not changed.

    Args:
        run: new or reopened.
        sinks: called with a `Notice` for each of the run's notices, with `Started`, with a `Notice` for each note about
            the data, and then with every event of the loop.
        interruption: checked after each step; None: nothing interrupts training.
        pause: the step after which to stop as if interrupted.

    Returns:
        The result of the whole run. The network in `session` has the best weights.

    Raises:
        DivergedError: a number was not finite; the run directory has the last state before that.
        StorageError: the run could not be written.
        StoppedError: it was interrupted; it can be resumed.
    """
    session, training = run.session, run.session.model.experiment.training
    for notice in run.notices:
        send(sinks, Notice(notice))
    if session.is_finished:
        send(sinks, Notice(describe_end(run), warning=False))
        if session.best is not None and not run.directory.best.is_file():
            save_best(run.directory.best, session)
        return finish_run(run, session.stopped)
    interruption = interruption or Interruption()
    deadline = perf_counter() + (training.max_seconds or inf)
    budget = Budget(interruption, training.max_steps or inf, deadline, pause)
    with record_outcome(run.directory, run.began) as outcome:
        run_loop(run, sinks, budget)
        if interruption.signal is not None or budget.paused == "interruption":
            where = f" at step {session.steps_done} ({describe_epoch(session)})"
            raise StoppedError(interruption.signal or 0, f"{where}; resume it with: {build_resume_command(run)}")
        result = finish_run(run, budget.paused or session.stopped)
        outcome.state, outcome.why = "stopped" if budget.paused else "finished", result.stopped
        document = result.to_json()
        outcome.best, outcome.test, outcome.ruler = (document[key] for key in ("best", "test", "ruler"))
        return result


def run_loop(run: OpenRun, sinks: Sequence[Sink], budget: Budget) -> None:
    """Train a session until its budget is used up, writing history and checkpoints; see `train_run`."""
    session, history = run.session, History(run.directory.history, run.seen)
    # Overflow is detected in the loss and reported once, not by NumPy at every step.
    with (
        closing(history),
        budget.interruption.watch(),
        np.errstate(all="ignore"),
        limit_threads(session.model.network, session.batch_size),
        ExitStack() as trackers,
    ):
        keeper = Keeper(run.directory, session, history, budget)
        if run.seen is None:
            keeper.save()
        if history.notice:
            send(sinks, Notice(history.notice))
        if session.model.experiment.training.log.tensorboard:
            board = trackers.enter_context(closing(TensorBoard(run.directory)))
            sinks = [board, *sinks]
        send(sinks, Started(session, run.directory.path, run.warnings))
        for note in run.notes:
            send(sinks, Notice(note, warning=False))
        try:
            for event in loop.train(session, budget):
                keeper(event)
                send(sinks, event)
            keeper.save()
        except BaseException:
            keeper.rescue()
            raise


def finish_run(run: OpenRun, stopped: str | None) -> Result:
    """Put the best weights into the network, compute the test score, and return the result.

    Raises:
        DivergedError: training ended before there were any weights to save.
        StorageError: the best weights could not be written.
    """
    session, directory = run.session, run.directory
    if session.position:
        # Training stopped inside an epoch, and the present weights may be the best so far.
        with session.use_average():
            seen = score(session.model, session.held_out)
        best = session.best
        if isfinite(seen.loss) and (best is None or seen.loss < best.score.loss or "validation" not in session.splits):
            session.keep_best(seen, session.epoch + 1)
            save_best(directory.best, session)
    best = session.best
    if best is None or stopped is None:
        raise DivergedError("training diverged: the loss is not finite; try a smaller learning rate")
    network = session.model.network
    network.theta[...], network.state[...] = best.theta, best.state
    if session.members:
        members = (*session.members, Weights(best.theta, best.state))
        session.model = replace(session.model, members=members)
        if "validation" in session.splits:
            best = replace(best, score=score(session.model, session.splits["validation"]))
    test = score(session.model, session.splits["test"]) if "test" in session.splits else None
    seconds = perf_counter() - run.began
    return Result(
        directory.path,
        directory.best,
        session.epoch,
        session.steps_done,
        seconds,
        stopped,
        best,
        test,
        session,
        run.warnings,
        measure_ruler(session, best, test, stopped),
    )


def describe_end(run: OpenRun) -> str:
    """Return why a run is finished, and the command that trains it longer where there is one."""
    session, training = run.session, run.session.model.experiment.training
    finished = f"{run.directory.path} is finished"
    if session.members:
        return f"{finished}: its {len(session.members) + 1} networks are trained"
    if session.found:
        return f"{finished}: it was trained anew for {session.epoch} epochs, the number that it found"
    if session.stopped == "epochs":
        longer = f"{build_resume_command(run)} training.epochs={2 * training.epochs}"
        return f"{finished}: all {training.epochs} epochs are done; to train longer: {longer}"
    if session.stopped == "max_steps":
        longer = f"{build_resume_command(run)} training.max_steps={2 * (training.max_steps or 1)}"
        return f"{finished}: all {training.max_steps} steps are done; to train longer: {longer}"
    return f"{finished}: {session.stopped} ended it after epoch {session.epoch}"


def describe_epoch(session: Session) -> str:
    """Return the epoch that training is in, with its phase if there are several: `fold 2, epoch 7`."""
    return f"{session.phase_label}epoch {min(session.epoch + 1, session.most_epochs)}"


def build_resume_command(run: OpenRun) -> str:
    """Return the command line that resumes a run."""
    return f"bptrain resume {quote(str(run.directory.path))}{format_code_options(run.session.model.experiment)}"


def send(sinks: Sequence[Sink], event: "Started | Event") -> None:
    """Send an event to every sink."""
    for sink in sinks:
        sink(event)
