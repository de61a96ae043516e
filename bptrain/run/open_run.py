"""Opening a run: a new one in a directory of its own, or an interrupted one in the state of its last checkpoint."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bptrain.columns.columns import Columns
from bptrain.columns.splits.chunked_draws import order_by_keys
from bptrain.config import Config, dump, from_json, load, load_document
from bptrain.config.document.dump import to_inline_yaml
from bptrain.errors import InputError, Mistake, OptionError, Problem
from bptrain.model.assemble import Assembly, assemble
from bptrain.model.encoding import has_digest
from bptrain.model.phases.phase_plan import list_phases
from bptrain.model.read import read
from bptrain.needs import check_needs
from bptrain.registry import name_of
from bptrain.rules import check_rules
from bptrain.run.checkpoint import read_last, read_needs, restore
from bptrain.run.directory import (
    ROOT,
    RunDirectory,
    create_directory,
    remove_temporary_files,
    require_run,
    write_config,
)
from bptrain.run.keeper import require_disk_space
from bptrain.run.lock import Lock
from bptrain.run.trackers import require_trackers
from bptrain.text import join_and
from bptrain.training.environment import describe_changes
from bptrain.training.session import Session, begin

CHANGEABLE = (
    "training.epochs",
    "training.max_steps",
    "training.max_seconds",
    "training.checkpoint",
    "training.log",
    "data.source",
    "data.cache",
)
"""The keys that may change when a run is resumed; data.source may, because the rows themselves are compared."""


SAME_RATE = 0.01
"""A relative difference of two learning rates that is not worth a notice."""


@dataclass(frozen=True)
class OpenRun:
    """A session ready to be trained, and its locked directory; a context manager that releases the lock.

    `began` is when the work began, by `perf_counter`. `seen` is the length and digest of the history when the session
    was saved; None for a new session that was not saved yet. `warnings` are about the config, `notes` about the data,
    and `notices` about a run that is resumed.
    """

    session: Session
    directory: RunDirectory
    lock: Lock
    began: float
    seen: dict[str, Any] | None = None
    warnings: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    def __enter__(self) -> "OpenRun":
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def create_run(assembly: Assembly, path: str | Path | None, began: float, *, strict: bool = False) -> OpenRun:
    """Create a new run in a directory of its own.

    Args:
        assembly: the model and the data.
        path: the directory, new or empty; None for `runs/NAME-001` with the next free number.
        began: when the work began, by `perf_counter`.
        strict: treat warnings about the config as errors.

    Raises:
        ConfigError: the config makes no sense, or the package of a tracker is missing; nothing was written.
        InputError: something is at the path already.
        StorageError: the disk has too little space for the run, or its directory cannot be created.
    """
    warnings = check_rules(assembly, strict=strict)
    require_trackers(assembly.config)
    session = begin(assembly)
    wanted = Path(path) if path is not None else None
    require_disk_space(wanted or ROOT, session)
    directory, lock = create_directory(session.model.experiment, session.environment, wanted)
    return OpenRun(session, directory, lock, began, warnings=warnings, notes=assembly.notes)


def reopen_run(path: str | Path, overrides: Sequence[str], began: float) -> OpenRun:
    """Open a run that was stopped or killed, in the state of its last checkpoint.

    Args:
        path: its directory.
        overrides: `KEY=VALUE` texts that change the config of the run; only `CHANGEABLE` keys are allowed.
        began: when the work began, by `perf_counter`.

    Raises:
        InputError: there is no run, another process trains in it, its data has changed, an override is not allowed, or
            code is missing.
        StorageError: no checkpoint can be read, or the disk has too little space for new ones.

    Warns:
        BptrainWarning: a file of code has changed since the checkpoint was written.
    """
    directory = require_run(Path(path))
    lock = Lock(directory.path)
    try:
        session, seen, notices = reopen_session(directory, overrides)
        if not session.is_finished:
            require_disk_space(directory.checkpoints, session)
    except BaseException:
        lock.release()
        raise
    return OpenRun(session, directory, lock, began, seen=seen, notices=tuple(notices))


def reopen_session(run: RunDirectory, overrides: Sequence[str]) -> tuple[Session, dict[str, Any] | None, list[str]]:
    """Return the session of a run as it was saved, the length and digest of the history then, and notices for the user.

    Raises:
        InputError: the run cannot be resumed, or not with these overrides.
        StorageError: no checkpoint can be read.
    """
    check_layers(overrides)
    folders = [folder for folder in (run.path, run.checkpoints) if folder.is_dir()]
    removed = [path for folder in folders for path in remove_temporary_files(folder)]
    notices = [f"removed {path}, a half-written file of a killed process" for path in removed]
    try:
        file, arrays, stored, notice = read_last(run.last)
    except FileNotFoundError:
        return restart_session(run, overrides), None, notices
    notices += [notice] if notice else []
    check_needs(read_needs(stored, file), str(file))
    config = load_document(stored["config"], str(file), overrides)
    check_changes(dump(from_json(stored["config"], str(file))), config)
    check_phases(stored["config"], config)
    # For a table larger than data.memory, an earlier version saved the keys of the order, not the order itself.
    has_keys = "order" in arrays and arrays["order"].dtype == np.uint64
    session = begin_session(config, Columns.from_json(stored["columns"]) if has_keys else None)
    if session.data != stored["data"] and not has_digest(session.whole, stored["data"]):
        raise InputError(f"{run.path}: the data has changed since the run began; train a new run on it")
    if has_keys:
        session.order_keys = arrays["order"].copy()
        session.order = order_by_keys(len(session.train), session.order_keys)
    restore(session, arrays, stored, file)
    update_stop(session, config)
    if jump := describe_jump(session, stored["config"]["training"]["epochs"]):
        notices.append(jump)
    if different := describe_changes(stored["environment"], session.environment):
        notices.append(f"the environment has changed ({different}); the result may differ in its last bits")
    if dump(config.experiment) != stored["config"]:
        write_config(run, config.experiment)
    return session, stored["history"], notices


def restart_session(run: RunDirectory, overrides: Sequence[str]) -> Session:
    """Return the session of a run that was killed before its first checkpoint.

    Raises:
        InputError: it had finished an epoch, or there is no config.
    """
    if not run.config.is_file() or (run.history.is_file() and run.history.stat().st_size):
        raise InputError(f"{run.path}: the checkpoints are missing, so it cannot be resumed; train a new run")
    config = load(run.config, overrides)
    check_changes(dump(load(run.config).experiment), config)
    session = begin_session(config)
    run.checkpoints.mkdir(exist_ok=True)
    write_config(run, session.model.experiment)
    return session


def begin_session(config: Config, fitted: Columns | None = None) -> Session:
    """Return a new session for the config of a run; `fitted` is passed to `assemble`.

    Raises:
        InputError: the data cannot be read or used, or a package is missing.
    """
    require_trackers(config)
    return begin(assemble(config, read(config), fitted=fitted))


def check_changes(before: Mapping[str, Any], config: Config) -> None:
    """Check that a config differs from the one of the run only in `CHANGEABLE` keys.

    Raises:
        ConfigError: every other key that differs, with both values.
    """
    only = f"only {join_and(CHANGEABLE)} may change"
    mistakes = [
        Mistake(key, f"was {to_inline_yaml(old)} when the run began and cannot become {to_inline_yaml(new)}; {only}")
        for key, old, new in compare_documents(before, dump(config.experiment))
        if not any(key == one or key.startswith(f"{one}.") for one in CHANGEABLE)
    ]
    if mistakes:
        raise config.origin.place(OptionError(*mistakes))


def check_phases(before: Mapping[str, Any], config: Config) -> None:
    """Check that a run with several phases keeps its limit on epochs, which all of them share.

    Raises:
        ConfigError: it does not.
    """
    training, old = config.experiment.training, before["training"]["epochs"]
    if len(list_phases(training)) > 1 and training.epochs != old:
        what = f"was {old} when the run began and cannot become {training.epochs} in one that trains several times"
        raise config.origin.place(OptionError(Mistake("training.epochs", f"{what}; train a new run")))


def check_layers(overrides: Sequence[str]) -> None:
    """Check that no override sets `hidden` or `activation`, which the config of a run replaces by its list of layers.

    Raises:
        InputError: one does.
    """
    for text in overrides:
        key = text.partition("=")[0].partition(".")[0].strip()
        if key in ("hidden", "activation"):
            raise InputError(f"{key}: the network of a run cannot change; only {join_and(CHANGEABLE)} may change")


def compare_documents(before: Any, after: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield each key in which two documents differ, with both values."""
    if isinstance(before, Mapping) and isinstance(after, Mapping) and before.keys() == after.keys():
        for name in before:
            yield from compare_documents(before[name], after[name], f"{key}.{name}" if key else name)
    elif before != after:
        yield key, before, after


