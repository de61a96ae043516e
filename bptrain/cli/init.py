"""`bptrain init`"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from bptrain.cli.arguments import Force, Output, Target, argument, print_written, with_reading_options
from bptrain.cli.stdin import STDIN, keep_stdin
from bptrain.tables.reading_options import ReadingOptions

if TYPE_CHECKING:
    from bptrain.commands.init import Starter


@with_reading_options
def command(
    file: Annotated[Path, argument("FILE", "A file of data: CSV, Excel, Parquet, JSON, npy or npz; - for stdin.")],
    reading: ReadingOptions,
    target: Target = None,
    output: Output = None,
    force: Force = False,
    quick: Annotated[bool, typer.Option("--quick", help="Propose a plain network, which stops early.")] = False,
) -> None:
    """Write a commented config for a data file.

    The config can be trained as it is. Data from stdin is kept beside the config.
    """
    from bptrain.cli.examples import format_train_command
    from bptrain.commands.init import make_starter

    with keep_stdin(file, output, force=force) as path:
        starter = make_starter(path, target, output=output, force=force, reading=reading, quick=quick)
    if output is None:
        print(starter.text, end="")
        return
    if file == STDIN:
        print_written(path)
    print_written(output, f"train it with  {format_train_command(output)}")
    print_choices(starter, sys.stdout)


def print_choices(starter: "Starter", stream: TextIO) -> None:
    """Print the columns that a config leaves out, and the notes about it."""
    from bptrain.text import printable

    for column in starter.left_out:
        print(f"left out {printable(column.name)}: {printable(column.reason)}", file=stream)
    for note in starter.notes:
        print(f"note: {printable(note)}", file=stream)
