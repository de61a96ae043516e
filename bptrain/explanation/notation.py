"""Writing: formulas and numbers as text and as LaTeX."""

import re
from collections.abc import Sequence
from math import isfinite

from bptrain.explanation.expressions import (
    Binary,
    Call,
    Cases,
    Group,
    Minus,
    Name,
    Node,
    Number,
    Power,
    Root,
    Size,
    Sum,
    Transposed,
    Truth,
)

GREEK = {
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon", "θ": r"\theta",
    "μ": r"\mu", "ρ": r"\rho", "σ": r"\sigma", "λ": r"\lambda", "Δ": r"\Delta", "π": r"\pi",
}  # fmt: skip
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉ₜ₊", "0123456789t+", strict=True))
ACCENTS = {"\u0302": r"\hat", "\u0304": r"\bar"}
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
}  # fmt: skip


MOST_DIGITS = 17
"""Significant digits of a double."""


def number(value: float, digits: int) -> str:
    """A number with so many significant digits, and as many more as it takes not to look whole where it is not: a
    saturated unit gives 0.99999996 and not 1."""
    if not isfinite(value):
        return "nan" if value != value else "inf" if value > 0 else "-inf"
    text = f"{value:.{digits}g}"
    while float(text) == round(value) != value and digits < MOST_DIGITS:
        digits += 1
        text = f"{value:.{digits}g}"
    return "0" if text == "-0" else text


def text(node: Node) -> str:
    """An expression as docstrings write it; negative numbers stand in brackets."""
    written = _text(node)
    written = re.sub(r"\(\((-?[\d.e+-]+)\)\)", r"(\1)", written)
    if isinstance(node, Group) and written.startswith("("):
        written = written[1:-1]
    return re.sub(r"^\((-[\d.e+-]+)\)", r"\1", written)


def _text(node: Node) -> str:
    if isinstance(node, Number):
        return f"({node.text})" if node.text.startswith("-") else node.text
    if isinstance(node, Name):
        return node.text
    if isinstance(node, Transposed):
        return f"{node.name.text}ᵀ"
    if isinstance(node, Group):
        return f"({_text(node.body)})"
    if isinstance(node, Minus):
        return f"-{_text(node.body)}"
    if isinstance(node, Root):
        return f"√{_text(node.body)}"
    if isinstance(node, Size):
        return f"|{_text(node.body)}|"
    if isinstance(node, Power):
        raised = {"2": "²", "3": "³"}.get(node.exponent.text) if isinstance(node.exponent, Number) else None
        if isinstance(node.exponent, Name) and node.exponent.text == "t":
            raised = "ᵗ"
        return _text(node.base) + (raised or f"^{_text(node.exponent)}")
    if isinstance(node, Truth):
        return f"[{join_comparison(node, _text)}]"
    if isinstance(node, Sum):
        return f"Σ{'_' * bool(node.over)}{node.over} {_text(node.body)}"
    if isinstance(node, Call):
        return f"{node.function}({', '.join(map(_text, node.arguments))})"
    if isinstance(node, Cases):
        condition = join_comparison(node.condition, _text)
        return f"{_text(node.then)} for {condition}, else {_text(node.otherwise)}"
    assert isinstance(node, Binary)
    between = " " if node.sign == " " else f" {node.sign} "
    return f"{_text(node.left)}{between}{_text(node.right)}"


def join_comparison(node: Truth, write: "object") -> str:
    """The operands of a chain of comparisons with the signs between."""
    assert callable(write)
    parts: list[str] = [write(node.operands[0])]
    for sign, operand in zip(node.signs, node.operands[1:], strict=True):
        parts += [sign, write(operand)]
    return " ".join(parts)


