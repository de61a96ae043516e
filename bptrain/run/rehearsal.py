"""The rehearsal: a step, a validation and a checkpoint are tried before a run, and their times are measured."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from bptrain.arrays import Streams
from bptrain.errors import StorageError
from bptrain.model.assemble import Assembly
from bptrain.model.model import build_model, count_scoring_rows
from bptrain.model.scoring import score
from bptrain.nn.network import limit_threads
from bptrain.run.checkpoint import read_last, restore, save_last
from bptrain.training.loop import Budget, pass_over_rows
from bptrain.training.session import Session, begin

WARM_UP = 2
"""The steps before the one that is timed, which load libraries and fill caches."""


def time_step(session: Session) -> float:
    """Run the first steps, and return the seconds of the last one."""
    seconds = 0.0
    with np.errstate(all="ignore"), limit_threads(session.model.network, session.batch_size):
        for step in range(min(WARM_UP + 1, session.steps_per_epoch)):
            began = perf_counter()
            for _ in pass_over_rows(session, Budget(pause=step + 1)):
                pass
            seconds = perf_counter() - began
    return seconds


def time_validation(session: Session) -> float:
    """Score some of the held-out rows, and return the estimated seconds for all of them."""
    held_out, rows = session.held_out, count_scoring_rows(session.model.experiment)
    began = perf_counter()
    score(session.model, held_out.select(slice(rows)))
    return (perf_counter() - began) * len(held_out) / min(rows, len(held_out))


def time_checkpoint(session: Session, twin: Session) -> tuple[float, float, int]:
    """Save a session, restore it in its twin, and return the seconds of both and the bytes of the file.

    Raises:
        StorageError: the restored session differs from the saved one.
    """
    with TemporaryDirectory(prefix="bptrain-") as folder:
        path = Path(folder) / "last.npz"
        began = perf_counter()
        save_last(path, session, {})
        saved = perf_counter()
        _, arrays, stored, _ = read_last(path)
        restore(twin, arrays, stored, path)
        restored, size = perf_counter(), path.stat().st_size
    if not is_identical(session, twin):
        raise StorageError("the restored session differs from the saved one; please report this as a bug")
    return saved - began, restored - saved, size


def begin_twin(assembly: Assembly) -> Session:
    """Return a new session with a network of its own, on the same rows."""
    model, rows = assembly.model, len(assembly.splits["train"])
    fresh = build_model(model.experiment, model.columns, Streams(model.experiment.seed), rows=rows)
    return begin(replace(assembly, model=fresh))


def is_identical(one: Session, other: Session) -> bool:
    """Tell whether two sessions have bit-identical state."""
    arrays, others = one.get_arrays(), other.get_arrays()
    same = arrays.keys() == others.keys() and all(arrays[name].tobytes() == others[name].tobytes() for name in arrays)
    return (
        same and one.get_progress() == other.get_progress() and one.model.streams.state() == other.model.streams.state()
    )
