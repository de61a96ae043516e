"""The run directory: `config.yaml`, `history.jsonl`, `environment.json` and the checkpoints of one run."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bptrain.atomic import replace_atomically
from bptrain.code import list_loaded_code
from bptrain.config import Experiment, to_yaml
from bptrain.errors import InputError, StorageError
from bptrain.run.disk import TEMPORARY, sweep
from bptrain.run.lock import NAME as LOCK
from bptrain.run.lock import Lock

ROOT = Path("runs")


@dataclass(frozen=True)
class RunDirectory:
    """The paths inside a run directory."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def config(self) -> Path:
        """The config as run."""
        return self.path / "config.yaml"

    @property
    def best(self) -> Path:
        """The checkpoint with the best weights."""
        return self.checkpoints / "best.npz"

    @property
    def last(self) -> Path:
        """The checkpoint to continue from."""
        return self.checkpoints / "last.npz"

    @property
    def history(self) -> Path:
        """A record an epoch."""
        return self.path / "history.jsonl"

    @property
    def environment(self) -> Path:
        """What results may depend on besides, and when the run was begun."""
        return self.path / "environment.json"

    @property
    def outcome(self) -> Path:
        """What became of it."""
        return self.path / "outcome.json"


def create_directory(
    experiment: Experiment, environment: dict[str, Any], wanted: Path | None
) -> tuple[RunDirectory, Lock]:
    """Make a new run directory with the config as run and the environment; return it with the right to write to it.

    Args:
        experiment: without any `auto`.
        environment: what results may depend on besides.
        wanted: its path, new or empty; default `runs/NAME-001` with the next free number.

    Raises:
        InputError: there is something at the path already.
        StorageError: it cannot be made.
    """
    lock = None
    try:
        path = wanted or make_numbered(ROOT, file_name(experiment.name))
        lock = claim(path)
        run = RunDirectory(path)
        # First of all the config: from then on the run can be resumed.
        write_config(run, experiment)
        run.checkpoints.mkdir()
        code = [{"path": str(one.path.resolve()), "digest": one.digest} for one in list_loaded_code()]
        known = environment | {"started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "code": code}
        write_text(run.environment, json.dumps(known, indent=2) + "\n")
        run.history.touch()
    except OSError as error:
        if lock:
            lock.release()
        raise StorageError(f"{wanted or ROOT}: cannot make the run directory ({error.strerror or error})") from None
    return run, lock


def write_config(run: RunDirectory, experiment: Experiment) -> None:
    """Write the config as run."""
    write_text(run.config, to_yaml(experiment))


def write_text(path: Path, text: str) -> None:
    """Write or replace a text file as a whole."""
    with replace_atomically(path) as file:
        file.write(text.encode())


def claim(path: Path) -> Lock:
    """Return the lock of the directory at a path, which is made if need be.

    Raises:
        InputError: there is something else, or something in it, or another process has it.
    """
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: exists already and is no directory; choose a new --run directory")
    path.mkdir(parents=True, exist_ok=True)
    if has_content(path) and not (path / LOCK).exists():
        raise in_use(path)
    lock = Lock(path)
    # Looked at again: another process may have been here and gone.
    if has_content(path):
        lock.release()
        raise in_use(path)
    sweep(path)
    return lock


def has_content(path: Path) -> bool:
    """Whether there is more in a directory than what a run leaves that died before it began."""
    return any(entry.name != LOCK and not TEMPORARY.fullmatch(entry.name) for entry in path.iterdir())


def in_use(path: Path) -> InputError:
    """The error for a directory with something in it."""
    begun = (path / "checkpoints" / "last.npz").is_file()
    rest = f"; to go on with the run in it: bptrain resume {path}" if begun else ""
    return InputError(f"{path}: exists already; a run never overwrites another, choose a new --run directory{rest}")


def make_numbered(root: Path, name: str) -> Path:
    """Make a new directory `root/name-001`, with the number after the highest in use."""
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
