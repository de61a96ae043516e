"""Types of options: whether a value is of the type and within the bounds of a hint, checked by pydantic, strictly."""

from dataclasses import is_dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bptrain.registry import alternatives, bare, family_of


def is_structured(hint: Any) -> bool:
    """Whether values of this type have places of their own inside: components, sections, mappings by name, and lists of
    such."""
    if family_of(hint) or is_dataclass(bare(hint)):
        return True
    if get_origin(bare(hint)) is dict:
        return True
    return get_origin(bare(hint)) is tuple and any(is_structured(item) for item in get_args(bare(hint)))


def wants_float(hint: Any) -> bool:
    """Whether a whole number is to become a float."""
    kinds = [bare(choice) for choice in alternatives(hint)]
    return float in kinds and int not in kinds


@cache
def adapter(hint: Any) -> TypeAdapter[Any]:
    """Pydantic's check of a type, without conversions; infinity and NaN are no numbers here."""
    return TypeAdapter(hint, config=ConfigDict(strict=True, allow_inf_nan=False, arbitrary_types_allowed=True))


def accepts(hint: Any, value: Any) -> bool:
    """Whether a value is of the type and within the bounds of a hint; nothing that has places inside is looked at."""
    choices = alternatives(hint)
    if len(choices) > 1:
        return any(accepts(choice, value) for choice in choices)
    if is_structured(hint):
        return False
    if get_origin(bare(hint)) is Literal:
        return any(value == choice and type(value) is type(choice) for choice in get_args(bare(hint)))
    try:
        adapter(hint).validate_python(value)
    except ValidationError:
        return False
    return True
