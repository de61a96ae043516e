"""The training loop: a generator that trains, and yields what a person or a file may want to know.

Between events nothing is made that lasts: a step is a gather, a forward and a backward pass, and an update, all in
arrays that exist already. `Progress` comes at most every tenth of a second, `EpochEnd` after each epoch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from time import perf_counter

import numpy as np

from bptrain.errors import DivergedError
from bptrain.registry import name_of
from bptrain.training.scoring import Score, score
from bptrain.training.session import Record, Session

TICK = 0.1
"""Seconds between two reports of progress inside an epoch."""


@dataclass(frozen=True)
class Progress:
    """Inside an epoch: its number, the rows it has seen, and their mean loss."""

    epoch: int
    rows: int
    loss: float


@dataclass(frozen=True)
class EpochEnd:
    """After an epoch: its record, as it goes into the history, and whether its weights are the best so far."""

    record: Record
    best: bool


Event = Progress | EpochEnd


def train(session: Session) -> Iterator[Event]:
    """Train until the session says why it stopped.

    Raises:
        DivergedError: a loss or a parameter is not finite; the message names the step.
    """
    while session.stopped is None:
        yield from pass_over_rows(session)
        yield finish_epoch(session)


def pass_over_rows(session: Session) -> Iterator[Progress]:
    """The steps of one epoch, from where the session stands."""
    model, rows, count = session.model, session.train, len(session.train)
    network, objective, optimizer = model.network, model.objective, model.experiment.optimizer
    if session.position == 0 and session.batch_size < count:
        session.order = model.streams.shuffle.permutation(count)
    due = perf_counter() + TICK
    while session.position < count:
        chosen = session.order[session.position : session.position + session.batch_size]
        batch = objective.batch(len(chosen))
        batch.fill(rows.inputs, rows.targets, chosen)
        loss = objective.value_and_grad(batch)
        lr = session.learning_rate()
        if not isfinite(loss):
            raise diverged(session, f"the loss is {loss}", lr, session.step + 1)
        session.step += 1
        optimizer.update(network.theta, network.grad, session.slots, lr=lr, step=session.step)
        session.position += len(chosen)
        session.loss_sum += loss * len(chosen)
        if perf_counter() >= due:
            yield Progress(session.epoch + 1, session.position, session.loss_sum / session.position)
            due = perf_counter() + TICK


def finish_epoch(session: Session) -> EpochEnd:
    """Close the books of an epoch: score, remember the best, decide whether to stop."""
    model = session.model
    lr = session.learning_rate()
    loss = session.loss_sum / session.position
    if not np.isfinite(model.network.theta).all():
        raise diverged(session, "a parameter is not finite", lr, session.step)
    held_out = "validation" if "validation" in session.parts else "train"
    seen = score(model, session.parts[held_out])
    penalty = float(model.objective.penalty())
    if not isfinite(seen.loss + penalty):
        what = f"the {held_out} loss is {seen.loss}" if isfinite(penalty) else f"the penalty is {penalty}"
        raise diverged(session, what, lr, session.step)
    session.epoch += 1
    session.position, session.loss_sum = 0, 0.0
    record: Record = {"epoch": session.epoch, "step": session.step, "lr": lr, "loss": loss}
    if model.objective.regularization.active:
        record["penalty"] = penalty
    prefix = "validation_" if held_out == "validation" else ""
    record |= {"validation_loss": seen.loss} if prefix else {}
    record |= {f"{prefix}{name}": value for name, value in seen.metrics.items()}
    improved = keep_if_best(session, seen, held_out == "validation")
    decide(session, loss + penalty)
    return EpochEnd(record, improved)


def keep_if_best(session: Session, seen: Score, held_out: bool) -> bool:
    """Keep the weights if their validation loss is the lowest so far, or in any case where nothing is held out."""
    stopping = session.model.experiment.training.early_stopping
    margin = stopping.min_delta if stopping else 0.0
    improved = session.best is None or not held_out or seen.loss < session.best.score.loss - margin
    if improved:
        session.keep_best(seen)
    session.waited = 0 if improved else session.waited + 1
    return improved


def decide(session: Session, objective: float) -> None:
    """Say in the session whether to stop, and why."""
    training = session.model.experiment.training
    if training.convergence:
        session.recent = [*session.recent, objective][-training.convergence.patience - 1 :]
        full = len(session.recent) > training.convergence.patience
        if full and max(session.recent) - min(session.recent) <= training.convergence.tolerance:
            session.stopped = "convergence"
    if training.early_stopping and session.waited >= training.early_stopping.patience:
        session.stopped = "early_stopping"
    elif session.stopped is None and session.epoch >= training.epochs:
        session.stopped = "epochs"


def diverged(session: Session, what: str, lr: float, step: int) -> DivergedError:
    """The error for numbers that are not finite, met at a step of the epoch that is going on."""
    name = name_of(session.model.experiment.optimizer)
    return DivergedError(
        f"training diverged: {what} at step {step} (epoch {session.epoch + 1}, learning rate {lr:g}); "
        f"try a smaller learning rate, such as optimizer.{name}.lr={session.model.experiment.optimizer.lr / 10:g}"
    )
