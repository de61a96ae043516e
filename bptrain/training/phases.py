"""Going from one phase of training to the next. Each begins anew, with the same weights and random numbers; only the
networks of an ensemble have their own."""

from dataclasses import fields

from bptrain.arrays import Streams
from bptrain.model.model import Weights
from bptrain.training.counters import Counters
from bptrain.training.session import Session, enter_phase

KEPT = ("phase", "found", "steps_before", "warned")
"""The counters that go on over all phases."""


def begin_next_phase(session: Session) -> str:
    """Begin the next phase, from new weights.

    Returns:
        What the phase that ended has found, in a line.
    """
    model, best, name = session.model, session.best, session.phases[session.phase]
    assert best is not None
    ended = session.splits
    session.found.append({"epoch": best.epoch, **best.score.to_json()})
    session.steps_before += session.step
    if session.phase >= session.searches:
        session.members.append(Weights(best.theta, best.state))
    fresh = Counters()
    for one in fields(Counters):
        if one.name not in KEPT:
            setattr(session, one.name, getattr(fresh, one.name))
    enter_phase(session, session.phase + 1)
    member = max(session.phase - session.searches, 0)
    model.streams.restore(Streams(model.experiment.seed, member).state())
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
    what = f"{name}: trained for {best.epoch} epochs"
    if "validation" in ended:
        what = f"{name}: lowest validation loss {best.score.loss:.4g} after epoch {best.epoch}"
    if session.phase == session.searches:
        what += f"; training anew on {len(session.train):,} rows for {session.most_epochs} epochs"
    return what
