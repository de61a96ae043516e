"""Families of components: what a config can name, and what the options of each are.

A component is a frozen dataclass. Its fields are its YAML options; a field's `Annotated` metadata holds its bounds
(from `annotated_types`) and one line of documentation (a plain string). Registering the class beside its definition
is all it takes to make it known to configs, messages, help and tests.
"""

import re
import types
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import annotated_types as at

from bptrain.errors import InputError
from bptrain.spelling import snake_case

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
        self._includes = includes
        self._own: dict[str, type] = {}
        _families.append(self)

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
            taken = (family.kind for family in _families if self in (family, *family._includes) and name in family)
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
        return self._own | {name: cls for family in self._includes for name, cls in family.members.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def own(self) -> dict[str, type]:
        """The classes that were registered in this very family, by name."""
        return dict(self._own)

    def withdraw(self, name: str) -> None:
        """Take a class of this very family out again."""
        _names.pop(self._own.pop(name), None)


def families() -> tuple[Family, ...]:
    """Every family there is."""
    return tuple(_families)


def name_of(component: object) -> str:
    """The config name of a component: `relu` for a `Relu()`."""
    return _names.get(type(component)) or snake_case(type(component).__name__)


def summary(cls: type) -> str:
    """The first sentence of a class's docstring."""
    opening = " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())
    return re.split(r"(?<=[.])\s", opening, maxsplit=1)[0]


@dataclass(frozen=True)
class Option:
    """One option of a component: a field of its dataclass as configs and help see it."""

    name: str
    hint: Any
    default: Any
    doc: str

    @property
    def required(self) -> bool:
        """Whether a config has to give it."""
        return self.default is MISSING


def options(cls: type) -> tuple[Option, ...]:
    """The options of a component in the order of its fields; the first may be given without its name."""
    return _options(cls)


@cache
def _options(cls: Any) -> tuple[Option, ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple(
        Option(
            field.name,
            hints[field.name],
            field.default_factory() if field.default_factory is not MISSING else field.default,
            next((text for text in metadata(hints[field.name]) if isinstance(text, str)), ""),
        )
        for field in fields(cls)
    )


def metadata(hint: Any) -> tuple[Any, ...]:
    """The `Annotated` metadata of a type hint, empty for a plain one."""
    return tuple(hint.__metadata__) if get_origin(hint) is Annotated else ()


def bare(hint: Any) -> Any:
    """A type hint without its `Annotated` metadata."""
    return hint.__origin__ if get_origin(hint) is Annotated else hint


def family_of(hint: Any) -> Family | None:
    """The family that a type hint is annotated with, if any."""
    return next((item for item in metadata(hint) if isinstance(item, Family)), None)


def alternatives(hint: Any) -> tuple[Any, ...]:
    """The members of a union, or the hint alone."""
    inner = bare(hint)
    return get_args(inner) if get_origin(inner) in (Union, types.UnionType) else (hint,)


WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", Path: "a path"}
PLURALS = {int: "whole numbers", float: "numbers", str: "texts", bool: "true or false", Path: "paths"}


def describe(hint: Any, *, many: bool = False) -> str:
    """A type hint in words: `a number >= 0 and < 1`, `a whole number >= 1 or 'full'`, `a list of layers`.

    Args:
        hint: the type of an option.
        many: whether to speak of several such values.
    """
    choices = alternatives(hint)
    if len(choices) > 1:
        return any_of([describe(choice, many=many) for choice in choices])
    if family := family_of(hint):
        return f"{family.kind}{'es' if family.kind.endswith('s') else 's'}" if many else describe_family(family)
    inner = bare(hint)
    if get_origin(inner) is Literal:
        return any_of([repr(choice) for choice in get_args(inner)])
    if get_origin(inner) is tuple:
        return f"{'lists' if many else 'a list'} of {describe(get_args(inner)[0], many=True)}"
    if get_origin(inner) is dict:
        return f"{'mappings' if many else 'a mapping'} of names to {describe(get_args(inner)[1], many=True)}"
    if inner is type(None):
        return "null"
    words, other = (PLURALS, "mappings") if many else (WORDS, "a mapping")
    return " ".join(filter(None, (words.get(inner, other), bounds(hint))))


def any_of(words: list[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def describe_family(family: Family) -> str:
    """`an optimizer`, `a layer`."""
    return f"{'an' if family.kind[0] in 'aeiou' else 'a'} {family.kind}"


def bounds(hint: Any) -> str:
    """The bounds of a type hint in words, empty when there are none."""
    signs = ((at.Gt, "gt", ">"), (at.Ge, "ge", ">="), (at.Lt, "lt", "<"), (at.Le, "le", "<="))
    found = [
        f"{sign} {getattr(item, attribute):.15g}"
        for item in metadata(hint)
        for kind, attribute, sign in signs
        if isinstance(item, kind)
    ]
    return " and ".join(found)
