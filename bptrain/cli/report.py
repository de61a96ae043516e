"""`bptrain report`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Checkpoint, Code, DataFile, SplitOption, redirect_prints


def command(
    run: Checkpoint,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The page to write, .html.", show_default="RUN/report.html"
        ),
    ] = None,
    data: DataFile = None,
    split: SplitOption = None,
    code: Code = None,
) -> None:
    """Write a page about a run: scores, curves, mistakes.

    It also shows the health of gradients and, for images, the weights of the first layer. Needs matplotlib.
    """
    from bptrain.commands.report import write_report
    from bptrain.console.terminal import show_progress_bar
    from bptrain.text import printable

    with show_progress_bar("bootstrap", "samples") as watch, redirect_prints():
        path = write_report(run, output, data=data, split=split.value if split else None, code=code or (), watch=watch)
    print(printable(str(path)))
