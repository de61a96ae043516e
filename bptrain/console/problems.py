"""Errors and warnings on stderr, one line each; on a terminal also the line of the file that each is about."""

import re
import shutil
import sys
from collections.abc import Iterable
from typing import TextIO

from bptrain.console.terminal import is_interactive, wrap_message
from bptrain.errors import Problem
from bptrain.text import printable

RED, YELLOW, BOLD, DIM, PLAIN = "\x1b[1;31m", "\x1b[1;33m", "\x1b[1m", "\x1b[2m", "\x1b[0m"
TAB = "    "
DOTS = "..."
DIGITLESS = str.maketrans("0123456789", " " * 10)

# The text to underline from the place of a problem: a text in quotes, a bracket, or a word.
TOKEN = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|\$\{[^{}]*\}|[\[\]{},]|(?:(?!\s#|:\s|:$|[,\[\]{}]).)+""")


def print_problems(problems: Iterable[Problem]) -> None:
    """Print problems: `error: FILE:LINE:COL: FIELD: what is wrong (got ...); what to do`.

    On a terminal the line of the file is printed below each, with carets under the place, in colours unless NO_COLOR
    says otherwise.
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
        # Wrapped before the colour codes are added, which take no room on the screen.
        message = wrap_message(f"{problem.severity}: {printable(str(problem))}", stream)
        severity, _, rest = message.partition(":")
        print(f"{colour}{severity}{plain}:{bold}{rest}{plain}", file=stream)
        if problem.source:
            gutter, text, carets = make_excerpt(problem, width, stream)
            blank = gutter.translate(DIGITLESS)
            print(f"{dim}{gutter}{plain}{text}\n{dim}{blank}{plain}{colour}{carets}{plain}", file=stream)


def make_excerpt(problem: Problem, width: int, stream: TextIO | None = None) -> tuple[str, str, str]:
    """Return the gutter, the part of the source line that fits beside it, and the carets under the place.

    Args:
        problem: the problem with its `source` line.
        width: the width of the terminal.
        stream: the stream to print to, whose encoding may lack characters.
    """
    is_override = "=" in problem.file and problem.source.startswith(problem.file.removesuffix("..."))
    gutter = "  | " if is_override else f"{problem.line:>5} | "
    room = max(width - len(gutter) - 1, 12)
    place = min(problem.column - 1, len(problem.source))
    # A line can be a megabyte long, so only characters near the place are looked at.
    first = max(place - width, 0)
    cells = [encode_character(c, stream) for c in problem.source[first : place + 2 * width]]
    found = TOKEN.match(problem.source[place : place + width])
    begin = place - first
    end = begin + max(len(found[0].rstrip()) if found else 1, 1)
    start = 0
    if first or get_width(cells[:begin]) + min(get_width(cells[begin:end]), room // 2) > room - len(DOTS):
        start = begin - len(cut_cells(cells[:begin][::-1], room // 3))
        if first + len(cells) == len(problem.source):
            # The line ends early, so there is room for more of its beginning.
            start -= len(cut_cells(cells[:start][::-1], max(room - len(DOTS) - get_width(cells[start:]), 0)))
    left = DOTS if first + start > 0 else ""
    body = cut_cells(cells[start:], room - len(left))
    right = ""
    if first + start + len(body) < len(problem.source):
        body, right = cut_cells(body, room - len(left) - len(DOTS)), DOTS
    marked = get_width(body[begin - start : end - start])
    return (
        gutter,
        left + "".join(body) + right,
        " " * (len(left) + get_width(body[: begin - start])) + "^" * max(marked, 1),
    )


def encode_character(character: str, stream: TextIO | None) -> str:
    """Return a character as text for a terminal: a tab as spaces, and an escape for a control character or one that the
    encoding lacks."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = TAB if character == "\t" else printable(character)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def get_width(text: str | list[str]) -> int:
    """Return the width of a text on a terminal."""
    from rich.cells import cell_len

    return cell_len("".join(text))


def cut_cells(cells: list[str], room: int) -> list[str]:
    """Return as many of the first cells as fit."""
    fitting: list[str] = []
    for cell in cells:
        room -= get_width(cell)
        if room < 0:
            break
        fitting.append(cell)
    return fitting


def print_notes(notes: Iterable[tuple[str, str]]) -> None:
    """Print notes about files: `note: FILE: message`."""
    for file, message in notes:
        print(wrap_message(f"note: {printable(f'{file}: {message}')}", sys.stderr), file=sys.stderr)
