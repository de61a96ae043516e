"""The reference manual: everything that a config can name, read off the components themselves."""

import inspect
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bptrain.code import load_codes
from bptrain.config.dump import to_plain
from bptrain.config.families import FAMILIES, SECTIONS
from bptrain.errors import InputError
from bptrain.hints import Option, list_options
from bptrain.text import suggest_word


@dataclass(frozen=True)
class OptionEntry:
    """One option: its name, what it takes, its default as YAML (None: it must be given), and what it means."""

    name: str
    takes: str
    default: str | None
    doc: str


@dataclass(frozen=True)
class ComponentEntry:
    """One component: its family and name, its first sentence, its whole text, and its options."""

    family: str
    name: str
    summary: str
    text: str
    options: tuple[OptionEntry, ...]

    def to_json(self) -> dict[str, Any]:
        """What `bptrain list --json` prints of it."""
        return asdict(self)


def reference(
    family: str | None = None, name: str | None = None, *, code: Sequence[str | Path] = ()
) -> tuple[ComponentEntry, ...]:
    """Everything that a config can name: its sections, and the components of every family.

    Args:
        family: such as `losses` (or `loss`), or `sections`; None: all.
        name: of one member, such as `huber`; None: all.
        code: Python files that register further components.

    Raises:
        InputError: there is no such family or member; the message suggests another. Or a file cannot be used.
    """
    load_codes(code)
    members = {"sections": SECTIONS, **{key: one.members for key, one in FAMILIES.items()}}
    if family is not None:
        singular = {"section": "sections", **{one.kind: key for key, one in FAMILIES.items()}}
        key = singular.get(family, family)
        if key not in members:
            raise InputError(f"no family is named {family!r}; {suggest_word(family, members)}")
        members = {key: members[key]}
        if name is not None and name not in members[key]:
            raise InputError(f"nothing among the {key} is named {name!r}; {suggest_word(name, members[key])}")
    return tuple(
        entry(key, member, cls)
        for key, one in members.items()
        for member, cls in one.items()
        if name is None or member == name
    )


def entry(family: str, name: str, cls: type) -> ComponentEntry:
    """A component as the manual shows it."""
    text = inspect.getdoc(cls) or ""
    listed = tuple(OptionEntry(one.name, one.hint.describe(), default(one), one.doc) for one in list_options(cls))
    return ComponentEntry(family, name, " ".join(text.split("\n\n")[0].split()), text, listed)


def default(option: Option) -> str | None:
    """The default of an option as YAML writes it."""
    if option.required:
        return None
    value = to_plain(option.default)
    if value == '"':
        return f"'{value}'"
    written = json.dumps(value, ensure_ascii=False)
    word = isinstance(value, str) and value.isprintable()
    return written.strip('"') if word else written if len(written) <= 50 else "see there"
