"""LaTeX: a page as a document that needs amsmath alone."""

import re
from collections.abc import Iterator

from bptrain.explanation.formats.matrices import DOTS, as_rows, cells, choose_places, is_small
from bptrain.explanation.formats.plain_text import heading
from bptrain.explanation.notation import GREEK, LOWERED, escape_latex, latex_name, latex_number, number
from bptrain.explanation.page import Line, Page

MOST_COLUMNS = 6
BLANK_LATEX = r"\underline{\qquad}"
MOST_ROWS = 6

SIGNS = {
    **{letter: f"${command}$" for letter, command in GREEK.items()},
    **{lowered: f"$_{{{sign}}}$" for lowered, sign in LOWERED.items()},
    "·": r"$\cdot$", "²": "$^2$", "³": "$^3$", "ᵗ": "$^t$", "ᵀ": r"$^{\mathsf{T}}$", "√": r"$\surd$", "Σ": r"$\Sigma$",
    "≤": r"$\le$", "≥": r"$\ge$", "⌊": r"$\lfloor$", "⌋": r"$\rfloor$", "…": r"\dots{}", "→": r"$\to$",
}  # fmt: skip


def to_latex(page: Page, *, digits: int = 6, full: bool = False) -> str:
    """A page as a LaTeX document."""
    columns = max((as_rows(line.value).shape[1] for line in page.lines.values()), default=1) if full else MOST_COLUMNS
    parts = [
        r"\documentclass{article}",
        r"\usepackage[margin=2cm]{geometry}",
        r"\usepackage{amsmath}",
        rf"\setcounter{{MaxMatrixCols}}{{{max(columns + 1, 10)}}}",
        r"\begin{document}",
        rf"\section*{{{escape_words(heading(page))}}}",
        *(rf"\emph{{{escape_words(note)}}}" for note in page.notes),
    ]
    for section in page.sections:
        parts.append(rf"\subsection*{{{escape_words(section.title)}}}")
        for line in section.lines:
            parts += quantity(line, digits, full=full)
    return "\n".join([*parts, r"\end{document}"]) + "\n"


def quantity(line: Line, digits: int, *, full: bool) -> Iterator[str]:
    """The formula, the formula with numbers, and the value, a display each."""
    symbol = symbol_of(line.symbol)
    label = escape_words(line.alias) + (rf" $({', '.join(map(str, line.shape))})$" if line.shape else "")
    said = f": {escape_words(line.words)}" if line.words and not line.formula else ""
    yield rf"\noindent ${symbol}${said}\hfill {label}" + "\n"
    value = BLANK_LATEX if line.blank else latex_number(number(line.entry, digits))
    if line.formula is not None:
        yield rf"\[ {symbol} = {line.formula.bare.to_latex()} \]"
    if line.is_worked and line.numbers is not None:
        small = is_small(line.value) or not line.place
        place = "" if small else rf"\left[{', '.join(str(k + 1) for k in line.place)}\right]"
        yield rf"\[ {symbol}{place} = {line.numbers.bare.to_latex()} = {value} \]"
    elif is_small(line.value):
        yield rf"\[ {symbol} = {value} \]"
    if not is_small(line.value):
        yield rf"\[ {symbol} = {matrix(line, digits, full=full)} \]"


def symbol_of(symbol: str) -> str:
    """A symbol, which may be a square, a size or a sum of two."""
    if symbol.endswith("²"):
        return f"{latex_name(symbol[:-1])}^2"
    if symbol.startswith("|"):
        return rf"\left|{latex_name(symbol[1:-1])}\right|"
    return " + ".join(map(latex_name, symbol.split(" + ")))


def matrix(line: Line, digits: int, *, full: bool) -> str:
    """An array, abridged unless all of it is asked for."""
    table = as_rows(line.value)
    rows = choose_places(len(table), len(table) if full else MOST_ROWS)
    columns = choose_places(table.shape[1], table.shape[1] if full else MOST_COLUMNS)
    written = [
        " & ".join(r"\dots" if cell == DOTS else BLANK_LATEX if line.blank else latex_number(cell) for cell in row)
        for row in cells(table, digits, rows, columns)
    ]
    return r"\begin{pmatrix} " + r" \\ ".join(written) + r" \end{pmatrix}"


def escape_words(said: str) -> str:
    """Set the signs of formulas in a text as such, and escape everything else."""
    accented = re.split("(\\w[\u0302\u0304])", said)
    parts = [
        f"${latex_name(part)}$" if k % 2 else "".join(SIGNS.get(c) or escape_latex(c) for c in part)
        for k, part in enumerate(accented)
    ]
    return "".join(parts)
