"""`bptrain validate`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Code, Json, Strict, argument, print_json, redirect_prints
from bptrain.errors import ExitCode, InputError


def command(
    configs: Annotated[
        list[str],
        argument("CONFIG|KEY=VALUE", "The YAML configs, and values that override them, such as training.epochs=5."),
    ],
    strict: Strict = False,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Check configs against their data, without training."""
    from bptrain.commands.validate import validate
    from bptrain.console.problems import print_notes, print_problems
    from bptrain.text import printable

    overrides = [one for one in configs if "=" in one and not Path(one).exists()]
    paths = [Path(one) for one in configs if one not in overrides]
    if not paths:
        raise InputError(f"validate needs a config before KEY=VALUE (got {overrides[0]})")
    with redirect_prints():
        validation = validate(paths, overrides, strict=strict, code=code or ())
    if as_json:
        print_json(validation.to_json())
    else:
        wrong = {problem.file for problem in validation.problems}
        print_problems((*validation.problems, *validation.warnings))
        print_notes(validation.notes)
        for config in paths if wrong <= set(map(str, paths)) else ():
            if str(config) not in wrong:
                print(f"{printable(str(config))}: valid")
    if not validation.valid:
        raise typer.Exit(ExitCode.BAD_INPUT)
