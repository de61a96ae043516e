"""Material: everything that a report shows of a run, read once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bptrain.code import load_codes
from bptrain.errors import InputError, StorageError
from bptrain.evaluation.evaluation import Evaluation, SplitName, Watch, choose_rows, evaluate_rows
from bptrain.model.model import Model, Rows
from bptrain.run.checkpoint import find_checkpoint, load_checkpoint
from bptrain.run.directory import RunDirectory
from bptrain.run.history import read_history, select_latest_phase
from bptrain.run.run_list import Run, read_environment, read_run
from bptrain.training.events import Record

SAMPLES = 1000
MOST_ROWS = 5000
"""Confidence intervals come from this many bootstrap samples. With more rows than `MOST_ROWS` they would take too long
and are left out."""


@dataclass(frozen=True)
class Material:
    """A run as a report needs it.

    `checkpoint` is the file of the model, and `stored` the document in it. `run` is None where the checkpoint is not in
    a run directory; then there are no `records` and there is no `state`. `evaluation` and `rows` are None where the
    data cannot be read; then `missing` is the reason.
    """

    checkpoint: Path
    run: RunDirectory | None
    model: Model
    stored: dict[str, Any]
    records: list[Record]
    environment: dict[str, Any]
    state: Run | None
    evaluation: Evaluation | None
    rows: Rows | None
    missing: str

    @property
    def path(self) -> Path:
        """What commands take as their argument: the run directory, or else the checkpoint."""
        return self.run.path if self.run else self.checkpoint


def read_material(
    path: str | Path,
    *,
    data: str | Path | None = None,
    split: SplitName | None = None,
    code: Sequence[str | Path] = (),
    watch: Watch | None = None,
) -> Material:
    """Read everything about a run, and evaluate it; see `bptrain.write_report` for the arguments.

    Raises:
        InputError: there is no checkpoint, code is missing, or the requested rows cannot be read.
        StorageError: a file of the run cannot be read.
    """
    load_codes(code)
    checkpoint = find_checkpoint(Path(path))
    model, stored = load_checkpoint(checkpoint)
    run = find_run(checkpoint)
    evaluation, rows, missing = None, None, ""
    try:
        name, splits = choose_rows(model, stored, data, split)
        rows = splits[name]
        samples = SAMPLES if len(rows) <= MOST_ROWS else None
        evaluation = evaluate_rows(model, name, splits, samples, watch)
    except (InputError, StorageError) as error:
        if data is not None or split is not None:
            raise
        missing = str(error)
    records = select_latest_phase(read_history(run.history)) if run else []
    environment = stored["environment"] | (read_environment(run) if run else {})
    state = read_run(run.path) if run else None
    return Material(checkpoint, run, model, stored, records, environment, state, evaluation, rows, missing)


def find_run(checkpoint: Path) -> RunDirectory | None:
    """Return the run directory of a checkpoint, if it is in one."""
    run = RunDirectory(checkpoint.parent.parent)
    inside = checkpoint.parent.name == run.checkpoints.name and run.config.is_file()
    return run if inside else None
