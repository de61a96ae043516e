"""`bptrain runs`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Json, print_json


def command(
    root: Annotated[
        Path, typer.Argument(metavar="DIR", help="The directory with the runs.", readable=False, show_default=True)
    ] = Path("runs"),
    sort: Annotated[
        str | None,
        typer.Option(metavar="SCORE", help="loss, a metric, or 'test loss'; best first.", show_default="newest first"),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            help="KEY=VALUE of the config, or a text in the name or state; may be given several times.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the runs, newest first.

    Each is marked as finished, stopped, diverged, failed, crashed or running.
    """
    from bptrain.commands.runs import runs

    found = runs(root, sort=sort, where=where or ())
    if as_json:
        print_json({"runs": [run.to_json() for run in found]})
    else:
        from bptrain.console.scores.run_tables import print_runs

        print_runs(found)
