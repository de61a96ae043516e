"""Verification: a run trained straight and the same run trained with interruptions must end alike, bit for bit."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from bptrain.errors import InputError, StoppedError
from bptrain.interruption import Interruption
from bptrain.model.assemble import assemble_file
from bptrain.model.read import Tables
from bptrain.run.open_run import create_run, reopen_run
from bptrain.run.train_run import Result, Sink, train_run

COMPARED = ("checkpoints/last.npz", "checkpoints/best.npz", "history.jsonl", "config.yaml")


@dataclass(frozen=True)
class ResumeCheck:
    """What a straight run came to, the steps after which its twin was interrupted, and the files in which they
    differ."""

    result: Result
    interruptions: tuple[int, ...]
    different: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether they ended alike."""
        return not self.different

    def to_json(self) -> dict[str, Any]:
        """What `bptrain train --verify-resume --json` prints: that of the result, and `resume`."""
        found = {
            "identical": self.identical,
            "interruptions": list(self.interruptions),
            "different": list(self.different),
        }
        return self.result.to_json() | {"resume": found}


def verify_resume(
    config: str | Path,
    overrides: Sequence[str] = (),
    *,
    run: str | Path | None = None,
    strict: bool = False,
    sinks: Sequence[Sink] = (),
    interruption: Interruption | None = None,
    code: Sequence[str | Path] = (),
) -> ResumeCheck:
    """Train as `train` does; then once more in a temporary directory, interrupted and resumed from its files again and
    again; and compare checkpoints, history and config byte by byte.

    Args and errors are those of `train`.

    Raises:
        InputError: the config has `training.max_seconds`, with which no two runs need end alike.
    """
    tables, began = Tables(), perf_counter()
    assembly = assemble_file(config, overrides, code, tables=tables)
    with create_run(assembly, run, began, strict=strict) as straight:
        result = train_run(straight, sinks, interruption)
    if result.session.model.experiment.training.max_seconds is not None:
        raise InputError("training.max_seconds: where the clock ends training, no two runs need be alike; leave it out")
    pauses = interruptions(result.steps, result.session.steps_per_epoch)
    with TemporaryDirectory(prefix="bptrain-") as folder:
        twin = create_run(assemble_file(config, overrides, code, tables=tables), Path(folder) / "twin", perf_counter())
        for pause in (*pauses, inf):
            with twin, suppress(StoppedError):
                train_run(twin, (), interruption, pause=pause)
            if interruption is not None and interruption.signal is not None:
                raise StoppedError(interruption.signal)
            if pause < inf:
                twin = reopen_run(twin.directory.path, (), perf_counter())
        different = tuple(name for name in COMPARED if digest(result.run / name) != digest(twin.directory.path / name))
    return ResumeCheck(result, pauses, different)


def interruptions(steps: int, steps_per_epoch: int) -> tuple[int, ...]:
    """Where to interrupt a run of so many steps: soon, in the middle of epochs, at the end of one, and late."""
    middle = steps // 2
    end = middle // steps_per_epoch * steps_per_epoch
    wanted = {1, steps // 3, middle, steps_per_epoch, end, steps - 1}
    return tuple(sorted(step for step in wanted if 0 < step < steps))


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()
