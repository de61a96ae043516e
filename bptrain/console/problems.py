"""Mistakes and warnings on stderr, a line each; on a terminal with the place that they are about."""

import re
import shutil
import sys
from collections.abc import Iterable
from typing import TextIO

from bptrain.console.terminal import is_interactive, printable
from bptrain.errors import Problem

RED, YELLOW, BOLD, DIM, PLAIN = "\x1b[1;31m", "\x1b[1;33m", "\x1b[1m", "\x1b[2m", "\x1b[0m"
TAB = "    "
DOTS = "..."
DIGITLESS = str.maketrans("0123456789", " " * 10)

# What is underlined from where a problem begins: a text in quotes, a bracket, or a word up to what ends it.
TOKEN = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|\$\{[^{}]*\}|[\[\]{},]|(?:(?!\s#|:\s|:$|[,\[\]{}]).)+""")


def print_problems(problems: Iterable[Problem]) -> None:
    """Print problems: `error: FILE:LINE:COL: FIELD: what is wrong (got ...); what to do`.

    On a terminal the line of the source stands below each, with a caret under the place; without colours and escape
    codes where these are not wanted.
    """
    stream = sys.stderr
    if not (stream is not None and stream.isatty()):
        for problem in problems:
            print(f"{problem.severity}: {printable(str(problem))}", file=stream)
        return
    coloured = is_interactive(stream)
    red, yellow, bold, dim, plain = (code if coloured else "" for code in (RED, YELLOW, BOLD, DIM, PLAIN))
    width = shutil.get_terminal_size().columns
    for problem in problems:
        colour = red if problem.severity == "error" else yellow
        print(f"{colour}{problem.severity}{plain}: {bold}{printable(str(problem))}{plain}", file=stream)
        if problem.source:
            gutter, text, carets = excerpt(problem, width, stream)
            blank = gutter.translate(DIGITLESS)
            print(f"{dim}{gutter}{plain}{text}\n{dim}{blank}{plain}{colour}{carets}{plain}", file=stream)


def excerpt(problem: Problem, width: int, stream: TextIO | None = None) -> tuple[str, str, str]:
    """The gutter, the line of the source as it fits beside it, and the carets under the place, in so many columns.

    Args:
        problem: with its `source`.
        width: of the terminal.
        stream: whose encoding the text is for.
    """
    is_override = "=" in problem.file and problem.source.startswith(problem.file.removesuffix("..."))
    gutter = "  | " if is_override else f"{problem.line:>5} | "
    room = max(width - len(gutter) - 1, 12)
    place = min(problem.column - 1, len(problem.source))
    # A line can be a megabyte long; what is further away than the terminal is wide cannot be seen.
    first = max(place - width, 0)
    cells = [cell(c, stream) for c in problem.source[first : place + 2 * width]]
    found = TOKEN.match(problem.source[place : place + width])
    begin = place - first
    end = begin + max(len(found[0].rstrip()) if found else 1, 1)
    start = 0
    if first or size(cells[:begin]) + min(size(cells[begin:end]), room // 2) > room - len(DOTS):
        start = begin - len(cut_cells(cells[:begin][::-1], room // 3))
        if first + len(cells) == len(problem.source):
            # Where the line ends early there is room for more of its beginning.
            start -= len(cut_cells(cells[:start][::-1], max(room - len(DOTS) - size(cells[start:]), 0)))
    left = DOTS if first + start > 0 else ""
    body = cut_cells(cells[start:], room - len(left))
    right = ""
    if first + start + len(body) < len(problem.source):
        body, right = cut_cells(body, room - len(left) - len(DOTS)), DOTS
    marked = size(body[begin - start : end - start])
    return gutter, left + "".join(body) + right, " " * (len(left) + size(body[: begin - start])) + "^" * max(marked, 1)


def cell(character: str, stream: TextIO | None) -> str:
    """A character as a terminal can show it in one place: a tab as spaces, an escape for what acts or is unknown."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = TAB if character == "\t" else printable(character)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def size(text: str | list[str]) -> int:
    """The columns that a text takes on a terminal."""
    from rich.cells import cell_len

    return cell_len("".join(text))


def cut_cells(cells: list[str], room: int) -> list[str]:
    """As many of the cells, from the first on, as fit."""
    kept: list[str] = []
    for cell in cells:
        room -= size(cell)
        if room < 0:
            break
        kept.append(cell)
    return kept


def print_notes(notes: Iterable[tuple[str, str]]) -> None:
    """Print what is to be said of files: `note: FILE: what is so`."""
    for file, message in notes:
        print(f"note: {printable(f'{file}: {message}')}", file=sys.stderr)
