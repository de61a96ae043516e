"""The replay: a config is trained up to the step to be explained, and this step is recorded."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np

from bptrain.errors import InputError
from bptrain.explanation.notation import MOST_DIGITS
from bptrain.explanation.recording import Pass, Recording, RecordingObjective
from bptrain.model.assemble import assemble_file
from bptrain.model.model import Rows
from bptrain.model.objective import Batch
from bptrain.model.read import Tables
from bptrain.nn.network import limit_threads
from bptrain.rules import check_rules
from bptrain.training import loop
from bptrain.training.loop import Budget
from bptrain.training.session import Session, begin


def record_step(
    config: str | Path,
    overrides: Sequence[str] = (),
    *,
    rows: Sequence[int] = (),
    step: int | None = None,
    digits: int = 6,
    code: Sequence[str | Path] = (),
    tables: Tables | None = None,
) -> Recording:
    """Return a recording of the step that `explain` shows; the other arguments are those of `explain`.

    Args:
        tables: tables that have been read already.

    Raises:
        InputError: as in `explain`.
        DivergedError: as in `explain`.
    """
    if rows and step is not None:
        raise InputError(
            "--step explains a step of training, --row and --rows rows of your choice; give only one of them"
        )
    if step is not None and step < 1:
        raise InputError(f"--step: steps count from 1 (got {step})")
    if not 1 <= digits <= MOST_DIGITS:
        raise InputError(f"--digits: expected a number from 1 to {MOST_DIGITS} (got {digits})")
    assembly = assemble_file(config, overrides, code, tables=tables)
    check_rules(assembly)
    session = begin(assembly)
    if rows:
        select_rows(session, rows)
    return record(session, step or 1)


def select_rows(session: Session, numbers: Sequence[int]) -> None:
    """Replace the data of a session by one batch of these rows of the table, counted from 1.

    Raises:
        InputError: there is no such row, or a layer needs more rows.
    """
    found = [find_row(session, number) for number in numbers]
    network, experiment = session.model.network, session.model.experiment
    needed = network.chain.least_rows
    if len(numbers) < needed:
        layer = network.chain.neediest_layer
        raise InputError(f"--rows: {layer} needs at least {needed} rows (got {len(numbers)}); name more")
    if len(numbers) > network.batch:
        raise InputError(f"--rows: expected at most {network.batch} rows (got {len(numbers)}); name fewer")
    inputs = np.array([split.inputs[k] for split, k in found])
    targets = np.array([split.targets[k] for split, k in found])
    weights = [split.weights[k] for split, k in found if split.weights is not None]
    session.splits = {"train": Rows(inputs, targets, np.array(numbers) - 1, np.array(weights) if weights else None)}
    training = replace(experiment.training, batch_size="full", accumulate=1)
    session.model = replace(session.model, experiment=replace(experiment, training=training))
    session.order, session.gathered = np.arange(len(numbers)), None


def find_row(session: Session, number: int) -> tuple[Rows, int]:
    """Return the split that contains a row of the table, counted from 1, and its index in the split.

    Raises:
        InputError: there is no such row.
    """
    last = 0
    for split in session.splits.values():
        numbers = np.arange(len(split)) if split.numbers is None else split.numbers
        (places,) = np.nonzero(numbers == number - 1)
        if len(places):
            return split, int(places[0])
        last = max(last, int(numbers.max(initial=-1)) + 1)
    what = f"the data has rows 1 to {last}" if not 1 <= number <= last else "it was dropped from the data"
    raise InputError(f"--row: there is no row {number} ({what}); choose another")


def record(session: Session, step: int) -> Recording:
    """Train up to the end of a step, and return a recording of that step.

    Raises:
        InputError: training ends before that step.
        DivergedError: a number is not finite.
    """
    model, training = session.model, session.model.experiment.training
    most = training.max_steps or inf
    with np.errstate(all="ignore"), limit_threads(model.network, session.batch_size):
        if step > 1:
            train_until(session, Budget(max_steps=most, pause=step - 1))
        recording = Recording(session)
        if session.step == step - 1:
            session.model = replace(model, objective=RecordingObjective(model.objective, recording, step))
            try:
                train_until(session, Budget(max_steps=most, pause=step))
            finally:
                session.model = model
        if session.step < step:
            what = f"training ends with step {session.step}; choose a step up to that"
            raise InputError(f"there is no step {step}: {what}")
        recording.step, recording.lr = session.step, session.lr
        recording.slots_after = tuple(slot.copy() for slot in session.slots)
        recording.theta_after = model.network.theta.copy()
        recording.average = None if session.average is None else session.average.copy()
        compute_new_loss(recording)
    return recording


def train_until(session: Session, budget: Budget) -> None:
    """Train until a budget is used up."""
    for _ in loop.train(session, budget):
        pass


def compute_new_loss(recording: Recording) -> None:
    """Fill in the loss of the same rows with the new weights, and with the same random numbers."""
    objective, total = recording.session.model.objective, 0.0
    for recorded in recording.batches:
        with refill_batch(recording, recorded) as batch:
            value, weight = objective.loss_value(batch, training=True)
        total += value * weight
    recording.new_loss = total / (sum(recorded.weight for recorded in recording.batches) or 1.0)
    recording.new_penalty = float(objective.penalty())


@contextmanager
def refill_batch(recording: Recording, recorded: Pass) -> Iterator[Batch]:
    """Yield the batch of a recorded pass, with the random streams and the state as they were before it; afterwards
    restore the network."""
    model, network = recording.session.model, recording.network
    theta, grad, state, streams = network.theta.copy(), network.grad.copy(), network.state.copy(), network.rng.state()
    batch = model.objective.batch(len(recorded.inputs))
    batch.fill(recorded.inputs, recorded.targets, np.arange(len(recorded.inputs)), recorded.weights)
    if batch.mixture is not None and recorded.others is not None:
        batch.mixture.share = recorded.share
        batch.mixture.targets[...] = recorded.others
    network.rng.restore(recorded.streams)
    network.state[...] = recorded.state
    try:
        yield batch
    finally:
        network.theta[...], network.grad[...], network.state[...] = theta, grad, state
        network.rng.restore(streams)
