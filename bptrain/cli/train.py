"""`bptrain train`"""

import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import (
    Code,
    ConfigOrData,
    Force,
    Json,
    Log,
    Logged,
    Overrides,
    Quiet,
    Strict,
    Target,
    print_json,
    print_written,
    reject_for_config,
    show_progress,
    with_reading_options,
)
from bptrain.cli.signals import interruption
from bptrain.cli.stdin import STDIN, keep_stdin
from bptrain.errors import BptrainWarning, ExitCode
from bptrain.tables.reading_options import ReadingOptions


@with_reading_options
def command(
    config: ConfigOrData,
    reading: ReadingOptions,
    overrides: Overrides = None,
    target: Target = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="CONFIG", help="The config to write for a file of data.", show_default="NAME.yaml"
        ),
    ] = None,
    force: Force = False,
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
    """Train the network of a config, and test it.

    For a file of data, `--target` names the column to predict. Its config is written first, as by `bptrain init`, to
    NAME.yaml in the current folder.
    """
    config = choose_config(config, target, output, reading, force=force, quiet=quiet)
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


def choose_config(
    path: Path, target: str | None, output: Path | None, reading: ReadingOptions, *, force: bool, quiet: bool
) -> Path:
    """Return the config to train: the one that is given, or one that is written for a file of data."""
    from bptrain.tables.data_files import is_config, is_data_file

    if path != STDIN and not is_data_file(path) and not path.is_file():
        return path
    if path != STDIN and not is_data_file(path) and (target is None or is_config(path)):
        reject_for_config(path, reading, {"--target": target, "--output": output, "--force": force})
        return path
    from bptrain.cli.init import print_choices
    from bptrain.commands.init import make_starter

    if output is None and path != STDIN:
        output = Path(f"{path.name.partition('.')[0] or 'data'}.yaml")
    with keep_stdin(path, output, force=force) as file, warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore", BptrainWarning)
        starter = make_starter(file, target, output=output, force=force, reading=reading, command="train")
    assert output is not None
    if not quiet:
        with redirect_stdout(sys.stderr):
            print_written(output, f"a config for {file}")
        print_choices(starter, sys.stderr)
    return output


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
