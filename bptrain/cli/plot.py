"""`bptrain plot`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Checkpoint


def command(
    run: Checkpoint,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="The file to write: .png, .svg or .pdf.", readable=False),
    ] = Path("curves.png"),
) -> None:
    """Draw the learning curves of a run.

    Needs matplotlib.
    """
    from bptrain.commands.plot import plot
    from bptrain.text import printable

    print(printable(str(plot(run, output))))
