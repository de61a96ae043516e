"""The topics of help on the terminal: all in a list, and the page of one."""

from collections.abc import Sequence
from itertools import groupby
from textwrap import wrap

from rich.text import Text

from bptrain.commands import COMMANDS
from bptrain.commands.help import Topic
from bptrain.console.pages.page_text import print_markdown
from bptrain.console.terminal import output

STYLES = {"error": "red", "warning": "yellow", "wrong": "red", "right": "green"}

HEADINGS = {"guide": "Guide", "error": "Errors", "warning": "Warnings"}
"""What stands above the topics of each kind; commands are listed by their groups."""

READABLE = 100
"""Running text is set no wider than this, however wide the terminal is."""


def print_topics(topics: Sequence[Topic]) -> None:
    """Print a line for each topic under what it is, its continuation under the title where the terminal is narrow."""
    console = output()
    indent = max(len(topic.name) for topic in topics) + 4
    groups = {command.name: f"Commands, {command.group}" for command in COMMANDS}
    for heading, members in groupby(topics, lambda topic: groups.get(topic.name) or HEADINGS[topic.kind]):
        console.print(Text(f"{heading}:", style="bold"))
        for topic in members:
            first, *rest = wrap(topic.title, max(console.width - indent, 10))
            line = Text(f"  {topic.name:<{indent - 2}}", style=STYLES.get(topic.kind, "bold"))
            console.print(
                line.append(first, style="default"),
                *(" " * indent + part for part in rest),
                sep="\n",
                soft_wrap=True,
            )
        console.print()
    console.print(Text("A page of one: bptrain help columns", style="dim"), soft_wrap=True)


def print_topic(topic: Topic) -> None:
    """Print the whole of a topic: what, why, and examples that can be copied."""
    console = output()
    width = min(console.width, READABLE)
    heading = Text(topic.name, style="bold").append(f"  {topic.kind}: ", style=STYLES.get(topic.kind, "not bold"))
    console.print(heading.append(topic.title, style="not bold default"))
    console.print()
    if topic.kind == "command":
        console.print(topic.text, soft_wrap=True)
    else:
        print_markdown(console, topic.text, width)
    for example in topic.examples:
        caption = example.caption[:1].upper() + example.caption[1:].removesuffix(".")
        first, *rest = wrap(f"{caption}:", width)
        console.print(Text("\n".join(("", first, *rest)), style=STYLES.get(example.caption, "bold")), soft_wrap=True)
        console.print(*(f"  {line}" for line in example.config.splitlines()), sep="\n", soft_wrap=True)
