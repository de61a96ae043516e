"""The `bptrain` command: its subcommands, and what becomes of errors."""

import contextlib
import signal
import sys
import traceback
from collections.abc import Iterable
from io import TextIOWrapper
from types import FrameType
from typing import Annotated, NoReturn

import typer

from bptrain import __version__
from bptrain.cli import evaluate, examples, gradcheck, help, list, schema, show, train, validate
from bptrain.errors import BptrainError, ConfigError, ExitCode

app = typer.Typer(
    name="bptrain",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (train, evaluate, gradcheck, validate, show, list, schema, help):
    app.command(module.__name__.rpartition(".")[2])(module.command)
app.add_typer(examples.app, name="examples")


class InterruptedBySignalError(BptrainError):
    """A signal asked the program to stop."""

    received: int | None = None

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = ExitCode(128 + number)
        # Kept beside the exception, since a library that is interrupted may raise one of its own instead.
        InterruptedBySignalError.received = number


def version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        typer.echo(f"bptrain {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Train, verify and explain neural networks whose backward pass is written by hand in NumPy."""


def interrupt(number: int, frame: FrameType | None) -> None:
    """The handler of SIGINT and SIGTERM."""
    raise InterruptedBySignalError(number)


def main() -> None:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that lacks a character shows it as an escape.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except Exception as error:
        leave(error)


def leave(error: Exception) -> NoReturn:
    """Say what went wrong, and exit with the code for it."""
    if InterruptedBySignalError.received is not None:
        error = InterruptedBySignalError(InterruptedBySignalError.received)
    if isinstance(error, ConfigError):
        from bptrain.console.problems import print_problems

        with contextlib.suppress(OSError):
            print_problems(error.problems)
        sys.exit(error.exit_code)
    if isinstance(error, BptrainError):
        fail(error.lines, error.exit_code)
    if isinstance(error, OSError):
        fail([f"{error.filename or 'input or output'}: {error.strerror or error}"], ExitCode.IO_FAILURE)
    if isinstance(error, MemoryError):
        what = f"not enough memory ({error}); use less data, a smaller network or smaller batches"
        fail([what], ExitCode.BAD_INPUT)
    traceback.print_exception(error)
    fail(["this is a bug in bptrain; please report it with the lines above"], ExitCode.BUG)


def fail(lines: Iterable[str], code: ExitCode) -> NoReturn:
    """Print lines as errors, and exit."""
    from bptrain.console.text import printable

    # Where even stderr cannot be written, the exit code says it all.
    with contextlib.suppress(OSError):
        for line in lines:
            print(f"error: {printable(line)}", file=sys.stderr)
    sys.exit(code)
