"""What commands that train share: their options, where progress goes, and how the result is printed."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bptrain.cli.arguments import print_json, prints_aside
from bptrain.errors import BptrainWarning

if TYPE_CHECKING:
    from bptrain.run.train_run import Result, Sink


class Log(StrEnum):
    """The ways to show progress."""

    auto = "auto"
    plain = "plain"
    json = "json"


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Logged = Annotated[
    Log,
    typer.Option(
        "--log",
        help="Progress on stderr: a live view on a terminal and else plain lines, or lines of text or JSON anyway.",
    ),
]


@contextmanager
def progress(quiet: bool, log: Log = Log.auto) -> "Iterator[list[Sink]]":
    """The sinks that show progress on stderr: none, a live view on a terminal, or lines."""
    from bptrain.console.epoch_lines import JsonLines, PlainLines, print_warnings
    from bptrain.console.terminal import is_interactive

    with prints_aside():
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


def print_result(result: "Result", *, quiet: bool, as_json: bool) -> None:
    """Print how a run ended."""
    if as_json:
        print_json(result.to_json())
    elif not quiet:
        from bptrain.console.results import training_result

        training_result(result)
