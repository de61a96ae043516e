"""`bptrain gradcheck`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Json, Overrides, print_json
from bptrain.errors import ExitCode


def command(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG",
            help="The YAML config; without one, every registered part.",
            readable=False,
            show_default=False,
        ),
    ] = None,
    overrides: Overrides = None,
    as_json: Json = False,
) -> None:
    """Check the hand-written gradients exactly, by the complex step; exit code 4 if one is wrong."""
    from bptrain.gradcheck import check_gradients

    report = check_gradients(config, overrides or ())
    if as_json:
        print_json(report.to_json())
    else:
        from bptrain.console.tables import gradient_report

        gradient_report(report)
    if not report.passed:
        raise typer.Exit(ExitCode.GRADIENT_CHECK_FAILED)
