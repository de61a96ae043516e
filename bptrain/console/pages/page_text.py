"""The pages of the guide on a terminal: headings, paragraphs, lists, tables and code, wrapped to its width."""

import re
from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

INLINE = re.compile(r"\*\*(?P<strong>.+?)\*\*|`(?P<code>[^`]+)`|(?P<image>!?)\[(?P<label>[^\]]+)\]\((?P<link>[^)]+)\)")
"""What is marked within a line."""

PAGE = re.compile(r"([\w-]+)\.md")
"""A link to another page of the guide."""

GAP = 2
"""Spaces between two columns of a table."""

ALT = re.compile(r'alt="([^"]*)"')
"""The words that stand for a picture in HTML."""


def print_markdown(console: Console, text: str, width: int) -> None:
    """Print a page in lines of `width` at most; blocks of code are never wrapped, so that they can be copied."""
    for first, block in enumerate(split_blocks(text)):
        if first:
            console.print()
        if block[0].startswith("```"):
            console.print(*(f"  {line}".rstrip() for line in block[1:-1]), sep="\n", soft_wrap=True)
        elif block[0].startswith("|"):
            print_table(console, block, width)
        elif block[0].startswith("<"):
            print_wrapped(console, f"[{' '.join(ALT.findall(' '.join(block)))}]", width)
        elif block[0].startswith("#"):
            console.print(Text(block[0].lstrip("# "), style="bold"), soft_wrap=True)
        else:
            print_prose(console, block, width)


def split_blocks(text: str) -> Iterator[list[str]]:
    """Yield the lines of each block: a whole fence, or lines between blank ones."""
    block: list[str] = []
    for line in text.splitlines():
        inside = bool(block) and block[0].startswith("```")
        if line.strip() or inside:
            block.append(line)
        elif block:
            yield block
            block = []
        if inside and line.startswith("```"):
            yield block
            block = []
    if block:
        yield block


def print_prose(console: Console, block: list[str], width: int) -> None:
    """Print a paragraph, or the items of a list with their lines indented."""
    if not block[0].startswith("- "):
        print_wrapped(console, " ".join(block), width)
        return
    items = re.split(r"^- ", "\n".join(block), flags=re.M)[1:]
    for item in items:
        print_wrapped(console, " ".join(line.strip() for line in item.splitlines()), width, bullet="- ")


def print_wrapped(console: Console, text: str, width: int, bullet: str = "") -> None:
    """Print running text in lines of `width`, those after the first below the text of the bullet."""
    lines = style_inline(text, plain=is_plain(console)).wrap(console, max(width - len(bullet), 10))
    for k, line in enumerate(lines):
        line.rstrip()
        console.print(Text(bullet if k == 0 else " " * len(bullet)).append_text(line), soft_wrap=True)


def print_table(console: Console, block: list[str], width: int) -> None:
    """Print a table; cells are wrapped where it is wider than the terminal, at spaces if that is enough."""
    plain = is_plain(console)
    head, _, *rows = ([style_inline(cell, plain=plain) for cell in split_cells(line)] for line in block)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    longest = [
        max(len(word) for cell in column for word in ("", *cell.plain.split()))
        for column in zip(head, *rows, strict=True)
    ]
    fits = sum(longest) + GAP * len(head) <= width
    for cell, least in zip(head, longest, strict=True):
        table.add_column(cell, overflow="fold", min_width=least if fits else None)
    for row in rows:
        table.add_row(*row)
    console.print(table, width=width)


def is_plain(console: Console) -> bool:
    """Return whether a console shows no colours."""
    return console.color_system is None


def split_cells(line: str) -> list[str]:
    """Return the cells of a row, which end at the bars that are not escaped."""
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def style_inline(text: str, *, plain: bool) -> Text:
    """Return a text with its code and its strong words styled, and links to pages as the commands that show them.

    Where it is plain, code keeps its marks.
    """
    styled, end = Text(), 0
    for found in INLINE.finditer(text):
        styled.append(text[end : found.start()])
        end = found.end()
        if found["strong"]:
            styled.append(found["strong"], style="bold")
        elif found["label"]:
            label = style_inline(found["label"], plain=plain)
            styled.append_text(Text.assemble("[", label, "]") if found["image"] else label)
            page = PAGE.fullmatch(found["link"])
            if page:
                styled.append(f" (bptrain help {page[1]})", style="dim")
        else:
            styled.append(found[0] if plain else found["code"], style="cyan")
    return styled.append(text[end:])
