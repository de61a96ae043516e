"""Runs as they are found on the disk: their names, finished epochs, and state."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from bptrain.config.load import read_yaml
from bptrain.errors import BptrainError
from bptrain.run.directory import RunDirectory, require_run
from bptrain.run.history import read_history, select_latest_phase
from bptrain.run.lock import find_owner
from bptrain.run.npz import read_document
from bptrain.run.outcome import Outcome, read_outcome
from bptrain.training.events import Record, get_metrics

State = Literal["finished", "stopped", "diverged", "failed", "crashed", "running"]


@dataclass(frozen=True)
class Run:
    """What is known of a run from the files in its directory.

    `why` is the reason for its state. `config` is the config as run, `history` has one record per epoch, of the latest
    phase. `started` is a time in ISO 8601, and `seconds` the total training time; both are None if unknown. `best` and
    `test` are as in `train --json`. `problem` says which files cannot be read, and why.
    """

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
        """The number of finished epochs."""
        return int(self.history[-1]["epoch"] or 0) if self.history else 0

    @property
    def steps(self) -> int:
        """The number of steps in the finished epochs."""
        return int(self.history[-1].get("step") or 0) if self.history else 0

    @property
    def of(self) -> int | None:
        """The number of epochs that the config asks for; None if unknown."""
        wanted = get_entry(self.config, "training", "epochs")
        return wanted if isinstance(wanted, int) else None

    @property
    def start_seconds(self) -> float:
        """The time when it was started, in seconds since 1970; 0 if unknown."""
        try:
            return datetime.fromisoformat(self.started or "").timestamp()
        except (ValueError, OverflowError):
            return 0.0

    @property
    def monitored(self) -> list[float | None]:
        """The loss of every epoch on the validation rows, or on the training rows if there are none."""
        return [record.get("validation_loss", record.get("loss")) for record in self.history]

    def to_json(self) -> dict[str, Any]:
        """Return the keys that scripts may rely on."""
        keys = ("name", "state", "why", "epochs", "of", "steps", "started", "seconds", "best", "test")
        return {"run": str(self.path)} | {key: getattr(self, key) for key in keys}


def read_run(path: str | Path) -> Run:
    """Read a run directory.

    Raises:
        InputError: the path is not a run directory.
    """
    path = Path(path)
    run = require_run(path)
    problems: list[str] = []
    config: Any = None
    history: list[Record] = []
    try:
        config, _ = read_yaml(run.config)
    except BptrainError as error:
        problems.append(error.lines[0])
    try:
        history = select_latest_phase(read_history(run.history))
    except BptrainError as error:
        problems.append(error.lines[0])
    config = unescape(config) if isinstance(config, dict) else {}
    outcome = read_outcome(run)
    state, why = find_state(run, outcome)
    known = outcome if outcome and state == outcome.state else None
    started = read_environment(run).get("started")
    return Run(
        path,
        str(config.get("name", path.name)),
        state,
        why,
        config,
        tuple(history),
        started if isinstance(started, str) else None,
        outcome.seconds if outcome else None,
        (known and known.best) or find_best_epoch(history),
        known.test if known else None,
        "; ".join(problems),
    )


def find_state(run: RunDirectory, outcome: Outcome | None) -> tuple[State, str]:
    """Return the state of a run and the reason for it, from its lock, its outcome and its last checkpoint."""
    if (owner := find_owner(run.path)) is not None:
        return ("running", owner) if owner else ("crashed", "the process that trained it died")
    if outcome:
        return outcome.state, outcome.why
    checkpoint = read_document(run.last)
    if stopped := get_entry(checkpoint, "progress", "stopped"):
        return "finished", str(stopped)
    return ("stopped", "") if checkpoint else ("crashed", "it has no checkpoint")


def read_environment(run: RunDirectory) -> dict[str, Any]:
    """Return the content of `environment.json`; empty if it cannot be read."""
    try:
        found = json.loads(run.environment.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def find_best_epoch(history: list[Record]) -> dict[str, Any] | None:
    """Return the epoch with the lowest validation loss and its scores; the latest one if there are no such losses."""
    validated = [record for record in history if isinstance(record.get("validation_loss"), int | float)]
    if not history:
        return None
    record = min(validated, key=lambda one: one["validation_loss"] or 0.0) if validated else history[-1]
    prefix = "validation_" if validated else ""
    return {"epoch": record["epoch"], "loss": record.get(f"{prefix}loss"), "metrics": get_metrics(record)}


def unescape(value: Any) -> Any:
    """Return a value of a config with every `$${`, which stands for a literal `${`, replaced by `${`."""
    if isinstance(value, Mapping):
        return {unescape(key): unescape(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [unescape(inner) for inner in value]
    return value.replace("$${", "${") if isinstance(value, str) else value


def get_entry(document: Any, *path: str) -> Any:
    """Return the entry of a nested document at a path of keys; None if it is missing."""
    for key in path:
        document = document.get(key) if isinstance(document, Mapping) else None
    return document
