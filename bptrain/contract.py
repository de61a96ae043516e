"""What a class must be to serve as a component: said before it is used, and in words.

A family's contract is a class. What is abstract in it, or declared without a value, must be there; what it declares as
a method must take the same arguments; and the options must be of types that a config can give.
"""

import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from bptrain.hints import SINGLE, Choice, Hint, ListOf, Member, Section, Single, list_options
from bptrain.registry import Family


def objections(family: Family, cls: type) -> Iterator[str]:
    """Yield what is wrong with a class as a member of a family: `lacks the method backward(...)`."""
    if not is_dataclass(cls) or not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        yield "is not a frozen dataclass; put @dataclass(frozen=True) under the line that registers it"
        return
    contract = family.contract
    if not getattr(contract, "_is_protocol", False) and not issubclass(cls, contract):
        yield f"does not inherit from {contract.__name__}; write class {cls.__name__}({contract.__name__}):"
        return
    yield from method_objections(contract, cls)
    yield from option_objections(cls)


def method_objections(contract: type, cls: type) -> Iterator[str]:
    """Yield the methods that a class lacks, or that take other arguments than those of the contract."""
    for name, declared in inspect.getmembers_static(contract):
        here = inspect.getattr_static(cls, name, declared)
        if name.startswith("_") or not (isinstance(declared, property) or inspect.isfunction(declared)):
            continue
        if here is declared:
            if getattr(declared, "__isabstractmethod__", False):
                yield f"lacks the method {name}{arguments(declared)}"
        elif isinstance(declared, property):
            if inspect.isfunction(here):
                yield f"has {name} as a method; put @property above it"
        elif not inspect.isfunction(here):
            yield f"has {name}, which is not a method {name}{arguments(declared)}"
        elif not takes(here, declared):
            yield f"has {name}{arguments(here)}, which should be {name}{arguments(declared)}"


def takes(method: Any, declared: Any) -> bool:
    """Tell whether a method can be called as another one is declared."""
    parameters = inspect.signature(declared).parameters.values()
    positional = [None for one in parameters if one.kind is not one.KEYWORD_ONLY]
    try:
        inspect.signature(method).bind(
            *positional, **{one.name: None for one in parameters if one.kind is one.KEYWORD_ONLY}
        )
    except TypeError:
        return False
    return True


def arguments(method: Any) -> str:
    """Return the arguments of a method without their types: `(self, p, x, y, s)`."""
    signature = inspect.signature(method)
    plain = [one.replace(annotation=one.empty) for one in signature.parameters.values()]
    return str(signature.replace(parameters=plain, return_annotation=signature.empty))


def option_objections(cls: type) -> Iterator[str]:
    """Yield what is wrong with the fields of a class, and which of those that its contract declares it lacks."""
    try:
        hints = get_type_hints(cls)
        listed = list_options(cls)
    except Exception as error:
        yield f"has options that cannot be read ({type(error).__name__}: {error})"
        return
    names = {option.name for option in listed}
    for name in hints:
        if name not in names and not hasattr(cls, name):
            yield f"lacks {name}, which has no value anywhere; add a line such as {name}: ... = ..."
    for field, option in zip(fields(cls), listed, strict=True):
        if not field.init:
            yield f"has the field {option.name} with init=False, which no config could give back; use a property"
        elif not is_usable(option.hint):
            words = type_words(hints[option.name])
            what = "use int, float, str, bool, Path, Literal, tuple[..., ...] of them, or a ClassVar for constants"
            yield f"has the option {option.name} of a type that a config cannot give ({words}); {what}"


def is_usable(hint: Hint) -> bool:
    """Tell whether a config can give a value of each form of a hint."""
    for form in hint:
        match form:
            case Member() | Section() | Choice():
                continue
            case ListOf(item) if is_usable(item):
                continue
            case Single(kind) if kind in SINGLE:
                continue
        return False
    return True


def type_words(hint: Any) -> str:
    """Return a type as the user wrote it, or nearly so."""
    inner = hint.__origin__ if get_origin(hint) is Annotated else hint
    return inner.__name__ if isinstance(inner, type) and not get_args(inner) else str(inner)
