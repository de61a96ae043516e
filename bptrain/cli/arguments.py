"""The arguments and options that several commands share, where progress goes, and how help and JSON are printed."""

import inspect
import json
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from bptrain.errors import BptrainWarning, InputError
from bptrain.tables.reading_options import FLAGS, ReadingOptions

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


class Decimal(StrEnum):
    """The decimal signs."""

    point = "."
    comma = ","


HEADER = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="Whether the first line names the columns.", show_default="guessed"),
]
DELIMITER = Annotated[
    str | None,
    typer.Option(metavar="SIGN", help="The sign between values, such as ';' or tab.", show_default="guessed"),
]
ENCODING = Annotated[
    str | None, typer.Option(metavar="NAME", help="utf-8, utf-16, latin-1 or cp1252.", show_default="guessed")
]
MISSING = Annotated[
    list[str] | None,
    typer.Option(metavar="TEXT", help="A text that means a missing value too; may be given several times."),
]
DECIMAL = Annotated[Decimal | None, typer.Option(help="The decimal sign of numbers.", show_default="guessed")]
THOUSANDS = Annotated[
    str | None,
    typer.Option(metavar="SIGN", help="The sign between thousands, as in 1,234,567.", show_default="guessed"),
]
SHEET = Annotated[
    str | None, typer.Option(metavar="NAME", help="The sheet of an Excel file.", show_default="the first with data")
]
READING = {
    "header": HEADER,
    "delimiter": DELIMITER,
    "encoding": ENCODING,
    "missing": MISSING,
    "decimal": DECIMAL,
    "thousands": THOUSANDS,
    "sheet": SHEET,
}
"""The options that say how a file of data is read, by the names of the fields of `ReadingOptions`."""


def with_reading_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `READING`, which it gets as one argument, `reading`."""

    @wraps(command)
    def run(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in READING}
        given |= {"missing": tuple(given["missing"] or ()), "decimal": given["decimal"] and str(given["decimal"])}
        command(**arguments, reading=ReadingOptions(**given))

    signature = inspect.signature(command, eval_str=True)
    own = [one for name, one in signature.parameters.items() if name != "reading"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    more = [inspect.Parameter(name, keyword, default=None, annotation=hint) for name, hint in READING.items()]
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[one.replace(kind=keyword) for one in own] + more
    )
    run.__annotations__ = {one.name: one.annotation for one in (*own, *more)}
    return run


def reject_for_data(file: Path, given: Mapping[str, object]) -> None:
    """Check that no argument is given that only a config can have, by their names.

    Raises:
        InputError: one is given.
    """
    if names := [name for name, value in given.items() if value]:
        what = f"a file of data takes no {' and no '.join(names)}; write a config for it with bptrain init"
        raise InputError(f"{file}: {what}")


def reject_for_config(config: Path, reading: ReadingOptions, given: Mapping[str, object] | None = None) -> None:
    """Check that no argument is given that only a file of data can have, by their names.

    Raises:
        InputError: one is given.
    """
    names = [FLAGS[name] for name in reading.list_given()] + [name for name, value in (given or {}).items() if value]
    if names:
        what = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} for files of data, and this is a config"
        raise InputError(f"{config}: {what}; write it there, under data, or as KEY=VALUE such as data.target=price")


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
ConfigOrData = Annotated[Path, argument("CONFIG|FILE", "The YAML config, or a file of data; - for data from stdin.")]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="The column to predict: its name, first, last, or a position such as 3 or -1.",
        show_default="an error lists the columns",
    ),
]
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
            lines = PlainLines()
            yield [print_warnings, lines]
            lines.repeat_warnings()


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
