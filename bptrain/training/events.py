"""Events of training: what the loop reports, and the records of epochs that go into the history."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Record = dict[str, float | int | None]
"""One epoch of the history, flat."""

NO_METRICS = frozenset({"epoch", "step", "lr", "loss", "validation_loss", "penalty", "clipped"})
"""The figures of a record that are neither metrics nor of a single layer."""

OF_LAYER = re.compile(r"(gradient_norm|update_ratio|dead|saturated)\.[0-9]+\.")


def is_of_layer(name: str) -> bool:
    """Tell whether a figure of a record is of a single layer, such as `dead.1.relu`, and not of a target."""
    return OF_LAYER.match(name) is not None


def is_metric(name: str) -> bool:
    """Tell whether a figure of a record is a metric, of the validation rows or of the training rows."""
    return name not in NO_METRICS and not is_of_layer(name)


def get_metrics(record: Mapping[str, float | int | None]) -> dict[str, float | int | None]:
    """Return the metrics of a record under their own names: of the validation rows if there are some."""
    prefix = "validation_" if "validation_loss" in record else ""
    return {name.removeprefix(prefix): value for name, value in record.items() if is_metric(name)}


@dataclass(frozen=True)
class Progress:
    """Within an epoch: its number, the rows that were trained on, and their mean loss."""

    epoch: int
    rows: int
    loss: float


@dataclass(frozen=True)
class EpochEnd:
    """After an epoch: its record, as it goes into the history, and whether its weights are the best so far."""

    record: Record
    best: bool

    @property
    def summary(self) -> Record:
        """The record without the figures of single layers, such as `dead.1.relu`."""
        return {name: value for name, value in self.record.items() if not is_of_layer(name)}


@dataclass(frozen=True)
class Notice:
    """A message for the user, in one line; a warning, unless `warning` is false."""

    message: str
    warning: bool = True


Event = Progress | EpochEnd | Notice
