"""Running: from a config file to a trained model in a run directory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from bptrain.config import Config, load
from bptrain.errors import ConfigError, OptionError, Problem
from bptrain.training import loop
from bptrain.training.assemble import Assembly, assemble
from bptrain.training.run_directory import Keeper, create
from bptrain.training.scoring import Score, score
from bptrain.training.sense import judge
from bptrain.training.session import Best, Session, begin
from bptrain.training.threads import threads_for


@dataclass(frozen=True)
class Started:
    """Before the first step: the session, where it is kept, and what is risky in the config."""

    session: Session
    run: Path
    warnings: tuple[Problem, ...] = ()


Sink = Callable[[Started | loop.Event], None]


@dataclass(frozen=True)
class Result:
    """What a run came to: `to_json` gives what `bptrain train --json` prints."""

    run: Path
    checkpoint: Path
    epochs: int
    steps: int
    seconds: float
    stopped: str
    best: Best
    test: Score | None
    session: Session

    def to_json(self) -> dict[str, Any]:
        """The keys that scripts may rely on."""
        return {
            "run": str(self.run),
            "checkpoint": str(self.checkpoint),
            "epochs": self.epochs,
            "steps": self.steps,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "best": {"epoch": self.best.epoch, **self.best.score.to_json()},
            "test": self.test.to_json() if self.test else None,
        }


def prepare(config: str | Path, overrides: Sequence[str] = ()) -> Assembly:
    """The model and the data of a config, checked against each other, before any training.

    Args:
        config: a YAML file.
        overrides: `KEY=VALUE` each, put over the file.

    Raises:
        InputError: the config or the data cannot be used; a `ConfigError` has the places of all mistakes.
    """
    loaded = load(config, overrides)
    with located(loaded):
        return assemble(loaded.experiment)


@contextmanager
def located(config: Config) -> Iterator[None]:
    """Give mistakes in options that the data or the rest of the config brings to light their places in the file."""
    try:
        yield
    except OptionError as error:
        raise config.origin.located(error) from None


def train(
    config: str | Path,
    overrides: Sequence[str] = (),
    *,
    run: str | Path | None = None,
    strict: bool = False,
    sinks: Sequence[Sink] = (),
) -> Result:
    """Train the network of a config, keeping the run in a directory of its own.

    Args:
        config: a YAML file.
        overrides: `KEY=VALUE` each, put over the file.
        run: the run directory, new or empty; default `runs/NAME-001` with the next free number.
        strict: whether what is risky in the config is an error; otherwise sinks get it as warnings with `Started`.
        sinks: are called with `Started` and then with every event of the loop.

    Returns:
        What came of it. The network in `session` has the best weights.

    Raises:
        InputError: the config or the data cannot be used, or make no sense together; nothing was written.
        DivergedError: a number was not finite; the run directory has what was good before.
        StorageError: the run could not be written.
    """
    began = perf_counter()
    loaded = load(config, overrides)
    with located(loaded):
        assembly = assemble(loaded.experiment)
        warnings = judge(loaded, assembly, strict=strict)
        if wrong := [problem for problem in warnings if problem.severity == "error"]:
            raise ConfigError(wrong)
        session = begin(assembly)
    # The table is not needed any more, and may be large.
    del assembly
    directory = create(session.model.experiment, session.environment, Path(run) if run is not None else None)
    keeper = Keeper(directory, session)
    for sink in sinks:
        sink(Started(session, directory.path, warnings))
    # Overflow is found in the loss and said once, not by NumPy at every step.
    with np.errstate(all="ignore"), threads_for(session.model.network, session.batch_size):
        try:
            for event in loop.train(session):
                keeper(event)
                for sink in sinks:
                    sink(event)
        except BaseException:
            keeper.rescue()
            raise
    best, stopped = session.best, session.stopped
    assert best is not None
    assert stopped is not None
    network = session.model.network
    network.theta[...], network.state[...] = best.theta, best.state
    test = score(session.model, session.parts["test"]) if "test" in session.parts else None
    seconds = perf_counter() - began
    return Result(directory.path, directory.best, session.epoch, session.step, seconds, stopped, best, test, session)
