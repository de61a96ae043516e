"""`bptrain resume`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Code, Json, Overrides
from bptrain.cli.progress import Log, Logged, Quiet, print_result, progress
from bptrain.cli.signals import interruption

Run = Annotated[Path, typer.Argument(metavar="RUN", help="The run directory.", readable=False, show_default=False)]


def command(
    run: Run,
    overrides: Overrides = None,
    code: Code = None,
    quiet: Quiet = False,
    log: Logged = Log.auto,
    as_json: Json = False,
) -> None:
    """Resume an interrupted run; the result is bit-identical. It goes on from the last checkpoint."""
    from bptrain.commands.resume import resume

    with progress(quiet, log) as sinks:
        result = resume(run, overrides or (), sinks=sinks, interruption=interruption, code=code or ())
    print_result(result, quiet=quiet, as_json=as_json)
