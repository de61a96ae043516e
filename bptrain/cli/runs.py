"""`bptrain runs`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Json, print_json


def command(
    root: Annotated[
        Path, typer.Argument(metavar="DIR", help="The directory with the runs.", readable=False, show_default=True)
    ] = Path("runs"),
    as_json: Json = False,
) -> None:
    """List the runs, newest first.

    Each is marked as finished, stopped, diverged, failed, crashed or running.
    """
    from bptrain.commands.runs import runs

    found = runs(root)
    if as_json:
        print_json({"runs": [run.to_json() for run in found]})
    else:
        from bptrain.console.scores.run_tables import print_runs

        print_runs(found)
