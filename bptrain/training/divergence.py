"""Divergence: an error for numbers that are no longer finite: where, when, on which rows, and what helps."""

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import DivergedError
from bptrain.model.objective import Batch
from bptrain.registry import name_of
from bptrain.training.session import Session

FAR = 100.0
"""A larger input is far from what scaling gives, and a likely cause."""

MOST_ROWS = 8


def explain_divergence(
    session: Session, what: str, step: int, batch: Batch | None = None, chosen: Array | None = None
) -> DivergedError:
    """Return the error for numbers that are not finite.

    Args:
        session: at that moment.
        what: is not finite.
        step: in which it was found.
        batch: of that step, filled; None: it was found outside a step.
        chosen: the indices of its rows among the training rows.
    """
    layer = find_layer(session, batch)
    moment = f"at step {step} (epoch {session.epoch + 1}, learning rate {session.lr:g})"
    text = f"training diverged: {what}, first in layer {layer} {moment}"
    if batch is None or chosen is None:
        return DivergedError(f"{text}; {advise(session, 0.0)}")
    size = np.abs(batch.input.reshape(len(chosen), -1))
    row, column = np.unravel_index(int(np.argmax(size)), size.shape)
    largest, numbers = float(size[row, column]), session.train.numbers
    rows = (chosen if numbers is None else numbers[chosen]) + 1
    more = f" and {len(rows) - MOST_ROWS} more" if len(rows) > MOST_ROWS else ""
    some = ", ".join(map(str, rows[:MOST_ROWS])) + more
    name = session.model.columns.outputs[column]
    seen = f"the batch has the data rows {some}; its largest input is {largest:.3g} ({name} of row {rows[row]})"
    return DivergedError(f"{text}; {seen}; {advise(session, largest)}")


def find_layer(session: Session, batch: Batch | None) -> str:
    """Return the layer where it began: the first whose output is not finite, or else the last whose parameters are not,
    or else the last of all, which computes the scores of the loss."""
    chain, entries = session.model.network.chain, session.model.network.entries
    if batch is not None:
        steps = zip(chain.names, batch.frame.steps, strict=True)
        if layer := next((name for name, step in steps if not np.isfinite(step.y).all()), None):
            return layer
    theta = session.model.network.theta
    bad = [entry.name for entry in entries if not np.isfinite(theta[entry.slice]).all()]
    candidates = (name for name in reversed(chain.names) if any(one.startswith(f"{name}.") for one in bad))
    return next(candidates, chain.names[-1])


def advise(session: Session, largest: float) -> str:
    """Return the likely cause, and what to try."""
    experiment = session.model.experiment
    optimizer = experiment.optimizer
    # A tenth of an absurd rate is absurd too.
    rate = min(optimizer.lr / 10, optimizer.usual_lr[1])
    slower = f"a smaller learning rate, such as optimizer.{name_of(optimizer)}.lr={rate:g}"
    if largest > FAR:
        scaled = name_of(experiment.data.scaling) != "none"
        cause = "that input is far from the others" if scaled else "the inputs are not scaled"
        remedy = "check that row" if scaled else "try data.scaling=standard"
        return f"the likely cause: {cause}; {remedy}, or try {slower}"
    clipping = "" if experiment.training.clipping else ", or training.clipping={norm: 1}"
    return f"the likely cause: the steps are too long; try {slower}{clipping}"
