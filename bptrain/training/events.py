"""Events of training: what the loop reports, such as the record of an epoch that goes into the history."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Record = dict[str, float | int | None]
"""The figures of one epoch in the history, by name."""

NO_METRICS = frozenset({"phase", "epoch", "step", "lr", "loss", "validation_loss", "penalty", "clipped"})
"""The figures of a record that are neither metrics nor about a single layer."""

OF_LAYER = re.compile(r"(gradient_norm|update_ratio|dead|saturated)\.[0-9]+\.")


def is_of_layer(name: str) -> bool:
    """Tell whether a figure of a record is about a single layer, such as `dead.1.relu`."""
    return OF_LAYER.match(name) is not None


def is_metric(name: str) -> bool:
    """Tell whether a figure of a record is a metric, on the validation rows or on the training rows."""
    return name not in NO_METRICS and not is_of_layer(name)


def get_metrics(record: Mapping[str, float | int | None]) -> dict[str, float | int | None]:
    """Return the metrics of a record without the prefix `validation_`: on the validation rows if there are any."""
    prefix = "validation_" if "validation_loss" in record else ""
    return {name.removeprefix(prefix): value for name, value in record.items() if is_metric(name)}


@dataclass(frozen=True)
class Progress:
    """Reported within an epoch: its number, the rows trained on so far, and their mean loss."""

    epoch: int
    rows: int
    loss: float


@dataclass(frozen=True)
class EpochEnd:
    """Reported after an epoch: its record for the history, and whether its weights are the best so far."""

    record: Record
    best: bool

    @property
    def summary(self) -> Record:
        """The record without figures about single layers, such as `dead.1.relu`."""
        return {name: value for name, value in self.record.items() if not is_of_layer(name)}


@dataclass(frozen=True)
class Notice:
    """A message for the user, in one line; a warning, unless `warning` is false."""

    message: str
    warning: bool = True


Event = Progress | EpochEnd | Notice
