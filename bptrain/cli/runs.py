"""`bptrain runs`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Json, print_json


def command(
    root: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the runs lie.", readable=False, show_default=True)
    ] = Path("runs"),
    as_json: Json = False,
) -> None:
    """List the runs, newest first. Each is finished, stopped, diverged, crashed or running."""
    from bptrain.commands.runs import runs

    found = runs(root)
    if as_json:
        print_json({"runs": [run.to_json() for run in found]})
    else:
        from bptrain.console.run_tables import run_list

        run_list(found)
