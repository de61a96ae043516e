"""`bptrain evaluate`"""

from collections.abc import Sequence
from pathlib import Path

from bptrain.code import load_codes
from bptrain.errors import InputError
from bptrain.evaluation.bootstrap import FEWEST, MOST, Watch
from bptrain.evaluation.evaluation import Evaluation, SplitName, choose_rows, evaluate_rows
from bptrain.run.checkpoint import load_checkpoint


def evaluate(
    checkpoint: str | Path,
    *,
    data: str | Path | None = None,
    split: SplitName | None = None,
    bootstrap: int | None = None,
    code: Sequence[str | Path] = (),
    watch: Watch | None = None,
) -> Evaluation:
    """Score the model of a checkpoint, which alone is enough: neither the config file nor the run directory is read.

    Args:
        checkpoint: a checkpoint file, or a run directory for its best one.
        data: a file with the columns of the training data, scored whole, its format known by its suffix; it is read
            with the options of the run's own source if it is of the same kind. None: the data of the training run.
        split: which part of the run's own data; default: test, or else validation, or else train.
        bootstrap: how many samples of the rows to draw for confidence intervals, always the same; None: no intervals.
        code: Python files that register the components which the checkpoint says that it needs.
        watch: is called with the samples that are drawn and how many there will be.

    Raises:
        InputError: there is no checkpoint, no such split, code is missing or of no use, or the data does not fit the
            model; or `bootstrap` is not between 10 and a million.
        StorageError: the checkpoint cannot be read.

    Warns:
        BptrainWarning: a file of code has changed since the checkpoint was written; rows of the data are dropped for a
            missing value, or values unseen in training are ignored, as the config wants it.
        BptrainNote: columns of the data are ignored.
    """
    if bootstrap is not None and not FEWEST <= bootstrap <= MOST:
        raise InputError(f"--bootstrap: expected a whole number from {FEWEST} to {MOST:,} (got {bootstrap}); try 1000")
    load_codes(code)
    model, stored = load_checkpoint(checkpoint)
    name, rows = choose_rows(model, stored, data, split)
    return evaluate_rows(model, name, rows, bootstrap, watch)
