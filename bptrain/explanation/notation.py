"""Notation: how numbers and names are written, as text and in LaTeX."""

import re
from collections.abc import Sequence
from math import isfinite

GREEK = {
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon", "θ": r"\theta",
    "μ": r"\mu", "ρ": r"\rho", "σ": r"\sigma", "λ": r"\lambda", "Δ": r"\Delta", "π": r"\pi",
}  # fmt: skip
SUPERSCRIPTS = {"²": "2", "³": "3", "ᵗ": "t"}
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉ₜ₊", "0123456789t+", strict=True))
ACCENTS = {"\u0302": r"\hat", "\u0304": r"\bar"}
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
}  # fmt: skip

MOST_DIGITS = 17
"""Significant digits of a double."""


def format_number(value: float, digits: int) -> str:
    """Return a number with `digits` significant digits, or with more where it would wrongly look like a whole number.

    So the output 0.99999996 of a saturated unit is not shown as 1.
    """
    if not isfinite(value):
        return "nan" if value != value else "inf" if value > 0 else "-inf"
    text = f"{value:.{digits}g}"
    while float(text) == round(value) != value and digits < MOST_DIGITS:
        digits += 1
        text = f"{value:.{digits}g}"
    return "0" if text == "-0" else text


def format_shape(shape: Sequence[int]) -> str:
    """Return a shape as text: `(2, 3)`."""
    return str(tuple(shape))


def latex_function(name: str) -> str:
    """Return the name of a function in LaTeX, which has commands of its own for some."""
    if name in ("cos", "cosh", "exp", "ln", "max", "min", "sin", "sinh", "tanh"):
        return rf"\{name}"
    return GREEK.get(name) or rf"\operatorname{{{name}}}"


def latex_number(text: str) -> str:
    """Return a number in LaTeX: `1.5e-07` becomes 1.5 · 10⁻⁷."""
    if text == "…":
        return r"\dots"
    if text in ("nan", "inf", "-inf"):
        return {"nan": r"\mathrm{NaN}", "inf": r"\infty", "-inf": r"-\infty"}[text]
    mantissa, e, exponent = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else mantissa


def latex_name(name: str) -> str:
    """Return a letter or word in LaTeX, with its accent, its subscript and a leading d for a gradient."""
    d, rest = ("d", name[1:]) if re.fullmatch(r"d[A-Za-zα-ωΑ-Ω].{0,2}", name) else ("", name)
    subscript = "".join(SUBSCRIPTS[c] for c in rest if c in SUBSCRIPTS)
    accent = next((ACCENTS[c] for c in rest if c in ACCENTS), "")
    base = "".join(c for c in rest if c not in SUBSCRIPTS and c not in ACCENTS)
    base, _, index = base.partition("_") if re.fullmatch(r"[^_]_\w+", base) else (base, "", "")
    symbol = GREEK.get(base) or (base if len(base) == 1 else rf"\mathrm{{{escape_latex(base)}}}")
    symbol = rf"{accent}{{{symbol}}}" if accent else symbol
    subscript += rf"\mathrm{{{escape_latex(index)}}}" if index else ""
    return (rf"\mathrm{{d}}{symbol}" if d else symbol) + (f"_{{{subscript}}}" if subscript else "")


def escape_latex(words: str) -> str:
    """Return text from a user with all LaTeX commands escaped; other characters than ASCII become code points."""
    safe = (SPECIAL.get(c) or (c if " " <= c <= "~" else f"[U+{ord(c):04X}]") for c in words)
    return "".join(safe)
