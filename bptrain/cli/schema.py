"""`bptrain schema`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Code


def command(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to write it.", show_default="stdout")
    ] = None,
    code: Code = None,
) -> None:
    """Print the JSON Schema of configs, for editors. With it they complete and check configs as you type."""
    from bptrain.commands.schema import schema, write_schema
    from bptrain.config.schema import MODELINE, to_text
    from bptrain.console.terminal import printable

    if output is None:
        print(to_text(schema(code=code or ())), end="")
    else:
        write_schema(output, code=code or ())
        line = f"{MODELINE}{output.name}"
        print(f"{printable(str(output))}: written; begin configs beside it with  {printable(line)}")
