"""Answers: what the outputs of a network say of each target, as columns that a person reads."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.features import Boolean, Categorical, Feature, Numeric
from bptrain.columns.targets import Classes, Inputs, Label, Value
from bptrain.metrics import predicted_codes
from bptrain.model.heads import Head
from bptrain.model.model import Model


@dataclass(frozen=True)
class Answer(ABC):
    """What one head says of its targets."""

    head: Head

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that `read` gives."""

    @abstractmethod
    def read(self, outputs: Array) -> list[Array]:
        """The columns, each `(rows,)`, from all outputs `(rows, width)`; probabilities in the type of the outputs."""


@dataclass(frozen=True)
class OfClasses(Answer):
    """The likeliest class by its label, and the probability of each class; one output is that of the second of two."""

    name: str
    labels: tuple[Label, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return (f"predicted_{self.name}", *(f"{self.name}={label}" for label in self.labels))

    def read(self, outputs: Array) -> list[Array]:
        own = self.head.read_outputs(outputs)
        labels: Any = np.array(self.labels, np.int64 if isinstance(self.labels[0], int) else object)
        each = [1 - own[:, 0], own[:, 0]] if own.shape[1] == 1 else list(own.T)
        return [labels[predicted_codes(own)], *each]


@dataclass(frozen=True)
class OfLabels(Answer):
    """Of each label whether it is given, as it was written in training, and the probability that it is."""

    labels: tuple[Value, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        pairs = ((f"predicted_{one.name}", f"{one.name}={self.words(one)[1]}") for one in self.labels)
        return tuple(name for pair in pairs for name in pair)

    def words(self, label: Value) -> tuple[Label, Label]:
        """What a label says where it is not given, and where it is."""
        return label.pair if isinstance(label, Boolean) else (0, 1)

    def read(self, outputs: Array) -> list[Array]:
        own, found = self.head.read_outputs(outputs), []
        for k, label in enumerate(self.labels):
            words: Any = np.array(self.words(label), object if isinstance(label, Boolean) else np.int64)
            # In the type of the outputs, which `said` makes wider.
            found += [words[(own[:, k] > 0.5).astype(np.int64)], own[:, k].astype(outputs.dtype)]
        return found


@dataclass(frozen=True)
class OfNumbers(Answer):
    """Numbers in the units of the data."""

    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f"predicted_{name}" for name in self.names)

    def read(self, outputs: Array) -> list[Array]:
        return list(self.head.read_outputs(outputs).T)


@dataclass(frozen=True)
class OfInputs(Answer):
    """What an autoencoder makes of its inputs: numbers in the units of the data, otherwise the likeliest value."""

    features: tuple[Feature, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f"predicted_{feature.name}" for feature in self.features)

    def read(self, outputs: Array) -> list[Array]:
        own, found, start = self.head.read_outputs(outputs), [], 0
        for feature in self.features:
            mine = own[:, start : start + len(feature.outputs)]
            start += len(feature.outputs)
            found.append(rebuilt(feature, mine))
        return found


def rebuilt(feature: Feature, outputs: Array) -> Array:
    """The values of a feature `(rows,)` by its columns of the outputs."""
    if isinstance(feature, Numeric):
        return feature.unscale(outputs[:, 0].astype(np.float64))
    if isinstance(feature, Boolean):
        pair: Any = np.array(feature.pair, object)
        return np.asarray(pair[(outputs[:, 0] > 0.5).astype(np.int64)])
    assert isinstance(feature, Categorical)
    categories: Any = np.array(feature.categories, object)
    return np.asarray(categories[np.argmax(outputs[:, : len(feature.categories)], axis=1)])


def answers(model: Model) -> tuple[Answer, ...]:
    """What a model says, head by head, in the order of its outputs."""
    return tuple(answer(head, model) for head in model.heads)


def answer(head: Head, model: Model) -> Answer:
    """What a head says."""
    target = head.target
    if isinstance(target, Classes):
        return OfClasses(head, target.name, target.labels)
    if isinstance(target, Inputs):
        return OfInputs(head, model.columns.features)
    if head.kind == "labels":
        return OfLabels(head, target)
    return OfNumbers(head, tuple(one.name for one in target))
