"""Output columns: the outputs of a network as columns of a prediction, such as `predicted_city` and `city=Paris`."""

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
class OutputColumns(ABC):
    """The columns of one head."""

    head: Head

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""

    @abstractmethod
    def compute(self, outputs: Array) -> list[Array]:
        """Return the columns `(rows,)` from all outputs `(rows, width)`; probabilities in the dtype of the outputs."""


@dataclass(frozen=True)
class ClassColumns(OutputColumns):
    """The label of the most probable class, and the probability of each class; a single output is that of the second
    of two."""

    target: str
    labels: tuple[Label, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (f"predicted_{self.target}", *(f"{self.target}={label}" for label in self.labels))

    def compute(self, outputs: Array) -> list[Array]:
        own = self.head.read_outputs(outputs)
        labels: Any = np.array(self.labels, np.int64 if isinstance(self.labels[0], int) else object)
        each = [1 - own[:, 0], own[:, 0]] if own.shape[1] == 1 else list(own.T)
        return [labels[predicted_codes(own)], *each]


@dataclass(frozen=True)
class LabelColumns(OutputColumns):
    """For each label, yes or no as it was written in training, and the probability of yes."""

    targets: tuple[Value, ...]

    @property
    def names(self) -> tuple[str, ...]:
        pairs = ((f"predicted_{one.name}", f"{one.name}={get_words(one)[1]}") for one in self.targets)
        return tuple(name for pair in pairs for name in pair)

    def compute(self, outputs: Array) -> list[Array]:
        own, found = self.head.read_outputs(outputs), []
        for k, target in enumerate(self.targets):
            words: Any = np.array(get_words(target), object if isinstance(target, Boolean) else np.int64)
            # In the dtype of the outputs, since `read_outputs` returns float64.
            found += [words[(own[:, k] > 0.5).astype(np.int64)], own[:, k].astype(outputs.dtype)]
        return found


def get_words(target: Value) -> tuple[Label, Label]:
    """Return the words of a label for no and yes."""
    return target.pair if isinstance(target, Boolean) else (0, 1)


@dataclass(frozen=True)
class NumberColumns(OutputColumns):
    """Numbers in the units of the data."""

    targets: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"predicted_{name}" for name in self.targets)

    def compute(self, outputs: Array) -> list[Array]:
        return list(self.head.read_outputs(outputs).T)


@dataclass(frozen=True)
class InputColumns(OutputColumns):
    """The reconstruction of each feature by an autoencoder: numbers in the units of the data, or the most probable
    value."""

    features: tuple[Feature, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"predicted_{feature.name}" for feature in self.features)

    def compute(self, outputs: Array) -> list[Array]:
        own, found, start = self.head.read_outputs(outputs), [], 0
        for feature in self.features:
            stop = start + len(feature.outputs)
            found.append(decode_feature(feature, own[:, start:stop]))
            start = stop
        return found


def decode_feature(feature: Feature, outputs: Array) -> Array:
    """Return the values `(rows,)` of a feature, given its encoding `(rows, outputs)`."""
    if isinstance(feature, Numeric):
        return feature.unscale(outputs[:, 0].astype(np.float64))
    if isinstance(feature, Boolean):
        pair: Any = np.array(feature.pair, object)
        return np.asarray(pair[(outputs[:, 0] > 0.5).astype(np.int64)])
    assert isinstance(feature, Categorical)
    categories: Any = np.array(feature.categories, object)
    return np.asarray(categories[np.argmax(outputs[:, : len(feature.categories)], axis=1)])


def choose_columns(head: Head, model: Model) -> OutputColumns:
    """Return the columns of a head."""
    target = head.target
    if isinstance(target, Classes):
        return ClassColumns(head, target.name, target.labels)
    if isinstance(target, Inputs):
        return InputColumns(head, model.columns.features)
    if head.kind == "labels":
        return LabelColumns(head, target)
    return NumberColumns(head, tuple(one.name for one in target))
