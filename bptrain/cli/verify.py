"""`bptrain verify`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Code, Json, argument, print_json, redirect_prints
from bptrain.errors import ExitCode


def command(
    answers: Annotated[Path, argument("ANSWERS", "The YAML file with your answers, from explain --sheet.")],
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Check numbers computed by hand, and name the mistake.

    Each number is checked to as many digits as you wrote. The exit code is 4 if a number is wrong.
    """
    from bptrain.commands.verify import verify

    with redirect_prints():
        found = verify(answers, code=code or ())
    if as_json:
        print_json(found.to_json())
    else:
        from bptrain.console.worked_examples import print_verification

        print_verification(found)
    if not found.passed:
        raise typer.Exit(ExitCode.GRADIENT_CHECK_FAILED)
