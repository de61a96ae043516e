"""The run directory: `config.yaml`, `history.jsonl`, `environment.json` and the checkpoints of one run."""

import json
import re
import time
from pathlib import Path
from typing import Any

from bptrain.atomic import replace_atomically
from bptrain.code import list_loaded_code
from bptrain.config import Experiment, to_yaml
from bptrain.errors import InputError, StorageError
from bptrain.run.lock import NAME as LOCK
from bptrain.run.lock import Lock

ROOT = Path("runs")

TEMPORARY = re.compile(
    r"\.(last|last\.previous|best)\.npz\.\d+\.tmp"
    r"|\.(config\.yaml|environment\.json|outcome\.json|report\.html)\.\d+\.tmp"
)
"""The names of half-written files; bptrain removes no others from a run directory."""


class RunDirectory:
    """The paths inside a run directory.

    `config` is the config as run; `history` has one record per epoch; `environment` says what else results may depend
    on, and when the run was started; `outcome` says how it ended. Training resumes from `last`; `best` has the best
    weights.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.history = path / "history.jsonl"
        self.environment = path / "environment.json"
        self.outcome = path / "outcome.json"
        self.checkpoints = path / "checkpoints"
        self.last = self.checkpoints / "last.npz"
        self.best = self.checkpoints / "best.npz"


def is_run(path: Path) -> bool:
    """Tell whether a path is a run directory."""
    run = RunDirectory(path)
    return path.is_dir() and (run.config.is_file() or run.checkpoints.is_dir())


def require_run(path: Path) -> RunDirectory:
    """Require that a path is a run directory, and return it.

    Raises:
        InputError: it is not.
    """
    if not is_run(path):
        what = "no such run directory"
        if path.is_dir():
            what = "not a run directory (looked for config.yaml)"
        elif path.is_file():
            what = "not a run directory (got a file); name a directory that `bptrain runs` lists"
        raise InputError(f"{path}: {what}")
    return RunDirectory(path)


def create_directory(
    experiment: Experiment, environment: dict[str, Any], wanted: Path | None
) -> tuple[RunDirectory, Lock]:
    """Create a run directory with its config and environment; return it with its lock.

    Args:
        experiment: with every `auto` resolved.
        environment: what else results may depend on.
        wanted: its path, new or empty; None for `runs/NAME-001` with the next free number.

    Raises:
        InputError: something is at the path already.
        StorageError: it cannot be created.
    """
    lock = None
    try:
        path = wanted or create_numbered_folder(ROOT, build_file_name(experiment.name))
        lock = lock_empty_folder(path)
        run = RunDirectory(path)
        # The config comes first: once it is written, the run can be resumed.
        write_config(run, experiment)
        run.checkpoints.mkdir()
        code = [{"path": str(one.path.resolve()), "digest": one.digest} for one in list_loaded_code()]
        known = environment | {"started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "code": code}
        write_text(run.environment, json.dumps(known, indent=2) + "\n")
        run.history.touch()
    except OSError as error:
        if lock:
            lock.release()
        raise StorageError(f"{wanted or ROOT}: cannot create the run directory ({error.strerror or error})") from None
    return run, lock


def write_config(run: RunDirectory, experiment: Experiment) -> None:
    """Write the config as run."""
    write_text(run.config, to_yaml(experiment))


def write_text(path: Path, text: str) -> None:
    """Write or replace a text file atomically."""
    with replace_atomically(path) as file:
        file.write(text.encode())


def lock_empty_folder(path: Path) -> Lock:
    """Create a folder if it is missing, and return its lock.

    Raises:
        InputError: the path is a file, the folder has content, or another process holds the lock.
    """
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: exists already and is not a directory; choose a new --run directory")
    path.mkdir(parents=True, exist_ok=True)
    if (path / LOCK).exists() or not has_content(path):
        lock = Lock(path)
        # Checked again: another process may have trained here and ended before the lock was taken.
        if not has_content(path):
            remove_temporary_files(path)
            return lock
        lock.release()
    what = "exists already and is not overwritten; choose a new --run directory"
    resumable = (path / "checkpoints" / "last.npz").is_file()
    raise InputError(f"{path}: {what}" + (f", or resume the run in it: bptrain resume {path}" if resumable else ""))


def has_content(path: Path) -> bool:
    """Tell whether a directory has more in it than a lock and half-written files, which a killed run leaves behind."""
    return any(entry.name != LOCK and not TEMPORARY.fullmatch(entry.name) for entry in path.iterdir())


def remove_temporary_files(folder: Path) -> list[Path]:
    """Remove and return the half-written files of killed processes, in a folder that no other process writes to."""
    left = [path for path in sorted(folder.iterdir()) if TEMPORARY.fullmatch(path.name) and path.is_file()]
    for path in left:
        path.unlink(missing_ok=True)
    return left


def create_numbered_folder(root: Path, name: str) -> Path:
    """Create a folder `root/name-001`, with the number after the highest in use."""
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


def build_file_name(name: str) -> str:
    """Return a name that is safe for a directory: at most 80 letters, digits, dots, dashes and underscores."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name[:80])
    return safe.lstrip(".") or "run"
