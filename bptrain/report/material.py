"""The material: everything that a report shows of a run, read once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bptrain.code import load_codes
from bptrain.errors import InputError, StorageError
from bptrain.evaluation.bootstrap import Watch
from bptrain.evaluation.evaluation import Evaluation, SplitName, choose_rows, evaluate_rows
from bptrain.model.encoded_rows import Rows
from bptrain.model.model import Model
from bptrain.run.checkpoint import find_checkpoint, load_checkpoint
from bptrain.run.directory import RunDirectory
from bptrain.run.history import read_history
from bptrain.run.run_list import Run, read_environment, read_run
from bptrain.training.session import Record

SAMPLES = 1000
MOST_ROWS = 5000
"""With more rows than this there are no intervals: they would take longer than a person waits for a page."""


@dataclass(frozen=True)
class Material:
    """What there is of a run. `checkpoint` is the file with the model, and `stored` its document; `run` is None where
    it lies by itself, and then there are no `records` and no `state`, which says how training ended. `evaluation` and
    `rows` are None where the data cannot be had, and `missing` says why."""

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
        """What to name in a command: the run directory, or the checkpoint."""
        return self.run.path if self.run else self.checkpoint


def gather(
    path: str | Path,
    *,
    data: str | Path | None = None,
    split: SplitName | None = None,
    code: Sequence[str | Path] = (),
    watch: Watch | None = None,
) -> Material:
    """Everything that there is of a run; see `bptrain.write_report` for the arguments.

    Raises:
        InputError: there is no checkpoint, code is missing, or the rows that are asked for cannot be had.
        StorageError: a file of the run cannot be read.
    """
    load_codes(code)
    checkpoint = find_checkpoint(Path(path))
    model, stored = load_checkpoint(checkpoint)
    run = run_of(checkpoint)
    evaluation, rows, missing = None, None, ""
    try:
        name, rows = choose_rows(model, stored, data, split)
        samples = SAMPLES if len(rows) <= MOST_ROWS else None
        evaluation = evaluate_rows(model, name, rows, samples, watch)
    except (InputError, StorageError) as error:
        if data is not None or split is not None:
            raise
        missing = str(error)
    records = read_history(run.history) if run else []
    environment = stored["environment"] | (read_environment(run) if run else {})
    state = read_run(run.path) if run else None
    return Material(checkpoint, run, model, stored, records, environment, state, evaluation, rows, missing)


def run_of(checkpoint: Path) -> RunDirectory | None:
    """The run directory that a checkpoint lies in, if it does."""
    run = RunDirectory(checkpoint.parent.parent)
    inside = checkpoint.parent.name == run.checkpoints.name and run.config.is_file()
    return run if inside else None


def require_suffix(output: str | Path, suffixes: tuple[str, ...], option: str = "-o") -> Path:
    """Return the file to write, for which an option stands.

    Raises:
        InputError: it is called like a file of another kind, or is a directory.
    """
    path = Path(output)
    if path.suffix.lower() not in suffixes or path.is_dir():
        raise InputError(f"{path}: expected a file that ends in {' or '.join(suffixes)}; choose another {option}")
    return path
