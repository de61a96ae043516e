"""The options of components and sections, and their type hints: the forms of value that each takes.

Everything that walks a config or its types reads them here: the builder, the schema, the manual, the suggestions. A
hint is one form or a choice of several. A new kind of single value is a row of `SINGLE` and what its text is read as; a
component needs nothing here.
"""

import operator
import re
import sys
import types
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import annotated_types as at

from bptrain.registry import Family, describe_family
from bptrain.text import join_or

BOUNDS = ((at.Gt, "gt", ">"), (at.Ge, "ge", ">="), (at.Lt, "lt", "<"), (at.Le, "le", "<="))
COMPARE = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


class Form:
    """One of the forms that a value of an option can have; each says in words what it is.

    `structured`: whether such values have places of their own inside, whose mistakes are told one by one.
    """

    structured = False

    def accepts(self, value: Any) -> bool:
        """Tell whether a value is of this form and within its bounds; nothing with places inside is looked at."""
        return False

    def describe(self, *, many: bool = False) -> str:
        """Say what such a value is, or what `many` of them are."""
        raise NotImplementedError


SINGLE: dict[Any, tuple[str, str, str]] = {
    int: ("a whole number", "whole numbers", "integer"),
    float: ("a number", "numbers", "number"),
    str: ("text", "texts", "string"),
    bool: ("true or false", "true or false", "boolean"),
    Path: ("a path", "paths", "string"),
    type(None): ("null", "null", "null"),
}
"""The types of single values: in words, of one and of many, and as JSON Schema calls them."""

SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Single(Form):
    """A number, a text, a truth value, a path or null; `bounds` are such as `(">=", 1)`."""

    kind: Any
    bounds: tuple[tuple[str, float], ...] = ()

    def accepts(self, value: Any) -> bool:
        if self.kind is float:
            # Neither infinity nor NaN is a number here, nor what would become infinite.
            right = type(value) in (int, float) and abs(value) <= sys.float_info.max
        elif self.kind is str:
            right = type(value) is str and not SURROGATE.search(value)
        elif self.kind is Path:
            right = isinstance(value, Path)
        else:
            right = type(value) is self.kind
        return right and all(COMPARE[sign](value, bound) for sign, bound in self.bounds)

    def describe(self, *, many: bool = False) -> str:
        words = SINGLE.get(self.kind, ("a mapping", "mappings", ""))[many]
        return " ".join(filter(None, (words, " and ".join(f"{sign} {bound:.15g}" for sign, bound in self.bounds))))


@dataclass(frozen=True)
class Choice(Form):
    """One of some words or numbers."""

    values: tuple[Any, ...]

    def accepts(self, value: Any) -> bool:
        return any(value == one and type(value) is type(one) for one in self.values)

    def describe(self, *, many: bool = False) -> str:
        return join_or([repr(one) for one in self.values])


@dataclass(frozen=True)
class ListOf(Form):
    """A list."""

    item: "Hint"

    @property
    def structured(self) -> bool:  # type: ignore[override]
        """Whether its items are."""
        return bool(self.item.structured)

    def accepts(self, value: Any) -> bool:
        return isinstance(value, tuple) and all(map(self.item.accepts, value))

    def describe(self, *, many: bool = False) -> str:
        return f"{'lists' if many else 'a list'} of {self.item.describe(many=True)}"


@dataclass(frozen=True)
class DictOf(Form):
    """Values by names that the user chooses, such as those of columns."""

    item: "Hint"
    structured = True

    def describe(self, *, many: bool = False) -> str:
        return f"{'mappings' if many else 'a mapping'} of names to {self.item.describe(many=True)}"


@dataclass(frozen=True)
class Section(Form):
    """A mapping of the options of a dataclass."""

    cls: type
    structured = True

    def describe(self, *, many: bool = False) -> str:
        return "mappings" if many else "a mapping"


@dataclass(frozen=True)
class Member(Form):
    """A component of a family: its name, alone or as `name: {options}`."""

    family: Family
    structured = True

    def describe(self, *, many: bool = False) -> str:
        return self.family.plural if many else describe_family(self.family)


@dataclass(frozen=True)
class Hint:
    """A type hint as the forms that its values can have, in the order in which it names them."""

    forms: tuple[Form, ...]

    def __iter__(self) -> Iterator[Form]:
        return iter(self.forms)

    @property
    def structured(self) -> tuple[Form, ...]:
        """The forms with places inside."""
        return tuple(form for form in self.forms if form.structured)

    @property
    def items(self) -> tuple["Hint", ...]:
        """What the items of its lists can be, a hint for each form of list."""
        return tuple(form.item for form in self.forms if isinstance(form, ListOf))

    @property
    def kinds(self) -> tuple[Any, ...]:
        """The types of its single values."""
        return tuple(form.kind for form in self.forms if isinstance(form, Single))

    @property
    def families(self) -> tuple[Family, ...]:
        """The families whose components it takes."""
        return tuple(form.family for form in self.forms if isinstance(form, Member))

    def accepts(self, value: Any) -> bool:
        """Tell whether a value fits; nothing with places inside is looked at."""
        return any(form.accepts(value) for form in self.forms)

    def describe(self, *, many: bool = False) -> str:
        """Say what it takes: `a number >= 0 and < 1`, `a whole number >= 1 or 'full'`, `a list of layers`."""
        return join_or([form.describe(many=many) for form in self.forms])


@cache
def read_hint(hint: Any) -> Hint:
    """Return the forms that values of a type hint can have."""
    metadata = hint.__metadata__ if get_origin(hint) is Annotated else ()
    inner = hint.__origin__ if get_origin(hint) is Annotated else hint
    origin, arguments = get_origin(inner), get_args(inner)
    if origin in (Union, types.UnionType):
        return Hint(tuple(form for one in arguments for form in read_hint(one)))
    if family := next((one for one in metadata if isinstance(one, Family)), None):
        return Hint((Member(family),))
    if origin is Literal:
        return Hint((Choice(arguments),))
    if origin is tuple and len(arguments) == 2 and arguments[1] is ...:
        return Hint((ListOf(read_hint(arguments[0])),))
    if origin is dict:
        return Hint((DictOf(read_hint(arguments[1])),))
    if is_dataclass(inner) and isinstance(inner, type):
        return Hint((Section(inner),))
    bounds = ((sign, getattr(one, name)) for one in metadata for kind, name, sign in BOUNDS if isinstance(one, kind))
    return Hint((Single(inner, tuple(bounds)),))


@dataclass(frozen=True)
class Option:
    """One option of a component or section: a field of its dataclass as configs and help see it."""

    name: str
    hint: Hint
    default: Any
    doc: str

    @property
    def required(self) -> bool:
        """Whether a config has to give it."""
        return self.default is MISSING


def list_options(cls: type) -> tuple[Option, ...]:
    """Return the options of a component in the order of its fields; the first may be given without its name."""
    return _list_options(cls)


@cache
def _list_options(cls: Any) -> tuple[Option, ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple(
        Option(
            field.name,
            read_hint(hints[field.name]),
            field.default_factory() if field.default_factory is not MISSING else field.default,
            next((text for text in getattr(hints[field.name], "__metadata__", ()) if isinstance(text, str)), ""),
        )
        for field in fields(cls)
    )
