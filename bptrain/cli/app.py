"""The `bptrain` command: its subcommands, and what becomes of errors."""

import contextlib
import sys
import traceback
import warnings
from collections.abc import Iterable, Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from bptrain import __version__
from bptrain.cli import signals
from bptrain.commands import COMMANDS, GROUPS
from bptrain.errors import BptrainError, BptrainNote, BptrainWarning, ConfigError, ExitCode, Problem, StoppedError


class GroupedCommands(TyperGroup):
    """Lists the commands by what they are for, each with its whole line."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each group."""
        width = max(len(command.name) for command in COMMANDS)
        for group in GROUPS:
            rows = [(f"{one.name:<{width}}", one.summary) for one in COMMANDS if one.group == group]
            with formatter.section(group.capitalize()):
                formatter.write_dl(rows)


app = typer.Typer(
    name="bptrain",
    cls=GroupedCommands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for one in COMMANDS:
    module = import_module(f"bptrain.cli.{one.name}")
    if hasattr(module, "app"):
        app.add_typer(module.app, name=one.name)
    else:
        app.command(one.name)(module.command)


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


def main() -> None:
    """Run the command line and exit with its code."""
    signals.install()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that lacks a character shows it as an escape.
            stream.reconfigure(errors="backslashreplace")
    warnings.showwarning = show_warning
    try:
        if code := app(standalone_mode=False):
            sys.exit(code)
    except Exception as error:
        leave(error)
    except SystemExit as error:
        blame_code(error)
        raise


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    """Print a warning in a line: our own as it is, others with their place."""
    from bptrain.text import printable

    text = (
        f"{message}" if issubclass(category, BptrainWarning) else f"{filename}:{lineno}: {category.__name__}: {message}"
    )
    kind = "note" if issubclass(category, BptrainNote) else "warning"
    with contextlib.suppress(OSError):
        print(f"{kind}: {printable(text)}", file=sys.stderr)


def blame_code(error: BaseException) -> None:
    """Exit with a line where the user's own code is to blame for an exception."""
    if (code := sys.modules.get("bptrain.code")) and (fault := code.find_code_fault(error)):
        fail([str(fault)], ExitCode.BAD_INPUT)


def leave(error: Exception) -> NoReturn:
    """Say what went wrong, and exit with the code for it."""
    if signals.received:
        error = StoppedError(signals.received[0])
    if callable(getattr(error, "format_message", None)):
        report_misuse(error)
    if isinstance(error, ConfigError):
        from bptrain.console.problems import print_problems

        with contextlib.suppress(OSError):
            print_problems(error.problems)
        print_error(error.lines, error.exit_code, error.problems)
        sys.exit(error.exit_code)
    if isinstance(error, BptrainError):
        fail(error.lines, error.exit_code)
    blame_code(error)
    if isinstance(error, OSError):
        fail([f"{error.filename or 'input or output'}: {error.strerror or error}"], ExitCode.IO_FAILURE)
    if isinstance(error, MemoryError):
        what = f"not enough memory ({error}); use less data, a smaller network or smaller batches"
        fail([what], ExitCode.BAD_INPUT)
    traceback.print_exception(error)
    fail([f"this is a bug in bptrain{or_elsewhere()}; please report it with the lines above"], ExitCode.BUG)


def report_misuse(error: Any) -> NoReturn:
    """Say in a line what is wrong with the arguments, as the parser of the command line found it."""
    if len(sys.argv) < 2:
        with contextlib.suppress(OSError):
            error.show()
        sys.exit(error.exit_code)
    message = error.format_message().replace("Value error, ", "").rstrip(".")
    context = getattr(error, "ctx", None)
    fail([f"{message}; see {context.command_path if context else 'bptrain'} -h"], error.exit_code)


def or_elsewhere() -> str:
    """Where else a bug may be: in code of the user's, which may have handed bptrain what it cannot use."""
    code = sys.modules.get("bptrain.code")
    files = [str(one.path) for one in code.list_loaded_code()] if code else []
    return f", or in what {' and '.join(files)} gave it" if files else ""


def fail(lines: Iterable[str], code: ExitCode) -> NoReturn:
    """Print lines as errors, and exit."""
    from bptrain.text import printable

    lines = tuple(lines)
    # Where even stderr cannot be written, the exit code says it all.
    with contextlib.suppress(OSError):
        for line in lines:
            print(f"error: {printable(line)}", file=sys.stderr)
    print_error(lines, code)
    sys.exit(code)


def print_error(lines: Sequence[str], code: ExitCode, problems: Sequence[Problem] = ()) -> None:
    """Print what went wrong as one JSON object on stdout, where the command line asks for JSON."""
    arguments = sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    if "--json" not in arguments:
        return
    from bptrain.cli.arguments import print_json

    error = {
        "message": "\n".join(lines),
        "exit_code": int(code),
        "problems": [problem.to_json() for problem in problems],
    }
    with contextlib.suppress(OSError):
        print_json({"error": error})
