"""`bptrain resume`"""

from pathlib import Path
from typing import Annotated

from bptrain.cli.arguments import Code, Json, Log, Logged, Overrides, Quiet, argument, print_json, show_progress
from bptrain.cli.signals import interruption

Run = Annotated[Path, argument("RUN", "The run directory.")]


def command(
    run: Run,
    overrides: Overrides = None,
    code: Code = None,
    quiet: Quiet = False,
    log: Logged = Log.auto,
    as_json: Json = False,
) -> None:
    """Resume an interrupted run; the result is bit-identical.

    Training continues from the last checkpoint.
    """
    from bptrain.commands.resume import resume

    with show_progress(quiet, log) as sinks:
        result = resume(run, overrides or (), sinks=sinks, interruption=interruption, code=code or ())
    if as_json:
        print_json(result.to_json())
    elif not quiet:
        from bptrain.console.training_lines import print_result

        print_result(result)
