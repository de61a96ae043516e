"""Schedules with cosines, restarts or a rise: cosine, cosine_restarts, one_cycle, and a warmup before any other."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, cos, fmod, pi
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

from bptrain.equations import Equations
from bptrain.optim.schedule import SCHEDULES, Constant, Final, Schedule, compute_progress


def interpolate_cosine(a: float, b: float, share: float) -> float:
    """Return the value on half a cosine wave from a to b, where a share of the way is done."""
    return b + (a - b) * (1 + cos(pi * share)) / 2


@SCHEDULES.register
@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine wave from the learning rate down to a share of it, changing at every step.

    PyTorch's CosineAnnealingLR, whose `eta_min` is a rate and not a share. Reference: Loshchilov and Hutter, 2017
    (without restarts).
    """

    equations = Equations(factor=("final + (1 - final) (1 + cos(π t / T)) / 2 with t of T epochs done",))
    aliases = ("cosine_annealing", "cosine_decay")

    final: Final = 0.0

    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        return interpolate_cosine(1.0, self.final, compute_progress(epoch, epochs))


@SCHEDULES.register
@dataclass(frozen=True)
class CosineRestarts(Schedule):
    """Half cosine waves one after the other, each starting again from the full learning rate.

    PyTorch's CosineAnnealingWarmRestarts, whose `eta_min` is a rate; Keras's CosineDecayRestarts has growth 2 and can
    lower the peaks. Reference: Loshchilov and Hutter, 2017.
    """

    equations = Equations(
        factor=(
            "final + (1 - final) (1 + cos(π t / P)) / 2 with t epochs since the restart",
            "P is period at first and growth times as long after each restart",
        )
    )
    aliases = ("cosine_annealing_warm_restarts", "sgdr")

    period: Annotated[int, Ge(1), "epochs to the first restart"] = 10
    growth: Annotated[float, Ge(1), "length of each wave divided by the length of the one before"] = 1.0
    final: Annotated[float, Ge(0), Le(1), "share of the learning rate just before a restart"] = 0.0

    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        length = float(self.period)
        if self.growth == 1:
            epoch = fmod(epoch, length)
        while epoch >= length:
            epoch, length = epoch - length, length * self.growth
        return interpolate_cosine(1.0, self.final, epoch / length)


@SCHEDULES.register
@dataclass(frozen=True)
class OneCycle(Schedule):
    """A rise to the learning rate and a fall to almost nothing, in half cosine waves.

    The optimizer's lr is the peak. PyTorch's OneCycleLR calls rise pct_start, counts whole steps, and reaches the peak
    and the end one step earlier; it also changes the momentum, which stays constant here. Reference: Smith and Topin,
    2018.
    """

    equations = Equations(
        factor=(
            "from 1 / div_factor to 1 in the first rise · T of T epochs",
            "then to 1 / (div_factor · final_div_factor)",
            "each from a to b by b + (a - b) (1 + cos(π p)) / 2 with p from 0 to 1",
        )
    )
    aliases = ("onecycle", "onecyclelr")

    rise: Annotated[float, Gt(0), Lt(1), "share of the epochs until the peak"] = 0.3
    div_factor: Annotated[float, Ge(1), "the peak divided by the first learning rate"] = 25.0
    final_div_factor: Annotated[float, Ge(1), "the first learning rate divided by the last"] = 1e4

    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        first, progress = 1 / self.div_factor, compute_progress(epoch, epochs)
        if progress < self.rise:
            return interpolate_cosine(first, 1.0, progress / self.rise)
        return interpolate_cosine(1.0, first / self.final_div_factor, (progress - self.rise) / (1 - self.rise))


@SCHEDULES.register
@dataclass(frozen=True)
class Warmup(Schedule):
    """A straight rise to the learning rate, and then any other schedule over the epochs that remain.

    `then` counts epochs and losses from the end of the rise. PyTorch's LinearLR and SequentialLR; Keras's CosineDecay
    has it built in. Reference: Goyal et al., 2017.
    """

    equations = Equations(
        factor=("start + (1 - start) t / epochs for t < epochs", "then the factor of the next schedule")
    )

    epochs: Annotated[float, Gt(0), "length of the rise in epochs, such as 0.5"] = 5.0
    start: Annotated[float, Ge(0), Le(1), "share of the learning rate at the start"] = 0.0
    then: Annotated[Schedule, SCHEDULES, "schedule after the rise"] = Constant()

    @property
    def following(self) -> tuple[float, Schedule]:
        return self.epochs, self.then

    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        if epoch < self.epochs:
            return self.start + (1 - self.start) * (epoch / self.epochs)
        return self.then.factor(epoch - self.epochs, epochs - self.epochs, memory)

    def remember(self, losses: Sequence[float]) -> float:
        return self.then.remember(losses[ceil(self.epochs) :])
