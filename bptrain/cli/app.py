"""The `bptrain` command: its subcommands, and what becomes of errors."""

import signal
import sys
import traceback
from types import FrameType
from typing import Annotated

import typer

from bptrain import __version__
from bptrain.cli import evaluate, gradcheck, show, train, validate
from bptrain.errors import BptrainError, ExitCode

app = typer.Typer(
    name="bptrain",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (train, evaluate, gradcheck, validate, show):
    app.command(module.__name__.rpartition(".")[2])(module.command)


class InterruptedBySignalError(BptrainError):
    """A signal asked the program to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = ExitCode(128 + number)


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
    try:
        app()
    except BptrainError as error:
        fail(str(error), error.exit_code)
    except OSError as error:
        fail(f"{error.filename or 'input or output'}: {error.strerror or error}", ExitCode.IO_FAILURE)
    except Exception:
        traceback.print_exc()
        fail("this is a bug in bptrain; please report it with the lines above", ExitCode.BUG)


def fail(message: str, code: ExitCode) -> None:
    """Print each line of a message as an error, and exit."""
    from bptrain.console.text import printable

    for line in printable(message).splitlines():
        print(f"error: {line}", file=sys.stderr)
    sys.exit(code)
