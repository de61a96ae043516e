"""`bptrain schema`"""

from pathlib import Path
from typing import Annotated

import typer

from bptrain.cli.arguments import Code, print_written


def command(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The file to write.", show_default="stdout")
    ] = None,
    code: Code = None,
) -> None:
    """Print the JSON Schema of configs, for editors.

    With it they complete and check configs as you type.
    """
    from bptrain.commands.schema import schema, write_schema
    from bptrain.config.schema import MODELINE, to_text

    if output is None:
        print(to_text(schema(code=code or ())), end="")
    else:
        write_schema(output, code=code or ())
        print_written(output, f"begin configs beside it with  {MODELINE}{output.name}")
