"""Scalars: what an unquoted word of YAML stands for, and how a message shows a value.

Numbers, `true`, `false` and `null` are read as in YAML 1.2: `1e-3` is a number, and `no`, `010`, `1_000`, `1:30` and
`2020-01-01` are text. A number beyond the range of floating point stays text, so that messages can show it as written.
"""

import math
import re
from typing import Any

from bptrain.text import cut

NULL = re.compile(r"null|Null|NULL|~|")
BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,299})")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
SPECIAL = {".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf, ".nan": math.nan}


def read_scalar(text: str) -> Any:
    """Return the value of an unquoted scalar."""
    if NULL.fullmatch(text):
        return None
    if BOOL.fullmatch(text):
        return text.lower() == "true"
    if INT.fullmatch(text):
        return int(text)
    if len(text) <= 1000 and FLOAT.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else text
    return SPECIAL.get(text.lower(), text)


def write_scalar(value: Any) -> str:
    """Return a null, truth value or number as YAML writes it; text as it is."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return str(value)


def show_value(value: Any) -> str:
    """Return a value of the config for a message: as YAML would write it, what acts escaped, cut to 60 characters."""
    if isinstance(value, dict):
        text = "a mapping of " + ", ".join(map(str, value)) if value else "an empty mapping"
    elif isinstance(value, tuple):
        text = f"a list of {len(value)}" if value else "an empty list"
    elif isinstance(value, str):
        text = ascii(value)
    else:
        text = write_scalar(value)
    return cut(text)
