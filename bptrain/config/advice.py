"""Advice for a value of the wrong type or out of bounds: the value that was probably meant."""

import math
import re
from pathlib import Path
from typing import Any

from bptrain.config.document.yaml_text import read_scalar, write_scalar
from bptrain.config.suggest import suggest_source, suggest_value
from bptrain.hints import Choice, Form, Hint, Member, list_options
from bptrain.tables.sources import SOURCES
from bptrain.text import read_number

TRUE = ("yes", "on", "y", "true", "1")
FALSE = ("no", "off", "n", "false", "0")
NOTHING = ("none", "null", "nil", "no", "off", "false", "")


def advise(hint: Hint, value: Any) -> str:
    """Return what to write in place of a value that does not fit a hint; empty if nothing can be guessed."""
    kinds = hint.kinds
    if isinstance(value, float) and not math.isfinite(value):
        return "write a finite number" if float in kinds or int in kinds else ""
    if type(None) in kinds and is_meant_as_nothing(value):
        return "write null"
    if bool in kinds and (truth := read_truth(value)) is not None:
        return f"write {write_scalar(truth)}"
    if value is None or (isinstance(value, str) and value.lower() in ("none", "null", "nil")):
        return "write a value, or remove the key"
    if isinstance(value, str):
        return advise_text(hint, value)
    if type(value) is int and 1 < value < 100 and not hint.accepts(value) and hint.accepts(value / 100):
        return f"write {value / 100:g} for {value}%"
    if not isinstance(value, dict | tuple) and {str, Path} & set(kinds):
        return f"put it in quotes: '{write_scalar(value)}'"
    if isinstance(value, float) and value.is_integer() and hint.accepts(int(value)):
        return f"write {int(value)}"
    if isinstance(value, tuple) and len(value) == 1 and hint.accepts(value[0]):
        return f"write {write_scalar(value[0])}"
    return advise_list(hint, value)


def is_meant_as_nothing(value: Any) -> bool:
    """Return whether a value is what other tools write for null."""
    return value is False or (isinstance(value, str) and value.lower() in NOTHING)


def read_truth(value: Any) -> bool | None:
    """Return the truth value that other tools write this way; None if it is none."""
    text = str(value).lower() if isinstance(value, str | int) else ""
    return True if text in TRUE else False if text in FALSE else None


def advise_text(hint: Hint, value: str) -> str:
    """Return what to write in place of a text."""
    words = [one for form in hint if isinstance(form, Choice) for one in form.values if isinstance(one, str)]
    if words and (found := suggest_value(value, words)):
        return found
    number = read_number(value.strip())
    if number is None:
        return advise_list(hint, value)
    if isinstance(number, float) and not math.isfinite(number):
        return "write a finite number"
    if not hint.accepts(number) and isinstance(number, float) and number.is_integer():
        number = int(number)
    if hint.accepts(number):
        quoted = type(read_scalar(value)) in (int, float)
        return "remove the quotes" if quoted else f"write {write_scalar(number)}"
    return advise_list(hint, number if accepts_item(hint, number) else value)


def is_meant_as_number(value: Any) -> bool:
    """Return whether a value is a number, or text that means one, such as 20%."""
    return isinstance(value, int | float) or (isinstance(value, str) and read_number(value.strip()) is not None)


def accepts_item(hint: Hint, value: Any) -> bool:
    """Return whether a list of this hint takes the value as an item."""
    return any(item.accepts(value) for item in hint.items)


def advise_list(hint: Hint, value: Any) -> str:
    """Return the list to write in place of a single value."""
    if accepts_item(hint, value):
        return f"write [{value if isinstance(value, str) else write_scalar(value)}]"
    if isinstance(value, str):
        items = [read_scalar(text) for text in re.split(r"\s*,\s*|\s+", value.strip("[]() "))]
        if 1 < len(items) <= 20 and all(accepts_item(hint, item) for item in items):
            return f"write [{', '.join(map(write_scalar, items))}]"
    return ""


def advise_section(cls: type, value: Any, *, optional: bool) -> str:
    """Return the mapping to write in place of another value."""
    options = list_options(cls)
    if optional and is_meant_as_nothing(value):
        return "write null"
    if read_truth(value) is True and not any(option.is_required for option in options) and type(value) is not int:
        switches = [option.name for option in options if bool in option.hint.kinds]
        return f"write {{{switches[0]}: true}}" if switches else "write {} for its defaults"
    if isinstance(value, tuple) and value and all(isinstance(item, dict) for item in value):
        return "write its keys without dashes"
    if isinstance(value, str):
        if value in [option.name for option in options]:
            return f"write {{{value}: ...}}"
        names = [option.name for option in options for form in option.hint if is_name(value, form)]
        if len(names) == 1:
            return f"write {{{names[0]}: {value}}}"
        sources = [option for option in options if option.is_required and SOURCES in option.hint.families]
        written = [f"write {{{option.name}: {form}}}" for option in sources if (form := suggest_source(value, SOURCES))]
        return next(iter(written), "")
    if isinstance(value, int | float):
        fitting = [f"{{{option.name}: {write_scalar(value)}}}" for option in options if option.hint.accepts(value)]
        return f"write {' or '.join(fitting[:2])}" if fitting else ""
    return "indent its keys below it, or remove it" if value is None else ""


def is_name(word: str, form: Form) -> bool:
    """Return whether a word is one of a choice, or the name of a component."""
    return (isinstance(form, Choice) and word in form.values) or (
        isinstance(form, Member) and word in form.family.members
    )


def advise_component(value: Any, names: list[str]) -> str:
    """Return what to write in place of a value that names none of the components allowed there."""
    if isinstance(value, tuple):
        item = value[0] if len(value) == 1 else None
        name = next(iter(item), None) if isinstance(item, dict) else item
        return "remove the brackets or the dash around it" if isinstance(name, str) and name in names else ""
    if not isinstance(value, dict):
        return ""
    known = [key for key in value if key in names]
    rest = [key for key in value if key not in names]
    if len(known) == 1 and rest and value[known[0]] is None:
        return f"indent {', '.join(rest[:3])} further than {known[0]}"
    if len(known) == 1 and rest:
        return f"write {known[0]}: {{{', '.join(f'{key}: ...' for key in rest[:3])}}}"
    if len(known) > 1:
        return f"keep one of {' and '.join(known[:5])}"
    for key in ("name", "type", "class", "class_name", "kind", "_target_"):
        name = value.get(key)
        if isinstance(name, str) and name in names:
            others = ", ".join(f"{one}: ..." for one in value if one != key)
            return f"write {name}: {{{others}}}" if others else f"write {name}"
    return ""
