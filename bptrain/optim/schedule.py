"""Schedules: the learning rate as a function of the epoch or of the losses so far; here those that never rise."""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import pow
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le

from bptrain.equations import Equations
from bptrain.errors import Mistake, OptionError
from bptrain.registry import Family


class Schedule(ABC):
    """A factor of the learning rate that depends on the epoch and on the losses so far; it has no state."""

    equations: ClassVar[Equations] = Equations()
    """The factor of the learning rate after t of T epochs."""

    constant: ClassVar[bool] = False
    """Whether the learning rate never changes."""

    follows_losses: ClassVar[bool] = False
    """Whether the learning rate depends on the losses, so that training must run for it to act."""

    @abstractmethod
    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        """Return the factor of the learning rate, from 0 to 1.

        Args:
            epoch: epochs done, including the finished fraction of the present one.
            epochs: the epochs of the whole run.
            memory: what `remember` returned after the latest epoch; 1 before the first.
        """

    def remember(self, losses: Sequence[float]) -> float:
        """Return a number for `factor` that sums up the monitored losses, one for each epoch done."""
        return 1.0

    @property
    def following(self) -> "tuple[float, Schedule] | None":
        """The options `epochs` and `then`, if another schedule takes over after some epochs: their number, and that
        schedule."""
        return None

    def first_change(self) -> tuple[str, int]:
        """Return the epoch after which the learning rate first drops, and before it the option that sets it; `""` and 0
        where it changes from the start, or never."""
        return "", 0


SCHEDULES = Family("schedule", contract=Schedule)

Gamma = Annotated[float, Gt(0), Le(1), "factor of the learning rate at each drop"]
Final = Annotated[float, Ge(0), Le(1), "share of the learning rate at the end"]


def compute_progress(epoch: float, epochs: float) -> float:
    """Return the progress from 0 to 1."""
    return min(epoch / epochs, 1.0) if epochs > 0 else 1.0


@SCHEDULES.register
@dataclass(frozen=True)
class Constant(Schedule):
    """The same learning rate throughout."""

    equations = Equations(factor=("1",))
    aliases = ("none",)
    constant = True

    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        return 1.0


