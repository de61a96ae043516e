"""Recording: one step of training, watched while it happens. Every number in a worked example comes from here."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

import numpy as np

from bptrain.arrays import Array, RandomState
from bptrain.errors import InputError
from bptrain.model.encoded_rows import Rows
from bptrain.model.objective import Batch, Objective
from bptrain.nn import Frame, Network, Views, Workspace
from bptrain.nn.losses import Value
from bptrain.nn.observer import ObservedLayer, Passage, PassageObserver, observe, observe_layers
from bptrain.nn.threads import threads_for
from bptrain.training import loop
from bptrain.training.budget import Budget
from bptrain.training.session import Session


@dataclass
class Pass:
    """A batch on its way forward and backward, all arrays copied.

    `rows` are the numbers of its rows in the table, from 0; `passages` the layers by name, in forward order, those
    inside a layer before it; `letters` what the formulas of each layer call its other arrays, forward and backward.
    `dscores` is the loss's gradient by the scores. `streams` and `state` are those of the network before. `inputs` are
    as training augmented them; where it mixed rows, `share` is what each keeps of its own, and `others` are the targets
    of the rows mixed in.
    """

    rows: Array
    inputs: Array
    targets: Array
    weights: Array | None
    streams: dict[str, RandomState]
    state: Array
    share: float = 1.0
    others: Array | None = None
    loss: float = 0.0
    weight: float = 0.0
    scores: Array = field(default_factory=lambda: np.zeros(0))
    dscores: Array = field(default_factory=lambda: np.zeros(0))
    passages: dict[str, Passage] = field(default_factory=dict)
    letters: dict[tuple[str, str], dict[str, Array]] = field(default_factory=dict)


@dataclass
class Recording:
    """One step: its passes (several, where the gradients of several batches are gathered or a line search tries several
    points), and the vectors of the parameters on their way.

    `gradient` is that of the loss, `penalised` that with the penalty, `clipped` what the optimizer got; `theta` and
    `slots` before the update, `updated` and `slots_after` after it, `theta_after` after the bound on norms. `loss` is
    the mean over all rows of the step, `new_loss` that of the same rows with the new weights.
    """

    session: Session
    theta: Array = field(default_factory=lambda: np.zeros(0))
    slots: tuple[Array, ...] = ()
    penalty: float = 0.0
    passes: list[Pass] = field(default_factory=list)
    gradient: Array | None = None
    penalised: Array | None = None
    clipped: Array | None = None
    updated: Array | None = None
    slots_after: tuple[Array, ...] = ()
    theta_after: Array = field(default_factory=lambda: np.zeros(0))
    average: Array | None = None
    step: int = 0
    epochs_done: float = 0.0
    lr: float = 0.0
    new_loss: float = 0.0
    new_penalty: float = 0.0

    def begin(self) -> None:
        """Note where the step starts from."""
        session = self.session
        self.theta = self.network.theta.copy()
        self.slots = tuple(slot.copy() for slot in session.slots)
        self.penalty = float(session.model.objective.penalty())
        self.epochs_done = session.step / session.steps_per_epoch

    @property
    def network(self) -> Network:
        """The network that was trained."""
        return self.session.model.network

    @property
    def loss(self) -> float:
        """The mean loss of the rows of the step, without penalty."""
        weight = sum(one.weight for one in self.batches) or 1.0
        return sum(one.loss * one.weight for one in self.batches) / weight

    @property
    def batches(self) -> list[Pass]:
        """The passes over different rows; the points that a line search tries come after the first."""
        accumulate = self.session.model.experiment.training.accumulate
        return self.passes if accumulate > 1 else self.passes[:1]


class LetterObserver(PassageObserver):
    """Also copies what the formulas of a layer speak of."""

    def __init__(self, seen: Pass) -> None:
        super().__init__()
        self.seen = seen

    def note(self, observed: ObservedLayer, s: Workspace, label: str) -> None:
        """Copy the letters of a layer."""
        own = getattr(observed.layer, "letters", None)
        found = own(s, label) if own else {}
        self.seen.letters[observed.name, label] = {
            name: np.array(array) for name, array in found.items() if array is not None
        }

    def forward(self, observed: ObservedLayer, p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Copy x, y and the letters of the forward pass."""
        super().forward(observed, p, x, y, s)
        self.note(observed, s, "Forward:")

    def backward(
        self, observed: ObservedLayer, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace
    ) -> None:
        """Copy the gradients and the letters of the backward pass."""
        super().backward(observed, p, g, x, y, dy, dx, s)
        self.note(observed, s, "Backward:")


