"""`bptrain report`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Checkpoint, Code, prints_aside
from bptrain.cli.evaluate import Part


def command(
    run: Checkpoint,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The page, .html.", show_default="RUN/report.html"),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file to evaluate on instead.", readable=False)
    ] = None,
    split: Annotated[
        Part | None, typer.Option(help="The part of the run's own data.", show_default="test, or what there is")
    ] = None,
    code: Code = None,
) -> None:
    """Write a page about a run: scores, curves, mistakes. It shows the weights too. Needs matplotlib."""
    from bptrain.commands.report import write_report
    from bptrain.console.terminal import printable, progress_bar

    with progress_bar("bootstrap", "samples") as watch, prints_aside():
        path = write_report(run, output, data=data, split=split.value if split else None, code=code or (), watch=watch)
    print(printable(str(path)))
