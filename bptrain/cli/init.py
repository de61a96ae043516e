"""`bptrain init`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Force, Output, argument, print_written


def command(
    file: Annotated[Path, argument("FILE", "A file of data: CSV, Parquet, JSON lines, npy or npz.")],
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column to predict; without it, an error lists the columns."),
    ] = None,
    output: Output = None,
    force: Force = False,
) -> None:
    """Write a commented config for a data file.

    The config can be trained as it is.
    """
    from bptrain.cli.examples import format_train_command
    from bptrain.commands.init import make_starter
    from bptrain.text import printable

    starter = make_starter(file, target, output=output, force=force)
    if output is None:
        print(starter.text, end="")
        return
    print_written(output, f"train it with  {format_train_command(output)}")
    for column in starter.left_out:
        print(f"left out {printable(column.name)}: {printable(column.reason)}")
    for note in starter.notes:
        print(f"note: {printable(note)}")