@dataclass(frozen=True)
class SeenFrame(Frame):
    """A frame that copies scores and their gradients before the backward pass uses them up."""

    seen: Pass

    def backward(self) -> None:
        """The backward pass."""
        self.seen.scores, self.seen.dscores = self.scores.copy(), self.dscores.copy()
        super().backward()


class SeenObjective(Objective):
    """The objective of a session, which does what it did and records it."""

    recording: Recording
    step: int
    halvings: int

    @classmethod
    def of(cls, objective: Objective, recording: Recording, step: int) -> "SeenObjective":
        """The same objective, with the same arrays; it records the step of that number."""
        seen = cls.__new__(cls)
        vars(seen).update(vars(objective))
        seen.recording, seen.step, seen.halvings = recording, step, recording.session.halvings
        return seen

    @property
    def waits(self) -> bool:
        """Whether the step is still to come: training may go back to the start of an epoch when it diverges, and the
        step is another one then."""
        session = self.recording.session
        if session.halvings != self.halvings:
            self.halvings = session.halvings
            self.recording.passes.clear()
            self.recording.gradient = None
        return session.step != self.step - 1

    def loss_and_grad(self, batch: Batch) -> Value:
        """Record a pass."""
        session, network = self.recording.session, self.network
        if self.waits:
            return super().loss_and_grad(batch)
        if not self.recording.passes:
            self.recording.begin()
        places = session.order[session.position : session.position + len(batch.input)]
        numbers = session.train.numbers
        seen = Pass(
            places if numbers is None else numbers[places],
            batch.input.copy(),
            batch.targets.copy(),
            None if batch.weights is None else batch.weights.copy(),
            network.rng.state(),
            network.state.copy(),
        )
        if batch.mixture is not None:
            seen.share, seen.others = batch.mixture.share, batch.mixture.targets.copy()
        frame, layers = observe_layers(network.chain, batch.frame)
        observer = LetterObserver(seen)
        watched = SeenFrame(**{name: getattr(frame, name) for name in Frame.__dataclass_fields__}, seen=seen)
        with observe(layers, observer):
            seen.loss, seen.weight = super().loss_and_grad(replace(batch, frame=watched))
        seen.passages = observer.passages
        self.recording.passes.append(seen)
        return seen.loss, seen.weight

    def add_penalty_gradient(self) -> None:
        """Record the gradient before and after; of a line search, that at its start."""
        if self.waits or self.recording.gradient is not None:
            super().add_penalty_gradient()
            return
        self.recording.gradient = self.network.grad.copy()
        super().add_penalty_gradient()
        self.recording.penalised = self.network.grad.copy()
        clipping = self.recording.session.model.experiment.training.clipping
        if clipping:
            self.recording.clipped = self.recording.penalised.copy()
            clipping.clip(self.recording.clipped)

    def constrain(self) -> None:
        """Record the parameters before the bound on their norms."""
        self.recording.updated = self.network.theta.copy()
        super().constrain()


