"""`bptrain validate`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Json, Strict, print_json
from bptrain.errors import ExitCode


def command(
    configs: Annotated[
        list[Path], typer.Argument(metavar="CONFIG...", help="YAML configs.", readable=False, show_default=False)
    ],
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Check configs against their data without training."""
    from bptrain.console.problems import print_problems
    from bptrain.console.text import printable
    from bptrain.training import validate

    validation = validate(configs, strict=strict)
    if as_json:
        print_json(validation.to_json())
    else:
        wrong = {problem.file for problem in validation.problems}
        print_problems((*validation.problems, *validation.warnings))
        for config in configs:
            if str(config) not in wrong:
                print(f"{printable(str(config))}: valid")
    if not validation.valid:
        raise typer.Exit(ExitCode.BAD_INPUT)
