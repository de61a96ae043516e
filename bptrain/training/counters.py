"""Counters: the numbers of a session that change during training, and that a checkpoint has under `progress`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import inf, isfinite
from typing import Any, Literal

Stop = Literal["epochs", "max_steps", "early_stopping", "convergence"]
"""Why training stopped."""


LATER = {"phase", "found", "steps_before"}
"""The counters that a run of an earlier version lacks; it has a single phase."""


@dataclass(kw_only=True)
class Counters:
    """What a checkpoint has under `progress`: each field is saved and restored, and `dry_run` compares it.

    `epoch` counts finished epochs, `step` updates, and `position` the rows of this epoch that are done; `loss_sum` is
    the sum of their losses, and `weight_sum` that of their weights; `clipped` counts the steps of this epoch whose
    gradient was clipped. `gathered_weight` and `gathered_batches` are the weight and the number of the batches whose
    gradients wait for more batches. `lr` is the learning rate of the latest step. `losses` are the monitored losses of
    all epochs, and `memory` is what the schedule needs to know of them. `waited` counts epochs since the loss was last
    clearly below `reference`. `recent` has the latest training losses for the test of convergence. `health` has the
    figures of this epoch, measured at step `measured`, and `warned` the kinds of warnings given so far. `halvings` is
    how often the learning rate was halved after divergence. `phase` counts the phases that have ended, `found` has the
    best epoch of each with its score, and `steps_before` is the number of their steps.
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
    phase: int = 0
    found: list[dict[str, Any]] = field(default_factory=list)
    steps_before: int = 0

    def get_progress(self) -> dict[str, Any]:
        """Return the counters as a document for JSON."""
        found = {one.name: getattr(self, one.name) for one in fields(Counters)}
        found["reference"] = self.reference if isfinite(self.reference) else None
        # As pairs, because these are in the order of the layers, and JSON is written with sorted keys.
        found["health"] = list(self.health.items())
        return found

    def restore_progress(self, stored: Mapping[str, Any]) -> None:
        """Set the counters to what `get_progress` returned.

        Raises:
            KeyError: one is missing.
        """
        fresh = Counters()
        stored = {name: getattr(fresh, name) for name in LATER} | dict(stored)
        found = {one.name: stored[one.name] for one in fields(Counters)}
        found["reference"] = inf if found["reference"] is None else found["reference"]
        found["health"] = dict(found["health"])
        for name, value in found.items():
            setattr(self, name, value)
