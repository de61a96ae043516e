"""What a schedule is: the learning rate as a function of the progress, and perhaps of the losses so far."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from bptrain.equations import Equations
from bptrain.registry import Family


class Schedule(ABC):
    """Two pure functions: of the progress, and of the recorded losses."""

    equations: ClassVar[Equations] = Equations()
    """The factor of the learning rate, after t epochs of T."""

    constant: ClassVar[bool] = False
    """Whether the learning rate never changes."""

    follows_losses: ClassVar[bool] = False
    """Whether the learning rate depends on the losses, so that training must go on for it to act."""

    @abstractmethod
    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        """What the learning rate is multiplied by, from 0 to 1.

        Args:
            epoch: epochs done, with the fraction of the present one.
            epochs: epochs in all.
            memory: what `remember` gave after the latest epoch; 1 before the first.
        """

    def remember(self, losses: Sequence[float]) -> float:
        """What is to be known of the monitored losses, one for each epoch done."""
        return 1.0

    @property
    def following(self) -> "tuple[float, Schedule] | None":
        """After how many epochs another schedule takes over, and which: those of its options `epochs` and `then`."""
        return None

    def first_change(self) -> tuple[str, int]:
        """Return the option that says after which epoch the learning rate drops first, and that epoch; 0 where it
        changes from the start, or never."""
        return "", 0


SCHEDULES = Family("schedule", contract=Schedule)


def share_done(epoch: float, epochs: float) -> float:
    """The progress from 0 to 1."""
    return min(epoch / epochs, 1.0) if epochs > 0 else 1.0
