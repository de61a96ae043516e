"""Schedules: how the learning rate changes while training goes on."""

from dataclasses import dataclass
from math import cos, pi
from typing import Annotated, Protocol

from annotated_types import Ge, Le

from bptrain.registry import Family

SCHEDULES = Family("schedule")


class Schedule(Protocol):
    """A pure function of the progress."""

    def factor(self, epoch: float, epochs: int) -> float:
        """What the learning rate is multiplied by after `epoch` (with its fraction) of `epochs`."""


@SCHEDULES.register
@dataclass(frozen=True)
class Constant:
    """The same learning rate throughout.

    Factor: `1`.
    """

    def factor(self, epoch: float, epochs: int) -> float:
        return 1.0


@SCHEDULES.register
@dataclass(frozen=True)
class Cosine:
    """Half a cosine wave from the learning rate down to a share of it, changing at every step.

    Factor: `final + (1 - final) (1 + cos(π t / T)) / 2` with t of T epochs done. PyTorch's CosineAnnealingLR, whose
    `eta_min` is a rate and not a share. Reference: Loshchilov and Hutter, 2017 (without restarts).
    """

    final: Annotated[float, Ge(0), Le(1), "share of the learning rate at the end"] = 0.0

    def factor(self, epoch: float, epochs: int) -> float:
        return self.final + (1 - self.final) * (1 + cos(pi * min(epoch / epochs, 1.0))) / 2
