"""`bptrain list`"""

from typing import Annotated

from bptrain.cli.arguments import Code, Json, argument, print_json


def command(
    family: Annotated[str | None, argument("FAMILY", "A family such as losses; without one, all are listed.")] = None,
    name: Annotated[
        str | None, argument("NAME", "A component of the family, to explain with its formulas and options.")
    ] = None,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """List the layers, losses and other components, or explain one."""
    from bptrain.commands.list import reference

    entries = reference(family, name, code=code or ())
    if as_json:
        print_json({"components": [entry.to_json() for entry in entries]})
    else:
        from bptrain.console.manual import print_components

        print_components(entries, full=name is not None, by_family=family is None)
