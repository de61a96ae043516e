"""`bptrain show`"""

import sys
from typing import Annotated

import typer

from bptrain.cli.arguments import Config, Json, Overrides, print_json


def command(
    config: Config,
    overrides: Overrides = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="The network as a table, what it costs, and the formulas in force.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print the config as it would run, with every default and its meaning; or the network that comes of it."""
    from shutil import get_terminal_size

    from bptrain.console.text import printable
    from bptrain.training import show, summarize

    if as_json:
        print_json(summarize(config, overrides or ()).to_json())
    elif summary:
        from bptrain.console import summary as view

        view.summary(summarize(config, overrides or ()))
    else:
        width = get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else 120
        for line in show(config, overrides or (), width=width).split("\n")[:-1]:
            print(printable(line))
