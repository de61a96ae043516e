"""`bptrain list`"""

from typing import Annotated

import typer

from bptrain.cli.arguments import Code, Json, print_json


def command(
    family: Annotated[
        str | None,
        typer.Argument(
            metavar="FAMILY", help="A family such as losses; without one, all are listed.", show_default=False
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A member of the family; its page has all details.", show_default=False),
    ] = None,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """List what a config can name, or explain one component."""
    from bptrain.commands.list import reference

    entries = reference(family, name, code=code or ())
    if as_json:
        print_json({"components": [entry.to_json() for entry in entries]})
    else:
        from bptrain.console.manual import print_components

        print_components(entries, full=name is not None, by_family=family is None)
