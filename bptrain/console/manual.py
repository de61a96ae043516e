"""The reference manual on the terminal."""

from collections.abc import Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bptrain.commands.examples import Example
from bptrain.commands.list import ComponentEntry, OptionEntry
from bptrain.console.terminal import output, printable


def manual(entries: Sequence[ComponentEntry], *, whole: bool, all_families: bool) -> None:
    """Components as names alone, as a line each, or as the whole page of one."""
    console = output()
    if whole:
        for entry in entries:
            page(entry)
    elif all_families:
        for family, members in groupby(entries, lambda entry: entry.family):
            names = ", ".join(entry.name for entry in members)
            console.print(Text(f"{family}: ", style="bold").append(names, style="not bold"))
    else:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold", no_wrap=True)
        table.add_column()
        for entry in entries:
            given = "".join(f"\n  {option_line(option)}" for option in entry.options)
            table.add_row(entry.name, Text(printable(entry.summary)).append(given, style="dim"))
        console.print(table)


def option_line(option: OptionEntry) -> str:
    """An option in a line: `delta: a number > 0; default 1.0`."""
    given = f"default {option.default}" if option.default else "must be given"
    return printable(f"{option.name}: {option.takes}; {given}")


def page(entry: ComponentEntry) -> None:
    """The whole page of a component: its text, and a table of its options."""
    console = output()
    console.print(Text(f"{entry.name}", style="bold").append(f"  ({entry.family})", style="not bold dim"))
    console.print(Text("\n".join(map(printable, entry.text.split("\n")))))
    if not entry.options:
        console.print(Text("\nIt has no options."))
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("option", "takes", "default", "meaning"):
        table.add_column(column, overflow="fold")
    for option in entry.options:
        given = Text("must be given", style="italic") if option.default is None else Text(printable(option.default))
        meaning = Text(printable(option.doc))
        table.add_row(Text(option.name, style="bold"), Text(printable(option.takes)), given, meaning)
    console.print(table)


def example_list(examples: Sequence[Example]) -> None:
    """The bundled configs, a line each, and how to go on."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for example in examples:
        table.add_row(example.name, Text(example.summary))
    console = output()
    console.print(table)
    console.print(Text(f"\nbptrain examples copy {examples[0].name} writes {examples[0].name}.yaml here", style="dim"))
