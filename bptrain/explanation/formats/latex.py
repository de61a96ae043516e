"""LaTeX: a page as a document that only needs amsmath."""

import re
from collections.abc import Iterator

from bptrain.explanation.formats.plain_text import BLANK, DOTS, choose_places, format_cells, format_value, to_table
from bptrain.explanation.notation import GREEK, SUBSCRIPTS, escape_latex, latex_name, latex_number
from bptrain.explanation.page import Line, Page

MOST_ROWS = MOST_COLUMNS = 6
"""The most rows and columns of an array that are shown, unless `full`."""

BLANK_LATEX = r"\underline{\qquad}"

SIGNS = {
    **{letter: f"${command}$" for letter, command in GREEK.items()},
    **{subscript: f"$_{{{sign}}}$" for subscript, sign in SUBSCRIPTS.items()},
    "·": r"$\cdot$", "²": "$^2$", "³": "$^3$", "ᵗ": "$^t$", "ᵀ": r"$^{\mathsf{T}}$", "√": r"$\surd$", "Σ": r"$\Sigma$",
    "≤": r"$\le$", "≥": r"$\ge$", "⌊": r"$\lfloor$", "⌋": r"$\rfloor$", "…": r"\dots{}", "→": r"$\to$",
}  # fmt: skip


def to_latex(page: Page, *, digits: int = 6, full: bool = False) -> str:
    """Return a page as a LaTeX document."""
    columns = max((to_table(line.value).shape[1] for line in page.lines.values()), default=1) if full else MOST_COLUMNS
    lines = [
        r"\documentclass{article}",
        r"\usepackage[margin=2cm]{geometry}",
        r"\usepackage{amsmath}",
        rf"\setcounter{{MaxMatrixCols}}{{{max(columns + 1, 10)}}}",
        r"\begin{document}",
        rf"\section*{{{escape_text(page.heading)}}}",
        *(rf"\emph{{{escape_text(note)}}}" for note in page.notes),
    ]
    for section in page.sections:
        lines.append(rf"\subsection*{{{escape_text(section.title)}}}")
        for line in section.lines:
            lines += render_line(line, digits, full=full)
    return "\n".join([*lines, r"\end{document}"]) + "\n"


def render_line(line: Line, digits: int, *, full: bool) -> Iterator[str]:
    """Yield a quantity: its label, and as displayed formulas its formula, the formula with numbers, and the value."""
    symbol, value = format_symbol(line.symbol), format_cell(format_value(line, digits))
    label = escape_text(line.alias) + (rf" $({', '.join(map(str, line.shape))})$" if line.shape else "")
    words = f": {escape_text(line.words)}" if line.words else ""
    yield rf"\noindent ${symbol}${words}\hfill {label}" + "\n"
    if line.formula is not None:
        yield rf"\[ {symbol} = {line.formula.bare.to_latex()} \]"
    if line.is_worked and line.numbers is not None:
        place = rf"\left{line.place_text[:-1]}\right]" if line.place_text else ""
        yield rf"\[ {symbol}{place} = {line.numbers.bare.to_latex()} = {value} \]"
    elif line.is_single:
        yield rf"\[ {symbol} = {value} \]"
    if not line.is_single:
        yield rf"\[ {symbol} = {format_matrix(line, digits, full=full)} \]"


def format_symbol(symbol: str) -> str:
    """Return a symbol in LaTeX; it may be a square, an absolute value, or the sum of two symbols."""
    if symbol.endswith("²"):
        return f"{latex_name(symbol[:-1])}^2"
    if symbol.startswith("|"):
        return rf"\left|{latex_name(symbol[1:-1])}\right|"
    return " + ".join(map(latex_name, symbol.split(" + ")))


def format_matrix(line: Line, digits: int, *, full: bool) -> str:
    """Return an array as a matrix in LaTeX, with dots for its middle unless `full`."""
    height, width = to_table(line.value).shape
    rows = choose_places(height, height if full else MOST_ROWS)
    columns = choose_places(width, width if full else MOST_COLUMNS)
    cells = format_cells(line, digits, rows, columns)
    return r"\begin{pmatrix} " + r" \\ ".join(" & ".join(map(format_cell, row)) for row in cells) + r" \end{pmatrix}"


def format_cell(text: str) -> str:
    """Return a number, a blank or dots in LaTeX."""
    return {BLANK: BLANK_LATEX, DOTS: r"\dots"}.get(text) or latex_number(text)


def escape_text(text: str) -> str:
    """Return a text in LaTeX: signs of formulas in math mode, everything else escaped."""
    accented = re.split("(\\w[\u0302\u0304])", text)
    chunks = [
        f"${latex_name(chunk)}$" if k % 2 else "".join(SIGNS.get(c) or escape_latex(c) for c in chunk)
        for k, chunk in enumerate(accented)
    ]
    return "".join(chunks)
