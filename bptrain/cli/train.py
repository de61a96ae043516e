"""`bptrain train`"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Code, Config, Json, Log, Logged, Overrides, Quiet, Strict, print_json, show_progress
from bptrain.cli.signals import interruption
from bptrain.errors import ExitCode


def command(
    config: Config,
    overrides: Overrides = None,
    run: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The run directory, new or empty.", show_default="runs/NAME-001")
    ] = None,
    code: Code = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try each part of a run on one batch, and estimate the time of an epoch.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify-resume", help="Train again with interruptions, and compare the results bit by bit."),
    ] = False,
    quiet: Quiet = False,
    log: Logged = Log.auto,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Train the network of a config, and test it."""
    given, files = overrides or (), code or ()
    if dry_run:
        run_dry(config, given, files, strict=strict, quiet=quiet, as_json=as_json)
        return
    from bptrain.commands.train import train
    from bptrain.commands.verify_resume import verify_resume

    check = None
    with show_progress(quiet, log) as sinks:
        if verify:
            check = verify_resume(
                config, given, run=run, strict=strict, sinks=sinks, interruption=interruption, code=files
            )
        else:
            result = train(config, given, run=run, strict=strict, sinks=sinks, interruption=interruption, code=files)
    if as_json:
        print_json((check or result).to_json())
    elif not quiet:
        from bptrain.console.training_lines import print_result, print_resume_check

        print_result(check.result if check else result)
        if check:
            print_resume_check(check)
    if check and not check.identical:
        raise typer.Exit(ExitCode.BUG)


def run_dry(
    config: Path, overrides: Sequence[str], code: Sequence[Path], *, strict: bool, quiet: bool, as_json: bool
) -> None:
    """Do a dry run, and print the result."""
    from bptrain.commands.dry_run import dry_run
    from bptrain.console.problems import print_problems

    found = dry_run(config, overrides, strict=strict, code=code)
    if as_json:
        print_json(found.to_json())
    elif not quiet:
        from bptrain.console.training_lines import print_dry_run

        print_problems(found.warnings)
        print_dry_run(found)
