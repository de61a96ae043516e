"""Output columns: the outputs of a network as columns of a prediction, such as `predicted_city` and `city=Paris`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.dates.date_feature import Date
from bptrain.columns.features import Boolean, Categorical, Feature, Numeric
from bptrain.columns.targets import Classes, Inputs, Label, Value
from bptrain.metrics import predict_codes
from bptrain.model.heads import Head
from bptrain.model.model import Model


@dataclass(frozen=True)
class OutputColumns:
    """The columns of one head: their names, and `compute`, which returns them `(rows,)` each, given all outputs
    `(rows, width)`; probabilities are in the dtype of the outputs."""

    names: tuple[str, ...]
    compute: Callable[[Array], list[Array]]


def choose_columns(head: Head, model: Model) -> OutputColumns:
    """Return the columns of a head."""
    target = head.target
    if isinstance(target, Classes):
        names = [f"predicted_{target.name}", *(f"{target.name}={label}" for label in target.labels)]
        return OutputColumns(tuple(names), partial(compute_classes, head, target.labels))
    if isinstance(target, Inputs):
        names = [f"predicted_{feature.name}" for feature in model.columns.features]
        return OutputColumns(tuple(names), partial(compute_inputs, head, model.columns.features))
    if head.kind == "labels":
        pairs = ((f"predicted_{one.name}", f"{one.name}={get_words(one)[1]}") for one in target)
        return OutputColumns(tuple(name for pair in pairs for name in pair), partial(compute_labels, head, target))
    names = [f"predicted_{one.name}" for one in target]
    return OutputColumns(tuple(names), lambda outputs: list(head.decode_outputs(outputs).T))


def compute_classes(head: Head, labels: Sequence[Label], outputs: Array) -> list[Array]:
    """Return the label of the most probable class, and the probability of each class; a single output is that of the
    second of two."""
    own = head.decode_outputs(outputs)
    words: Any = np.array(labels, np.int64 if isinstance(labels[0], int) else object)
    each = [1 - own[:, 0], own[:, 0]] if own.shape[1] == 1 else list(own.T)
    return [words[predict_codes(own)], *each]


def compute_labels(head: Head, targets: Sequence[Value], outputs: Array) -> list[Array]:
    """Return for each label yes or no as it was written in training, and the probability of yes."""
    own, found = head.decode_outputs(outputs), []
    for k, target in enumerate(targets):
        words: Any = np.array(get_words(target), object if isinstance(target, Boolean) else np.int64)
        # In the dtype of the outputs, since `decode_outputs` returns float64.
        found += [words[(own[:, k] > 0.5).astype(np.int64)], own[:, k].astype(outputs.dtype)]
    return found


def get_words(target: Value) -> tuple[Label, Label]:
    """Return the words of a label for no and yes."""
    return target.pair if isinstance(target, Boolean) else (0, 1)


def compute_inputs(head: Head, features: Sequence[Feature], outputs: Array) -> list[Array]:
    """Return the reconstruction of each feature by an autoencoder."""
    own, found, start = head.decode_outputs(outputs), [], 0
    for feature in features:
        stop = start + len(feature.input_names)
        found.append(decode_feature(feature, own[:, start:stop]))
        start = stop
    return found


def decode_feature(feature: Feature, outputs: Array) -> Array:
    """Return the values `(rows,)` of a feature, given its encoding `(rows, inputs)`: numbers in the units of the data,
    or the most probable value."""
    if isinstance(feature, Numeric | Date):
        return feature.decode(outputs)
    if isinstance(feature, Boolean):
        pair: Any = np.array(feature.pair, object)
        return np.asarray(pair[(outputs[:, 0] > 0.5).astype(np.int64)])
    assert isinstance(feature, Categorical)
    categories: Any = np.array(feature.categories, object)
    return np.asarray(categories[np.argmax(outputs[:, : len(feature.categories)], axis=1)])
