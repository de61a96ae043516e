"""`bptrain help`"""

from dataclasses import replace
from typing import Annotated, cast

import typer
from typer.core import TyperGroup

from bptrain.cli.arguments import Json, argument, print_json


def command(
    context: typer.Context,
    topic: Annotated[
        str | None,
        argument("TOPIC", "A page such as columns, a command, or a code such as BP201; without one, all are listed."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a page of the guide: a topic, command or code.

    Warnings about a config, and some errors, end with a code such as BP201; its page has a wrong and a right example.
    """
    from bptrain.commands.help import help_topics

    topics = help_topics(topic)
    if topic is not None and topics[0].kind == "command":
        more = topics[0].text.partition("\n")[2]
        topics = (replace(topics[0], text=f"{format_usage(context, topics[0].name)}\n\n{more}"),)
    if as_json:
        print_json({"topics": [one.to_json() for one in topics]})
    else:
        from bptrain.console.manual import print_topic, print_topics

        if topic is None:
            print_topics(topics)
        else:
            print_topic(topics[0])


def format_usage(context: typer.Context, name: str) -> str:
    """Return the text of `bptrain NAME --help`."""
    root = context.find_root()
    group = cast(TyperGroup, root.command)
    command = group.get_command(root, name)
    assert command is not None
    with typer.Context(command, info_name=name, parent=root) as inner:
        return command.get_help(inner)
