"""`bptrain evaluate`"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Checkpoint, Code, Json, print_json, prints_aside


class Part(StrEnum):
    """The parts of a run's data."""

    train = "train"
    validation = "validation"
    test = "test"


def command(
    checkpoint: Checkpoint,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file to score instead, in any format of the sources.", readable=False),
    ] = None,
    split: Annotated[
        Part | None, typer.Option(help="The part of the run's own data.", show_default="test, or what there is")
    ] = None,
    bootstrap: Annotated[
        int | None,
        typer.Option(metavar="N", help="Confidence intervals, from N samples of the rows.", show_default="none"),
    ] = None,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Score a trained network; its checkpoint is enough."""
    from bptrain.commands.evaluate import evaluate
    from bptrain.console.terminal import progress_bar

    with progress_bar("bootstrap", "samples") as watch, prints_aside():
        evaluation = evaluate(
            checkpoint,
            data=data,
            split=split.value if split else None,
            bootstrap=bootstrap,
            code=code or (),
            watch=watch,
        )
    if as_json:
        print_json(evaluation.to_json())
    else:
        from bptrain.console.evaluation_tables import evaluation_result

        evaluation_result(evaluation)
