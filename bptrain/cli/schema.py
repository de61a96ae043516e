"""`bptrain schema`"""

from bptrain.cli.arguments import Code, Output, print_written


def command(
    output: Output = None,
    code: Code = None,
) -> None:
    """Print the JSON Schema of configs, for editors.

    With it, an editor completes and checks configs as you type.
    """
    from bptrain.commands.schema import schema, write_schema
    from bptrain.config.schema import MODELINE, to_text

    if output is None:
        print(to_text(schema(code=code or ())), end="")
    else:
        write_schema(output, code=code or ())
        print_written(output, f"begin configs beside it with  {MODELINE}{output.name}")
