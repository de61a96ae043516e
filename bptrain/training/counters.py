"""The counters of a session: all that changes in training beside arrays and random streams, and must be saved."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import inf, isfinite
from typing import Any, Literal

Stop = Literal["epochs", "max_steps", "early_stopping", "convergence"]


@dataclass(kw_only=True)
class Counters:
    """What a checkpoint has under `progress`: each field is saved, restored, gone back to and compared.

    `step` counts updates, and `position` how much of the epoch's permutation is done; `loss_sum` adds up the loss of
    those rows and `weight_sum` what they weigh; `clipped` counts the steps of this epoch that were. `gathered_weight`
    and `gathered_batches` are those of gradients that wait for others. `lr` is the rate of the latest step. `losses`
    are the monitored losses of all epochs, and `memory` what the schedule makes of them. `waited` counts epochs since
    the loss was last clearly below `reference`; `recent` holds the latest training losses for the test of convergence.
    `health` has the figures of this epoch's gradients, taken at step `measured`, and `warned` what was warned of.
    `halvings` counts how often the learning rate was halved after divergence.
    """

    epoch: int = 0
    step: int = 0
    position: int = 0
    loss_sum: float = 0.0
    weight_sum: float = 0.0
    gathered_weight: float = 0.0
    gathered_batches: int = 0
    clipped: int = 0
    lr: float = 0.0
    losses: list[float] = field(default_factory=list)
    memory: float = 1.0
    waited: int = 0
    reference: float = inf
    recent: list[float] = field(default_factory=list)
    stopped: Stop | None = None
    measured: int = 0
    health: dict[str, float] = field(default_factory=dict)
    warned: list[str] = field(default_factory=list)
    halvings: int = 0

    def progress(self) -> dict[str, Any]:
        """Return the counters as JSON can hold them."""
        found = {one.name: getattr(self, one.name) for one in fields(Counters)}
        found["reference"] = self.reference if isfinite(self.reference) else None
        # As pairs, since JSON is written with its keys sorted, and the order is that of the layers.
        found["health"] = list(self.health.items())
        return found

    def take_progress(self, stored: Mapping[str, Any]) -> None:
        """Set the counters to what `progress` gave.

        Raises:
            KeyError: one is missing.
        """
        found = {one.name: stored[one.name] for one in fields(Counters)}
        found["reference"] = inf if found["reference"] is None else found["reference"]
        found["health"] = dict(found["health"])
        for name, value in found.items():
            setattr(self, name, value)