def record(session: Session, step: int) -> Recording:
    """Train up to a step, and record that one. The session stands behind it then.

    Raises:
        InputError: training ends before that step.
        DivergedError: it meets a number that is not finite.
    """
    model, training = session.model, session.model.experiment.training
    most = training.max_steps or inf
    with np.errstate(all="ignore"), threads_for(model.network, session.batch_size):
        if step > 1:
            train_up_to(session, Budget(max_steps=most, pause=step - 1))
        recording = Recording(session)
        if session.step == step - 1:
            session.model = replace(model, objective=SeenObjective.of(model.objective, recording, step))
            try:
                train_up_to(session, Budget(max_steps=most, pause=step))
            finally:
                session.model = model
        if session.step < step:
            raise InputError(f"there is no step {step}: training ends with step {session.step}; choose one up to that")
        recording.step, recording.lr = session.step, session.lr
        recording.slots_after = tuple(slot.copy() for slot in session.slots)
        recording.theta_after = model.network.theta.copy()
        recording.average = None if session.average is None else session.average.copy()
        find_new_loss(recording)
    return recording


def train_up_to(session: Session, budget: Budget) -> None:
    """Train as far as a budget reaches."""
    for _ in loop.train(session, budget):
        pass


def find_new_loss(recording: Recording) -> None:
    """Find the loss of the same rows with the new weights, and leave no trace: the same noise, the same statistics."""
    model, network = recording.session.model, recording.network
    streams, state = network.rng.state(), network.state.copy()
    total = 0.0
    for seen in recording.batches:
        batch = model.objective.batch(len(seen.inputs))
        everything = np.arange(len(seen.inputs))
        batch.fill(seen.inputs, seen.targets, everything, seen.weights)
        if batch.mixture is not None and seen.others is not None:
            batch.mixture.share = seen.share
            batch.mixture.targets[...] = seen.others
        network.rng.restore(seen.streams)
        network.state[...] = seen.state
        value, weight = model.objective.loss_value(batch, training=True)
        total += value * weight
    recording.new_loss = total / (sum(seen.weight for seen in recording.batches) or 1.0)
    recording.new_penalty = float(model.objective.penalty())
    network.rng.restore(streams)
    network.state[...] = state


def keep_rows(session: Session, numbers: Sequence[int]) -> None:
    """Leave a session nothing but some rows of the table, counted from 1, all of them in every step.

    Raises:
        InputError: there is no such row, or a layer needs more of them.
    """
    found = [row_of(session, number) for number in numbers]
    network, experiment = session.model.network, session.model.experiment
    needed = network.chain.least_rows()
    if len(numbers) < needed:
        raise InputError(f"--rows: batch_norm needs {needed} rows or more (got {len(numbers)}); name others as well")
    if len(numbers) > network.batch:
        raise InputError(f"--rows: at most {network.batch} rows at a time (got {len(numbers)}); name fewer")
    rows = [(part.inputs[k], part.targets[k], None if part.weights is None else part.weights[k]) for part, k in found]
    weights = None if rows[0][2] is None else np.array([weight for _, _, weight in rows])
    session.splits = {
        "train": Rows(
            np.array([inputs for inputs, _, _ in rows]),
            np.array([targets for _, targets, _ in rows]),
            np.array(numbers) - 1,
            weights,
        )
    }
    training = replace(experiment.training, batch_size="full", accumulate=1)
    session.model = replace(session.model, experiment=replace(experiment, training=training))
    session.order, session.gathered = np.arange(len(numbers)), None


def row_of(session: Session, number: int) -> tuple[Rows, int]:
    """The part that has a row of the table, counted from 1, and its place there.

    Raises:
        InputError: there is none.
    """
    last = 0
    for part in session.splits.values():
        numbers = np.arange(len(part)) if part.numbers is None else part.numbers
        place: Any = np.flatnonzero(numbers == number - 1)
        if len(place):
            return part, int(place[0])
        last = max(last, int(numbers.max(initial=-1)) + 1)
    what = f"the data has the rows 1 to {last}" if not 1 <= number <= last else "it was dropped or left out"
    raise InputError(f"--row: there is no row {number} ({what}); choose another")
