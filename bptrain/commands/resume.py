"""Resuming: a run goes on from its last checkpoint, and ends bit for bit where it would have without the break."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.code import load_codes
from bptrain.commands.train import Result, Sink, carry_out, outcome, tell
from bptrain.config import Config, changed, dump, from_json, load
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.interruption import Interruption
from bptrain.model.assemble import assemble
from bptrain.model.read import read
from bptrain.needs import meet
from bptrain.run.checkpoint import needed_by, read_last, restore, save_best
from bptrain.run.directory import RunDirectory, write_config
from bptrain.run.disk import sweep
from bptrain.run.environment import differences
from bptrain.run.keeper import refuse_no_room
from bptrain.run.lock import Lock
from bptrain.run.trackers import require_trackers
from bptrain.training.loop import Notice
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


def resume(
    run: str | Path,
    overrides: Sequence[str] = (),
    *,
    sinks: Sequence[Sink] = (),
    interruption: Interruption | None = None,
    code: Sequence[str | Path] = (),
) -> Result:
    """Go on with a run that was stopped or killed, from its last checkpoint.

    In the same environment it ends bit-identical to never having been stopped. A run that is finished already is not
    touched.

    Args:
        run: its directory.
        overrides: `KEY=VALUE` each, over the config of the run; only `CHANGEABLE` keys.
        sinks: are called with `Notice`, with `Started`, and then with every event of the loop.
        interruption: is looked at between two steps; None: training goes on to its end.
        code: Python files that register the components which the run says that it needs.

    Returns:
        What came of the whole run. The network in `session` has the best weights.

    Raises:
        InputError: there is no run, somebody else trains in it, its data has changed, an override is not allowed, or
            code is missing or of no use.
        DivergedError: a number was not finite; the run directory has what was good before.
        StorageError: no checkpoint can be read, or the run could not be written.
        StoppedError: it was interrupted again.

    Warns:
        BptrainWarning: a file of code has changed since the checkpoint was written.
    """
    began = perf_counter()
    load_codes(code)
    directory = RunDirectory(Path(run))
    if not directory.config.is_file() and not directory.checkpoints.is_dir():
        what = "no run to go on with" if directory.path.is_dir() else "no such run directory"
        raise InputError(f"{directory.path}: {what} (looked for checkpoints/last.npz)")
    with Lock(directory.path):
        session, seen, notices = reopened(directory, overrides)
        for notice in notices:
            tell(sinks, Notice(notice))
        if session.stopped:
            tell(sinks, Notice(f"{directory.path} is finished: {epilogue(session)}", warning=False))
            if session.best is not None and not directory.best.is_file():
                save_best(directory.best, session)
            return outcome(session, directory, began, session.stopped)
        refuse_no_room(directory.checkpoints, session)
        return carry_out(session, directory, seen, sinks, interruption, began=began)


def reopened(run: RunDirectory, overrides: Sequence[str]) -> tuple[Session, dict[str, Any] | None, list[str]]:
    """The session of a run as it was saved, how much of the history belongs to it, and what is to be said of it.

    Raises:
        InputError: the run cannot be resumed, or not like that.
        StorageError: it cannot be read.
    """
    swept = [path for folder in (run.path, run.checkpoints) if folder.is_dir() for path in sweep(folder)]
    notices = [f"removed {path}, which a run that died left half written" for path in swept]
    try:
        file, arrays, stored, notice = read_last(run.last)
    except FileNotFoundError:
        return *from_its_start(run, overrides), notices
    notices += [notice] if notice else []
    meet(needed_by(stored, file), str(file))
    require_order(run, arrays)
    config = changed(stored["config"], str(file), overrides)
    refuse_changes(dump(from_json(stored["config"], str(file))), config)
    require_trackers(config)
    session = begin(assemble(config, read(config)))
    if session.data != stored["data"]:
        raise InputError(f"{run.path}: the data has changed since the run began; train a new run on it")
    restore(session, arrays, stored, file)
    decide_anew(session, config)
    if different := differences(stored["environment"], session.environment):
        notices.append(f"the environment is another ({different}); the result may differ in its last bits")
    if dump(config.experiment) != stored["config"]:
        write_config(run, config.experiment)
    return session, stored["history"], notices


def require_order(run: RunDirectory, arrays: Mapping[str, Array]) -> None:
    """Refuse a run on a table larger than data.memory of which an earlier version drew and ordered the rows.

    Raises:
        InputError: it is one; its checkpoint has the keys of an order and not the order.
    """
    if "order" in arrays and arrays["order"].dtype == np.uint64:
        what = "an earlier version of bptrain drew its rows from a table larger than data.memory in another way"
        raise InputError(f"{run.path}: {what}; it can still predict, but not be resumed: train a new run")


def from_its_start(run: RunDirectory, overrides: Sequence[str]) -> tuple[Session, dict[str, Any] | None]:
    """The session of a run that was killed before its first checkpoint.

    Raises:
        InputError: it has been further than that, or there is no config.
    """
    if not run.config.is_file() or (run.history.is_file() and run.history.stat().st_size):
        raise InputError(f"{run.path}: the checkpoints are gone; there is nothing to go on from")
    config = load(run.config, overrides)
    refuse_changes(dump(load(run.config).experiment), config)
    require_trackers(config)
    session = begin(assemble(config, read(config)))
    run.checkpoints.mkdir(exist_ok=True)
    write_config(run, session.model.experiment)
    return session, None


def refuse_changes(before: Mapping[str, Any], config: Config) -> None:
    """Refuse a config that differs from that of the run in more than may change.

    Raises:
        ConfigError: with every key that differs, and both its values.
    """
    after = dump(config.experiment)
    mistakes = [
        Mistake(key, f"was {old} when the run began and cannot become {new}; only {', '.join(CHANGEABLE)} may change")
        for key, old, new in unlike(before, after)
        if not any(key == one or key.startswith(f"{one}.") for one in CHANGEABLE)
    ]
    if mistakes:
        raise config.origin.located(OptionError(*mistakes))


def unlike(before: Any, after: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The keys in which two documents differ, with both values."""
    if isinstance(before, Mapping) and isinstance(after, Mapping) and before.keys() == after.keys():
        for name in before:
            yield from unlike(before[name], after[name], f"{key}.{name}" if key else name)
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
        raise config.origin.located(OptionError(Mistake("training.epochs", what)))
    most = training.max_steps
    if most is not None and most < session.step:
        what = f"the run has done {session.step} steps already (got {most}); let it have more"
        raise config.origin.located(OptionError(Mistake("training.max_steps", what)))
    if session.stopped in (None, "epochs", "max_steps"):
        session.stopped = None
        if session.epoch >= training.epochs:
            session.stopped = "epochs"
        elif most is not None and session.step >= most:
            session.stopped = "max_steps"


def epilogue(session: Session) -> str:
    """Why a run is finished, and how to make it longer."""
    training = session.model.experiment.training
    if session.stopped == "epochs":
        return f"all {training.epochs} epochs are done; for more: training.epochs={2 * training.epochs}"
    if session.stopped == "max_steps":
        return f"all {training.max_steps} steps are done; for more: training.max_steps={2 * (training.max_steps or 1)}"
    return f"it ended by {session.stopped} after epoch {session.epoch}"
