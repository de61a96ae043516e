"""`bptrain evaluate`"""

from typing import Annotated

import typer

from bptrain.cli.arguments import Checkpoint, Code, DataFile, Json, SplitOption, print_json, redirect_prints


def command(
    checkpoint: Checkpoint,
    data: DataFile = None,
    split: SplitOption = None,
    bootstrap: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Add confidence intervals from N bootstrap samples of the rows.", show_default="none"
        ),
    ] = None,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Score a trained network; its checkpoint is enough."""
    from bptrain.commands.evaluate import evaluate
    from bptrain.console.terminal import show_progress_bar

    with show_progress_bar("bootstrap", "samples") as watch, redirect_prints():
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
        from bptrain.console.scores.evaluation_tables import print_evaluation

        print_evaluation(evaluation)