@SCHEDULES.register
@dataclass(frozen=True)
class Step(Schedule):
    """Multiplies the learning rate by gamma every few epochs.

    PyTorch's StepLR; Keras's ExponentialDecay with staircase.
    """

    equations = Equations(factor=("gamma^⌊t / every⌋ with t epochs done",))
    aliases = ("step_lr",)

    every: Annotated[int, Ge(1), "epochs between drops"] = 10
    gamma: Gamma = 0.1

    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        return self.gamma ** int(epoch // self.every)

    def first_change(self) -> tuple[str, int]:
        return "every", self.every


@SCHEDULES.register
@dataclass(frozen=True)
class MultiStep(Schedule):
    """Multiplies the learning rate by gamma after each of the listed epochs.

    PyTorch's MultiStepLR; Keras's PiecewiseConstantDecay, which lists the rates.
    """

    equations = Equations(factor=("gamma^k with k of the milestones reached",))
    aliases = ("multisteplr", "piecewise")

    milestones: Annotated[tuple[Annotated[int, Ge(1)], ...], "epochs after which the learning rate drops"]
    gamma: Gamma = 0.1

    def __post_init__(self) -> None:
        if not self.milestones or any(a >= b for a, b in zip(self.milestones, self.milestones[1:], strict=False)):
            listed = ", ".join(map(str, self.milestones))
            raise OptionError(Mistake("milestones", f"must be rising epochs (got [{listed}]); such as [30, 60, 80]"))

    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        return self.gamma ** bisect_right(self.milestones, epoch)

    def first_change(self) -> tuple[str, int]:
        return "milestones", self.milestones[0]


@SCHEDULES.register
@dataclass(frozen=True)
class Exponential(Schedule):
    """Lowers the learning rate by the same share in every epoch, a little at every step.

    PyTorch's ExponentialLR changes at whole epochs only; Keras's ExponentialDecay counts steps.
    """

    equations = Equations(factor=("gamma^t with t epochs done",))
    aliases = ("exponential_decay",)

    gamma: Annotated[float, Gt(0), Le(1), "share of the learning rate that is left after an epoch"] = 0.95

    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        return pow(self.gamma, epoch)


@SCHEDULES.register
@dataclass(frozen=True)
class InverseTime(Schedule):
    """Falls ever more slowly; the rates add up without limit, as proofs of convergence with noisy gradients need.

    Keras's InverseTimeDecay counts steps; not in PyTorch. Reference: Robbins and Monro, 1951.
    """

    equations = Equations(factor=("1 / (1 + decay · t) with t epochs done",))
    aliases = ("inverse_time_decay",)

    decay: Annotated[float, Ge(0), "speed of the fall; at 1 the rate is halved after the first epoch"] = 0.1

    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        return 1 / (1 + self.decay * epoch)


@SCHEDULES.register
@dataclass(frozen=True)
class Polynomial(Schedule):
    """Falls with a power of the share of training that is left, changing at every step.

    PyTorch's PolynomialLR has no final and power 1; Keras's PolynomialDecay has a final rate of 0.0001.
    """

    equations = Equations(factor=("final + (1 - final) (1 - t / T)^power with t of T epochs done",))
    aliases = ("poly",)

    power: Annotated[float, Gt(0), "1 is a straight line; the higher, the earlier the fall"] = 2.0
    final: Final = 0.0

    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        return self.final + (1 - self.final) * pow(1 - compute_progress(epoch, epochs), self.power)


@SCHEDULES.register
@dataclass(frozen=True)
class Linear(Schedule):
    """A straight line from the learning rate down to a share of it, changing at every step.

    PyTorch's LinearLR rises by default; here that is warmup.
    """

    equations = Equations(factor=("1 - (1 - final) t / T with t of T epochs done",))

    final: Final = 0.0

    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        return 1 - (1 - self.final) * compute_progress(epoch, epochs)


@SCHEDULES.register
@dataclass(frozen=True)
class Plateau(Schedule):
    """Multiplies the learning rate by gamma each time the monitored loss has stopped falling.

    PyTorch's ReduceLROnPlateau (mode min, threshold relative), which takes `best - threshold · best` where losses are
    negative; Keras's ReduceLROnPlateau waits one epoch less, and its threshold is absolute.
    """

    equations = Equations(
        factor=(
            "multiplied by gamma, down to floor, after more than patience epochs in a row without a loss below "
            "best - threshold · |best|",
            "then cooldown epochs do not count",
        )
    )
    aliases = ("reduce_lr_on_plateau", "reduce_on_plateau")
    follows_losses = True

    gamma: Gamma = 0.1
    patience: Annotated[int, Ge(0), "epochs without improvement before a drop"] = 10
    threshold: Annotated[float, Ge(0), Le(1), "share by which a loss must be lower to count as improved"] = 1e-4
    cooldown: Annotated[int, Ge(0), "epochs after a drop that do not count"] = 0
    floor: Annotated[float, Ge(0), Le(1), "smallest share of the learning rate"] = 0.0

    def factor(self, epoch: float, epochs: float, memory: float) -> float:
        return memory

    def first_change(self) -> tuple[str, int]:
        return "patience", self.patience

    def remember(self, losses: Sequence[float]) -> float:
        factor, best, waited, cooling = 1.0, float("inf"), 0, 0
        for loss in losses:
            # An infinite best would make the threshold NaN.
            if loss < best and (best == float("inf") or loss < best - self.threshold * abs(best)):
                best, waited = loss, 0
            else:
                waited += 1
            if cooling:
                cooling, waited = cooling - 1, 0
            if waited > self.patience:
                factor, cooling, waited = max(factor * self.gamma, self.floor), self.cooldown, 0
        return factor
