"""Standings: the contenders of a race, trained in turn, epoch by epoch and seed by seed, and their final losses."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import inf, isfinite, sqrt
from typing import Any

import numpy as np

from bptrain.errors import DivergedError, InputError
from bptrain.nn.network import limit_threads
from bptrain.search.significance import Comparison, compare_losses, correct_p_values
from bptrain.training.events import EpochEnd
from bptrain.training.loop import Budget, train
from bptrain.training.session import Session

MOST_CONTENDERS = 20


@dataclass(frozen=True)
class Contender:
    """A name, and the overrides of the config that it stands for."""

    name: str
    overrides: tuple[str, ...]


def list_contenders(optimizers: Sequence[str], vary: Sequence[str]) -> list[Contender]:
    """Return a contender for every combination of optimizers and `KEY=a,b,c`.

    Raises:
        InputError: there are fewer than two, too many, or two that are equal.
    """
    choices = [[("optimizer", text) for text in optimizers]] if optimizers else []
    for text in vary:
        key, equals, values = text.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--vary: expected KEY=a,b,c, such as optimizer.adam.lr=0.1,0.01 (got {text!r})")
        if key.strip() == "seed":
            raise InputError("--vary: every contender gets the same seeds; choose their number with --seeds")
        choices.append([(key.strip(), value) for value in split_values(values)])
    found = []
    for chosen in product(*choices):
        name = ", ".join(value if key == "optimizer" else f"{key}={value}" for key, value in chosen)
        found.append(Contender(name, tuple(f"{key}={value}" for key, value in chosen)))
    if len(found) < 2:
        raise InputError("a race needs at least two contenders; give --optimizer twice, or --vary KEY=a,b")
    if len(found) > MOST_CONTENDERS:
        raise InputError(f"at most {MOST_CONTENDERS} contenders can race (got {len(found)}); vary fewer values")
    names = [one.name for one in found]
    if twice := next((name for k, name in enumerate(names) if name in names[:k]), None):
        raise InputError(f"{twice!r} is given twice; give it once")
    return found


def split_values(values: str) -> list[str]:
    """Return values separated by commas; commas inside brackets and quotes do not separate."""
    found, depth, quote = [""], 0, ""
    for c in values:
        if quote:
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        elif c in "[{(":
            depth += 1
        elif c in "]})":
            depth -= 1
        if c == "," and not depth and not quote:
            found.append("")
        else:
            found[-1] += c
    return [value.strip() for value in found]


@dataclass
class Standing:
    """A contender: for each seed its monitored loss after every epoch, and its final loss (infinite if it diverged)."""

    contender: Contender
    curves: list[list[float]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    @property
    def diverged(self) -> int:
        """The number of seeds with which it diverged."""
        return sum(not isfinite(loss) for loss in self.losses)

    @property
    def mean(self) -> float:
        """The mean loss over the seeds; infinite if one diverged."""
        return sum(self.losses) / len(self.losses) if self.losses else inf

    @property
    def spread(self) -> float | None:
        """The standard deviation over the seeds (divided by n - 1); None for a single seed."""
        if len(self.losses) < 2 or self.diverged:
            return None
        return sqrt(sum((loss - self.mean) ** 2 for loss in self.losses) / (len(self.losses) - 1))

    @property
    def curve(self) -> list[float]:
        """The mean over the seeds after every epoch that all of them have reached."""
        return [sum(losses) / len(losses) for losses in zip(*self.curves, strict=False)]

    def to_json(self) -> dict[str, Any]:
        """Return the keys that scripts rely on; a number that is not finite is null."""
        return {
            "name": self.contender.name,
            "overrides": list(self.contender.overrides),
            "losses": [drop_infinite(loss) for loss in self.losses],
            "mean": drop_infinite(self.mean),
            "spread": self.spread,
            "diverged": self.diverged,
            "curves": [[drop_infinite(loss) for loss in curve] for curve in self.curves],
        }


@dataclass(frozen=True)
class Race:
    """The result of a race: the standings, best first, and the leader compared with each of the others.

    `measure` is the compared loss, and `same_start` tells whether all contenders started with the same weights.
    """

    measure: str
    seeds: tuple[int, ...]
    standings: tuple[Standing, ...]
    comparisons: tuple[Comparison, ...]
    same_start: bool

    def to_json(self) -> dict[str, Any]:
        """Return what `bptrain race --json` prints."""
        keys = ("better", "worse", "wins", "seeds", "difference", "p")
        return {
            "measure": self.measure,
            "seeds": list(self.seeds),
            "same_start": self.same_start,
            "contenders": [standing.to_json() for standing in self.standings],
            "comparisons": [
                {key: getattr(one, key) for key in keys}
                | {"difference": drop_infinite(one.difference), "more_than_noise": one.more_than_noise}
                for one in self.comparisons
            ],
        }


def drop_infinite(number: float) -> float | None:
    """Return a finite number, or None."""
    return number if isfinite(number) else None


@dataclass(frozen=True)
class Lap:
    """One more epoch with a seed, done by every contender that still trains, and the standings after it."""

    seed: int
    number: int
    epoch: int
    standings: tuple[Standing, ...]


Watch = Callable[[Lap], None]


def run_laps(sessions: Sequence[Session], standings: Sequence[Standing]) -> Iterator[int]:
    """Train all contenders with one seed, in turn; yield the epoch after each epoch of all."""
    laps = [run_epochs(session) for session in sessions]
    for standing in standings:
        standing.curves.append([])
    running, epoch = set(range(len(sessions))), 0
    while running:
        epoch += 1
        for k in sorted(running):
            session, curve = sessions[k], standings[k].curves[-1]
            with np.errstate(all="ignore"), limit_threads(session.model.network, session.batch_size):
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


def run_epochs(session: Session) -> Iterator[float]:
    """Train, and yield the monitored loss after each epoch."""
    most = session.model.experiment.training.max_steps or inf
    for event in train(session, Budget(max_steps=most)):
        if isinstance(event, EpochEnd):
            yield session.losses[-1]


def have_same_start(sessions: Sequence[Session]) -> bool:
    """Return whether all sessions have the same weights and the same training rows."""
    start = sessions[0]
    return all(
        np.array_equal(one.model.network.theta, start.model.network.theta) and one.data == start.data
        for one in sessions[1:]
    )


def rank_standings(standings: Sequence[Standing]) -> tuple[Standing, ...]:
    """Return the standings, best first; those that diverged come last, ordered by how often."""
    return tuple(sorted(standings, key=lambda one: (one.mean, one.diverged, sum(filter(isfinite, one.losses)))))


def compare_standings(ranked: Sequence[Standing]) -> tuple[Comparison, ...]:
    """Return the leader compared with each of the others."""
    leader, *others = ranked
    found = [compare_losses(leader.contender.name, leader.losses, one.contender.name, one.losses) for one in others]
    corrected = correct_p_values([one.p for one in found])
    return tuple(replace(one, p=p) for one, p in zip(found, corrected, strict=True))
