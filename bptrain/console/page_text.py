"""Markdown on a terminal: headings, paragraphs, lists, tables and code, wrapped to its width."""

import re
from collections.abc import Iterator
from textwrap import wrap

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

INLINE = re.compile(r"\*\*(?P<strong>.+?)\*\*|`(?P<code>[^`]+)`|(?P<image>!?)\[(?P<label>[^\]]+)\]\((?P<link>[^)]+)\)")
"""Markup within a line."""

PAGE = re.compile(r"([\w-]+)\.md")
"""A link to another page of the guide."""

GAP = 2
"""Spaces between two columns of a table."""

NARROW = 4
"""The least width of a column of a table. On a wide terminal, a column is as wide as its longest word."""

ALIGNED = re.compile(r"[^#\s]   |──")
"""What marks a line as aligned: a gap between columns or before a comment, or a ruled line."""

ALT = re.compile(r'alt="([^"]*)"')
"""The alternative text of an image in HTML."""


def print_markdown(console: Console, text: str, width: int) -> None:
    """Print a page in lines of at most `width`, except for commands and tables in blocks of code."""
    for k, block in enumerate(split_blocks(text)):
        if k > 0:
            console.print()
        if block[0].startswith("```"):
            for line in block[1:-1]:
                console.print(*wrap_code(f"  {line}".rstrip(), width), sep="\n", soft_wrap=True)
        elif block[0].startswith("|"):
            print_table(console, block, width)
        elif block[0].startswith("<"):
            print_wrapped(console, f"[{' '.join(ALT.findall(' '.join(block)))}]", width)
        elif block[0].startswith("#"):
            console.print(Text(block[0].lstrip("# "), style="bold"), soft_wrap=True)
        else:
            print_prose(console, block, width)


def split_blocks(text: str) -> Iterator[list[str]]:
    """Yield the lines of each block: a fenced block of code, or lines between blank ones."""
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


def wrap_code(line: str, width: int) -> list[str]:
    """Return a line of a block of code as lines: messages are wrapped, commands and aligned text are not."""
    text = line.strip()
    if len(line) <= width or text.startswith(("$ ", "bptrain ")) or ALIGNED.search(text):
        return [line]
    indent = " " * (len(line) - len(text))
    return wrap(line, width, subsequent_indent=f"{indent}  ", break_long_words=False, break_on_hyphens=False)


def print_prose(console: Console, block: list[str], width: int) -> None:
    """Print a paragraph, or the items of a list with their lines indented."""
    if not block[0].startswith("- "):
        print_wrapped(console, " ".join(block), width)
        return
    items = re.split(r"^- ", "\n".join(block), flags=re.M)[1:]
    for item in items:
        print_wrapped(console, " ".join(line.strip() for line in item.splitlines()), width, bullet="- ")


def print_wrapped(console: Console, text: str, width: int, bullet: str = "") -> None:
    """Print running text in lines of `width`; all but the first are indented as far as the text after the bullet."""
    lines = style_inline(text, plain=is_plain(console)).wrap(console, max(width - len(bullet), 10))
    for k, line in enumerate(lines):
        line.rstrip()
        console.print(Text(bullet if k == 0 else " " * len(bullet)).append_text(line), soft_wrap=True)


def print_table(console: Console, block: list[str], width: int) -> None:
    """Print a table; if it is wider than `width`, cells are wrapped, at spaces if that is enough."""
    plain = is_plain(console)
    head, _, *rows = ([style_inline(cell, plain=plain) for cell in split_cells(line)] for line in block)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    columns = [[cell.plain for cell in column] for column in zip(head, *rows, strict=True)]
    widths = fit_columns(columns, width - GAP * (len(head) - 1))
    for cell, wide in zip(head, widths, strict=True):
        table.add_column(cell, overflow="fold", width=wide)
    for row in rows:
        table.add_row(*row)
    console.print(table, width=width)


def fit_columns(columns: list[list[str]], width: int) -> list[int]:
    """Return the width of each column of a table: that of its longest word, and more if there is room."""
    widths = [max(len(word) for cell in column for word in ("", *cell.split())) for column in columns]
    while sum(widths) > width and max(widths) > NARROW:
        widths[widths.index(max(widths))] -= 1
    whole = [max(map(len, column)) for column in columns]
    while sum(widths) < min(width, sum(whole)):
        missing = [most - now for most, now in zip(whole, widths, strict=True)]
        widths[missing.index(max(missing))] += 1
    return widths


def is_plain(console: Console) -> bool:
    """Return whether a console shows no colours."""
    return console.color_system is None


def split_cells(line: str) -> list[str]:
    """Return the cells of a row, which end at bars that are not escaped."""
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def style_inline(text: str, *, plain: bool) -> Text:
    """Return text with styles for markup, and commands for links to pages; if `plain`, code keeps its backquotes."""
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
            if page and page[1] != found["label"]:
                styled.append(f" (bptrain help {page[1]})", style="dim")
        else:
            styled.append(found[0] if plain else found["code"], style="cyan")
    return styled.append(text[end:])
