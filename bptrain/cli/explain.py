"""`bptrain explain`"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Code, Config, Overrides, print_json, prints_aside
from bptrain.errors import InputError


class Format(StrEnum):
    """What a worked example is written as."""

    text = "text"
    markdown = "markdown"
    latex = "latex"
    json = "json"


def command(
    config: Config,
    overrides: Overrides = None,
    rows: Annotated[
        str | None,
        typer.Option(
            "--row", "--rows", metavar="N,M", help="Rows of the data, from 1, as the whole batch.", show_default=False
        ),
    ] = None,
    step: Annotated[
        int | None, typer.Option(metavar="K", help="The step of training to replay and show.", show_default="1")
    ] = None,
    kind: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.text,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to write it.", show_default="stdout")
    ] = None,
    digits: Annotated[int, typer.Option(metavar="N", help="Significant digits, 1 to 17.")] = 6,
    full: Annotated[bool, typer.Option("--full", help="Write long vectors out.")] = False,
    code: Code = None,
) -> None:
    """Show one step of training as a worked example: formulas, numbers, results, forward and backward."""
    from bptrain.explanation import explain

    with prints_aside():
        page = explain(config, overrides or (), rows=numbers(rows), step=step, digits=digits, code=code or ())
    if output is None and kind is Format.text:
        from bptrain.console.explain import worked_example

        worked_example(page, digits=digits, full=full)
    elif output is None and kind is Format.json:
        print_json(page.to_json())
    else:
        from bptrain.explanation.files import write, written

        text = written(page, kind.value, digits=digits, full=full)
        if output is None:
            print(text, end="")
        else:
            write(output, text)


def numbers(text: str | None) -> list[int]:
    """The value of --rows."""
    if text is None:
        return []
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 12 for part in parts):
        raise InputError(f"--row: expected row numbers from 1, such as 3 or 3,7 (got {text!r})")
    found = [int(part) for part in parts]
    if twice := next((one for k, one in enumerate(found) if one in found[:k]), None):
        raise InputError(f"--rows: names row {twice} twice; name it once")
    return found
