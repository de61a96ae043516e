"""The reference manual: everything that a config can name, read off the components themselves."""

import inspect
import json
from dataclasses import asdict, dataclass
from typing import Any

from bptrain.config.dump import plain
from bptrain.data import SCALERS, SOURCES
from bptrain.errors import InputError
from bptrain.metrics import METRICS
from bptrain.nn import ACTIVATIONS, INITIALIZERS, LAYERS, LOSSES
from bptrain.optim import OPTIMIZERS, SCHEDULES
from bptrain.registry import Family, Option, describe, options, suggestion

FAMILIES: dict[str, Family] = {
    "sources": SOURCES,
    "scalers": SCALERS,
    "layers": LAYERS,
    "activations": ACTIVATIONS,
    "initializers": INITIALIZERS,
    "losses": LOSSES,
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
    "metrics": METRICS,
}


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


def reference(family: str | None = None, name: str | None = None) -> tuple[ComponentEntry, ...]:
    """Everything that a config can name.

    Args:
        family: such as `losses` (or `loss`); None: all.
        name: of one member, such as `huber`; None: all.

    Raises:
        InputError: there is no such family or member; the message suggests another.
    """
    chosen = FAMILIES if family is None else {key: FAMILIES[key] for key in [family_name(family)]}
    if name is not None:
        for key, one in chosen.items():
            if name not in one.members:
                raise InputError(f"no {one.kind} is named {name!r}; {suggestion(name, one.members)}")
            return (entry(key, name, one.members[name]),)
    return tuple(entry(key, member, cls) for key, one in chosen.items() for member, cls in one.members.items())


def family_name(given: str) -> str:
    """The name of a family from its plural or its singular."""
    singular = {family.kind: key for key, family in FAMILIES.items()}
    key = singular.get(given, given)
    if key not in FAMILIES:
        raise InputError(f"no family is named {given!r}; {suggestion(given, FAMILIES)}")
    return key


def entry(family: str, name: str, cls: type) -> ComponentEntry:
    """A component as the manual shows it."""
    text = inspect.getdoc(cls) or ""
    listed = tuple(OptionEntry(one.name, describe(one.hint), default(one), one.doc) for one in options(cls))
    return ComponentEntry(family, name, " ".join(text.split("\n\n")[0].split()), text, listed)


def default(option: Option) -> str | None:
    """The default of an option as YAML writes it."""
    return None if option.required else json.dumps(plain(option.hint, option.default), ensure_ascii=False).strip('"')
