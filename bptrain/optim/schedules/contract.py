"""What a schedule is: the learning rate as a function of the progress, and perhaps of the losses so far."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from bptrain.registry import Family


class Schedule(ABC):
    """Two pure functions: of the progress, and of the recorded losses."""

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


SCHEDULES = Family("schedule", contract=Schedule)


def share_done(epoch: float, epochs: float) -> float:
    """The progress from 0 to 1."""
    return min(epoch / epochs, 1.0) if epochs > 0 else 1.0
