"""The training loop: a generator that trains, and yields events for people and files.

A step gathers the rows of a batch, runs forward and backward, and updates the parameters, all in arrays that exist
already; only rows of tables mapped from a file are read into new memory. `Progress` is yielded at most every tenth of a
second, and `EpochEnd` after each epoch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf, isfinite
from time import perf_counter
from typing import Literal

import numpy as np

from bptrain.arrays import is_finite
from bptrain.errors import DivergedError, StoppedError
from bptrain.interruption import Interruption
from bptrain.model.objective import Batch
from bptrain.model.scoring import Score, score
from bptrain.optim import LineSearch
from bptrain.optim.optimizer import update_in_chunks
from bptrain.training import health
from bptrain.training.events import EpochEnd, Event, Notice, Progress, Record
from bptrain.training.phases import begin_next_phase
from bptrain.training.session import Session

TICK = 0.1
"""Seconds between two reports of progress inside an epoch."""

MOST_HALVINGS = 10
"""How often the learning rate is halved after divergence before training gives up."""

Pause = Literal["interruption", "max_seconds"]
"""Why training was paused before its end."""


@dataclass
class Budget:
    """What may end or interrupt training before all epochs are done; the loop checks it between two steps.

    After the step `report` the loop yields an event in any case; after the step `pause` it stops as if interrupted.
    `deadline` is a time of `perf_counter`. `paused` says why training was paused before its end.
    """

    interruption: Interruption = field(default_factory=Interruption)
    max_steps: float = inf
    deadline: float = inf
    pause: float = inf
    report: float = inf
    paused: Pause | None = None

    def find_next_step(self) -> float:
        """Return the next step after which the loop must report or stop."""
        return min(self.max_steps, self.pause, self.report)

    def pause_if_due(self, step: int) -> None:
        """Set `paused` if there is a reason to pause after a step."""
        if self.interruption.signal is not None or step >= self.pause:
            self.paused = "interruption"
        elif perf_counter() >= self.deadline:
            self.paused = "max_seconds"


def train(session: Session, budget: Budget) -> Iterator[Event]:
    """Train until `session.stopped` or `budget.paused` is set.

    Whenever an event is yielded, the session can be saved, and training can be continued from there later.

    Raises:
        DivergedError: a loss or a parameter is not finite; the message names the step.
    """
    while not session.is_finished and budget.paused is None:
        if session.stopped is not None:
            yield Notice(begin_next_phase(session), warning=False)
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
        for warning in health.collect_warnings(session):
            yield Notice(warning)
        session.health = {}
        if session.good is not None:
            session.mark_good()
        yield end
        budget.pause_if_due(session.steps_done)


def pass_over_rows(session: Session, budget: Budget) -> Iterator[Progress]:
    """Take the steps of one epoch, from the position of the session on, until the budget ends it."""
    model, rows = session.model, session.train
    objective, optimizer = model.objective, model.experiment.optimizer
    count, size, steps_per_epoch = len(rows), session.batch_size, session.steps_per_epoch
    if session.position == 0 and size < count:
        session.shuffle()
    due, next_step, interruption = perf_counter() + TICK, budget.find_next_step(), budget.interruption
    examine, rate = health.is_due(session), 0.5**session.halvings
    schedule, epochs = model.experiment.schedule, model.experiment.training.epochs
    least = model.network.chain.least_rows
    while session.position < count:
        end = session.position + size
        chosen = session.order[session.position : end if count - end >= least else count]
        batch = objective.batch(len(chosen))
        rows.fill(batch, chosen)
        batch.augment()
        factor = schedule.factor(session.step / steps_per_epoch, epochs, session.memory)
        session.lr = optimizer.lr * factor * rate
        if isinstance(optimizer, LineSearch):
            loss, weight = run_line_search(session, optimizer, batch)
        else:
            loss, weight = objective.loss_and_grad(batch)
        if not isfinite(loss):
            raise health.explain_divergence(session, f"the loss is {loss}", session.step + 1, batch, chosen)
        session.position += len(chosen)
        session.loss_sum += loss * weight
        session.weight_sum += weight
        finite = True
        if isinstance(optimizer, LineSearch):
            session.step += 1
            finite = is_finite(model.network.theta)
        elif gather_gradient(session, weight):
            measurement = health.Measurement(session) if examine and session.position == count else None
            finite = update_parameters(session)
            if measurement:
                measurement.finish()
        if not finite:
            raise health.explain_divergence(session, "a parameter is not finite", session.step, batch, chosen)
        if perf_counter() >= due or session.steps_done >= next_step or interruption.signal is not None:
            yield Progress(session.epoch + 1, session.position, session.loss_sum / (session.weight_sum or 1.0))
            budget.pause_if_due(session.steps_done)
            if session.step >= budget.max_steps and session.position < count:
                session.stopped = "max_steps"
            if budget.paused or session.stopped:
                return
            due, next_step = min(perf_counter() + TICK, budget.deadline), budget.find_next_step()


def gather_gradient(session: Session, weight: float) -> bool:
    """Add the gradient of a batch to those gathered so far, if the config accumulates several batches.

    Returns:
        Whether the network's gradient is now that of a whole step.
    """
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


def update_parameters(session: Session) -> bool:
    """Take a step with the network's gradient: penalty, clipping, update, bound on norms, average.

    Returns:
        Whether all parameters were finite after the update.
    """
    model, network = session.model, session.model.network
    training = model.experiment.training
    model.objective.add_penalty_gradient()
    if training.clipping:
        session.clipped += training.clipping.clip(network.grad)
    session.step += 1
    finite = update_in_chunks(
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
        # The gradient is no longer needed, and serves as scratch.
        session.average *= training.average
        np.multiply(network.theta, 1 - training.average, out=network.grad)
        session.average += network.grad
    return finite


def run_line_search(session: Session, optimizer: LineSearch, batch: Batch) -> tuple[float, float]:
    """Take a step of an optimizer that evaluates the objective itself.

    Returns:
        The loss before the step, without penalty, and its weight.
    """
    objective, network = session.model.objective, session.model.network
    penalty, values = objective.penalty(), []
    state = network.state.copy()

    def evaluate() -> float:
        values.append(objective.value_and_grad(batch))
        if len(values) == 1:
            state[...] = network.state
        return values[-1]

    optimizer.advance(network.theta, network.grad, session.slots, evaluate, lr=session.lr, step=session.step + 1)
    # Running statistics are updated once a step, and not with every point that was tried.
    network.state[...] = state
    return values[0] - penalty, float(len(batch.input))


def score_epoch(session: Session, budget: Budget) -> Score | None:
    """Score the present weights on the validation rows, or without any on the training rows.

    Returns:
        The score; None: a request to stop came first.
    """
    if not np.isfinite(session.model.network.theta).all():
        raise health.explain_divergence(session, "a parameter is not finite", session.step)
    if not all(np.isfinite(slot).all() for slot in session.slots):
        raise health.explain_divergence(session, "a gradient was too large for the optimizer's state", session.step)
    try:
        with session.use_average():
            return score(session.model, session.held_out, budget.interruption)
    except StoppedError:
        budget.paused = "interruption"
        return None


def finish_epoch(session: Session, seen: Score, budget: Budget) -> EpochEnd:
    """Finish an epoch: keep the best weights, decide whether to stop, and return the event with the record."""
    model, training = session.model, session.model.experiment.training
    loss = session.loss_sum / (session.weight_sum or 1.0)
    held_out = "validation" in session.splits
    penalty = float(model.objective.penalty())
    if not isfinite(seen.loss + penalty):
        name = "validation" if held_out else "train"
        what = f"the {name} loss is {seen.loss}" if isfinite(penalty) else f"the penalty is {penalty}"
        raise health.explain_divergence(session, what, session.step)
    session.epoch += 1
    record: Record = {"epoch": session.epoch, "step": session.steps_done, "lr": session.lr, "loss": loss}
    if len(session.phases) > 1:
        record = {"phase": session.phase + 1, **record}
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
    decide_stop(session, loss + penalty, budget)
    return EpochEnd(record, improved)


def keep_if_best(session: Session, seen: Score, held_out: bool) -> bool:
    """Keep the weights if their validation loss is the lowest so far, or if there are no validation rows.

    Returns:
        Whether they were kept.
    """
    stopping = session.model.experiment.training.early_stopping
    clearly = seen.loss < session.reference - (stopping.min_delta if stopping else 0.0)
    session.waited = 0 if clearly else session.waited + 1
    if clearly:
        session.reference = seen.loss
    improved = session.best is None or not held_out or seen.loss < session.best.score.loss
    if improved:
        session.keep_best(seen)
    return improved


def decide_stop(session: Session, objective: float, budget: Budget) -> None:
    """Set `session.stopped` if there is a reason to stop."""
    training = session.model.experiment.training
    if training.convergence:
        session.recent = [*session.recent, objective][-training.convergence.patience - 1 :]
        full = len(session.recent) > training.convergence.patience
        if full and max(session.recent) - min(session.recent) <= training.convergence.tolerance:
            session.stopped = "convergence"
    if training.early_stopping and not session.is_refit and session.waited >= training.early_stopping.patience:
        session.stopped = "early_stopping"
    elif session.stopped is None and session.epoch >= session.most_epochs:
        session.stopped = "epochs"
    elif session.stopped is None and session.step >= budget.max_steps:
        session.stopped = "max_steps"
