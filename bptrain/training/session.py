"""A session: everything about a training run that changes while it goes on, and must be saved to continue it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array
from bptrain.training.assemble import Assembly, Model, Rows, batch_rows
from bptrain.training.scoring import Score

Record = dict[str, float | int | None]
"""One epoch of the history, flat."""

Stop = Literal["epochs", "early_stopping", "convergence"]


@dataclass(frozen=True)
class Best:
    """The best weights so far: those of the lowest validation loss, or the latest where nothing is held out."""

    epoch: int
    score: Score
    theta: Array
    state: Array


@dataclass
class Session:
    """A run in progress.

    `order` is the permutation of this epoch and `position` how much of it is done; `fingerprint` is that of the data;
    `loss_sum` adds up the loss of those rows. `waited` counts epochs since the best; `recent` holds the latest
    training losses for the test of convergence.
    """

    model: Model
    parts: Mapping[str, Rows]
    slots: tuple[Array, ...]
    order: Array
    fingerprint: str
    epoch: int = 0
    step: int = 0
    position: int = 0
    loss_sum: float = 0.0
    waited: int = 0
    recent: list[float] = field(default_factory=list)
    best: Best | None = None
    stopped: Stop | None = None

    @property
    def train(self) -> Rows:
        """The rows that are learned from."""
        return self.parts["train"]

    @property
    def batch_size(self) -> int:
        """Rows a step."""
        return batch_rows(self.model.experiment, len(self.train))

    @property
    def steps_per_epoch(self) -> int:
        """Steps an epoch, the last one perhaps with fewer rows."""
        return -(-len(self.train) // self.batch_size)

    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        experiment = self.model.experiment
        done = self.step / self.steps_per_epoch
        return experiment.optimizer.lr * experiment.schedule.factor(done, experiment.training.epochs)

    def keep_best(self, score: Score) -> None:
        """Take the present weights for the best."""
        network = self.model.network
        self.best = Best(self.epoch, score, network.theta.copy(), network.state.copy())

    def progress(self) -> dict[str, Any]:
        """The counters, as JSON can hold them."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "position": self.position,
            "loss_sum": self.loss_sum,
            "waited": self.waited,
            "recent": self.recent,
            "stopped": self.stopped,
        }


def begin(assembly: Assembly) -> Session:
    """A session at its start."""
    model = assembly.model
    slots = tuple(np.zeros_like(model.network.theta) for _ in range(model.experiment.optimizer.slots))
    order = np.arange(len(assembly.parts["train"]))
    return Session(model, assembly.parts, slots, order, assembly.fingerprint)
