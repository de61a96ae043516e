"""`bptrain predict`"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Checkpoint, Code, Json, print_json, prints_aside
from bptrain.errors import ExitCode


def command(
    checkpoint: Checkpoint,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Rows to predict, in any format of the sources.", readable=False, show_default=False
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT.csv", help="Where to write them as CSV.", show_default="stdout"),
    ] = None,
    ids: Annotated[
        list[str] | None,
        typer.Option(
            "--id",
            metavar="COLUMN",
            help="A column to carry along; may be given several times.",
            show_default="data.id of the config",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUT.csv if it is there.")] = False,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Predict each row of a file: classes or numbers.

    Classes come with their probabilities, numbers in their own units. Without -o, a terminal shows the first rows as a
    table. Text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    from bptrain.commands.predict import predict
    from bptrain.console.prediction_list import FIRST, print_predictions, print_written
    from bptrain.console.terminal import progress_bar

    # To a pipe go all rows, as CSV; a terminal shows the first ones.
    piped = output is None and not as_json and not (sys.stdout is not None and sys.stdout.isatty())
    keep = None if as_json else FIRST if output is None and not piped else 0
    stdout = sys.stdout
    try:
        with prints_aside(), progress_bar("predict", "rows") as watch:
            found = predict(
                checkpoint,
                file,
                output=stdout if piped else output,
                ids=ids,
                force=force,
                keep=keep,
                watch=watch,
                code=code or (),
            )
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough, such as head; what is still buffered must not complain at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise typer.Exit(ExitCode.IO_FAILURE) from None
    if as_json:
        print_json(found.to_json())
    elif output is not None:
        print_written(found)
    elif not piped:
        print_predictions(found)
