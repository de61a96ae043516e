"""`bptrain predict`"""

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from bptrain.code import load_codes
from bptrain.evaluation.csv_export import check_output
from bptrain.evaluation.file_prediction import OnError, Prediction, Watch, predict_file
from bptrain.run.checkpoint import load_checkpoint
from bptrain.tables.reading_options import ReadingOptions


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
    reading: ReadingOptions | None = None,
    on_error: OnError = "stop",
) -> Prediction:
    """Predict every row of a file. The checkpoint is enough: neither config file nor training data is read.

    The result has a row for each row of the file, and a column `predicted_TARGET` for each target: a class, a label 0
    or 1, or a number in the units of the data. For classes and labels, columns `TARGET=CLASS` have the probabilities.
    Outputs are bit-identical to those of `evaluate`. The file is read in chunks, so that memory does not grow with it.

    Args:
        checkpoint: path of a checkpoint file, or of a run directory for its best one.
        file: path of a file with the feature columns, found by name, in any format that is read. It is read with the
            options of the run's own source if that has the same format.
        output: path of a CSV file, which is written completely or not at all; or an open text stream. None: no output.
        ids: columns of the file to copy to the result. None: the `data.id` of the config, if the file has it.
        force: whether a file at `output` may be replaced.
        keep: how many rows to keep in `table` of the result. None: all if there is no output, else none.
        watch: called now and then with the number of rows done so far, and of all rows.
        code: Python files that register the components which the checkpoint needs.
        reading: options of the source that differ from those of the run's own, such as the decimal sign.
        on_error: what happens at a row with a value that cannot be used: "stop" raises an error; with "skip" its cells
            are empty, and a last column `error` has the reason.

    Returns:
        The number of rows, the columns of the result, and the rows that were kept.

    Raises:
        InputError: there is no checkpoint; the file lacks a column, or has a value that cannot be used, with its line
            in the message; or there is a file at `output` already.
        StorageError: a file cannot be read or written.

    Warns:
        BptrainWarning: as the config says, or with `on_error="skip"`, rows have no prediction; or values unseen in
            training are ignored.
        BptrainNote: extra columns of the file are ignored.

    Example:
        >>> bptrain.predict("runs/digits-001", "new.csv", output="predictions.csv").rows
    """
    load_codes(code)
    if isinstance(output, str | Path):
        output = Path(output)
        check_output(output, Path(file), force=force)
    model, _ = load_checkpoint(checkpoint)
    return predict_file(model, file, output, ids, keep=keep, watch=watch, reading=reading, on_error=on_error)
