"""Checkpoints: files with a model, to evaluate and predict with, or with a whole session, to resume training from.

`best.npz` holds the model with its best weights, and the networks of an ensemble that are trained already. `last.npz`
holds the whole session: weights, optimizer slots, random streams, the order of the rows and the position in it, all
counters, and the best weights so far. Where weights are averaged, `best.npz` has the averages under the names of the
parameters, and the weights that training continued from as `raw`.
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
from bptrain.model.model import Model, Weights, build_model
from bptrain.model.scoring import Score
from bptrain.needs import Need, check_needs, list_needs
from bptrain.run import npz
from bptrain.training.session import Best, Session, enter_phase

FORMAT = 2


def save_best(path: Path, session: Session) -> None:
    """Write the model with the best weights so far.

    Raises:
        DivergedError: a number in it is not finite; nothing was written.
        StorageError: the file could not be written; the previous one is intact.
    """
    assert session.best is not None
    network, best = session.model.network, session.best
    arrays = network.view_parameters(best.theta) | network.view_state(best.state)
    if best.raw is not None:
        arrays["raw"] = best.raw
    for k, one in enumerate(session.members):
        arrays |= {f"member.{k}.theta": one.theta, f"member.{k}.state": one.state}
    require_finite(arrays)
    npz.write(path, arrays, build_document(session) | {"epoch": best.epoch, "members": len(session.members)})


def save_last(path: Path, session: Session, history: Mapping[str, Any]) -> None:
    """Write the whole session, and keep the existing file as `.previous.npz` to fall back to.

    Args:
        path: the file.
        session: the session to save.
        history: the length and digest of the history so far.

    Raises:
        DivergedError: a number in it is not finite; nothing was written.
        StorageError: the file could not be written; the previous one is intact.
    """
    arrays = session.get_arrays()
    require_finite(arrays)
    document = build_document(session) | {
        "epoch": session.epoch,
        "streams": session.model.streams.state(),
        "progress": session.get_progress(),
        "history": history,
    }
    if session.good is not None:
        document["good"] = {"progress": session.good.progress, "streams": session.good.streams}
    npz.write(path, arrays, document, keep=path.with_suffix(".previous.npz"))


def require_finite(arrays: Mapping[str, Array]) -> None:
    """Require that all numbers to be saved are finite.

    Raises:
        DivergedError: one is not; the message names the array.
    """
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise DivergedError(f"training diverged: {name} is not finite; earlier checkpoints are intact")


def build_document(session: Session) -> dict[str, Any]:
    """Return the description of the model that both kinds of checkpoint contain."""
    best = session.best
    return {
        "format": FORMAT,
        "config": dump(session.model.experiment),
        "code": [need.to_json() for need in list_needs(session.model.experiment)],
        "columns": session.model.columns.to_json(),
        "rows": {name: len(rows) for name, rows in session.whole.items()},
        "data": session.data,
        "best": None if best is None else {"epoch": best.epoch, **best.score.to_json()},
        "environment": session.environment,
    }


def read_last(path: Path) -> tuple[Path, dict[str, Array], dict[str, Any], str | None]:
    """Read the latest undamaged checkpoint to resume from.

    Returns:
        Its file, its arrays, its document, and a notice if a newer one is damaged.

    Raises:
        FileNotFoundError: there is none.
        StorageError: none that exists can be read.
    """
    damaged: list[str] = []
    for candidate in (path, path.with_suffix(".previous.npz")):
        if not candidate.is_file():
            continue
        try:
            arrays, stored = npz.read(candidate)
        except (InputError, StorageError) as error:
            damaged.append(str(error))
            continue
        notice = f"{damaged[0]}; resuming from the checkpoint before it, {candidate.name}" if damaged else None
        return candidate, arrays, stored, notice
    if damaged:
        raise StorageError("; ".join(damaged))
    raise FileNotFoundError(path)


def restore(session: Session, arrays: Mapping[str, Array], stored: Mapping[str, Any], path: Path) -> None:
    """Set a new session to the state saved in a checkpoint.

    Raises:
        StorageError: the file does not fit the session.
    """
    model = session.model
    try:
        check_format(stored)
        if phase := stored["progress"].get("phase", 0):
            enter_phase(session, phase)
        if stored["best"] is not None:
            theta, state = model.network.theta, model.network.state
            names = [one.name for one in model.measures]
            best = Score(stored["best"]["loss"], {name: stored["best"]["metrics"][name] for name in names})
            raw = np.zeros_like(theta) if session.average is not None else None
            session.best = Best(stored["best"]["epoch"], best, np.zeros_like(theta), np.zeros_like(state), raw)
        theta, state = model.network.theta, model.network.state
        count = max(len(stored["progress"].get("found", ())) - session.searches, 0)
        session.members = [Weights(np.zeros_like(theta), np.zeros_like(state)) for _ in range(count)]
        if session.good is not None:
            session.good = replace(session.good, **stored["good"])
        views = session.get_arrays()
        for name, view in views.items():
            # Row numbers have half the width where the rows are in a file.
            integers = name == "order" and arrays[name].dtype.kind == view.dtype.kind == "i"
            if arrays[name].dtype != view.dtype and not integers:
                raise ValueError(f"{name} has the type {arrays[name].dtype} instead of {view.dtype}")
        copy_arrays(arrays, views)
        model.streams.restore(stored["streams"])
        session.restore_progress(stored["progress"])
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise StorageError(f"{path}: not a checkpoint of this version ({error})") from None


def load_checkpoint(path: str | Path) -> tuple[Model, dict[str, Any]]:
    """Load the model of a checkpoint file, or of the best checkpoint of a run directory.

    Returns:
        The model, and the document of the checkpoint.

    Raises:
        InputError: there is no checkpoint at the path, or it needs code that is not loaded.
        StorageError: the file cannot be read, is damaged, or is from another version.
    """
    path = find_checkpoint(Path(path))
    arrays, stored = npz.read(path)
    check_needs(read_needs(stored, path), str(path))
    try:
        experiment = from_json(stored["config"], str(path))
        columns = Columns.from_json(stored["columns"])
        model = build_model(experiment, columns, Streams(experiment.seed))
        copy_arrays(arrays, model.network.parameters() | model.network.states)
        model = replace(model, members=read_members(model, arrays, stored.get("members", 0)))
        if not all(isinstance(count, int) for count in stored["rows"].values()) or not stored["rows"]:
            raise ValueError("its numbers of rows are unreadable")
    except (AttributeError, InputError, LookupError, TypeError, ValueError) as error:
        if find_code_fault(error):
            raise
        raise StorageError(f"{path}: not a checkpoint of this version ({error})") from None
    return model, stored


def read_members(model: Model, arrays: Mapping[str, Array], count: int) -> tuple[Weights, ...]:
    """Return the networks of an ensemble: those that were finished before the one that the model has, and that one;
    none if there is no other.

    Raises:
        LookupError, ValueError: one is missing, or has another shape.
    """
    theta, state = model.network.theta, model.network.state
    members = [Weights(np.zeros_like(theta), np.zeros_like(state)) for _ in range(count)]
    for k, one in enumerate(members):
        copy_arrays(arrays, {f"member.{k}.theta": one.theta, f"member.{k}.state": one.state})
    return (*members, Weights(theta.copy(), state.copy())) if members else ()


def copy_arrays(arrays: Mapping[str, Array], views: Mapping[str, Array]) -> None:
    """Copy arrays of a checkpoint into the views of the same names.

    Raises:
        LookupError, ValueError: one is missing, or has another shape.
    """
    for name, view in views.items():
        if arrays[name].shape != view.shape:
            raise ValueError(f"{name} has the shape {arrays[name].shape} instead of {view.shape}")
        view[...] = arrays[name]


def check_format(stored: Mapping[str, Any]) -> None:
    """Check that this version can read a checkpoint.

    Raises:
        LookupError, ValueError: it cannot.
    """
    if stored["format"] != FORMAT:
        raise ValueError(f"it has format {stored['format']}, this version reads format {FORMAT}")


def read_needs(stored: dict[str, Any], path: Path) -> list[Need]:
    """Return what a checkpoint needs from `--code` files.

    Raises:
        StorageError: it was written by a version that this one cannot read.
    """
    try:
        check_format(stored)
        return [Need.from_json(one) for one in stored.get("code", [])]
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise StorageError(f"{path}: not a checkpoint of this version ({error})") from None


def find_checkpoint(path: Path) -> Path:
    """Return the checkpoint file at a path, or the best one of the run directory at the path.

    Raises:
        InputError: there is none.
    """
    if path.is_dir():
        best = path / "checkpoints" / "best.npz"
        if not best.is_file():
            what = f"{path}: no checkpoint in this directory (looked for checkpoints/best.npz)"
            resumable = (path / "checkpoints" / "last.npz").is_file()
            raise InputError(what + (f"; continue training with: bptrain resume {path}" if resumable else ""))
        return best
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint or run directory")
    return path
