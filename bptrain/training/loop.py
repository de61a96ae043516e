"""The training loop: a generator that trains, and yields what a person or a file may want to know.

Between events nothing is made that lasts: a step is a gather, a forward and a backward pass, and an update, all in
arrays that exist already; only rows of mapped tables are read into fresh bytes. `Progress` comes at most every tenth of
a second, `EpochEnd` after each epoch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from time import perf_counter

import numpy as np

from bptrain.arrays import is_finite
from bptrain.errors import DivergedError, StoppedError
from bptrain.model.objective import Batch
from bptrain.model.scoring import Score, score
from bptrain.optim import LineSearch
from bptrain.optim.chunked_update import update
from bptrain.training import health
from bptrain.training.budget import Budget
from bptrain.training.divergence import divergence_error
from bptrain.training.session import Record, Session, is_of_layer

TICK = 0.1
"""Seconds between two reports of progress inside an epoch."""

MOST_HALVINGS = 10
"""Of the learning rate after divergence, before training gives up."""


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

    @property
    def summary(self) -> Record:
        """The record without the figures of single layers, such as `dead.1.relu`."""
        return {name: value for name, value in self.record.items() if not is_of_layer(name)}


@dataclass(frozen=True)
class Notice:
    """Something that a person should know, in a line; a warning, unless it is as it should be."""

    message: str
    warning: bool = True


Event = Progress | EpochEnd | Notice


def train(session: Session, budget: Budget) -> Iterator[Event]:
    """Train until the session says why it stopped, or the budget why it paused.

    Whenever an event is yielded, the session is as it is to be saved; it may be left there and gone on with later.

    Raises:
        DivergedError: a loss or a parameter is not finite; the message names the step.
    """
    while session.stopped is None and budget.paused is None:
        try:
            yield from pass_over_rows(session, budget)
            if session.position < len(session.train) or budget.paused is not None:
                continue
            seen = score_epoch(session, budget)
            if seen is None:
                continue
            end = finish_epoch(session, seen, budget)
        except DivergedError as error:
            if session.good is None:
                raise
            if session.halvings >= MOST_HALVINGS:
                raise DivergedError(f"{error}; the learning rate has been halved {MOST_HALVINGS} times") from None
            session.go_back()
            what = str(error).partition(";")[0]
            yield Notice(f"{what}; back to the start of epoch {session.epoch + 1} at half the learning rate")
            continue
        for warning in health.warnings(session):
            yield Notice(warning)
        session.health = {}
        if session.good is not None:
            session.remember()
        yield end
        budget.paused = budget.reason_to_pause(session.step, perf_counter())


def pass_over_rows(session: Session, budget: Budget) -> Iterator[Progress]:
    """The steps of one epoch, from where the session stands, as long as the budget lasts."""
    model, rows = session.model, session.train
    objective, optimizer = model.objective, model.experiment.optimizer
    count, size, steps_per_epoch = len(rows), session.batch_size, session.steps_per_epoch
    if session.position == 0 and size < count:
        session.shuffle()
    due, look_at, interruption = perf_counter() + TICK, budget.look_at(), budget.interruption
    examine, rate = health.due(session), 0.5**session.halvings
    schedule, epochs = model.experiment.schedule, model.experiment.training.epochs
    while session.position < count:
        chosen = session.order[session.position : session.position + size]
        batch = objective.batch(len(chosen))
        rows.fill(batch, chosen)
        batch.augment()
        factor = schedule.factor(session.step / steps_per_epoch, epochs, session.memory)
        session.lr = optimizer.lr * factor * rate
        if isinstance(optimizer, LineSearch):
            loss, weight = search(session, optimizer, batch)
        else:
            loss, weight = objective.loss_and_grad(batch)
        if not isfinite(loss):
            raise divergence_error(session, f"the loss is {loss}", session.step + 1, batch, chosen)
        session.position += len(chosen)
        session.loss_sum += loss * weight
        session.weight_sum += weight
        finite = True
        if isinstance(optimizer, LineSearch):
            session.step += 1
            finite = is_finite(model.network.theta)
        elif gather(session, weight):
            measurement = health.Measurement(session) if examine and session.position == count else None
            finite = step(session)
            if measurement:
                measurement.finish()
        if not finite:
            raise divergence_error(session, "a parameter is not finite", session.step, batch, chosen)
        if perf_counter() >= due or session.step >= look_at or interruption.signal is not None:
            yield Progress(session.epoch + 1, session.position, session.loss_sum / (session.weight_sum or 1.0))
            if reason_to_leave(session, budget):
                return
            due, look_at = min(perf_counter() + TICK, budget.deadline), budget.look_at()


def reason_to_leave(session: Session, budget: Budget) -> bool:
    """Whether to leave an epoch at this step; the reason stands in the budget or in the session."""
    budget.paused = budget.reason_to_pause(session.step, perf_counter())
    if session.step >= budget.max_steps and session.position < len(session.train):
        session.stopped = "max_steps"
    return bool(budget.paused or session.stopped)


def gather(session: Session, weight: float) -> bool:
    """Add up the gradients of several batches where the config says so. Whether the gradient of a step is complete."""
    if session.gathered is None:
        return True
    grad, gathered = session.model.network.grad, session.gathered
    grad *= weight
    gathered += grad
    session.gathered_weight += weight
    session.gathered_batches += 1
    complete = session.gathered_batches == session.model.experiment.training.accumulate
    if not complete and session.position < len(session.train):
        return False
    np.divide(gathered, session.gathered_weight or 1.0, out=grad)
    gathered.fill(0)
    session.gathered_weight, session.gathered_batches = 0.0, 0
    return True


def step(session: Session) -> bool:
    """Change the parameters by the network's gradient: penalty, clipping, update, bound on norms, average.

    Returns:
        Whether all parameters were finite after the update.
    """
    model, network = session.model, session.model.network
    training = model.experiment.training
    model.objective.add_penalty_gradient()
    if training.clipping:
        session.clipped += training.clipping.clip(network.grad)
    session.step += 1
    finite = update(
        model.experiment.optimizer,
        network.theta,
        network.grad,
        session.slots,
        lr=session.lr,
        step=session.step,
        decayed=network.decayed.stop,
        team=network.team,
    )
    model.objective.constrain()
    if session.average is not None and training.average:
        # The gradient is used up, and serves as scratch.
        session.average *= training.average
        np.multiply(network.theta, 1 - training.average, out=network.grad)
        session.average += network.grad
    return finite


def search(session: Session, optimizer: LineSearch, batch: Batch) -> tuple[float, float]:
    """A step of an optimizer that asks for the objective itself. The loss before it, without penalty, and its
    weight."""
    objective, network = session.model.objective, session.model.network
    penalty, values = objective.penalty(), []
    state = network.state.copy()

    def evaluate() -> float:
        values.append(objective.value_and_grad(batch))
        if len(values) == 1:
            state[...] = network.state
        return values[-1]

    optimizer.advance(network.theta, network.grad, session.slots, evaluate, lr=session.lr, step=session.step + 1)
    # Running statistics move once a step, and not with every point that was tried.
    network.state[...] = state
    return values[0] - penalty, float(len(batch.input))


def score_epoch(session: Session, budget: Budget) -> Score | None:
    """Score the present weights on what is held out, or None if a request to stop came in between."""
    if not np.isfinite(session.model.network.theta).all():
        raise divergence_error(session, "a parameter is not finite", session.step)
    if not all(np.isfinite(slot).all() for slot in session.slots):
        raise divergence_error(session, "a gradient was too large for the optimizer's state", session.step)
    try:
        with session.averaged():
            return score(session.model, session.held_out, budget.interruption)
    except StoppedError:
        budget.paused = "interruption"
        return None


def finish_epoch(session: Session, seen: Score, budget: Budget) -> EpochEnd:
    """Close the books of an epoch: remember the best, decide whether to stop."""
    model, training = session.model, session.model.experiment.training
    loss = session.loss_sum / (session.weight_sum or 1.0)
    held_out = "validation" in session.splits
    penalty = float(model.objective.penalty())
    if not isfinite(seen.loss + penalty):
        name = "validation" if held_out else "train"
        what = f"the {name} loss is {seen.loss}" if isfinite(penalty) else f"the penalty is {penalty}"
        raise divergence_error(session, what, session.step)
    session.epoch += 1
    record: Record = {"epoch": session.epoch, "step": session.step, "lr": session.lr, "loss": loss}
    if model.objective.penalties:
        record["penalty"] = penalty
    if training.clipping:
        record["clipped"] = session.clipped / session.steps_per_epoch
    prefix = "validation_" if held_out else ""
    record |= {"validation_loss": seen.loss} if prefix else {}
    record |= {f"{prefix}{name}": value for name, value in seen.numbers.items()}
    record |= session.health
    session.position, session.loss_sum, session.weight_sum, session.clipped = 0, 0.0, 0.0, 0
    session.losses.append(seen.loss)
    session.memory = model.experiment.schedule.remember(session.losses)
    improved = keep_if_best(session, seen, held_out)
    decide(session, loss + penalty, budget)
    return EpochEnd(record, improved)


def keep_if_best(session: Session, seen: Score, held_out: bool) -> bool:
    """Keep the weights if their validation loss is the lowest so far, or in any case where nothing is held out."""
    stopping = session.model.experiment.training.early_stopping
    clearly = seen.loss < session.reference - (stopping.min_delta if stopping else 0.0)
    session.waited = 0 if clearly else session.waited + 1
    if clearly:
        session.reference = seen.loss
    improved = session.best is None or not held_out or seen.loss < session.best.score.loss
    if improved:
        session.keep_best(seen)
    return improved


def decide(session: Session, objective: float, budget: Budget) -> None:
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
    elif session.stopped is None and session.step >= budget.max_steps:
        session.stopped = "max_steps"