def latex(node: Node) -> str:
    """An expression in LaTeX's mathematics."""
    if isinstance(node, Group) and isinstance(node.body, Number | Name):
        return latex(node.body)
    if isinstance(node, Number):
        written = latex_number(node.text)
        return rf"\left({written}\right)" if node.text.startswith("-") else written
    if isinstance(node, Name):
        return latex_name(node.text)
    if isinstance(node, Transposed):
        return rf"{{{latex_name(node.name.text)}}}^{{\mathsf{{T}}}}"
    if isinstance(node, Group):
        return rf"\left({latex(node.body)}\right)"
    if isinstance(node, Minus):
        return f"-{latex(node.body)}"
    if isinstance(node, Root):
        return rf"\sqrt{{{latex(bare(node.body))}}}"
    if isinstance(node, Size):
        return rf"\left|{latex(node.body)}\right|"
    if isinstance(node, Power):
        return f"{{{latex(node.base)}}}^{{{latex(bare(node.exponent))}}}"
    if isinstance(node, Truth):
        return rf"\left[{latex_comparison(node)}\right]"
    if isinstance(node, Sum):
        under = {"": "", "rows": r"_{\mathrm{rows}}", "k": "_{k}"}[node.over]
        return rf"\sum{under} {latex(node.body)}"
    if isinstance(node, Call):
        known = {"exp", "ln", "tanh", "cosh", "sinh", "max", "min"}
        name = rf"\{node.function}" if node.function in known else latex_function(node.function)
        arguments = (latex_number(one.text) if isinstance(one, Number) else latex(one) for one in node.arguments)
        return rf"{name}\left({', '.join(arguments)}\right)"
    if isinstance(node, Cases):
        rows = rf"{latex(node.then)} & {latex_comparison(node.condition)} \\ {latex(node.otherwise)} & \text{{else}}"
        return rf"\begin{{cases}} {rows} \end{{cases}}"
    assert isinstance(node, Binary)
    if node.sign == "/":
        return rf"\frac{{{latex(bare(node.left))}}}{{{latex(bare(node.right))}}}"
    between = {" ": r" \, ", "·": r" \cdot "}.get(node.sign, f" {node.sign} ")
    return f"{latex(node.left)}{between}{latex(node.right)}"


def latex_comparison(node: Truth) -> str:
    """A chain of comparisons in LaTeX."""
    return join_comparison(node, latex).replace("≤", r"\le ").replace("≥", r"\ge ")


def bare(node: Node) -> Node:
    """What stands in brackets, without them."""
    return node.body if isinstance(node, Group) else node


def latex_function(name: str) -> str:
    """A function that LaTeX has no name of its own for."""
    return GREEK.get(name) or rf"\operatorname{{{name}}}"


def latex_number(text: str) -> str:
    """A number in LaTeX: `1.5e-07` becomes 1.5 · 10⁻⁷."""
    if text == "…":
        return r"\dots"
    if text in ("nan", "inf", "-inf"):
        return {"nan": r"\mathrm{NaN}", "inf": r"\infty", "-inf": r"-\infty"}[text]
    mantissa, e, exponent = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else mantissa


def latex_name(name: str) -> str:
    """A letter or word in LaTeX, with accents and lowered indices."""
    d, rest = ("d", name[1:]) if re.fullmatch(r"d[A-Za-zα-ωΑ-Ω].{0,2}", name) else ("", name)
    lowered = "".join(LOWERED[c] for c in rest if c in LOWERED)
    accent = next((ACCENTS[c] for c in rest if c in ACCENTS), "")
    base = "".join(c for c in rest if c not in LOWERED and c not in ACCENTS)
    base, _, index = base.partition("_") if re.fullmatch(r"[^_]_\w+", base) else (base, "", "")
    symbol = GREEK.get(base) or (base if len(base) == 1 else rf"\mathrm{{{escape_latex(base)}}}")
    symbol = rf"{accent}{{{symbol}}}" if accent else symbol
    lowered += rf"\mathrm{{{escape_latex(index)}}}" if index else ""
    return (rf"\mathrm{{d}}{symbol}" if d else symbol) + (f"_{{{lowered}}}" if lowered else "")


def escape_latex(words: str) -> str:
    """Other people's text in LaTeX, with nothing in it that acts; what is outside ASCII stands as its code point."""
    safe = (SPECIAL.get(c) or (c if " " <= c <= "~" else f"[U+{ord(c):04X}]") for c in words)
    return "".join(safe)


def shape_in_words(shape: Sequence[int]) -> str:
    """`(2, 3)`."""
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
