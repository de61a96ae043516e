"""The run directory: `config.yaml`, `history.jsonl`, `environment.json` and the checkpoints of one run."""

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bptrain.config import Experiment, to_yaml
from bptrain.errors import InputError, StorageError
from bptrain.training.checkpoint import save_best, save_last
from bptrain.training.loop import EpochEnd, Event
from bptrain.training.session import Session

ROOT = Path("runs")
SAVE_EVERY = 30.0
"""Seconds between two checkpoints while training goes on."""


@dataclass(frozen=True)
class RunDirectory:
    """The paths inside a run directory."""

    path: Path

    @property
    def best(self) -> Path:
        """The checkpoint with the best weights."""
        return self.path / "checkpoints" / "best.npz"

    @property
    def last(self) -> Path:
        """The checkpoint to continue from."""
        return self.path / "checkpoints" / "last.npz"

    @property
    def history(self) -> Path:
        """A record an epoch."""
        return self.path / "history.jsonl"


def create(experiment: Experiment, environment: dict[str, Any], wanted: Path | None) -> RunDirectory:
    """A new run directory with the config as run and the environment.

    Args:
        experiment: without any `auto`.
        environment: what results may depend on besides.
        wanted: its path, new or empty; default `runs/NAME-001` with the next free number.

    Raises:
        InputError: there is something at the path already.
        StorageError: it cannot be made.
    """
    try:
        run = RunDirectory(claimed(wanted) if wanted else numbered(ROOT, file_name(experiment.name)))
        (run.path / "checkpoints").mkdir()
        (run.path / "config.yaml").write_text(to_yaml(experiment), encoding="utf-8")
        known = environment | {"started": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
        (run.path / "environment.json").write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
        run.history.touch()
    except OSError as error:
        raise StorageError(f"{wanted or ROOT}: cannot make the run directory ({error.strerror or error})") from None
    return run


def claimed(path: Path) -> Path:
    """The directory at a path, made if need be.

    Raises:
        InputError: there is something else, or something in it.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError(f"{path}: exists already; a run never overwrites another, choose a new --run directory")
    path.mkdir(parents=True, exist_ok=True)
    return path


def numbered(root: Path, name: str) -> Path:
    """A new directory `root/name-001`, with the number after the highest in use."""
    root.mkdir(parents=True, exist_ok=True)
    used = [int(tail) for path in root.glob("*") if (tail := path.name.removeprefix(f"{name}-")).isdecimal()]
    number = max(used, default=0) + 1
    while True:
        path = root / f"{name}-{number:03d}"
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def file_name(name: str) -> str:
    """A name as a directory may have it: letters, digits, dot, dash and underscore, at most 80 of them."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name[:80])
    return safe.lstrip(".") or "run"


class Keeper:
    """The sink that writes history and checkpoints of a session into its run directory."""

    def __init__(self, run: RunDirectory, session: Session) -> None:
        self.run = run
        self.session = session
        self.saved = time.monotonic()
        save_last(run.last, session)

    def __call__(self, event: Event) -> None:
        """Append a finished epoch to the history, and save when it is time or training is over."""
        if not isinstance(event, EpochEnd):
            return
        try:
            with open(self.run.history, "a", encoding="utf-8") as file:
                file.write(json.dumps(event.record, allow_nan=False) + "\n")
        except OSError as error:
            raise StorageError(f"{self.run.history}: cannot be written ({error.strerror or error})") from None
        if self.session.stopped or time.monotonic() - self.saved >= SAVE_EVERY:
            save_best(self.run.best, self.session)
            save_last(self.run.last, self.session)
            self.saved = time.monotonic()

    def rescue(self) -> None:
        """Write the best weights so far before an error ends the run; what already fails to be written is left."""
        if self.session.best is not None:
            with contextlib.suppress(StorageError):
                save_best(self.run.best, self.session)
