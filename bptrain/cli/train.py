"""`bptrain train`"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Code, Config, Json, Overrides, Strict, print_json
from bptrain.cli.progress import Log, Logged, Quiet, print_result, progress
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
        bool, typer.Option("--dry-run", help="Do one batch of everything, and say what an epoch takes.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify-resume", help="Train once more with interruptions, and compare every bit.")
    ] = False,
    quiet: Quiet = False,
    log: Logged = Log.auto,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Train the network of a config, and test it."""
    given, files = overrides or (), code or ()
    if dry_run:
        rehearse(config, given, files, strict=strict, quiet=quiet, as_json=as_json)
        return
    from bptrain.commands.train import train
    from bptrain.commands.verify_resume import verify_resume

    with progress(quiet, log) as sinks:
        if not verify:
            result = train(config, given, run=run, strict=strict, sinks=sinks, interruption=interruption, code=files)
        else:
            check = verify_resume(
                config, given, run=run, strict=strict, sinks=sinks, interruption=interruption, code=files
            )
    if not verify:
        print_result(result, quiet=quiet, as_json=as_json)
        return
    if as_json:
        print_json(check.to_json())
    elif not quiet:
        from bptrain.console.results import resume_check, training_result

        training_result(check.result)
        resume_check(check)
    if not check.identical:
        raise typer.Exit(ExitCode.BUG)


def rehearse(
    config: Path, overrides: Sequence[str], code: Sequence[Path], *, strict: bool, quiet: bool, as_json: bool
) -> None:
    """Do a dry run, and print what it found."""
    from bptrain.commands.dry_run import dry_run
    from bptrain.console.problems import print_problems

    found = dry_run(config, overrides, strict=strict, code=code)
    if as_json:
        print_json(found.to_json())
    elif not quiet:
        from bptrain.console.results import dry_run_result

        print_problems(found.warnings)
        dry_run_result(found)
