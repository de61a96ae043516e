"""Topics of help on the terminal."""

from collections.abc import Sequence
from textwrap import wrap

from rich.text import Text

from bptrain.commands.help import Topic
from bptrain.console.tables import output

STYLES = {"error": "red", "warning": "yellow", "wrong": "red", "right": "green"}

READABLE = 100
"""Running text is set no wider than this, however wide the terminal is."""


def help_list(topics: Sequence[Topic]) -> None:
    """A line for each topic, its continuation under the title where the terminal is narrow."""
    console = output()
    indent = max(len(topic.name) for topic in topics) + 2
    for topic in topics:
        first, *rest = wrap(topic.title, max(console.width - indent, 10))
        line = Text(f"{topic.name:<{indent}}", style=STYLES.get(topic.kind, "bold")).append(first, style="default")
        console.print(line, *(" " * indent + part for part in rest), sep="\n", soft_wrap=True)
    console.print(Text(f"\nA page of one: bptrain help {topics[-1].name}", style="dim"), soft_wrap=True)


def help_page(topic: Topic) -> None:
    """The whole of a topic: what, why, and examples that can be copied."""
    console = output()
    heading = Text(topic.name, style="bold").append(f"  {topic.kind}: ", style=STYLES.get(topic.kind, "not bold"))
    console.print(heading.append(topic.title, style="not bold default"))
    console.print("", *wrap(topic.text, min(console.width, READABLE)), sep="\n", soft_wrap=True)
    for example in topic.examples:
        caption = example.caption[:1].upper() + example.caption[1:].removesuffix(".")
        first, *rest = wrap(f"{caption}:", min(console.width, READABLE))
        console.print(Text("\n".join(("", first, *rest)), style=STYLES.get(example.caption, "bold")), soft_wrap=True)
        console.print(*(f"  {line}" for line in example.config.splitlines()), sep="\n", soft_wrap=True)
