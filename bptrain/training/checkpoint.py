"""Checkpoints: a model in one file, alone enough to evaluate and predict; with the session, to continue training.

`best.npz` holds the model with its best weights. `last.npz` holds the whole session as well: optimizer slots, random
streams, the permutation and the position in it, all counters, and the best weights so far. Where weights are averaged,
`best.npz` has the averages under the names of the parameters, and those that training went on from as `raw`.
"""

from pathlib import Path
from typing import Any

from bptrain.arrays import Streams
from bptrain.config import dump, from_json
from bptrain.data import Columns
from bptrain.errors import InputError, StorageError
from bptrain.training import npz
from bptrain.training.model import Model, build_model
from bptrain.training.session import Session

FORMAT = 1


def save_best(path: Path, session: Session) -> None:
    """Write the model with the best weights so far.

    Raises:
        StorageError: the file could not be written.
    """
    assert session.best is not None
    network, best = session.model.network, session.best
    arrays = network.named(best.theta) | network.named_state(best.state)
    if best.raw is not None:
        arrays["raw"] = best.raw
    npz.write(path, arrays, document(session) | {"epoch": best.epoch})


def save_last(path: Path, session: Session) -> None:
    """Write the whole session, keeping the present file as `.previous.npz` to fall back to.

    Raises:
        StorageError: the file could not be written.
    """
    model = session.model
    arrays = model.network.parameters() | model.network.states | session.vectors()
    whole = {"epoch": session.epoch, "streams": model.streams.state(), "progress": session.progress()}
    npz.write(path, arrays, document(session) | whole, keep=path.with_suffix(".previous.npz"))


def document(session: Session) -> dict[str, Any]:
    """What both kinds of checkpoint say of the model."""
    best = session.best
    return {
        "format": FORMAT,
        "config": dump(session.model.experiment),
        "columns": session.model.columns.to_json(),
        "rows": {name: len(rows) for name, rows in session.parts.items()},
        "data": session.data,
        "best": None if best is None else {"epoch": best.epoch, **best.score.to_json()},
        "environment": session.environment,
    }


def load(path: str | Path) -> tuple[Model, dict[str, Any]]:
    """The model of a checkpoint file, or of the best checkpoint of a run directory, and its document.

    Raises:
        InputError: there is no checkpoint at the path.
        StorageError: the file cannot be read, is damaged, or comes from another version.
    """
    path = find(Path(path))
    arrays, stored = npz.read(path)
    try:
        if stored["format"] != FORMAT:
            raise ValueError(f"it has format {stored['format']}, this version reads format {FORMAT}")
        experiment = from_json(stored["config"], str(path))
        scalers = experiment.data.scaling, experiment.data.target_scaling
        columns = Columns.from_json(stored["columns"], *scalers)
        model = build_model(experiment, columns, Streams(experiment.seed))
        for name, view in (model.network.parameters() | model.network.states).items():
            if arrays[name].shape != view.shape:
                raise ValueError(f"{name} has the shape {arrays[name].shape} instead of {view.shape}")
            view[...] = arrays[name]
        if not all(isinstance(count, int) for count in stored["rows"].values()) or not stored["rows"]:
            raise ValueError("its numbers of rows are unreadable")
    except (AttributeError, InputError, LookupError, TypeError, ValueError) as error:
        raise StorageError(f"{path}: not a checkpoint of this version ({error})") from None
    return model, stored


def find(path: Path) -> Path:
    """The checkpoint file meant by a path: itself, or the best one in a run directory.

    Raises:
        InputError: there is none.
    """
    if path.is_dir():
        best = path / "checkpoints" / "best.npz"
        if not best.is_file():
            raise InputError(f"{path}: no checkpoint in this directory (looked for checkpoints/best.npz)")
        return best
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint or run directory")
    return path
