"""Plain values to dataclasses: every value checked against the type and bounds of its field, all mistakes collected.

The walk over sections, components and lists is here, because it knows the way to each value and so its place in the
file; single values are checked by pydantic, strictly.
"""

from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bptrain.config.yaml_text import FieldPath, Origin
from bptrain.errors import ConfigError, OptionError, Problem
from bptrain.registry import (
    Family,
    alternatives,
    bare,
    describe,
    describe_family,
    family_of,
    options,
    suggestion,
)

INVALID: Any = object()
"""Stands for a value that could not be built; its mistake is noted already."""


class Builder:
    """Builds dataclasses from values and notes what is wrong.

    Args:
        origin: knows the places of the values.
        folder: what relative paths start from.
    """

    def __init__(self, origin: Origin, folder: Path) -> None:
        self.origin = origin
        self.folder = folder
        self.problems: list[Problem] = []

    def build(self, cls: type, value: Any) -> Any:
        """An instance of `cls` from the whole document.

        Raises:
            ConfigError: with everything that is wrong.
        """
        built = self.section(cls, value, ())
        if self.problems:
            raise ConfigError(self.problems)
        return built

    def complain(self, path: FieldPath, message: str, *, at_key: bool = False) -> Any:
        """Note a mistake."""
        self.problems.append(self.origin.problem(path, message, at_key=at_key))
        return INVALID

    def value(self, hint: Any, value: Any, path: FieldPath) -> Any:
        """Whatever the type hint asks for."""
        structured = [choice for choice in alternatives(hint) if is_structured(choice)]
        plain = [choice for choice in alternatives(hint) if not is_structured(choice)]
        if not structured:
            return self.leaf(hint, value, path)
        if any(accepts(choice, value) for choice in plain):
            return value
        choice = structured[0]
        if family := family_of(choice):
            return self.component(family, value, path)
        if get_origin(bare(choice)) is tuple:
            return self.items(choice, value, path)
        return self.section(bare(choice), value, path)

    def section(self, cls: type, value: Any, path: FieldPath) -> Any:
        """A dataclass from a mapping of its fields."""
        if not isinstance(value, dict):
            names = ", ".join(option.name for option in options(cls))
            return self.complain(path, f"expected a mapping of {names} (got {shown(value)})")
        known = {option.name: option for option in options(cls)}
        before = len(self.problems)
        for key in value.keys() - known.keys():
            self.complain((*path, key), f"unknown key; {suggestion(key, known)}", at_key=True)
        given = {
            name: self.value(option.hint, value[name], (*path, name)) for name, option in known.items() if name in value
        }
        for name, option in known.items():
            if option.required and name not in value:
                self.complain((*path, name), f"is missing; expected {describe(option.hint)}", at_key=True)
        if len(self.problems) > before:
            return INVALID
        try:
            return cls(**given)
        except OptionError as error:
            located = self.origin.located(error.under(".".join(map(str, path))))
            self.problems.extend(located.problems)
            return INVALID

    def component(self, family: Family, value: Any, path: FieldPath) -> Any:
        """A component: `name`, `name: {options}`, or `name: value` with the value of its first option."""
        name: str
        given: Any
        if isinstance(value, str):
            name, given = value, {}
        elif isinstance(value, dict) and len(value) == 1:
            name, given = next(iter(value.items()))
        else:
            form = f"expected the name of {describe_family(family)}, alone or as name: {{options}}"
            return self.complain(path, f"{form} (got {shown(value)})")
        members = family.members
        if name not in members:
            what = f"unknown {family.kind} {shown(name)}; {suggestion(name, members)}"
            in_mapping = isinstance(value, dict)
            return self.complain((*path, name) if in_mapping else path, what, at_key=in_mapping)
        cls = members[name]
        first = next(iter(options(cls)), None)
        inside = (*path, name)
        if given is None:
            given = {}
        if not isinstance(given, dict):
            if first is None:
                return self.complain(inside, f"{name} has no options (got {shown(given)})")
            return self.shorthand(cls, first.name, given, inside)
        return self.section(cls, given, inside)

    def shorthand(self, cls: type, name: str, value: Any, path: FieldPath) -> Any:
        """A component from the value of its first option alone: `bundled: digits`."""
        if path in self.origin.values:
            self.origin.values[(*path, name)] = self.origin.values[path]
        return self.section(cls, {name: value}, path)

    def items(self, hint: Any, value: Any, path: FieldPath) -> Any:
        """A list of components or sections."""
        if not isinstance(value, tuple):
            return self.complain(path, f"expected {describe(hint)} (got {shown(value)})")
        item = get_args(bare(hint))[0]
        return tuple(self.value(item, one, (*path, k)) for k, one in enumerate(value))

    def leaf(self, hint: Any, value: Any, path: FieldPath) -> Any:
        """A single value, or a list of single values."""
        if isinstance(value, str) and Path in map(bare, alternatives(hint)):
            return self.folder / value
        if not accepts(hint, value):
            lists = [choice for choice in alternatives(hint) if get_origin(bare(choice)) is tuple]
            if isinstance(value, tuple) and lists:
                item = get_args(bare(lists[0]))[0]
                wrong = [k for k, one in enumerate(value) if not accepts(item, one)]
                for k in wrong:
                    self.complain((*path, k), f"expected {describe(item)} (got {shown(value[k])})")
                if wrong:
                    return INVALID
            return self.complain(path, f"expected {describe(hint)} (got {shown(value)})")
        return float(value) if isinstance(value, int) and wants_float(hint) else value


def is_structured(hint: Any) -> bool:
    """Whether values of this type have places of their own inside: components, sections, and lists of such."""
    if family_of(hint) or is_dataclass(bare(hint)):
        return True
    return get_origin(bare(hint)) is tuple and any(is_structured(item) for item in get_args(bare(hint)))


def wants_float(hint: Any) -> bool:
    """Whether a whole number is to become a float."""
    kinds = [bare(choice) for choice in alternatives(hint)]
    return float in kinds and int not in kinds


@cache
def adapter(hint: Any) -> TypeAdapter[Any]:
    """Pydantic's check of a type, without conversions; infinity and NaN are no numbers here."""
    return TypeAdapter(hint, config=ConfigDict(strict=True, allow_inf_nan=False))


def accepts(hint: Any, value: Any) -> bool:
    """Whether a value is of the type and within the bounds of a hint."""
    if get_origin(bare(hint)) is Literal:
        return any(value == choice and type(value) is type(choice) for choice in get_args(bare(hint)))
    try:
        adapter(hint).validate_python(value)
    except ValidationError:
        return False
    return True


def shown(value: Any) -> str:
    """A value of the config for a message: as YAML would write it, control characters escaped, cut to 60 characters."""
    if isinstance(value, dict):
        text = "a mapping of " + ", ".join(map(str, value)) if value else "an empty mapping"
    elif isinstance(value, tuple):
        text = f"a list of {len(value)}"
    elif value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    else:
        text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
