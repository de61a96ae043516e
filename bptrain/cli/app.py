"""The `bptrain` command: its subcommands, and how errors are printed."""

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
from bptrain.cli import pipes, signals
from bptrain.cli.arguments import PlainCommand, print_json
from bptrain.commands import COMMANDS, GROUPS
from bptrain.errors import BptrainError, BptrainNote, BptrainWarning, ConfigError, ExitCode, Problem, StoppedError


class GroupedCommands(TyperGroup):
    """Lists the commands in groups, each with its whole summary."""

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
        app.command(one.name, cls=PlainCommand)(module.command)


def print_version(wanted: bool) -> None:
    """Print the version and exit."""
    if wanted:
        typer.echo(f"bptrain {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Train, verify and explain neural networks whose backward pass is written by hand in NumPy."""


def main() -> None:
    """Run the command line and exit with its code."""
    signals.install_handlers()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Characters that the terminal lacks are printed as escapes.
            stream.reconfigure(errors="backslashreplace")
    pipes.outlive_reader()
    warnings.showwarning = show_warning
    try:
        if code := app(standalone_mode=False):
            sys.exit(code)
    except Exception as error:
        exit_with(error)
    except SystemExit as error:
        # Click exits with 1 where the reader of stdout has gone away.
        if isinstance(error.__context__, BrokenPipeError):
            sys.exit(0)
        exit_if_user_code_failed(error)
        raise
    finally:
        pipes.flush_output()


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    """Print a warning: bptrain's own unchanged, others with the line of code that they come from."""
    from bptrain.console.terminal import wrap_message
    from bptrain.text import printable

    text = (
        f"{message}" if issubclass(category, BptrainWarning) else f"{filename}:{lineno}: {category.__name__}: {message}"
    )
    kind = "note" if issubclass(category, BptrainNote) else "warning"
    with contextlib.suppress(OSError):
        print(wrap_message(f"{kind}: {printable(text)}", sys.stderr), file=sys.stderr)


def exit_if_user_code_failed(error: BaseException) -> None:
    """Exit with an error if the user's own code caused an exception."""
    if (code := sys.modules.get("bptrain.code")) and (fault := code.find_code_fault(error)):
        fail([str(fault)], ExitCode.BAD_INPUT)


def exit_with(error: Exception) -> NoReturn:
    """Print an error, and exit with its code."""
    if signals.received:
        error = StoppedError(signals.received[0])
    if isinstance(error, BrokenPipeError):
        sys.exit(0)
    if callable(getattr(error, "format_message", None)):
        exit_with_usage(error)
    if isinstance(error, ConfigError):
        from bptrain.console.problems import print_problems

        with contextlib.suppress(OSError):
            print_problems(error.problems)
        print_error(error.lines, error.exit_code, error.problems)
        sys.exit(error.exit_code)
    if isinstance(error, BptrainError):
        fail(error.lines, error.exit_code)
    exit_if_user_code_failed(error)
    if isinstance(error, OSError):
        fail([f"{error.filename or 'input or output'}: {error.strerror or error}"], ExitCode.IO_FAILURE)
    if isinstance(error, MemoryError):
        what = f"not enough memory ({error}); use less data, a smaller network or smaller batches"
        fail([what], ExitCode.BAD_INPUT)
    traceback.print_exception(error)
    fail([f"this is a bug in bptrain{name_user_code()}; please report it with the lines above"], ExitCode.BUG)


def exit_with_usage(error: Any) -> NoReturn:
    """Print what is wrong with the arguments and which help to read, and exit."""
    if len(sys.argv) < 2:
        with contextlib.suppress(OSError):
            error.show()
        sys.exit(error.exit_code)
    message = error.format_message().replace("Value error, ", "").rstrip(".")
    message = message.replace(
        "Input should be a valid integer, unable to parse string as an integer", "expected a whole number"
    )
    message = message.replace("Input should be a valid number, unable to parse string as a number", "expected a number")
    context = getattr(error, "ctx", None)
    see = " See" if message.endswith("?") else "; see"
    fail([f"{message}{see} {context.command_path if context else 'bptrain'} -h"], error.exit_code)


def name_user_code() -> str:
    """Return the user's code files as another possible cause of a bug."""
    code = sys.modules.get("bptrain.code")
    files = [str(one.path) for one in code.list_loaded_code()] if code else []
    return f", or in {' and '.join(files)}" if files else ""


def fail(lines: Iterable[str], code: ExitCode) -> NoReturn:
    """Print lines as errors, and exit."""
    from bptrain.console.terminal import wrap_message
    from bptrain.text import printable

    lines = tuple(lines)
    # Nothing is printed where even stderr cannot be written.
    with contextlib.suppress(OSError):
        for line in lines:
            print(wrap_message(f"error: {printable(line)}", sys.stderr), file=sys.stderr)
    print_error(lines, code)
    sys.exit(code)


def print_error(lines: Sequence[str], code: ExitCode, problems: Sequence[Problem] = ()) -> None:
    """Print an error as one JSON object on stdout, if the command line asks for JSON."""
    arguments = sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    if "--json" not in arguments:
        return
    error = {
        "message": "\n".join(lines),
        "exit_code": int(code),
        "problems": [problem.to_json() for problem in problems],
    }
    with contextlib.suppress(OSError):
        print_json({"error": error})
