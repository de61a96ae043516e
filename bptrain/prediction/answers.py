"""Answers: what the outputs of a network say of each target, as columns that a person reads."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.data import Classes
from bptrain.data.targets import Label
from bptrain.metrics import predicted_codes
from bptrain.training import Model


@dataclass(frozen=True)
class Answer(ABC):
    """What is said of one target; `place` are its columns of the network's outputs."""

    target: str
    place: slice

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that `read` gives."""

    @abstractmethod
    def read(self, outputs: Array) -> list[Array]:
        """The columns, each `(rows,)`, from all outputs `(rows, width)`; probabilities in the type of the outputs."""

    @property
    def predicted(self) -> str:
        """The name of the column of what is predicted."""
        return f"predicted_{self.target}"


@dataclass(frozen=True)
class OfClasses(Answer):
    """The likeliest class by its label, and the probability of each class; one output is that of the second of two."""

    labels: tuple[Label, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.predicted, *(f"{self.target}={label}" for label in self.labels))

    def read(self, outputs: Array) -> list[Array]:
        own = outputs[:, self.place]
        labels: Any = np.array(self.labels, np.int64 if isinstance(self.labels[0], int) else object)
        each = [1 - own[:, 0], own[:, 0]] if own.shape[1] == 1 else list(own.T)
        return [labels[predicted_codes(own)], *each]


@dataclass(frozen=True)
class OfLabel(Answer):
    """Whether one of several labels is given, 0 or 1, and the probability that it is."""

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.predicted, f"{self.target}=1")

    def read(self, outputs: Array) -> list[Array]:
        own = outputs[:, self.place]
        return [predicted_codes(own), own[:, 0]]


@dataclass(frozen=True)
class OfNumber(Answer):
    """A number in the units of the data."""

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.predicted,)

    def read(self, outputs: Array) -> list[Array]:
        return [outputs[:, self.place][:, 0]]


def answers(model: Model) -> tuple[Answer, ...]:
    """What a model says, target by target, in the order of its outputs."""
    target = model.columns.target
    if isinstance(target, Classes):
        return (OfClasses(target.name, slice(None), target.labels),)
    kind = OfLabel if model.experiment.data.task == "multi_label" else OfNumber
    return tuple(kind(column.name, slice(k, k + 1)) for k, column in enumerate(target))
