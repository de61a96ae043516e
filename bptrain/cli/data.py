"""`bptrain data`"""

from bptrain.cli.arguments import Code, Config, Json, Overrides, print_json, redirect_prints


def command(config: Config, overrides: Overrides = None, code: Code = None, as_json: Json = False) -> None:
    """Describe the data of a config: columns, classes, splits.

    Columns that are risky to learn from get a warning.
    """
    from bptrain.commands.data import describe_data

    with redirect_prints():
        found = describe_data(config, overrides or (), code=code or ())
    if as_json:
        print_json(found.to_json())
    else:
        from bptrain.console.description import print_description

        print_description(found)