def describe_jump(session: Session, before: int) -> str:
    """Return how the learning rate jumps because the schedule spans another number of epochs than `before`; empty if it
    does not."""
    experiment = session.model.experiment
    epoch, after = session.step / session.steps_per_epoch, experiment.training.epochs
    rates = [
        experiment.optimizer.lr * experiment.schedule.factor(epoch, epochs, session.memory) * 0.5**session.halvings
        for epochs in (before, after)
    ]
    if session.is_finished or abs(rates[0] - rates[1]) <= SAME_RATE * max(rates):
        return ""
    what = f"the schedule {name_of(experiment.schedule)} spans {after} epochs now, and {before} before"
    return f"{what}: the learning rate jumps from {rates[0]:.3g} to {rates[1]:.3g}"


def update_stop(session: Session, config: Config) -> None:
    """Update whether a run is finished, because overrides may have changed its number of epochs or steps.

    Raises:
        ConfigError: the run has already done more than that.
    """
    training = config.experiment.training
    if len(session.phases) > 1:
        return
    begun = session.epoch + (session.position > 0)
    if (training.epochs < begun and session.stopped is None) or training.epochs < session.epoch:
        what = f"the run is already in epoch {begun} (got {training.epochs}); write {begun} or more"
        raise config.origin.place(OptionError(Mistake("training.epochs", what)))
    most = training.max_steps
    if most is not None and most < session.step:
        what = f"the run has already done {session.step} steps (got {most}); write {session.step + 1} or more"
        raise config.origin.place(OptionError(Mistake("training.max_steps", what)))
    if session.stopped in (None, "epochs", "max_steps"):
        session.stopped = None
        if session.epoch >= training.epochs:
            session.stopped = "epochs"
        elif most is not None and session.step >= most:
            session.stopped = "max_steps"
