"""`bptrain validate`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Code, Json, Strict, argument, print_json, redirect_prints
from bptrain.errors import ExitCode


def command(
    configs: Annotated[list[Path], argument("CONFIG", "The YAML configs.")],
    strict: Strict = False,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Check configs against their data, without training."""
    from bptrain.commands.validate import validate
    from bptrain.console.problems import print_notes, print_problems
    from bptrain.text import printable

    with redirect_prints():
        validation = validate(configs, strict=strict, code=code or ())
    if as_json:
        print_json(validation.to_json())
    else:
        wrong = {problem.file for problem in validation.problems}
        print_problems((*validation.problems, *validation.warnings))
        print_notes(validation.notes)
        for config in configs:
            if str(config) not in wrong:
                print(f"{printable(str(config))}: valid")
    if not validation.valid:
        raise typer.Exit(ExitCode.BAD_INPUT)
