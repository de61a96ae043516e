"""`bptrain train`"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Config, Json, Overrides, Strict, print_json


def command(
    config: Config,
    overrides: Overrides = None,
    run: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The run directory, new or empty.", show_default="runs/NAME-001")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Train the network of a config, and test it."""
    from bptrain.console.plain import print_warnings
    from bptrain.console.text import is_interactive
    from bptrain.training import train

    if quiet:
        result = train(config, overrides or (), run=run, strict=strict)
    elif is_interactive(sys.stderr):
        from rich.console import Console

        from bptrain.console.live import LiveView

        with LiveView(Console(stderr=True)) as view:
            result = train(config, overrides or (), run=run, strict=strict, sinks=[print_warnings, view])
    else:
        from bptrain.console.plain import PlainLines

        result = train(config, overrides or (), run=run, strict=strict, sinks=[print_warnings, PlainLines()])
    if as_json:
        print_json(result.to_json())
    elif not quiet:
        from bptrain.console.tables import training_result

        training_result(result)
