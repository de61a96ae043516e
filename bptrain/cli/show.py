"""`bptrain show`"""

import sys
from typing import Annotated

import typer

from bptrain.cli.arguments import Code, Config, Json, Overrides, print_json, prints_aside


def command(
    config: Config,
    overrides: Overrides = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="The network as a table, what it costs, and the formulas in force.")
    ] = False,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Print a config with every default, or its network.

    Every default is marked and explained; --summary prints the network layer by layer instead.
    """
    from shutil import get_terminal_size

    from bptrain.commands.show import show, summarize
    from bptrain.console.terminal import printable

    if as_json or summary:
        with prints_aside():
            found = summarize(config, overrides or (), code=code or ())
        if as_json:
            print_json(found.to_json())
        else:
            from bptrain.console import summary_tables as view

            view.summary(found)
        return
    width = get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else 120
    with prints_aside():
        text = show(config, overrides or (), width=width, code=code or ())
    for line in text.split("\n")[:-1]:
        print(printable(line))
