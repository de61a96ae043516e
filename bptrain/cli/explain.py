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
    kind: Annotated[
        Format | None, typer.Option("--format", help="What to write.", show_default="by the name of FILE, or text")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to write it.", show_default="stdout")
    ] = None,
    digits: Annotated[int, typer.Option(metavar="N", help="Significant digits, 1 to 17.")] = 6,
    full: Annotated[bool, typer.Option("--full", help="Write long vectors out.")] = False,
    sheet: Annotated[
        bool, typer.Option("--sheet", help="Write an exercise sheet with blanks to FILE, and a file of answers.")
    ] = False,
    key: Annotated[bool, typer.Option("--key", help="Show the key of the exercise of that seed.")] = False,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Draw easy weights and a row for an exercise.", show_default=False),
    ] = None,
    code: Code = None,
) -> None:
    """Show a training step with all its numbers.

    Forward and backward pass as a worked example: each formula, the formula with numbers, the result.
    """
    from bptrain.commands.exercise import exercise
    from bptrain.commands.explain import explain
    from bptrain.console.worked_examples import replaying

    check_options(sheet=sheet, key=key, seed=seed, output=output)
    kind, given, chosen, files = kind or by_suffix(output), overrides or (), numbers(rows), code or ()
    with prints_aside(), replaying(step):
        if sheet or key:
            made = exercise(config, given, rows=chosen, step=step, seed=seed, digits=digits, code=files)
            page = made.key
        else:
            page = explain(config, given, rows=chosen, step=step, digits=digits, code=files)
    if sheet and output is not None:
        from bptrain.console.terminal import printable
        from bptrain.explanation.exercises.worksheet import write_exercise

        answers = write_exercise(made, output, kind.value, digits=digits, full=full)
        print(f"{printable(str(output))}: written; fill in {printable(str(answers))} and check it with  bptrain verify")
        return
    if output is None and kind is Format.text:
        from bptrain.console.worked_examples import worked_example

        worked_example(page, digits=digits, full=full)
    elif output is None and kind is Format.json:
        print_json(page.to_json())
    else:
        from bptrain.atomic import write_new
        from bptrain.explanation.formats import render_page

        text = render_page(page, kind.value, digits=digits, full=full)
        if output is None:
            print(text, end="")
        else:
            write_new(output, text)


def check_options(*, sheet: bool, key: bool, seed: int | None, output: Path | None) -> None:
    """Check that the options go together."""
    if sheet and key:
        raise InputError("--sheet has the blanks and --key the numbers; give one of them")
    if sheet and output is None:
        raise InputError("--sheet writes two files; name the sheet with -o, such as -o sheet.md")
    if seed is not None and not (sheet or key):
        raise InputError("--seed draws an exercise; it goes with --sheet or --key (for the config's own: seed=N)")


def by_suffix(output: Path | None) -> Format:
    """The format that the name of a file asks for."""
    suffixes = {".md": Format.markdown, ".tex": Format.latex, ".json": Format.json}
    return suffixes.get(output.suffix.lower(), Format.text) if output else Format.text


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
