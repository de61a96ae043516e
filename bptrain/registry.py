"""Families of components: everything that a config can name.

A component is a frozen dataclass. Its fields are its YAML options; the `Annotated` metadata of a field holds its bounds
(from `annotated_types`) and one line of documentation (a plain string). Registering the class beside its definition
makes it known to configs, messages, help and tests. Its attribute `aliases` lists what other tools call it.
"""

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from bptrain.errors import InputError
from bptrain.text import snake_case

Component = TypeVar("Component")

RESERVED = ("auto", "null", "true", "false")
"""Names that mean something else in a config."""

_names: dict[type, str] = {}
_families: list["Family"] = []


class Family:
    """The components of one kind by name, such as all losses.

    `contract` is a class that declares what each of them must have. `includes` names families whose members are members
    here too: an activation is also a layer.
    """

    def __init__(self, kind: str, *, contract: type = object, includes: tuple["Family", ...] = ()) -> None:
        self.kind = kind
        self.contract = contract
        self.includes = includes
        self._own: dict[str, type] = {}
        _families.append(self)

    @property
    def plural(self) -> str:
        """The word for several of its components: `losses`, `layers`."""
        return f"{self.kind}{'es' if self.kind.endswith('s') else 's'}"

    def register(self, cls: type[Component]) -> type[Component]:
        """Register a class as a decorator: `class LeakyRelu` becomes the component `leaky_relu`."""
        return self.named(snake_case(getattr(cls, "__name__", "")))(cls)

    def named(self, name: str) -> Callable[[type[Component]], type[Component]]:
        """Return a decorator for a component whose name cannot be the name of a class, such as `none`.

        Raises:
            InputError: the name is not a word, or taken; or the class has a name already.
        """

        def register(cls: type[Component]) -> type[Component]:
            if not isinstance(cls, type):
                raise InputError(f"only a class can be registered as {describe_family(self)} (got {cls!r})")
            if not isinstance(name, str) or not name.isidentifier() or name in RESERVED:
                raise InputError(f"{name!r} cannot be the name of {describe_family(self)}; use another word")
            taken = (family.kind for family in _families if self in (family, *family.includes) and name in family)
            if kind := next(taken, None):
                raise InputError(f"the {kind} {name!r} is registered already; choose another name")
            if cls in _names:
                raise InputError(f"the class {cls.__name__} is registered already, as {_names[cls]!r}; write another")
            self._own[name] = cls
            _names[cls] = name
            return cls

        return register

    @property
    def members(self) -> dict[str, type]:
        """Every class of the family by its name, those of the included families last."""
        return self._own | {name: cls for family in self.includes for name, cls in family.members.items()}

    @property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """What other tools call the classes registered directly in this family: each word with the names it may mean.

        A class lists them in `aliases`, in lower case with underscores; its subclasses do not inherit them.
        """
        found: dict[str, tuple[str, ...]] = {}
        for name, cls in self._own.items():
            for word in vars(cls).get("aliases", ()):
                found[word] = (*found.get(word, ()), name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def get_own_members(self) -> dict[str, type]:
        """Return the classes registered directly in this family, without the included ones, by name."""
        return dict(self._own)

    def withdraw(self, name: str) -> None:
        """Remove a class that was registered directly in this family."""
        _names.pop(self._own.pop(name), None)


def list_families() -> tuple[Family, ...]:
    """Return all families."""
    return tuple(_families)


def name_of(component: object) -> str:
    """Return the config name of a component: `relu` for a `Relu()`."""
    return _names.get(type(component)) or snake_case(type(component).__name__)


def is_component(value: object) -> bool:
    """Return whether a value is a component of some family."""
    return type(value) in _names


def get_summary(cls: type) -> str:
    """Return the first sentence of a class's docstring."""
    opening = " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())
    return re.split(r"(?<=[.])\s", opening, maxsplit=1)[0]


def describe_family(family: Family) -> str:
    """Return the kind of a family with its article: `an optimizer`, `a layer`."""
    return f"{'an' if family.kind[0] in 'aeiou' else 'a'} {family.kind}"
