"""`bptrain evaluate`"""

from collections.abc import Sequence
from pathlib import Path

from bptrain.code import load_codes
from bptrain.errors import InputError
from bptrain.evaluation.evaluation import (
    FEWEST_SAMPLES,
    MOST_SAMPLES,
    Evaluation,
    SplitName,
    Watch,
    choose_rows,
    evaluate_rows,
)
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
    """Score the model of a checkpoint. The checkpoint is enough: neither config file nor run directory is read.

    Args:
        checkpoint: path of a checkpoint file, or of a run directory for its best one.
        data: path of a file with the columns of the training data, all of which is scored; its suffix gives the format.
            It is read with the options of the run's own source if that has the same format. None: the data of the run.
        split: of the run's own data: `train`, `validation` or `test`. None: the last of these that exists.
        bootstrap: the number of samples of the rows, 10 to 1,000,000, for confidence intervals; the same samples every
            time. None: no intervals.
        code: Python files that register the components which the checkpoint needs.
        watch: called with the number of samples drawn so far, and of all samples.

    Returns:
        The loss, the metrics, details of each target, and what guessing and a linear model score on the same rows.

    Raises:
        InputError: there is no checkpoint or no such split, code is missing or cannot be used, the data does not fit
            the model, or `bootstrap` is out of range.
        StorageError: the checkpoint cannot be read.

    Warns:
        BptrainWarning: a file of code has changed since the checkpoint was written; or, as the config says, rows with a
            missing value are dropped, or values unseen in training are ignored.
        BptrainNote: extra columns of the data are ignored.

    Example:
        >>> bptrain.evaluate("runs/digits-001").metrics
    """
    if bootstrap is not None and not FEWEST_SAMPLES <= bootstrap <= MOST_SAMPLES:
        wanted = f"a whole number from {FEWEST_SAMPLES} to {MOST_SAMPLES:,}"
        raise InputError(f"--bootstrap: expected {wanted} (got {bootstrap}); try 1000")
    load_codes(code)
    model, stored = load_checkpoint(checkpoint)
    name, splits = choose_rows(model, stored, data, split)
    return evaluate_rows(model, name, splits, bootstrap, watch)
