"""Racing: the same config trained with one option or another, seed by seed, epoch by epoch in turn."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import inf, isfinite, sqrt
from pathlib import Path
from typing import Any

import numpy as np

from bptrain.code import load_codes
from bptrain.config import load
from bptrain.errors import DivergedError, InputError
from bptrain.model.assemble import Assembly, prepare
from bptrain.model.read import Tables
from bptrain.nn.threads import threads_for
from bptrain.rules import require_sense
from bptrain.search.significance import Comparison, compared, holm
from bptrain.training.budget import Budget
from bptrain.training.loop import EpochEnd, train
from bptrain.training.session import Session, begin

MOST_CONTENDERS = 20
MOST_SEEDS = 1000


@dataclass(frozen=True)
class Contender:
    """A name, and the overrides that make the config its own."""

    name: str
    overrides: tuple[str, ...]


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


def race(
    config: str | Path,
    overrides: Sequence[str] = (),
    *,
    optimizers: Sequence[str] = (),
    vary: Sequence[str] = (),
    seeds: int = 5,
    code: Sequence[str | Path] = (),
    watch: Watch | None = None,
) -> Race:
    """Train a config with each of several options, from the same initial weights and on the same batches.

    What counts is the loss that training would keep: the lowest validation loss, or the last training loss where
    nothing is held out. Nothing is written.

    Args:
        config: a YAML file.
        overrides: `KEY=VALUE` each, put over the file for all of them.
        optimizers: as in a config, such as `adam` or `{sgd: {lr: 0.1, momentum: 0.9}}`.
        vary: `KEY=a,b,c` each; with several, and with optimizers, every combination races.
        seeds: how many; they count up from that of the config.
        code: Python files that register components which the config names.
        watch: is called after every epoch.

    Raises:
        InputError: there are not two contenders, or the config or its data cannot be used.
    """
    load_codes(code)
    if not 1 <= seeds <= MOST_SEEDS:
        raise InputError(f"--seeds: from 1 to {MOST_SEEDS} (got {seeds})")
    standings = tuple(Standing(one) for one in contenders(optimizers, vary))
    first = load(config, overrides).experiment.seed
    numbers, same, measure, tables = tuple(range(first, first + seeds)), True, "", Tables()
    for k, seed in enumerate(numbers):
        wanted = [(*overrides, *one.contender.overrides, f"seed={seed}") for one in standings]
        sessions = [begin_racing(prepare(config, one, tables=tables)) for one in wanted]
        same = same and alike(sessions)
        measure = "validation loss" if "validation" in sessions[0].parts else "training loss"
        for epoch in run(sessions, standings):
            if watch:
                watch(Lap(seed, k + 1, epoch, standings))
    ordered = tuple(sorted(standings, key=lambda one: (one.mean, one.diverged, sum(filter(isfinite, one.losses)))))
    return Race(measure, numbers, ordered, comparisons(ordered), same)


def begin_racing(assembly: Assembly) -> Session:
    """Return the session of a contender at its start.

    Raises:
        ConfigError: its config makes no sense.
    """
    require_sense(assembly)
    return begin(assembly)


def run(sessions: Sequence[Session], standings: Sequence[Standing]) -> Iterator[int]:
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


def alike(sessions: Sequence[Session]) -> bool:
    """Whether all have the same weights and the same rows to learn from."""
    start = sessions[0]
    return all(
        np.array_equal(one.model.network.theta, start.model.network.theta) and one.data == start.data
        for one in sessions[1:]
    )


def comparisons(ordered: Sequence[Standing]) -> tuple[Comparison, ...]:
    """The leader against each of the others."""
    leader, *others = ordered
    found = [compared(leader.contender.name, leader.losses, one.contender.name, one.losses) for one in others]
    corrected = holm([one.p for one in found])
    return tuple(replace(one, p=p) for one, p in zip(found, corrected, strict=True))


def contenders(optimizers: Sequence[str], vary: Sequence[str]) -> list[Contender]:
    """Every combination of the options.

    Raises:
        InputError: there are fewer than two of them, or far too many, or one comes twice.
    """
    choices = [[("optimizer", text) for text in optimizers]] if optimizers else []
    for text in vary:
        key, equals, values = text.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--vary: expected KEY=a,b,c, such as optimizer.adam.lr=0.1,0.01 (got {text!r})")
        if key.strip() == "seed":
            raise InputError("--vary: the race itself sets the seed, the same for all; say how many with --seeds")
        choices.append([(key.strip(), value) for value in split(values)])
    found = []
    for chosen in product(*choices):
        name = ", ".join(value if key == "optimizer" else f"{key}={value}" for key, value in chosen)
        found.append(Contender(name, tuple(f"{key}={value}" for key, value in chosen)))
    if len(found) < 2:
        raise InputError("a race needs at least two contenders; give --optimizer twice, or --vary KEY=a,b")
    if len(found) > MOST_CONTENDERS:
        raise InputError(f"at most {MOST_CONTENDERS} contenders can race (got {len(found)}); vary less")
    names = [one.name for one in found]
    if twice := next((name for k, name in enumerate(names) if name in names[:k]), None):
        raise InputError(f"{twice!r} races against itself; name it once")
    return found


def split(values: str) -> list[str]:
    """Values with commas between, those inside brackets and quotes left alone."""
    parts, depth, quote = [""], 0, ""
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
            parts.append("")
        else:
            parts[-1] += c
    return [part.strip() for part in parts]
