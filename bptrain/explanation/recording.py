"""The recording of one training step: copies of all numbers of a worked example, made while training computes them."""

from dataclasses import dataclass, field, replace

import numpy as np

from bptrain.arrays import Array, RandomState
from bptrain.model.objective import Batch, Objective
from bptrain.nn import Network, Views, Workspace
from bptrain.nn.losses import Value
from bptrain.nn.observer import ObservedLayer, Passage, PassageObserver, observe, observe_layers
from bptrain.training.session import Session


@dataclass
class Pass:
    """One batch through the whole network, forward and backward, all arrays copied.

    `rows` are its row numbers in the table, from 0. `passages` are the passes through its layers by their names, in
    forward order, with the layers inside a layer before it. `letters` are the other values in the formulas of each
    layer, by its name and the label of the pass. `dscores` is the gradient of the loss by the scores. `streams` and
    `state` are those of the network before the pass. `inputs` are augmented as in training. Where rows are mixed,
    `share` is how much each row keeps of its own values, and `others` are the targets of the rows mixed in.
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
    """One step: its passes, and copies of the vectors of all parameters that it changes.

    There are several passes where several batches are accumulated, or where a line search tries several points.
    `gradient` is the gradient of the loss, `penalised` has that of the penalty added, and `clipped` is the result of
    clipping; `theta` and `slots` are from before the update, `updated` and `slots_after` from after it, and
    `theta_after` from after the bound on norms. `loss` is the mean over all rows of the step, `new_loss` the loss of
    the same rows with the new weights.
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
        """The passes over different rows, without the points that a line search tried after the first."""
        accumulate = self.session.model.experiment.training.accumulate
        return self.passes if accumulate > 1 else self.passes[:1]


class LetterObserver(PassageObserver):
    """Also copies the other values in the formulas of a layer, its letters."""

    def __init__(self, recorded: Pass) -> None:
        super().__init__()
        self.recorded = recorded

    def copy_letters(self, observed: ObservedLayer, s: Workspace, label: str) -> None:
        """Copy the letters of a layer after the pass that the label names."""
        own = getattr(observed.layer, "letters", None)
        found = own(s, label) if own else {}
        self.recorded.letters[observed.name, label] = {
            name: np.array(array) for name, array in found.items() if array is not None
        }

    def forward(self, observed: ObservedLayer, p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Copy x, y and the letters of the forward pass."""
        super().forward(observed, p, x, y, s)
        self.copy_letters(observed, s, "Forward:")

    def backward(
        self, observed: ObservedLayer, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace
    ) -> None:
        """Copy the gradients and the letters of the backward pass."""
        super().backward(observed, p, g, x, y, dy, dx, s)
        self.copy_letters(observed, s, "Backward:")


class RecordingObjective(Objective):
    """The objective of a session, which also records one step.

    Args:
        objective: the objective whose arrays it uses.
        recording: the recording to fill.
        step: the number of the step to record.
    """

    def __init__(self, objective: Objective, recording: Recording, step: int) -> None:
        vars(self).update(vars(objective))
        self.recording, self.step, self.halvings = recording, step, recording.session.halvings

    def is_waiting(self) -> bool:
        """Tell whether the step to record is still to come. After divergence, when training goes back, the recording is
        cleared."""
        session = self.recording.session
        if session.halvings != self.halvings:
            self.halvings = session.halvings
            self.recording.passes.clear()
            self.recording.gradient = None
        return session.step != self.step - 1

    def loss_and_grad(self, batch: Batch) -> Value:
        """Record a pass."""
        recording, session, network = self.recording, self.recording.session, self.network
        if self.is_waiting():
            return super().loss_and_grad(batch)
        if not recording.passes:
            recording.theta = network.theta.copy()
            recording.slots = tuple(slot.copy() for slot in session.slots)
            recording.penalty = float(self.penalty())
            recording.epochs_done = session.step / session.steps_per_epoch
        places = session.order[session.position : session.position + len(batch.input)]
        numbers = session.train.numbers
        recorded = Pass(
            places if numbers is None else numbers[places],
            batch.input.copy(),
            batch.targets.copy(),
            None if batch.weights is None else batch.weights.copy(),
            network.rng.state(),
            network.state.copy(),
        )
        if batch.mixture is not None:
            recorded.share, recorded.others = batch.mixture.share, batch.mixture.targets.copy()
        frame, layers = observe_layers(network.chain, batch.frame)
        observer = LetterObserver(recorded)
        with observe(layers, observer):
            recorded.loss, recorded.weight = self.loss_value(replace(batch, frame=frame), training=True)
            # Copied first, because the backward pass overwrites them.
            recorded.scores, recorded.dscores = frame.scores.copy(), frame.dscores.copy()
            frame.backward()
        recorded.passages = observer.passages
        recording.passes.append(recorded)
        return recorded.loss, recorded.weight

    def add_penalty_gradient(self) -> None:
        """Add the gradient of the penalty, and record the gradient before and after; for a line search only at its
        first point."""
        recording = self.recording
        if self.is_waiting() or recording.gradient is not None:
            super().add_penalty_gradient()
            return
        recording.gradient = self.network.grad.copy()
        super().add_penalty_gradient()
        recording.penalised = self.network.grad.copy()
        clipping = recording.session.model.experiment.training.clipping
        if clipping:
            recording.clipped = recording.penalised.copy()
            clipping.clip(recording.clipped)

    def constrain(self) -> None:
        """Record the parameters before the bound on their norms."""
        self.recording.updated = self.network.theta.copy()
        super().constrain()
