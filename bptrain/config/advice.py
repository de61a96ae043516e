"""What to do about a value of the wrong type or beyond its bounds: the value that was probably meant."""

import math
import re
from pathlib import Path
from typing import Any

from bptrain.config.scalars import read_scalar, write_scalar
from bptrain.config.suggest import value_advice
from bptrain.hints import Choice, Hint, list_options

TRUE = ("yes", "on", "y", "true", "1")
FALSE = ("no", "off", "n", "false", "0")
NOTHING = ("none", "null", "nil", "no", "off", "false", "")


def advice(hint: Hint, value: Any) -> str:
    """Say what to do, to stand behind what was expected and what there is; empty if nothing can be guessed.

    Args:
        hint: what the option takes.
        value: what does not fit it.
    """
    kinds = hint.kinds
    if isinstance(value, float) and not math.isfinite(value):
        return "write a finite number" if float in kinds or int in kinds else ""
    if type(None) in kinds and (value is False or (isinstance(value, str) and value.lower() in NOTHING)):
        return "write null"
    if bool in kinds and (said := read_truth(value)) is not None:
        return f"write {write_scalar(said)}"
    if isinstance(value, str):
        return text_advice(hint, value)
    if value is not None and not isinstance(value, dict | tuple) and {str, Path} & set(kinds):
        return f"put it in quotes: '{write_scalar(value)}'"
    if isinstance(value, float) and value.is_integer() and hint.accepts(int(value)):
        return f"write {int(value)}"
    if isinstance(value, tuple) and len(value) == 1 and hint.accepts(value[0]):
        return f"write {write_scalar(value[0])}"
    return list_advice(hint, value)


def read_truth(value: Any) -> bool | None:
    """Return True or False for what other tools write for them."""
    text = str(value).lower() if isinstance(value, str | int) else ""
    return True if text in TRUE else False if text in FALSE else None


def text_advice(hint: Hint, value: str) -> str:
    """Say what to do about a text."""
    words = [one for form in hint if isinstance(form, Choice) for one in form.values if isinstance(one, str)]
    if words and (found := value_advice(value, words)):
        return found
    number = read_number(value.strip())
    if number is None:
        return list_advice(hint, value)
    if isinstance(number, float) and not math.isfinite(number):
        return "write a finite number"
    if not hint.accepts(number) and isinstance(number, float) and number.is_integer():
        number = int(number)
    if hint.accepts(number):
        quoted = type(read_scalar(value)) in (int, float)
        return "remove the quotes" if quoted else f"write {write_scalar(number)}"
    return list_advice(hint, number if accepts_item(hint, number) else value)


def is_meant_as_number(value: Any) -> bool:
    """Tell whether a value is a number, or a text that was meant as one, such as 20%."""
    return isinstance(value, int | float) or (isinstance(value, str) and read_number(value.strip()) is not None)


def read_number(text: str) -> int | float | None:
    """Return the number that a text other than a YAML number was meant as."""
    if len(text) > 300:
        return math.inf if re.fullmatch(r"[-+]?[0-9]+(\.[0-9]*)?", text) else None
    if re.fullmatch(r"[-+]?(inf|infinity|nan)", text, re.IGNORECASE):
        return math.nan
    for pattern, base in ((r"0x[0-9a-f]+", 16), (r"0o[0-7]+", 8), (r"0b[01]+", 2)):
        if re.fullmatch(pattern, text, re.IGNORECASE):
            return int(text, base)
    if re.fullmatch(r"[0-9]{1,4}(:[0-5]?[0-9]){1,2}", text):
        parts = [int(part) for part in text.split(":")]
        return parts[-1] + 60 * parts[-2] + (3600 * parts[0] if len(parts) == 3 else 0)
    if match := re.fullmatch(r"([0-9.]+) ?%", text):
        number = read_number(match[1])
        return None if number is None else round(number / 100, 12)
    if match := re.fullmatch(r"([0-9]+)/([1-9][0-9]*)", text):
        return float(f"{int(match[1]) / int(match[2]):.6g}")
    plain = text.replace("_", "").replace("'", "")
    # Nobody groups thousands behind a leading zero: 0,001 is a thousandth.
    if re.fullmatch(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+", plain):
        plain = plain.replace(",", "")
    elif re.fullmatch(r"[-+]?[0-9]+,[0-9]+", plain):
        plain = plain.replace(",", ".")
    if re.fullmatch(r"[-+]?0[0-9]+", plain):
        return int(plain)
    try:
        number = float(plain) if re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?", plain) else None
    except ValueError:
        return None
    return int(plain) if number is not None and re.fullmatch(r"[-+]?[0-9]+", plain) else number


def accepts_item(hint: Hint, value: Any) -> bool:
    """Tell whether a list of this type takes the value as an item."""
    return any(item.accepts(value) for item in hint.items)


def list_advice(hint: Hint, value: Any) -> str:
    """Say what to do about a single value where a list is wanted."""
    if accepts_item(hint, value):
        return f"write [{value if isinstance(value, str) else write_scalar(value)}]"
    if isinstance(value, str) and "," in value:
        items = [read_scalar(part.strip()) for part in value.strip("[]() ").split(",")]
        if 1 < len(items) <= 20 and all(accepts_item(hint, item) for item in items):
            return f"write [{', '.join(map(write_scalar, items))}]"
    return ""


def section_advice(cls: type, value: Any, *, optional: bool) -> str:
    """Say what to do about a single value where a mapping is wanted."""
    if optional and (value is False or (isinstance(value, str) and value.lower() in NOTHING)):
        return "write null"
    if (
        read_truth(value) is True
        and not any(option.required for option in list_options(cls))
        and type(value) is not int
    ):
        return "write {} for its defaults"
    if isinstance(value, tuple) and value and all(isinstance(item, dict) for item in value):
        return "write its keys without dashes"
    if isinstance(value, str):
        named = [
            option.name for option in list_options(cls) for family in option.hint.families if value in family.members
        ]
        return f"write {{{named[0]}: {value}}}" if len(named) == 1 else ""
    if isinstance(value, int | float):
        fitting = [
            f"{{{option.name}: {write_scalar(value)}}}" for option in list_options(cls) if option.hint.accepts(value)
        ]
        return f"write {' or '.join(fitting[:2])}" if fitting else ""
    return "indent its keys below it, or remove it" if value is None else ""


def component_advice(value: Any, names: list[str]) -> str:
    """Say what to do about something that names no component.

    Args:
        value: a mapping of several keys, a list, a number.
        names: of the components that could stand there.
    """
    if isinstance(value, tuple):
        item = value[0] if len(value) == 1 else None
        name = next(iter(item), None) if isinstance(item, dict) else item
        return "write it without the brackets or the dash" if isinstance(name, str) and name in names else ""
    if not isinstance(value, dict):
        return ""
    named = [key for key in value if key in names]
    rest = [key for key in value if key not in names]
    if len(named) == 1 and value[named[0]] is None:
        return f"indent {', '.join(rest[:3])} further than {named[0]}"
    if len(named) > 1:
        return f"keep one of {' and '.join(named[:5])}"
    for key in ("name", "type", "class", "class_name", "kind", "_target_"):
        name = value.get(key)
        if isinstance(name, str) and name in names:
            others = ", ".join(f"{one}: ..." for one in value if one != key)
            return f"write {name}: {{{others}}}" if others else f"write {name}"
    return ""
