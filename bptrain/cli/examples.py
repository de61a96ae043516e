"""`bptrain examples`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Json, PlainCommand, argument, print_json, print_written

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def command(context: typer.Context, as_json: Json = False) -> None:
    """List the bundled configs; `examples copy NAME` copies one."""
    if context.invoked_subcommand:
        return
    from bptrain.commands.examples import examples

    found = examples()
    if as_json:
        print_json({"examples": [example.to_json() for example in found]})
    else:
        from bptrain.console.manual import print_examples

        print_examples(found)


@app.command(cls=PlainCommand)
def copy(
    name: Annotated[str, argument("NAME", "The name of an example, such as iris.")],
    path: Annotated[
        Path | None, argument("PATH", "The file to write, or a directory for NAME.yaml.", default="here")
    ] = None,
    as_json: Json = False,
) -> None:
    """Copy a bundled config with its comments; nothing is overwritten."""
    from bptrain.commands.examples import copy_example

    written = copy_example(name, path)
    if as_json:
        print_json({"config": str(written)})
    else:
        print_written(written, f"train it with  {format_train_command(written)}")


def format_train_command(config: Path) -> str:
    """Return the command that trains a config."""
    from shlex import join

    return join(["bptrain", "train", str(config)])
