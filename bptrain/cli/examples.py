"""`bptrain examples`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Json, print_json

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
        from bptrain.console.manual import example_list

        example_list(found)


@app.command()
def copy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as iris.", show_default=False)],
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="A file, or a directory for NAME.yaml.", show_default="here"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Copy one of them, comments and all; nothing is overwritten."""
    from bptrain.commands.examples import copy_example
    from bptrain.console.terminal import printable

    written = copy_example(name, path)
    if as_json:
        print_json({"config": str(written)})
    else:
        print(f"{printable(str(written))}: written; train it with  {printable(train_command(written))}")


def train_command(config: Path) -> str:
    """What to type to train a config."""
    from shlex import join

    return join(["bptrain", "train", str(config)])
