"""The tree of a config: its plain values, and the sections and components whose options they set."""

from collections.abc import Iterator
from dataclasses import MISSING
from typing import Any

from bptrain.columns.augmentation import AUGMENTATIONS
from bptrain.columns.encodings import ENCODINGS
from bptrain.columns.imputers import IMPUTERS
from bptrain.columns.scalers import SCALERS
from bptrain.config.document.dump import to_plain
from bptrain.config.document.origin import FieldPath
from bptrain.config.experiment import Experiment
from bptrain.hints import ListOf, Member, Section, list_options
from bptrain.metrics import METRICS
from bptrain.nn import ACTIVATIONS, INITIALIZERS, LAYERS, LOSSES
from bptrain.optim import OPTIMIZERS, SCHEDULES
from bptrain.registry import Family, name_of
from bptrain.tables.sources import SOURCES

FAMILIES: dict[str, Family] = {
    family.plural: family
    for family in (
        *(SOURCES, IMPUTERS, SCALERS, ENCODINGS, LAYERS, ACTIVATIONS, INITIALIZERS, LOSSES),
        *(OPTIMIZERS, SCHEDULES, AUGMENTATIONS, METRICS),
    )
}
"""The families of components that a config can name."""


def split_component(value: Any) -> tuple[Any, Any]:
    """Split `name` or `name: options` into name and options; both are None for anything else."""
    if isinstance(value, dict) and value:
        return next(iter(value.items()))
    return (value, None) if isinstance(value, str) else (None, None)


def walk(cls: type, value: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, type]]:
    """Yield the path and class of a section or component, and of all those inside.

    `value` is its part of the config, which names the components inside; where it names none, the default is taken.
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
    """Yield the paths and classes in the component that a config names at a path, or in the default one."""
    name, given = split_component(value)
    name = name_of(default) if name is None else name
    if (cls := family.members.get(name)) and len(path) < 20:
        yield from walk(cls, given, (*path, name))


def find_default(tree: Any, path: FieldPath, cls: type = Experiment) -> Any:
    """Return the default at a path where a config gives no value, as plain values; `MISSING` if there is none.

    The tree and the path start at a section or component of the class `cls`.
    """
    option = next((one for one in list_options(cls) if one.name == path[0]), None)
    if option is None:
        return MISSING
    rest = path[1:]
    if not isinstance(tree, dict) or option.name not in tree:
        return MISSING if option.is_required else descend(freeze(to_plain(option.default)), rest)
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
    """Return the value at a path inside a default; `MISSING` if there is none."""
    for key in path:
        if isinstance(value, str) and value == key:
            # A component written as its name alone, without options.
            value = {}
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return MISSING
    return value


def find_first_option(name: str) -> str | None:
    """Return the first option of the component with this name, the one that `name: value` sets."""
    for family in FAMILIES.values():
        if name in family.members:
            return next((option.name for option in list_options(family.members[name])), None)
    return None


def freeze(value: Any) -> Any:
    """Return JSON values with tuples in place of lists."""
    if isinstance(value, dict):
        return {key: freeze(item) for key, item in value.items()}
    return tuple(map(freeze, value)) if isinstance(value, list) else value
