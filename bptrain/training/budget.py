"""The budget of a stretch of training: what may end it, or interrupt it, before all epochs are done."""

from dataclasses import dataclass, field
from math import inf
from typing import Literal

from bptrain.interruption import Interruption

Pause = Literal["interruption", "max_seconds"]


@dataclass
class Budget:
    """What the loop looks at between two steps.

    `report` is a step after which the loop is to report, whatever the time; `pause` one after which it is interrupted;
    `deadline` a time of `perf_counter`. `paused` says why training was left before its end.
    """

    interruption: Interruption = field(default_factory=Interruption)
    max_steps: float = inf
    deadline: float = inf
    pause: float = inf
    report: float = inf
    paused: Pause | None = None

    def look_at(self) -> float:
        """The next step after which there is something to decide."""
        return min(self.max_steps, self.pause, self.report)

    def reason_to_pause(self, step: int, now: float) -> Pause | None:
        """Why to leave training at a step, for now, if there is a reason."""
        if self.interruption.signal is not None or step >= self.pause:
            return "interruption"
        return "max_seconds" if now >= self.deadline else None
