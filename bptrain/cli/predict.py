"""`bptrain predict`"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from bptrain.cli.arguments import (
    Checkpoint,
    Code,
    Force,
    Json,
    Output,
    argument,
    print_json,
    redirect_prints,
    with_reading_options,
)
from bptrain.cli.stdin import save_stdin
from bptrain.tables.reading_options import ReadingOptions

File = Annotated[Path, argument("FILE", "The rows to predict: CSV, Excel, Parquet, JSON, npy or npz; - for stdin.")]
Ids = Annotated[
    list[str] | None,
    typer.Option(
        "--id",
        metavar="COLUMN",
        help="A column to copy to the output; may be given several times.",
        show_default="data.id of the config",
    ),
]


class OnError(StrEnum):
    """What happens at a row that cannot be predicted."""

    STOP = "stop"
    SKIP = "skip"


OnErrorOption = Annotated[
    OnError,
    typer.Option(
        "--on-error",
        help="At a row with a value that cannot be used: stop, or leave its cells empty and give the reason.",
    ),
]


@with_reading_options
def command(
    checkpoint: Checkpoint,
    file: File,
    reading: ReadingOptions,
    output: Output = None,
    ids: Ids = None,
    force: Force = False,
    on_error: OnErrorOption = OnError.STOP,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Predict each row of a file: classes or numbers.

    Classes come with their probabilities, numbers in their own units. Without -o, a terminal shows the first rows as a
    table. Text that a spreadsheet would take for a formula gets an apostrophe before it. The file is read with the
    options of the run's own data, unless others are given. With --on-error skip, a last column says which rows have a
    value that cannot be used.
    """
    from bptrain.commands.predict import predict
    from bptrain.console.scores.evaluation_tables import FIRST_ROWS, print_predictions
    from bptrain.console.terminal import show_progress_bar

    # A pipe gets all rows as CSV, a terminal the first ones.
    piped = output is None and not as_json and not (sys.stdout is not None and sys.stdout.isatty())
    keep = None if as_json else FIRST_ROWS if output is None and not piped else 0
    target, files = sys.stdout if piped else output, code or ()
    with save_stdin(file) as path, redirect_prints(), show_progress_bar("predict", "rows") as watch:
        options: Any = {"output": target, "ids": ids, "force": force, "keep": keep, "watch": watch, "code": files}
        found = predict(checkpoint, path, **options, reading=reading, on_error=on_error.value)
    sys.stdout.flush()
    if as_json:
        print_json(found.to_json())
    elif not piped:
        print_predictions(found)
