"""The options of components and sections, and the forms of value that the type hint of each option allows.

The builder of configs, the schema, the manual and the suggestions all read them. A hint is one form or a choice of
several. A new type of single value is one row of `SINGLE`; a new component needs nothing here.
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
    """A form that the value of an option can have.

    `is_structured` is true if the values inside are checked, and their mistakes reported, one by one.
    """

    is_structured = False

    def accepts(self, value: Any) -> bool:
        """Return whether a value has this form and is within its bounds; False for structured forms."""
        return False

    def describe(self, *, many: bool = False) -> str:
        """Return words for a value of this form, or for several values if `many`."""
        raise NotImplementedError


SINGLE: dict[Any, tuple[str, str, str]] = {
    int: ("a whole number", "whole numbers", "integer"),
    float: ("a number", "numbers", "number"),
    str: ("text", "texts", "string"),
    bool: ("true or false", "true or false", "boolean"),
    Path: ("a path", "paths", "string"),
    type(None): ("null", "null", "null"),
}
"""The types of single values, each with its words in singular and plural, and its type in JSON Schema."""

SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Single(Form):
    """A number, a text, a truth value, a path or null; `bounds` are pairs such as `(">=", 1)`."""

    kind: Any
    bounds: tuple[tuple[str, float], ...] = ()

    def accepts(self, value: Any) -> bool:
        if self.kind is float:
            # Infinity and NaN do not count as numbers, nor do whole numbers too large for a float.
            fits = type(value) in (int, float) and abs(value) <= sys.float_info.max
        elif self.kind is str:
            fits = type(value) is str and not SURROGATE.search(value)
        elif self.kind is Path:
            fits = isinstance(value, Path)
        else:
            fits = type(value) is self.kind
        return fits and all(COMPARE[sign](value, bound) for sign, bound in self.bounds)

    def describe(self, *, many: bool = False) -> str:
        words = SINGLE.get(self.kind, ("a mapping", "mappings", ""))[many]
        return " ".join(filter(None, (words, " and ".join(f"{sign} {bound:.15g}" for sign, bound in self.bounds))))


@dataclass(frozen=True)
class Choice(Form):
    """One of a fixed set of words or numbers."""

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
    def is_structured(self) -> bool:  # type: ignore[override]
        """Whether its items are structured."""
        return bool(self.item.structured_forms)

    def accepts(self, value: Any) -> bool:
        return isinstance(value, tuple) and all(map(self.item.accepts, value))

    def describe(self, *, many: bool = False) -> str:
        return f"{'lists' if many else 'a list'} of {self.item.describe(many=True)}"


@dataclass(frozen=True)
class DictOf(Form):
    """A mapping of names that the user chooses, such as those of columns, to values."""

    item: "Hint"
    is_structured = True

    def describe(self, *, many: bool = False) -> str:
        values = "options" if any(isinstance(form, Section) for form in self.item) else self.item.describe(many=True)
        return f"{'mappings' if many else 'a mapping'} of names to {values}"


@dataclass(frozen=True)
class Section(Form):
    """A mapping of the options of a dataclass."""

    cls: type
    is_structured = True

    def describe(self, *, many: bool = False) -> str:
        return "mappings" if many else "a mapping"


@dataclass(frozen=True)
class Member(Form):
    """A component of a family: its name, alone or as `name: {options}`."""

    family: Family
    is_structured = True

    def describe(self, *, many: bool = False) -> str:
        return self.family.plural if many else describe_family(self.family)


@dataclass(frozen=True)
class Hint:
    """A type hint as the forms that its values can have, in order."""

    forms: tuple[Form, ...]

    def __iter__(self) -> Iterator[Form]:
        return iter(self.forms)

    @property
    def structured_forms(self) -> tuple[Form, ...]:
        """The structured forms."""
        return tuple(form for form in self.forms if form.is_structured)

    @property
    def items(self) -> tuple["Hint", ...]:
        """For each of its forms that is a list, the hint of the items."""
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
        """Return whether a value fits one of its forms that are not structured."""
        return any(form.accepts(value) for form in self.forms)

    def describe(self, *, many: bool = False) -> str:
        """Return what it takes in words: `a number >= 0 and < 1`, `a whole number >= 1 or 'full'`."""
        words: list[str] = []
        for form in self.forms:
            text = form.describe(many=many)
            words += text.split(" or ") if isinstance(form, Single | Choice) else [text]
        return join_or(words)


@cache
def read_hint(hint: Any) -> Hint:
    """Return the forms that a type hint allows, in order."""
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
    """One option of a component or section, which is a field of its dataclass."""

    name: str
    hint: Hint
    default: Any
    doc: str

    @property
    def is_required(self) -> bool:
        """Whether a config must give it."""
        return self.default is MISSING


@cache
def list_options(cls: Any) -> tuple[Option, ...]:
    """Return the options of a component or section in the order of its fields; `name: value` sets the first."""
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
