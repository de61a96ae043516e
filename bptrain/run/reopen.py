"""Reopening a run: its session as it was saved, for an environment and a config that may have changed a little."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bptrain.columns.chunked_draws import order_by_keys
from bptrain.columns.columns import Columns
from bptrain.config import Config, dump, from_json, load, load_document
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.model.assemble import assemble
from bptrain.model.encoding import have_digest
from bptrain.model.read import read
from bptrain.needs import check_needs
from bptrain.run.checkpoint import read_last, read_needs, restore
from bptrain.run.directory import RunDirectory, remove_temporary_files, write_config
from bptrain.run.keeper import require_disk_space
from bptrain.run.lock import Lock
from bptrain.run.open_run import OpenRun
from bptrain.run.trackers import require_trackers
from bptrain.training.environment import differences
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
"""What may be another when a run is resumed. The source, since the rows themselves are compared."""


def reopen_run(path: str | Path, overrides: Sequence[str], began: float) -> OpenRun:
    """Open a run that was stopped or killed, where its last checkpoint was written.

    Args:
        path: of its directory.
        overrides: `KEY=VALUE` each, over the config of the run; only `CHANGEABLE` keys.
        began: when the work began, by `perf_counter`.

    Raises:
        InputError: there is no run, somebody else trains in it, its data has changed, an override is not allowed, or
            code is missing.
        StorageError: no checkpoint can be read, or there is no room for more.

    Warns:
        BptrainWarning: a file of code has changed since the checkpoint was written.
    """
    directory = RunDirectory(Path(path))
    if not directory.config.is_file() and not directory.checkpoints.is_dir():
        what = "no run to go on with" if directory.path.is_dir() else "no such run directory"
        raise InputError(f"{directory.path}: {what} (looked for checkpoints/last.npz)")
    lock = Lock(directory.path)
    try:
        session, seen, notices = reopen_session(directory, overrides)
        if not session.stopped:
            require_disk_space(directory.checkpoints, session)
    except BaseException:
        lock.release()
        raise
    return OpenRun(session, directory, lock, began, seen=seen, notices=tuple(notices))


def reopen_session(run: RunDirectory, overrides: Sequence[str]) -> tuple[Session, dict[str, Any] | None, list[str]]:
    """Return the session of a run as it was saved, how much of the history belongs to it, and what to say of it.

    Raises:
        InputError: the run cannot be resumed, or not like that.
        StorageError: it cannot be read.
    """
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
    # An earlier version kept the keys of the order where the table was larger than data.memory.
    has_keys = "order" in arrays and arrays["order"].dtype == np.uint64
    session = begin_again(config, Columns.from_json(stored["columns"]) if has_keys else None)
    if session.data != stored["data"] and not have_digest(session.parts, stored["data"]):
        raise InputError(f"{run.path}: the data has changed since the run began; train a new run on it")
    if has_keys:
        session.order_keys = arrays["order"].copy()
        session.order = order_by_keys(len(session.train), session.order_keys)
    restore(session, arrays, stored, file)
    decide_anew(session, config)
    if different := differences(stored["environment"], session.environment):
        notices.append(f"the environment is another ({different}); the result may differ in its last bits")
    if dump(config.experiment) != stored["config"]:
        write_config(run, config.experiment)
    return session, stored["history"], notices


def restart_session(run: RunDirectory, overrides: Sequence[str]) -> Session:
    """Return the session of a run that was killed before its first checkpoint.

    Raises:
        InputError: it has been further than that, or there is no config.
    """
    if not run.config.is_file() or (run.history.is_file() and run.history.stat().st_size):
        raise InputError(f"{run.path}: the checkpoints are gone; there is nothing to go on from")
    config = load(run.config, overrides)
    check_changes(dump(load(run.config).experiment), config)
    session = begin_again(config)
    run.checkpoints.mkdir(exist_ok=True)
    write_config(run, session.model.experiment)
    return session


def begin_again(config: Config, fitted: Columns | None = None) -> Session:
    """Return the session of a run's config at its start; `fitted` is for `assemble`.

    Raises:
        InputError: the data cannot be used any more, or a package is missing.
    """
    require_trackers(config)
    return begin(assemble(config, read(config), fitted=fitted))


def check_changes(before: Mapping[str, Any], config: Config) -> None:
    """Refuse a config that differs from that of the run in more than may change.

    Raises:
        ConfigError: with every key that differs, and both its values.
    """
    after = dump(config.experiment)
    mistakes = [
        Mistake(key, f"was {old} when the run began and cannot become {new}; only {', '.join(CHANGEABLE)} may change")
        for key, old, new in compare_documents(before, after)
        if not any(key == one or key.startswith(f"{one}.") for one in CHANGEABLE)
    ]
    if mistakes:
        raise config.origin.place(OptionError(*mistakes))


def compare_documents(before: Any, after: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Return the keys in which two documents differ, with both values."""
    if isinstance(before, Mapping) and isinstance(after, Mapping) and before.keys() == after.keys():
        for name in before:
            yield from compare_documents(before[name], after[name], f"{key}.{name}" if key else name)
    elif before != after:
        yield key, before, after


def decide_anew(session: Session, config: Config) -> None:
    """Whether a run is finished, by a config in which its length may be another.

    Raises:
        ConfigError: it has come further than that already.
    """
    training = config.experiment.training
    begun = session.epoch + (session.position > 0)
    if (training.epochs < begun and session.stopped is None) or training.epochs < session.epoch:
        what = f"the run is in epoch {begun} already (got {training.epochs}); let it have at least as many"
        raise config.origin.place(OptionError(Mistake("training.epochs", what)))
    most = training.max_steps
    if most is not None and most < session.step:
        what = f"the run has done {session.step} steps already (got {most}); let it have more"
        raise config.origin.place(OptionError(Mistake("training.max_steps", what)))
    if session.stopped in (None, "epochs", "max_steps"):
        session.stopped = None
        if session.epoch >= training.epochs:
            session.stopped = "epochs"
        elif most is not None and session.step >= most:
            session.stopped = "max_steps"
