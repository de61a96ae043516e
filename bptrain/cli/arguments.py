"""The arguments and options that several commands share, and how JSON is printed."""

import json
import sys
from contextlib import AbstractContextManager, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="The YAML config.", readable=False, show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Options over the file, such as training.epochs=5.", show_default=False),
]
Checkpoint = Annotated[
    Path,
    typer.Argument(
        metavar="RUN|CHECKPOINT", help="A run directory or a checkpoint file.", readable=False, show_default=False
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Take what is risky in the config for an error.")]
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
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def prints_aside() -> AbstractContextManager[object]:
    """What the user's own code prints meanwhile goes to stderr, where it disturbs no result."""
    return redirect_stdout(sys.stderr)


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON object; everything outside ASCII is escaped."""
    print(json.dumps(document, indent=2, allow_nan=False))
