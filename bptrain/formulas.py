"""Formulas in docstrings: found under their labels, and written with the numbers in place of the options."""

import re
from dataclasses import fields
from typing import Any

LABELS = ("Forward:", "Backward:", "Update:", "Factor:", "Value:", "Shapes:", "Reference:")

GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "rho": "ρ"}
LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def symbol_of(component: Any, option: str) -> str:
    """Return how formulas write an option: as the component's `symbols` have it, or with the Greek letter that it is
    called by, such as β₁ for beta1; any other has its own name there."""
    letter = option.rstrip("0123456789")
    greek = GREEK[letter] + option.removeprefix(letter).translate(LOWERED) if letter in GREEK else option
    return str(getattr(component, "symbols", {}).get(option, greek))


def formula(cls: type, label: str) -> str:
    """What the docstring of a class says under a label, such as `Update:`, without the full stop; formulas in it stand
    between backticks. Empty where there is no such label."""
    text = " ".join((cls.__doc__ or "").split("\n\n    The slots")[0].split())
    _, found, rest = text.partition(label)
    if not found:
        return ""
    ends = [rest.find(other) for other in LABELS if other in rest]
    rest = rest[: min(ends)] if ends else rest
    if label == "Factor:":
        # No label follows: what other frameworks do begins with the next sentence.
        rest = re.split(r"\. (?=[A-Z])", rest, maxsplit=1)[0]
    return rest.strip().removesuffix(".")


def in_force(component: Any, label: str, width: int = 0) -> str:
    """The formulas of a component under a label as its options have them, in letters that can be computed.

    A component whose docstring leaves that open says so itself, by `equations(label)`, or `equations(label, width)` for
    losses, whose formulas may depend on the number of scores.
    """
    own = getattr(component, "equations", None)
    found: str = "" if own is None else own(label, width) if width else own(label)
    return found or formula(type(component), label)


def with_numbers(text: str, component: Any, **others: float) -> str:
    """A formula with the numbers of a component's options (and others by name) in place, and without backticks.

    Only what stands between backticks is changed.
    """
    numbers = {field.name: getattr(component, field.name) for field in fields(component)} | others
    found = {name: value for name, value in numbers.items() if isinstance(value, int | float) and value is not True}
    found = {name: value for name, value in found.items() if value is not False}

    def replaced(match: re.Match[str]) -> str:
        inside = match[1]
        for name, value in found.items():
            # An exponent such as ᵗ may follow.
            written = rf"(?<![\w.])({name}|{symbol_of(component, name)})(?![A-Za-z0-9_])"
            inside = re.sub(written, f"{value:g}", inside)
        return inside

    return re.sub(r"`([^`]*)`", replaced, text)
