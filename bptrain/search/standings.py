"""Standings: how the contenders of a race do, seed by seed, epoch by epoch in turn, and what they came to."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite, sqrt
from typing import Any

import numpy as np

from bptrain.errors import DivergedError
from bptrain.nn.threads import threads_for
from bptrain.search.significance import Comparison, compare_losses, holm
from bptrain.search.vary import Contender
from bptrain.training.events import EpochEnd
from bptrain.training.loop import Budget, train
from bptrain.training.session import Session


@dataclass
class Standing:
    """How a contender does: for each seed the monitored loss after every epoch, and the one it came to (infinite where
    it diverged)."""

    contender: Contender
    curves: list[list[float]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    @property
    def diverged(self) -> int:
        """For how many seeds it met a number that is not finite."""
        return sum(not isfinite(loss) for loss in self.losses)

    @property
    def mean(self) -> float:
        """The mean loss over the seeds; infinite if one diverged."""
        return sum(self.losses) / len(self.losses) if self.losses else inf

    @property
    def spread(self) -> float | None:
        """The standard deviation over the seeds (divided by their number less 1); None for a single one."""
        if len(self.losses) < 2 or self.diverged:
            return None
        return sqrt(sum((loss - self.mean) ** 2 for loss in self.losses) / (len(self.losses) - 1))

    @property
    def curve(self) -> list[float]:
        """The mean over the seeds after every epoch, as long as all go on."""
        return [sum(losses) / len(losses) for losses in zip(*self.curves, strict=False)]

    def to_json(self) -> dict[str, Any]:
        """The keys that scripts may rely on; what is not finite is null."""
        return {
            "name": self.contender.name,
            "overrides": list(self.contender.overrides),
            "losses": [loss if isfinite(loss) else None for loss in self.losses],
            "mean": self.mean if isfinite(self.mean) else None,
            "spread": self.spread,
            "diverged": self.diverged,
            "curves": [[loss if isfinite(loss) else None for loss in curve] for curve in self.curves],
        }


@dataclass(frozen=True)
class Race:
    """What a race came to: the standings, best first, and the leader against each of the others. `measure` is what was
    compared, and `same_start` whether all began with the very same weights."""

    measure: str
    seeds: tuple[int, ...]
    standings: tuple[Standing, ...]
    comparisons: tuple[Comparison, ...]
    same_start: bool

    def to_json(self) -> dict[str, Any]:
        """What `bptrain race --json` prints."""
        return {
            "measure": self.measure,
            "seeds": list(self.seeds),
            "same_start": self.same_start,
            "contenders": [standing.to_json() for standing in self.standings],
            "comparisons": [
                {
                    "better": one.better,
                    "worse": one.worse,
                    "wins": one.wins,
                    "seeds": one.seeds,
                    "difference": one.difference if isfinite(one.difference) else None,
                    "p": one.p,
                    "more_than_noise": one.more_than_noise,
                }
                for one in self.comparisons
            ],
        }


@dataclass(frozen=True)
class Lap:
    """All contenders have done another epoch of a seed, or some of them the last one: the standings so far."""

    seed: int
    number: int
    epoch: int
    standings: tuple[Standing, ...]


Watch = Callable[[Lap], None]


def run_laps(sessions: Sequence[Session], standings: Sequence[Standing]) -> Iterator[int]:
    """Train all contenders on one seed, in turn; yields after every epoch of all."""
    laps = [epochs(session) for session in sessions]
    for standing in standings:
        standing.curves.append([])
    running, epoch = set(range(len(sessions))), 0
    while running:
        epoch += 1
        for k in sorted(running):
            session, curve = sessions[k], standings[k].curves[-1]
            with np.errstate(all="ignore"), threads_for(session.model.network, session.batch_size):
                try:
                    curve.append(next(laps[k]))
                    continue
                except StopIteration:
                    standings[k].losses.append(session.best.score.loss if session.best else inf)
                except DivergedError:
                    curve.append(inf)
                    standings[k].losses.append(inf)
            running.discard(k)
        yield epoch


def epochs(session: Session) -> Iterator[float]:
    """The monitored loss after each epoch."""
    most = session.model.experiment.training.max_steps or inf
    for event in train(session, Budget(max_steps=most)):
        if isinstance(event, EpochEnd):
            yield session.losses[-1]


def have_same_start(sessions: Sequence[Session]) -> bool:
    """Whether all have the same weights and the same rows to learn from."""
    start = sessions[0]
    return all(
        np.array_equal(one.model.network.theta, start.model.network.theta) and one.data == start.data
        for one in sessions[1:]
    )


def rank(standings: Sequence[Standing]) -> tuple[Standing, ...]:
    """Return the standings, the best first; of those that diverged the one that did least often."""
    return tuple(sorted(standings, key=lambda one: (one.mean, one.diverged, sum(filter(isfinite, one.losses)))))


def comparisons(ordered: Sequence[Standing]) -> tuple[Comparison, ...]:
    """The leader against each of the others."""
    leader, *others = ordered
    found = [compare_losses(leader.contender.name, leader.losses, one.contender.name, one.losses) for one in others]
    corrected = holm([one.p for one in found])
    return tuple(replace(one, p=p) for one, p in zip(found, corrected, strict=True))
