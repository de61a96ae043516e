"""The tree of a config: plain values, beside the sections and components whose options they give."""

from collections.abc import Iterator
from dataclasses import MISSING
from typing import Any

from bptrain.config.dump import to_plain
from bptrain.config.experiment import Experiment
from bptrain.config.families import FAMILIES
from bptrain.config.origin import FieldPath
from bptrain.hints import ListOf, Member, Section, list_options
from bptrain.registry import Family, name_of


def split_component(value: Any) -> tuple[Any, Any]:
    """Return the name of a component, written as `name` or `name: given`, and what is given; None for what is not."""
    if isinstance(value, dict) and value:
        return next(iter(value.items()))
    return (value, None) if isinstance(value, str) else (None, None)


def walk(cls: type, value: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, type]]:
    """Yield the path and class of a section or component, and of those inside.

    Args:
        cls: of the section or component.
        value: what a config gives of it, which says the components inside; where it says nothing, the defaults do.
        path: where it is.
    """
    yield path, cls
    given = value if isinstance(value, dict) else {}
    for option in list_options(cls):
        inner = given.get(option.name)
        for form in option.hint:
            here = (*path, option.name)
            if isinstance(form, Member):
                yield from walk_component(form.family, inner, option.default, here)
            elif isinstance(form, Section):
                yield from walk(form.cls, inner, here)
            elif isinstance(form, ListOf) and isinstance(inner, tuple) and len(path) < 10:
                for family in form.item.families:
                    for k, one in enumerate(inner[:100]):
                        yield from walk_component(family, one, None, (*here, k))


def walk_component(family: Family, value: Any, default: Any, path: FieldPath) -> Iterator[tuple[FieldPath, type]]:
    """Yield what is in the component that is chosen at a path, or else in the default one."""
    name, given = split_component(value)
    name = name_of(default) if name is None else name
    if (cls := family.members.get(name)) and len(path) < 20:
        yield from walk(cls, given, (*path, name))


def find_default(tree: Any, path: FieldPath, cls: type = Experiment) -> Any:
    """Return the value that a config takes at a path where nothing is written, in plain values; else `MISSING`.

    Args:
        tree: the config, which says the components whose defaults count.
        path: such as `("optimizer", "adam", "lr")`.
        cls: of the section or component that the tree and the path start from.
    """
    option = next((one for one in list_options(cls) if one.name == path[0]), None)
    if option is None:
        return MISSING
    rest = path[1:]
    if not isinstance(tree, dict) or option.name not in tree:
        return MISSING if option.required else descend(freeze(to_plain(option.default)), rest)
    value = tree[option.name]
    for form in option.hint:
        if isinstance(form, Member) and rest:
            name, given = split_component(value)
            member = form.family.members.get(name)
            if member is None or rest[0] != name:
                return MISSING
            return find_default(given, rest[1:], member) if rest[1:] else freeze(given or {})
        if isinstance(form, Section) and rest and value is not None:
            return find_default(value, rest, form.cls)
    return MISSING


def descend(value: Any, path: FieldPath) -> Any:
    """Return what a default has at a path within it."""
    for part in path:
        if isinstance(value, str) and value == part:
            value = {}
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            return MISSING
    return value


def first_option(name: str) -> str | None:
    """Return the first option of the component of that name, which `name: value` gives without saying so."""
    for family in FAMILIES.values():
        if name in family.members:
            return next((option.name for option in list_options(family.members[name])), None)
    return None


def freeze(value: Any) -> Any:
    """Return JSON's lists as tuples."""
    if isinstance(value, dict):
        return {key: freeze(item) for key, item in value.items()}
    return tuple(map(freeze, value)) if isinstance(value, list) else value
