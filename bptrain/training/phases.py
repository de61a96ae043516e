"""Going from one phase of training to the next; each begins with the same weights and random numbers."""

from dataclasses import fields

from bptrain.arrays import Streams
from bptrain.training.counters import Counters
from bptrain.training.session import Session, enter_phase

KEPT = ("phase", "found", "steps_before", "warned")
"""The counters that go on over all phases."""


def begin_next_phase(session: Session) -> str:
    """Begin the next phase, from the weights and random numbers that all phases begin with.

    Returns:
        What the phase that ended has found, in a line.
    """
    model, best, name = session.model, session.best, session.phases[session.phase]
    assert best is not None
    session.found.append({"epoch": best.epoch, **best.score.to_json()})
    session.steps_before += session.step
    fresh = Counters()
    for one in fields(Counters):
        if one.name not in KEPT:
            setattr(session, one.name, getattr(fresh, one.name))
    enter_phase(session, session.phase + 1)
    model.streams.restore(Streams(model.experiment.seed).state())
    network = model.network
    network.initialize()
    for slot in session.slots:
        slot.fill(0)
    model.experiment.optimizer.start(session.slots)
    if session.average is not None:
        session.average[...] = network.theta
    if session.gathered is not None:
        session.gathered.fill(0)
    session.best, session.good = None, None
    if model.experiment.training.on_divergence == "restore_and_halve":
        session.mark_good()
    what = f"{name}: lowest validation loss {best.score.loss:.4g} after epoch {best.epoch}"
    if session.is_last_phase:
        what += f"; training anew on {len(session.train):,} rows for {session.most_epochs} epochs"
    return what
