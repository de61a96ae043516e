"""Runs as they lie on the disk: what each is called, how far it is, and whether somebody trains in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from bptrain.config.yaml_text import parse, read_text
from bptrain.errors import BptrainError, InputError
from bptrain.run.directory import RunDirectory
from bptrain.run.history import read_history
from bptrain.run.lock import holder
from bptrain.run.npz import read_document
from bptrain.run.outcome import Outcome, read_outcome
from bptrain.training.session import Record, metrics_of

State = Literal["finished", "stopped", "diverged", "failed", "crashed", "running"]


@dataclass(frozen=True)
class Run:
    """A run directory: `config` is as run, `history` a record an epoch, `started` as ISO 8601, `seconds` how long it
    trained in all, where that is known; `best` and `test` as `train --json` has them. `problem`
    says what cannot be read."""

    path: Path
    name: str
    state: State
    why: str
    config: dict[str, Any] = field(repr=False)
    history: tuple[Record, ...] = field(repr=False)
    started: str | None
    seconds: float | None
    best: dict[str, Any] | None
    test: dict[str, Any] | None
    problem: str = ""

    @property
    def epochs(self) -> int:
        """Epochs done."""
        return int(self.history[-1]["epoch"] or 0) if self.history else 0

    @property
    def steps(self) -> int:
        """Steps done in those."""
        return int(self.history[-1].get("step") or 0) if self.history else 0

    @property
    def of(self) -> int | None:
        """Epochs that it is to have at most."""
        wanted = part(self.config, "training", "epochs")
        return wanted if isinstance(wanted, int) else None

    @property
    def monitored_losses(self) -> list[float | None]:
        """The loss that tells the best epoch, of every epoch."""
        return [record.get("validation_loss", record.get("loss")) for record in self.history]

    def to_json(self) -> dict[str, Any]:
        """The keys that scripts may rely on."""
        return {
            "run": str(self.path),
            "name": self.name,
            "state": self.state,
            "why": self.why,
            "epochs": self.epochs,
            "of": self.of,
            "steps": self.steps,
            "started": self.started,
            "seconds": self.seconds,
            "best": self.best,
            "test": self.test,
        }


def is_run(path: Path) -> bool:
    """Whether there is a run at a path."""
    run = RunDirectory(path)
    return path.is_dir() and (run.config.is_file() or run.checkpoints.is_dir())


def moment(run: Run) -> float:
    """When a run was started, in seconds since 1970; 0 where that is not known."""
    try:
        return datetime.fromisoformat(run.started or "").timestamp()
    except (ValueError, OverflowError):
        return 0.0


def read_run(path: str | Path) -> Run:
    """Read a run as it lies on the disk.

    Raises:
        InputError: there is none at the path.
    """
    path = Path(path)
    if not is_run(path):
        what = "not a run directory (looked for config.yaml)" if path.is_dir() else "no such run directory"
        raise InputError(f"{path}: {what}")
    run, problems = RunDirectory(path), []
    config: Any = None
    try:
        config, _ = parse(read_text(run.config), str(run.config))
    except BptrainError as error:
        problems.append(error.lines[0])
    try:
        history = read_history(run.history)
    except BptrainError as error:
        history = []
        problems.append(error.lines[0])
    config = literal(config) if isinstance(config, dict) else {}
    outcome, checkpoint = read_outcome(run), read_document(run.last)
    state, why = state_of(run, outcome, checkpoint)
    known = outcome if outcome and state == outcome.state else None
    return Run(
        path,
        str(config.get("name", path.name)),
        state,
        why,
        config,
        tuple(history),
        read_start(run),
        outcome.seconds if outcome else None,
        (known and known.best) or best_of(history),
        known.test if known else None,
        "; ".join(problems),
    )


def state_of(run: RunDirectory, outcome: Outcome | None, checkpoint: Mapping[str, Any]) -> tuple[State, str]:
    """Whether a run is in progress or how it ended, and why, by its lock, its outcome and its last checkpoint."""
    if (owner := holder(run.path)) is not None:
        return ("running", owner) if owner else ("crashed", "the process that trained in it is gone")
    if outcome:
        return outcome.state, outcome.why
    stopped = part(checkpoint, "progress", "stopped")
    if stopped:
        return "finished", str(stopped)
    return ("stopped", "") if checkpoint else ("crashed", "it has no checkpoint")


def read_start(run: RunDirectory) -> str | None:
    """Return when a run was begun."""
    try:
        found = json.loads(run.environment.read_text(encoding="utf-8"))["started"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def best_of(history: list[Record]) -> dict[str, Any] | None:
    """The best epoch of a history with its scores: of the lowest validation loss, or the latest where nothing is held
    out."""
    held_out = [record for record in history if isinstance(record.get("validation_loss"), int | float)]
    if not history:
        return None
    record = min(held_out, key=lambda one: one["validation_loss"] or 0.0) if held_out else history[-1]
    prefix = "validation_" if held_out else ""
    return {"epoch": record["epoch"], "loss": record[f"{prefix}loss"], "metrics": metrics_of(record)}


def literal(value: Any) -> Any:
    """A value of a config as run, which refers to nothing any more: `$${` stands for `${`."""
    if isinstance(value, Mapping):
        return {literal(key): literal(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [literal(inner) for inner in value]
    return value.replace("$${", "${") if isinstance(value, str) else value


def part(document: Any, *path: str) -> Any:
    """What stands at a place of a document; None where there is no such place."""
    for key in path:
        document = document.get(key) if isinstance(document, Mapping) else None
    return document
