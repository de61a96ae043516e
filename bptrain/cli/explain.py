"""`bptrain explain`"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bptrain.cli.arguments import Code, Config, Output, Overrides, print_json, print_written, redirect_prints
from bptrain.errors import InputError
from bptrain.text import join_or

if TYPE_CHECKING:
    from bptrain.explanation.page import Page


class Format(StrEnum):
    """The formats of a worked example."""

    text = "text"
    markdown = "markdown"
    latex = "latex"
    json = "json"


SUFFIXES = {".md": Format.markdown, ".tex": Format.latex, ".json": Format.json}

Rows = Annotated[
    str | None,
    typer.Option(
        "--row",
        "--rows",
        metavar="N,M",
        help="Rows of the data that form the batch, counted from 1.",
        show_default=False,
    ),
]
Step = Annotated[
    int | None, typer.Option(metavar="K", help="The step of training to replay and show.", show_default="1")
]
FormatOption = Annotated[
    Format | None, typer.Option("--format", help="The output format.", show_default="by the suffix of FILE, or text")
]
Digits = Annotated[int, typer.Option(metavar="N", help="Significant digits, 1 to 17.")]
Full = Annotated[bool, typer.Option("--full", help="Print all entries of long vectors.")]
Sheet = Annotated[
    bool, typer.Option("--sheet", help="Write an exercise with blanks to FILE, and beside it a file for the answers.")
]
Key = Annotated[bool, typer.Option("--key", help="Show the solution of the exercise.")]
Seed = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        help="Seed from which easy weights and a row are drawn for the exercise.",
        show_default=False,
    ),
]


def command(
    config: Config,
    overrides: Overrides = None,
    rows: Rows = None,
    step: Step = None,
    kind: FormatOption = None,
    output: Output = None,
    digits: Digits = 6,
    full: Full = False,
    sheet: Sheet = False,
    key: Key = False,
    seed: Seed = None,
    code: Code = None,
) -> None:
    """Show a training step with all its numbers.

    Forward and backward pass as a worked example: each formula, the formula with numbers, the result.
    """
    from bptrain.commands.exercise import exercise
    from bptrain.commands.explain import explain
    from bptrain.console.worked_examples import show_replay

    check_options(sheet=sheet, key=key, seed=seed, output=output, kind=kind)
    kind = kind or (SUFFIXES.get(output.suffix.lower(), Format.text) if output else Format.text)
    given, numbers, files = overrides or (), parse_rows(rows), code or ()
    with redirect_prints(), show_replay(step):
        if not (sheet or key):
            page = explain(config, given, rows=numbers, step=step, digits=digits, code=files)
        else:
            task = exercise(config, given, rows=numbers, step=step, seed=seed, digits=digits, code=files)
    if sheet and output is not None:
        from bptrain.explanation.exercises.worksheet import write_exercise

        answers = write_exercise(task, output, kind.value, digits=digits, full=full)
        print_written(output, f"fill in {answers} and check it with: bptrain verify {answers}")
    else:
        write_page(task.key if key else page, kind, output, digits=digits, full=full)


def write_page(page: "Page", kind: Format, output: Path | None, *, digits: int, full: bool) -> None:
    """Write a page to a file, or print it."""
    if output is None and kind is Format.text:
        from bptrain.console.worked_examples import print_worked_example

        print_worked_example(page, digits=digits, full=full)
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
            print_written(output)


def check_options(*, sheet: bool, key: bool, seed: int | None, output: Path | None, kind: Format | None) -> None:
    """Check that the options go together."""
    if sheet and key:
        raise InputError("--sheet writes the exercise and --key its solution; give one of them")
    if sheet and output is None:
        raise InputError("--sheet writes two files; name the sheet with -o, such as -o sheet.md")
    if output is not None and kind is None and output.suffix.lower() not in ("", ".txt", *SUFFIXES):
        what = f"no page is written as {output.suffix}; end it in .txt, {join_or(list(SUFFIXES))}, or give --format"
        raise InputError(f"{output}: {what}")
    if seed is not None and not (sheet or key):
        raise InputError(
            "--seed chooses an exercise; add --sheet or --key, or write seed=N to change the seed of the config"
        )


def parse_rows(text: str | None) -> list[int]:
    """Return the row numbers of --row."""
    if text is None:
        return []
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 12 for part in parts):
        raise InputError(f"--row: expected row numbers from 1, such as 3 or 3,7 (got {text!r})")
    numbers = [int(part) for part in parts]
    if twice := next((one for k, one in enumerate(numbers) if one in numbers[:k]), None):
        raise InputError(f"--row: names row {twice} twice; name it once")
    return numbers
