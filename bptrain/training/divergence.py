"""Divergence: what to say of numbers that are no longer finite: where, when, on which rows, and what helps."""

from collections.abc import Iterator

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import DivergedError
from bptrain.model.objective import Batch
from bptrain.nn import Frame
from bptrain.registry import name_of
from bptrain.training.session import Session

FAR = 100.0
"""An input beyond this is far from what scaling leaves, and a likely cause."""

MOST_ROWS = 8


def divergence_error(
    session: Session, what: str, step: int, batch: Batch | None = None, chosen: Array | None = None
) -> DivergedError:
    """Return the error for numbers that are not finite.

    Args:
        session: as it stands.
        what: was seen not to be finite.
        step: in which it was seen.
        batch: of that step, filled; None where it was seen outside a step.
        chosen: the rows of the batch among those that train.
    """
    place = find_layer(session, batch)
    moment = f"at step {step} (epoch {session.epoch + 1}, learning rate {session.lr:g})"
    text = f"training diverged: {what}, first in layer {place} {moment}"
    if batch is None or chosen is None:
        return DivergedError(f"{text}; {advice(session, 0.0)}")
    size = np.abs(batch.input.reshape(len(chosen), -1))
    row, column = np.unravel_index(int(np.argmax(size)), size.shape)
    largest, numbers = float(size[row, column]), session.train.numbers
    rows = (chosen if numbers is None else numbers[chosen]) + 1
    more = f" and {len(rows) - MOST_ROWS} more" if len(rows) > MOST_ROWS else ""
    some = ", ".join(map(str, rows[:MOST_ROWS])) + more
    name = session.model.columns.outputs[column]
    seen = f"the batch has the data rows {some}; its largest input is {largest:.3g} ({name} of row {rows[row]})"
    return DivergedError(f"{text}; {seen}; {advice(session, largest)}")


def find_layer(session: Session, batch: Batch | None) -> str:
    """Return the layer where it began: the first whose output is not finite, or else the last whose parameters are not,
    or else the last of all, whose scores the loss is of."""
    chain, entries = session.model.network.chain, session.model.network.entries
    if batch is not None:
        place = next(find_unbounded(batch.frame, chain.names), None)
        if place:
            return place
    theta = session.model.network.theta
    bad = [entry.name for entry in entries if not np.isfinite(theta[entry.slice]).all()]
    candidates = (name for name in reversed(chain.names) if any(one.startswith(f"{name}.") for one in bad))
    return next(candidates, chain.names[-1])


def find_unbounded(frame: Frame, names: tuple[str, ...]) -> Iterator[str]:
    """Return the layers whose outputs are not finite, from the input on."""
    return (name for name, step in zip(names, frame.steps, strict=True) if not np.isfinite(step.y).all())


def advice(session: Session, largest: float) -> str:
    """The likely cause, and what to try."""
    experiment = session.model.experiment
    optimizer = experiment.optimizer
    # A tenth of a rate that is absurd is absurd too.
    rate = min(optimizer.lr / 10, optimizer.usual_lr[1])
    slower = f"a smaller learning rate, such as optimizer.{name_of(optimizer)}.lr={rate:g}"
    if largest > FAR:
        scaling = name_of(experiment.data.scaling)
        cause = "that input is far from the others" if scaling != "none" else "the inputs are not scaled"
        remedy = "look at that row" if scaling != "none" else "data.scaling=standard"
        return f"the likely cause: {cause}; try {remedy}, or {slower}"
    clipping = "" if experiment.training.clipping else ", or training.clipping={norm: 1}"
    return f"the likely cause: steps that are too long; try {slower}{clipping}"
