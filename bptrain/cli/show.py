"""`bptrain show`"""

import sys
from typing import Annotated

import typer

from bptrain.cli.arguments import Code, Config, Json, Overrides, print_json, redirect_prints


def command(
    config: Config,
    overrides: Overrides = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="Print the network as a table, its costs, and the formulas it uses.")
    ] = False,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Print a config with every default, or its network.

    Every default is marked and explained.
    """
    from shutil import get_terminal_size

    from bptrain.commands.show import show, summarize
    from bptrain.text import printable

    if as_json or summary:
        with redirect_prints():
            found = summarize(config, overrides or (), code=code or ())
        if as_json:
            print_json(found.to_json())
        else:
            from bptrain.console.summary_tables import print_summary

            print_summary(found)
        return
    width = get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else 120
    with redirect_prints():
        text = show(config, overrides or (), width=width, code=code or ())
    for line in text.split("\n")[:-1]:
        print(printable(line))
