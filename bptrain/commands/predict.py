"""`bptrain predict`"""

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from bptrain.code import load_codes
from bptrain.evaluation.prediction import Prediction, Watch, predict_file
from bptrain.evaluation.prediction_file import check_output
from bptrain.run.checkpoint import load_checkpoint


def predict(
    checkpoint: str | Path,
    file: str | Path,
    *,
    output: str | Path | TextIO | None = None,
    ids: Sequence[str] | None = None,
    force: bool = False,
    keep: int | None = None,
    watch: Watch | None = None,
    code: Sequence[str | Path] = (),
) -> Prediction:
    """Predict every row of a file. The checkpoint alone is enough: neither the config file nor the data is read.

    There is a row out for each row in. Of classes it has `predicted_TARGET` and `TARGET=CLASS`, the probability of
    each; of a label 0 or 1 and `TARGET=1`; of a number `predicted_TARGET` in the units of the data. Rows go through the
    network in the batches in which `evaluate` scores them, so that both see the same outputs to the last bit. It is
    read in chunks, and takes no more memory the longer it is.

    Args:
        checkpoint: a checkpoint file, or a run directory for its best one.
        file: with the feature columns by name, its format known by its suffix; it is read with the options of the run's
            own source if it is of the same kind.
        output: a CSV file to write, which is there whole or not at all; or an open stream of text. None: none.
        ids: columns of the file to be carried along. None: the `data.id` of the config, if the file has it.
        force: whether a file at `output` may be replaced.
        keep: rows that the result holds. None: all where nothing is written, or else none.
        watch: told of the rows done from time to time.
        code: Python files that register the components which the checkpoint says that it needs.

    Raises:
        InputError: there is no checkpoint, or the file lacks columns or has a value that cannot be used, in which case
            the message names its line; or there is something at `output` already.
        StorageError: a file cannot be read or written.

    Warns:
        BptrainWarning: rows have no prediction, or values unseen in training are ignored, as the config wants it.
        BptrainNote: columns of the file are ignored.
    """
    load_codes(code)
    if isinstance(output, str | Path):
        output = Path(output)
        check_output(output, Path(file), force=force)
    model, _ = load_checkpoint(checkpoint)
    return predict_file(model, file, output, ids, keep=keep, watch=watch)
