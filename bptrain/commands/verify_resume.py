"""`bptrain train --verify-resume`"""

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
from bptrain.model.assemble import Assembly, assemble_file
from bptrain.model.read import Tables
from bptrain.run.open_run import create_run, reopen_run
from bptrain.run.train_run import Result, Sink, train_run

COMPARED = ("checkpoints/last.npz", "checkpoints/best.npz", "history.jsonl", "config.yaml")
"""The files of two runs that are compared."""


@dataclass(frozen=True)
class ResumeCheck:
    """The comparison of a run with the same run, interrupted several times.

    Attributes:
        result: of the run without interruptions.
        interruptions: the steps after which the other run was interrupted.
        different: the files in which they differ.
    """

    result: Result
    interruptions: tuple[int, ...]
    different: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether all files are identical."""
        return not self.different

    def to_json(self) -> dict[str, Any]:
        """Return the keys of `bptrain train --verify-resume --json`: those of the result, and `resume`."""
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
    """Train a config, train it again with interruptions, and compare checkpoints, history and config byte by byte.

    The second run is in a temporary directory; it is interrupted and resumed from its files several times.

    Args:
        config: path of a YAML file.
        overrides: `KEY=VALUE` each, such as `training.epochs=5`, applied over the file.
        run: path of the run directory, as in `train`.
        strict: whether warnings about the config are errors.
        sinks: each called with the events of the first run, as in `train`.
        interruption: checked between two steps; stops both runs when it is set.
        code: Python files that register components which the config names.

    Returns:
        The result of the first run, and the files in which the second one differs.

    Raises:
        InputError: as in `train`; or the config has `training.max_seconds`, which ends each run at another step.
        DivergedError: a number was not finite; the run directory has the last good state.
        StorageError: a run cannot be written.
        StoppedError: it was interrupted.

    Example:
        >>> bptrain.verify_resume("configs/digits.yaml", ["training.epochs=5"]).identical
        True
    """
    tables, began = Tables(), perf_counter()
    assembly = assemble_file(config, overrides, code, tables=tables)
    if assembly.model.experiment.training.max_seconds is not None:
        what = "a time limit ends two runs at different steps, so they cannot be compared"
        raise InputError(f"training.max_seconds: {what}; add training.max_seconds=null")
    with create_run(assembly, run, began, strict=strict) as straight:
        result = train_run(straight, sinks, interruption)
    pauses = choose_interruptions(result.steps, result.session.steps_per_epoch)
    with TemporaryDirectory(prefix="bptrain-") as folder:
        assembly = assemble_file(config, overrides, code, tables=tables)
        new = train_with_interruptions(assembly, Path(folder) / "new", pauses, interruption)
        different = tuple(name for name in COMPARED if compute_digest(result.run / name) != compute_digest(new / name))
    return ResumeCheck(result, pauses, different)


def train_with_interruptions(
    assembly: Assembly, run: Path, pauses: Sequence[int], interruption: Interruption | None
) -> Path:
    """Train in a new run directory, interrupted after each of some steps and resumed from its files; return it."""
    new = create_run(assembly, run, perf_counter())
    for pause in (*pauses, inf):
        with new, suppress(StoppedError):
            train_run(new, (), interruption, pause=pause)
        if interruption is not None and interruption.signal is not None:
            raise StoppedError(interruption.signal)
        if pause < inf:
            new = reopen_run(new.directory.path, (), perf_counter())
    return new.directory.path


def choose_interruptions(steps: int, steps_per_epoch: int) -> tuple[int, ...]:
    """Choose the steps after which to interrupt a run: early, in the middle and at the end of an epoch, and late."""
    middle = steps // 2
    end = middle // steps_per_epoch * steps_per_epoch
    wanted = {1, steps // 3, middle, steps_per_epoch, end, steps - 1}
    return tuple(sorted(step for step in wanted if 0 < step < steps))


def compute_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()
