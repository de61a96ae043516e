"""Checkpoints: a model in one file, alone enough to evaluate and predict; with the session, to continue training.

`best.npz` holds the model with its best weights. `last.npz` holds the whole session as well: optimizer slots, random
streams, the permutation and the position in it, all counters, and the best weights so far. Where weights are averaged,
`best.npz` has the averages under the names of the parameters, and those that training went on from as `raw`.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bptrain.arrays import Array, Streams
from bptrain.code import find_code_fault
from bptrain.columns.columns import Columns
from bptrain.config import dump, from_json
from bptrain.errors import DivergedError, InputError, StorageError
from bptrain.model.model import Model, build_model
from bptrain.model.scoring import Score
from bptrain.needs import Need, check_needs, list_needs
from bptrain.run import npz
from bptrain.training.session import Best, Session

FORMAT = 2


def save_best(path: Path, session: Session) -> None:
    """Write the model with the best weights so far.

    Raises:
        DivergedError: something in it is not finite; nothing was written.
        StorageError: the file could not be written; the one before it is intact.
    """
    assert session.best is not None
    network, best = session.model.network, session.best
    arrays = network.named(best.theta) | network.named_state(best.state)
    if best.raw is not None:
        arrays["raw"] = best.raw
    require_finite(arrays)
    npz.write(path, arrays, document(session) | {"epoch": best.epoch})


def save_last(path: Path, session: Session, history: Mapping[str, Any]) -> None:
    """Write the whole session, keeping the present file as `.previous.npz` to fall back to.

    Args:
        path: of the file.
        session: to be gone on with.
        history: how much of the history belongs to it.

    Raises:
        DivergedError: something in it is not finite; nothing was written.
        StorageError: the file could not be written; the one before it is intact.
    """
    arrays = session.arrays()
    require_finite(arrays)
    whole: dict[str, Any] = {
        "epoch": session.epoch,
        "streams": session.model.streams.state(),
        "progress": session.progress(),
        "history": history,
    }
    if session.good is not None:
        whole["good"] = {"progress": session.good.progress, "streams": session.good.streams}
    npz.write(path, arrays, document(session) | whole, keep=previous(path))


def previous(path: Path) -> Path:
    """Where the predecessor of a checkpoint is kept."""
    return path.with_suffix(".previous.npz")


def require_finite(arrays: Mapping[str, Array]) -> None:
    """Keep what is not finite from being saved.

    Raises:
        DivergedError: something is not; the message names it.
    """
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise DivergedError(f"training diverged: {name} is not finite; the checkpoints before it are intact")


def restore(session: Session, arrays: Mapping[str, Array], stored: Mapping[str, Any], path: Path) -> None:
    """Bring a session at its start to where a checkpoint was written.

    Raises:
        StorageError: the file does not fit the session.
    """
    model = session.model
    try:
        if stored["format"] != FORMAT:
            raise ValueError(f"it has format {stored['format']}, this version reads format {FORMAT}")
        if stored["best"] is not None:
            theta, state = model.network.theta, model.network.state
            names = [one.name for one in model.measures]
            best = Score(stored["best"]["loss"], {name: stored["best"]["metrics"][name] for name in names})
            raw = np.zeros_like(theta) if session.average is not None else None
            session.best = Best(stored["best"]["epoch"], best, np.zeros_like(theta), np.zeros_like(state), raw)
        if session.good is not None:
            session.good = replace(session.good, **stored["good"])
        for name, view in session.arrays().items():
            found = arrays[name]
            # The numbers of rows are half as wide where the rows are in a file.
            alike = found.dtype == view.dtype or (name == "order" and found.dtype.kind == view.dtype.kind == "i")
            if found.shape != view.shape or not alike:
                raise ValueError(f"{name} has the shape {found.shape} instead of {view.shape}")
            view[...] = found
        model.streams.restore(stored["streams"])
        session.take_progress(stored["progress"])
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise StorageError(f"{path}: not a checkpoint of this version ({error})") from None


def read_last(path: Path) -> tuple[Path, dict[str, Array], dict[str, Any], str | None]:
    """The latest checkpoint to go on from that is whole: its file, its content, and what is to be said about it.

    Raises:
        FileNotFoundError: there is none.
        StorageError: all there are cannot be read.
    """
    damaged: list[str] = []
    for candidate in (path, previous(path)):
        if not candidate.is_file():
            continue
        try:
            arrays, stored = npz.read(candidate)
        except (InputError, StorageError) as error:
            damaged.append(str(error))
            continue
        notice = f"{damaged[0]}; going on from {candidate.name}, which is whole" if damaged else None
        return candidate, arrays, stored, notice
    if damaged:
        raise StorageError("; ".join(damaged))
    raise FileNotFoundError(path)


def document(session: Session) -> dict[str, Any]:
    """What both kinds of checkpoint say of the model."""
    best = session.best
    return {
        "format": FORMAT,
        "config": dump(session.model.experiment),
        "code": [need.to_json() for need in list_needs(session.model.experiment)],
        "columns": session.model.columns.to_json(),
        "rows": {name: len(rows) for name, rows in session.parts.items()},
        "data": session.data,
        "best": None if best is None else {"epoch": best.epoch, **best.score.to_json()},
        "environment": session.environment,
    }


def load(path: str | Path) -> tuple[Model, dict[str, Any]]:
    """The model of a checkpoint file, or of the best checkpoint of a run directory, and its document.

    Raises:
        InputError: there is no checkpoint at the path, or it needs code that is not loaded.
        StorageError: the file cannot be read, is damaged, or comes from another version.
    """
    path = find(Path(path))
    arrays, stored = npz.read(path)
    check_needs(needed_by(stored, path), str(path))
    try:
        experiment = from_json(stored["config"], str(path))
        columns = Columns.from_json(stored["columns"])
        model = build_model(experiment, columns, Streams(experiment.seed))
        for name, view in (model.network.parameters() | model.network.states).items():
            if arrays[name].shape != view.shape:
                raise ValueError(f"{name} has the shape {arrays[name].shape} instead of {view.shape}")
            view[...] = arrays[name]
        if not all(isinstance(count, int) for count in stored["rows"].values()) or not stored["rows"]:
            raise ValueError("its numbers of rows are unreadable")
    except (AttributeError, InputError, LookupError, TypeError, ValueError) as error:
        if find_code_fault(error):
            raise
        raise StorageError(f"{path}: not a checkpoint of this version ({error})") from None
    return model, stored


def needed_by(stored: dict[str, Any], path: Path) -> list[Need]:
    """What a checkpoint needs from files of code.

    Raises:
        StorageError: it does not say, or is of another version.
    """
    try:
        if stored["format"] != FORMAT:
            raise ValueError(f"it has format {stored['format']}, this version reads format {FORMAT}")
        return [Need.from_json(one) for one in stored.get("code", [])]
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise StorageError(f"{path}: not a checkpoint of this version ({error})") from None


def find(path: Path) -> Path:
    """The checkpoint file meant by a path: itself, or the best one in a run directory.

    Raises:
        InputError: there is none.
    """
    if path.is_dir():
        best = path / "checkpoints" / "best.npz"
        if not best.is_file():
            what = f"{path}: no checkpoint in this directory (looked for checkpoints/best.npz)"
            begun = (path / "checkpoints" / "last.npz").is_file()
            raise InputError(what + (f"; go on training with bptrain resume {path}" if begun else ""))
        return best
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint or run directory")
    return path
