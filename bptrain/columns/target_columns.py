"""Target columns: what is predicted, of one kind or of several, fitted on the training rows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.features import Boolean, Numeric, feature_from_json
from bptrain.columns.targets import Classes
from bptrain.tables.table import Selection

Value = Numeric | Boolean
"""A target of numbers, scaled, or a label of yes and no, which is 1 and 0."""


@dataclass(frozen=True)
class Several:
    """Targets of different kinds, each by itself."""

    targets: tuple[Classes | Numeric, ...]


@dataclass(frozen=True)
class Inputs:
    """The target of an autoencoder: the inputs themselves, as the network reads them."""


Target = Classes | tuple[Value, ...] | Several | Inputs


def encode_target(target: Classes | Value, rows: Selection) -> Array:
    """One of several targets `(rows,)` float64: class numbers, scaled numbers, or 0 and 1.

    Raises:
        InputError: a value is missing, or cannot be used.
    """
    if isinstance(target, Classes):
        return target.codes(rows).astype(np.float64)
    if isinstance(target, Numeric):
        return target.scaled(rows, target.numbers(rows)[0])
    out = np.empty((len(rows), 1))
    target.encode(rows, out, Counter())
    return out[:, 0]


def unscale_targets(targets: Sequence[Value], values: Array) -> Array:
    """Numeric targets or predictions `(rows, columns)` in their own units, float64."""
    wide = values.astype(np.float64)
    each = [one.unscaled(wide[:, k]) if isinstance(one, Numeric) else wide[:, k] for k, one in enumerate(targets)]
    return np.stack(each, axis=1)


def target_to_json(target: Target) -> Any:
    """Return a target as JSON can hold it; `target_from_json` is the inverse."""
    if isinstance(target, Classes):
        return target.to_json()
    if isinstance(target, Inputs):
        return "inputs"
    if isinstance(target, Several):
        return {"several": [one.to_json() for one in target.targets]}
    return [one.to_json() for one in target]


def target_from_json(stored: Any) -> Target:
    """Read a target back.

    Raises:
        LookupError, TypeError, ValueError: it is not what `target_to_json` writes.
    """
    if stored == "inputs":
        return Inputs()
    if isinstance(stored, list):
        return tuple(map(feature_from_json, stored))
    if "several" in stored:
        each = stored["several"]
        return Several(tuple(Classes.from_json(one) if "labels" in one else feature_from_json(one) for one in each))
    return Classes.from_json(stored)
