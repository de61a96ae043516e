"""The value that a config takes where nothing is written."""

import dataclasses
from typing import Any

from bptrain.config.dump import plain
from bptrain.config.experiment import Experiment
from bptrain.config.origin import FieldPath
from bptrain.registry import alternatives, bare, family_of, options

MISSING = dataclasses.MISSING


def default(tree: dict[str, Any], path: FieldPath) -> Any:
    """The default at a path, in plain values; `MISSING` where there is none.

    Args:
        tree: the config, which says the components whose defaults count.
        path: such as `("optimizer", "adam", "lr")`.
    """
    return inside(Experiment, tree, path)


def inside(cls: type, given: Any, path: FieldPath) -> Any:
    """The default at a path within the dataclass of a section or component, of which something is given."""
    option = next((one for one in options(cls) if one.name == path[0]), None)
    if option is None:
        return MISSING
    if not isinstance(given, dict) or option.name not in given:
        return MISSING if option.required else descended(frozen(plain(option.hint, option.default)), path[1:])
    value, rest = given[option.name], path[1:]
    for choice in alternatives(option.hint):
        if (family := family_of(choice)) and rest:
            name = value if isinstance(value, str) else next(iter(value), None) if isinstance(value, dict) else None
            member = family.members.get(str(name))
            if member is None or rest[0] != name:
                return MISSING
            options_given = value[name] if isinstance(value, dict) else {}
            return inside(member, options_given, rest[1:]) if rest[1:] else frozen(options_given or {})
        if dataclasses.is_dataclass(bare(choice)) and rest and value is not None:
            return inside(bare(choice), value, rest)
    return MISSING


def descended(value: Any, path: FieldPath) -> Any:
    """What a default has at a path within it."""
    for part in path:
        if isinstance(value, str) and value == part:
            value = {}
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            return MISSING
    return value


def frozen(value: Any) -> Any:
    """JSON's lists as tuples."""
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list) else value
