"""The arguments and options that several commands share, where progress goes, and how help and JSON are printed."""

import json
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from bptrain.errors import BptrainWarning

if TYPE_CHECKING:
    from bptrain.run.train_run import Sink


DEFAULT = re.compile(r"\[default: \((.*?)\)\]")
"""A default in the help of an option, which Typer puts in parentheses."""


class PlainCommand(TyperCommand):
    """A command whose help shows arguments as they are typed, without braces and Python types."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the arguments of the usage line."""
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        for kind, title in (("argument", "Arguments"), ("option", "Options")):
            records = [one.get_help_record(ctx) for one in self.get_params(ctx) if one.param_type_name == kind]
            rows = [
                (name.partition(" <")[0] if kind == "argument" else name, DEFAULT.sub(r"[default: \1]", text))
                for name, text in filter(None, records)
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Log(StrEnum):
    """How progress is printed."""

    auto = "auto"
    plain = "plain"
    json = "json"


class Split(StrEnum):
    """The splits of a run's data."""

    train = "train"
    validation = "validation"
    test = "test"


def argument(metavar: str, text: str, *, default: str | None = None) -> Any:
    """Return a positional argument with its help, and its default in words if it has one."""
    return typer.Argument(metavar=metavar, help=text, readable=False, show_default=default or False)


Config = Annotated[Path, argument("CONFIG", "The YAML config.")]
Overrides = Annotated[
    list[str] | None, argument("KEY=VALUE", "Values that override the config, such as training.epochs=5.")
]
Checkpoint = Annotated[Path, argument("RUN|CHECKPOINT", "A run directory or a checkpoint file.")]
SplitOption = Annotated[
    Split | None,
    typer.Option(
        "--split",
        help="The split of the run's own data.",
        show_default="the first of test, validation and train that has rows",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Treat warnings as errors.")]
Code = Annotated[
    list[Path] | None,
    typer.Option(
        "--code",
        metavar="FILE",
        help="A Python file that registers layers, losses, ... of your own; may be given several times.",
        readable=False,
        show_default=False,
    ),
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="The file to write.", show_default="stdout")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")]
DataFile = Annotated[
    Path | None,
    typer.Option("--data", metavar="FILE", help="A file to score instead of the run's data.", readable=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Logged = Annotated[
    Log,
    typer.Option(
        "--log",
        help="Progress on stderr: lines of text or JSON; auto: a live view on a terminal, lines of text elsewhere.",
    ),
]


@contextmanager
def show_progress(quiet: bool, log: Log = Log.auto) -> "Iterator[list[Sink]]":
    """Yield the sinks that show progress on stderr: none, a live view on a terminal, or lines."""
    from bptrain.console.terminal import is_interactive
    from bptrain.console.training_lines import JsonLines, PlainLines, print_warnings

    with redirect_prints():
        if quiet:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", BptrainWarning)
                yield []
        elif log is Log.json:
            yield [JsonLines()]
        elif log is Log.auto and is_interactive(sys.stderr):
            from bptrain.console.live import LiveView

            with LiveView(sys.stderr) as view:
                yield [print_warnings, view]
        else:
            yield [print_warnings, PlainLines()]


def redirect_prints() -> AbstractContextManager[object]:
    """Send what the user's own code prints to stderr, so that it does not mix with results."""
    return redirect_stdout(sys.stderr)


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON object; everything outside ASCII is escaped."""
    print(json.dumps(document, indent=2, allow_nan=False))


def print_written(path: Path, next_step: str = "") -> None:
    """Print that a file was written, and what to do with it next."""
    from bptrain.text import printable

    print(f"{printable(str(path))}: written" + (f"; {printable(next_step)}" if next_step else ""))
