"""The contract of a component: what a class must have, checked before it is used.

The contract of a family is a class. A component must define what that class leaves abstract or declares without a
value, its methods must take the same arguments, and its options must have types that can be written in a config.
"""

import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from bptrain.hints import SINGLE, Choice, Hint, ListOf, Member, Section, Single, list_options
from bptrain.registry import Family


def find_contract_problems(family: Family, cls: type) -> Iterator[str]:
    """Yield what is wrong with a class as a member of a family: `lacks the method backward(...)`."""
    if not is_dataclass(cls) or not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        yield "is not a frozen dataclass; put @dataclass(frozen=True) under the line that registers it"
        return
    contract = family.contract
    if not getattr(contract, "_is_protocol", False) and not issubclass(cls, contract):
        yield f"does not inherit from {contract.__name__}; write class {cls.__name__}({contract.__name__}):"
        return
    yield from find_method_problems(contract, cls)
    yield from find_option_problems(cls)


def find_method_problems(contract: type, cls: type) -> Iterator[str]:
    """Yield the methods that a class lacks, or whose arguments differ from the contract."""
    for name, declared in inspect.getmembers_static(contract):
        here = inspect.getattr_static(cls, name, declared)
        if name.startswith("_") or not (isinstance(declared, property) or inspect.isfunction(declared)):
            continue
        if here is declared:
            if getattr(declared, "__isabstractmethod__", False):
                yield f"lacks the method {name}{write_arguments(declared)}"
        elif isinstance(declared, property):
            if inspect.isfunction(here):
                yield f"has {name} as a method; put @property above it"
        elif not inspect.isfunction(here):
            yield f"has {name}, which must be a method {name}{write_arguments(declared)}"
        elif not can_take(here, declared):
            yield f"has {name}{write_arguments(here)}, which should be {name}{write_arguments(declared)}"


def can_take(method: Any, declared: Any) -> bool:
    """Return whether a method can be called with the arguments of a declared one."""
    parameters = inspect.signature(declared).parameters.values()
    keywords = {one.name: None for one in parameters if one.kind is one.KEYWORD_ONLY}
    try:
        inspect.signature(method).bind(*[None] * (len(parameters) - len(keywords)), **keywords)
    except TypeError:
        return False
    return True


def write_arguments(method: Any) -> str:
    """Return the arguments of a method without types: `(self, p, x, y, s)`."""
    signature = inspect.signature(method)
    untyped = [one.replace(annotation=one.empty) for one in signature.parameters.values()]
    return str(signature.replace(parameters=untyped, return_annotation=signature.empty))


def find_option_problems(cls: type) -> Iterator[str]:
    """Yield what is wrong with the fields of a class, and the fields of its contract that it lacks."""
    try:
        hints = get_type_hints(cls)
        listed = list_options(cls)
    except Exception as error:
        yield f"has options that cannot be read ({type(error).__name__}: {error})"
        return
    names = {option.name for option in listed}
    for name in hints:
        if name not in names and not hasattr(cls, name):
            yield f"lacks the option {name}; add a line such as {name}: ... = ..."
    for field, option in zip(fields(cls), listed, strict=True):
        if not field.init:
            yield f"has the field {option.name} with init=False, which a config cannot set; use a property"
        elif not is_usable(option.hint):
            what = "use int, float, str, bool, Path, Literal, tuple[..., ...] of them, or a ClassVar for constants"
            written = name_type(hints[option.name])
            problem = f"has the option {option.name}, whose type {written} cannot be written in a config"
            yield f"{problem}; {what}"


def is_usable(hint: Hint) -> bool:
    """Return whether values of every form of a hint can be written in a config."""
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


def name_type(hint: Any) -> str:
    """Return a type roughly as the user wrote it."""
    inner = hint.__origin__ if get_origin(hint) is Annotated else hint
    return inner.__name__ if isinstance(inner, type) and not get_args(inner) else str(inner)
