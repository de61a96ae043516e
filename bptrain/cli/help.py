"""`bptrain help`"""

from typing import Annotated

import typer

from bptrain.cli.arguments import Json, print_json


def command(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC",
            help="The code of a message, such as BP201, or textbook; without one, all.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Explain the code of an error or a warning, with a wrong and a right example; or walk through the textbook."""
    from bptrain.commands.help import help_topics

    topics = help_topics(topic)
    if as_json:
        print_json({"topics": [one.to_json() for one in topics]})
    else:
        from bptrain.console.manual import help_list, help_page

        if topic is None:
            help_list(topics)
        else:
            help_page(topics[0])
