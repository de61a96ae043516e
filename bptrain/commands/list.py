"""`bptrain list`"""

import inspect
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bptrain.code import load_codes
from bptrain.config.document.dump import to_plain
from bptrain.config.experiment import Experiment
from bptrain.config.tree import FAMILIES
from bptrain.equations import Equations
from bptrain.errors import InputError
from bptrain.hints import DictOf, Option, Section, list_options
from bptrain.text import suggest_word


def find_sections(name: str, cls: type) -> Iterator[tuple[str, type]]:
    """Yield the name and class of a section and of the sections inside it, each named by its option."""
    yield name, cls
    for option in list_options(cls):
        for hint in (option.hint, *(form.item for form in option.hint if isinstance(form, DictOf))):
            for form in hint:
                if isinstance(form, Section):
                    yield from find_sections(option.name, form.cls)


SECTIONS: dict[str, type] = dict(find_sections("experiment", Experiment))
"""The sections of a config by name."""


@dataclass(frozen=True)
class OptionEntry:
    """An option: its name, the values it takes, its default as YAML (None: it is required), and what it means."""

    name: str
    takes: str
    default: str | None
    doc: str


@dataclass(frozen=True)
class ComponentEntry:
    """A component: its family and name, its first sentence, its whole text, and its options."""

    family: str
    name: str
    summary: str
    text: str
    options: tuple[OptionEntry, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the keys of a component in `bptrain list --json`."""
        return asdict(self)


def reference(
    family: str | None = None, name: str | None = None, *, code: Sequence[str | Path] = ()
) -> tuple[ComponentEntry, ...]:
    """Return the reference of everything that a config can name: its sections, and the components of every family.

    Args:
        family: such as `losses` or `loss`, or `sections`. None: all.
        name: of one member of the family, such as `huber`. None: all.
        code: Python files that register further components.

    Returns:
        An entry for each section and component, family by family.

    Raises:
        InputError: there is no such family or member, and the message suggests a similar one; or a file of code cannot
            be used.

    Example:
        >>> [option.name for option in bptrain.reference("losses", "huber")[0].options]
        ['delta']
    """
    load_codes(code)
    members = {"sections": SECTIONS, **{key: one.members for key, one in FAMILIES.items()}}
    if family is not None:
        singular = {"section": "sections", **{one.kind: key for key, one in FAMILIES.items()}}
        key = singular.get(family, family)
        if key not in members:
            homes = [one for one, names in members.items() if family in names]
            advice = (
                f"it is one of the {homes[0]}: bptrain list {homes[0]} {family}"
                if homes
                else suggest_word(family, members)
            )
            raise InputError(f"no family is named {family!r}; {advice}")
        members = {key: members[key]}
        if name is not None and name not in members[key]:
            raise InputError(f"no member of {key} is named {name!r}; {suggest_word(name, members[key])}")
    return tuple(
        describe_component(key, member, cls)
        for key, one in members.items()
        for member, cls in one.items()
        if name is None or member == name
    )


def describe_component(family: str, name: str, cls: type) -> ComponentEntry:
    """Return the entry of a component."""
    first, _, rest = (inspect.getdoc(cls) or "").partition("\n\n")
    declared = getattr(cls, "equations", None)
    equations = declared.to_text() if isinstance(declared, Equations) else ""
    text = "\n\n".join(filter(None, (first, equations, rest)))
    listed = tuple(
        OptionEntry(one.name, one.hint.describe(), format_default(one), one.doc) for one in list_options(cls)
    )
    return ComponentEntry(family, name, " ".join(first.split()), text, listed)


def format_default(option: Option) -> str | None:
    """Return the default of an option as YAML; a long one is shortened to the name of its component."""
    if option.is_required:
        return None
    value = to_plain(option.default)
    if value == '"':
        return f"'{value}'"
    written = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.isprintable():
        return written.strip('"')
    if len(written) <= 50:
        return written
    return next(iter(value)) if len(value) == 1 else "the defaults of its own options"
