"""The manual on the terminal: components, bundled configs, and the topics of help."""

import re
from collections.abc import Sequence
from itertools import groupby
from textwrap import wrap

from rich.table import Table
from rich.text import Text

from bptrain.commands import COMMANDS
from bptrain.commands.examples import Example
from bptrain.commands.help import Topic
from bptrain.commands.list import ComponentEntry
from bptrain.console.layout import new_pairs, new_table
from bptrain.console.page_text import print_markdown
from bptrain.console.terminal import get_console
from bptrain.text import printable

STYLES = {"error": "red", "warning": "yellow", "wrong": "red", "right": "green"}
"""The colours of topics and examples by their kind."""

HEADINGS = {"guide": "Guide", "error": "Errors", "warning": "Warnings"}
"""The headings of topics by their kind; commands have one for each group."""

READABLE_WIDTH = 100
"""The greatest width of running text, however wide the terminal."""


def print_components(entries: Sequence[ComponentEntry], *, full: bool, by_family: bool) -> None:
    """Print components: the names of each family, one entry each, or full pages."""
    console = get_console()
    if full:
        for entry in entries:
            print_page(entry)
    elif by_family:
        for family, members in groupby(entries, lambda entry: entry.family):
            names = ", ".join(entry.name for entry in members)
            console.print(Text(f"{family}: ", style="bold").append(names, style="not bold"))
        console.print(
            Text(
                "\nbptrain list FAMILY describes each of its members; bptrain list FAMILY NAME explains one",
                style="dim",
            )
        )
    else:
        pairs = [(entry.name, Text(printable(entry.summary))) for entry in entries]
        for entry, (_, text) in zip(entries, pairs, strict=True):
            for option in entry.options:
                default = f"default {option.default}" if option.default else "required"
                text.append("\n  " + printable(f"{option.name}: {option.takes}; {default}"), style="dim")
        console.print(new_pairs(pairs, style="bold"))


def print_page(entry: ComponentEntry) -> None:
    """Print the page of a component: its text, and a table of its options."""
    console = get_console()
    console.print(Text(f"{entry.name}", style="bold").append(f"  ({entry.family})", style="not bold dim"))
    # Prose is wrapped to the terminal, and equations and lists keep their lines.
    blocks = entry.text.split("\n\n")
    text = "\n\n".join(one if re.search("\n[ -]", one) else one.replace("\n", " ") for one in blocks)
    console.print(Text("\n".join(map(printable, text.split("\n")))))
    if not entry.options:
        console.print(Text("\nIt has no options."))
        return
    table: Table = new_table(("option", "takes", "default", "meaning"), gap=2)
    for option in entry.options:
        default = Text("required", style="italic") if option.default is None else Text(printable(option.default))
        name, meaning = Text(option.name, style="bold"), Text(printable(option.doc))
        table.add_row(name, Text(printable(option.takes)), default, meaning)
    console.print()
    console.print(table)


def print_examples(examples: Sequence[Example]) -> None:
    """Print the bundled configs, and how to copy one."""
    console = get_console()
    console.print(new_pairs(((example.name, example.summary) for example in examples), style="bold"))
    console.print(Text(f"\nbptrain examples copy {examples[0].name} writes {examples[0].name}.yaml here", style="dim"))


def print_topics(topics: Sequence[Topic]) -> None:
    """Print the name and title of each topic under a heading for its kind."""
    console = get_console()
    indent = max(len(topic.name) for topic in topics) + 4
    groups = {command.name: f"Commands, {command.group}" for command in COMMANDS}
    for heading, members in groupby(topics, lambda topic: groups.get(topic.name) or HEADINGS[topic.kind]):
        console.print(Text(f"{heading}:", style="bold"))
        for topic in members:
            first, *rest = wrap(topic.title, max(console.width - indent, 10))
            name = Text(f"  {topic.name:<{indent - 2}}", style=STYLES.get(topic.kind, "bold"))
            lines = (name.append(first, style="default"), *(" " * indent + line for line in rest))
            console.print(*lines, sep="\n", soft_wrap=True)
        console.print()
    console.print(Text("bptrain help TOPIC prints its page", style="dim"), soft_wrap=True)


def print_topic(topic: Topic) -> None:
    """Print the page of a topic, with examples that can be copied."""
    console = get_console()
    width = min(console.width, READABLE_WIDTH)
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
