"""`bptrain verify`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Code, Json, print_json, prints_aside
from bptrain.errors import ExitCode


def command(
    answers: Annotated[
        Path,
        typer.Argument(metavar="ANSWERS", help="A YAML file of answers.", readable=False, show_default=False),
    ],
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Check numbers computed by hand, and name the slip.

    Each is compared to the digits written; a wrong number is exit code 4.
    """
    from bptrain.commands.verify import verify

    with prints_aside():
        found = verify(answers, code=code or ())
    if as_json:
        print_json(found.to_json())
    else:
        from bptrain.console.worked_examples import print_verification

        print_verification(found)
    if not found.passed:
        raise typer.Exit(ExitCode.GRADIENT_CHECK_FAILED)
