"""Families of components: what a config can name.

A component is a frozen dataclass. Its fields are its YAML options; a field's `Annotated` metadata holds its bounds
(from `annotated_types`) and one line of documentation (a plain string). Registering the class beside its definition
is all it takes to make it known to configs, messages, help and tests. What other tools call it stands in `aliases`, a
tuple of words on the class.
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

    `contract` is the class that says what each of them must have. `includes` names families whose members are members
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
        """What several of its components are: `losses`, `layers`."""
        return f"{self.kind}{'es' if self.kind.endswith('s') else 's'}"

    def register(self, cls: type[Component]) -> type[Component]:
        """Class decorator: `class LeakyRelu` becomes the component `leaky_relu`."""
        return self.named(snake_case(getattr(cls, "__name__", "")))(cls)

    def named(self, name: str) -> Callable[[type[Component]], type[Component]]:
        """Class decorator for a component whose name cannot be that of a class, such as `none`.

        Raises:
            InputError: the name is no word, or taken; or the class has a name already.
        """

        def register(cls: type[Component]) -> type[Component]:
            if not isinstance(cls, type):
                raise InputError(f"{describe_family(self)} is a class (got {cls!r})")
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
        """What other tools call the classes that were registered in this very family: each word with what it may mean.

        A component says it in `aliases`, in lower case with underscores; one that inherits from it does not say it.
        """
        found: dict[str, tuple[str, ...]] = {}
        for name, cls in self._own.items():
            for word in vars(cls).get("aliases", ()):
                found[word] = (*found.get(word, ()), name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def own(self) -> dict[str, type]:
        """Return the classes that were registered in this very family, by name."""
        return dict(self._own)

    def withdraw(self, name: str) -> None:
        """Take a class of this very family out again."""
        _names.pop(self._own.pop(name), None)


def list_families() -> tuple[Family, ...]:
    """Return every family there is."""
    return tuple(_families)


def name_of(component: object) -> str:
    """Return the config name of a component: `relu` for a `Relu()`."""
    return _names.get(type(component)) or snake_case(type(component).__name__)


def is_component(value: object) -> bool:
    """Tell whether a value is a component of some family."""
    return type(value) in _names


def get_summary(cls: type) -> str:
    """Return the first sentence of a class's docstring."""
    opening = " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())
    return re.split(r"(?<=[.])\s", opening, maxsplit=1)[0]


def describe_family(family: Family) -> str:
    """Say `an optimizer`, `a layer`."""
    return f"{'an' if family.kind[0] in 'aeiou' else 'a'} {family.kind}"
