"""What commands that train share: their options, where progress goes, and how the result is printed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from bptrain.cli.arguments import print_json, prints_aside

if TYPE_CHECKING:
    from bptrain.training import Result, Sink

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


@contextmanager
def progress(quiet: bool) -> "Iterator[list[Sink]]":
    """The sinks that show progress on stderr: none, a live view on a terminal, or plain lines."""
    from bptrain.console.plain import PlainLines, print_warnings
    from bptrain.console.text import is_interactive

    with prints_aside():
        if quiet:
            yield []
        elif is_interactive(sys.stderr):
            from rich.console import Console

            from bptrain.console.live import LiveView

            with LiveView(Console(stderr=True)) as view:
                yield [print_warnings, view]
        else:
            yield [print_warnings, PlainLines()]


def print_result(result: "Result", *, quiet: bool, as_json: bool) -> None:
    """Print how a run ended."""
    if as_json:
        print_json(result.to_json())
    elif not quiet:
        from bptrain.console.tables import training_result

        training_result(result)
