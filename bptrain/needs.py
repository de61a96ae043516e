"""What a model needs from files of code: which components they registered, to be said when they are not there."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from shlex import quote
from typing import Any

from bptrain.code import Code, Component, list_components, list_loaded_code
from bptrain.errors import BptrainWarning, InputError


@dataclass(frozen=True)
class Need:
    """The components that something has from a file: its name and digest, and (kind of the family, name) each."""

    file: str
    digest: str
    components: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it; `from_json` is the inverse."""
        components = [{"kind": kind, "name": name} for kind, name in self.components]
        return {"file": self.file, "digest": self.digest, "components": components}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Need":
        """Return a need read back.

        Raises:
            LookupError, TypeError, ValueError: it is not what `to_json` writes.
        """
        components = tuple((one["kind"], one["name"]) for one in document["components"])
        need = cls(document["file"], document["digest"], components)
        if not all(isinstance(text, str) for text in (need.file, need.digest, *sum(components, ()))) or not components:
            raise ValueError("its record of the code that it needs is unreadable")
        return need


def describe_missing_package(module: str, extra: str) -> str:
    """Say what to say where a package is missing, with the command that installs it; empty where it is there.

    Args:
        module: its name in Python.
        extra: of bptrain, which it comes with.
    """
    try:
        import_module(module)
    except ImportError:
        return f"{module} is not installed; pip install 'bptrain[{extra}]'"
    return ""


def list_needs(value: object) -> tuple[Need, ...]:
    """Return what the components inside a dataclass, such as an experiment, have from files."""
    return tuple(
        Need(code.path.name, code.digest, tuple((kind, name) for kind, name, _ in components))
        for code, components in find_used(value)
    )


def find_used(value: object) -> Iterator[tuple[Code, tuple[Component, ...]]]:
    """Yield the loaded files that components inside a dataclass come from, and which."""
    classes = set(classes_in(value))
    for code in list_loaded_code():
        if components := tuple(one for one in code.components if one[2] in classes):
            yield code, components


def format_code_options(value: object) -> str:
    """Say what to type after a command so that it can use what is in a dataclass: ` --code my_layer.py`, or nothing."""
    return "".join(f" --code {quote(str(code.path))}" for code, _ in find_used(value))


def classes_in(value: object) -> Iterator[type]:
    """Yield the classes of all dataclasses inside a value, its own among them."""
    if isinstance(value, tuple):
        for item in value:
            yield from classes_in(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from classes_in(item)
    elif is_dataclass(value):
        yield type(value)
        for field in fields(value):
            yield from classes_in(getattr(value, field.name))


def check_needs(needed: Sequence[Need], where: str) -> None:
    """Make sure that everything needed is there; a file that has changed since is worth a `BptrainWarning`.

    Args:
        needed: what was written down.
        where: it was, for the message.

    Raises:
        InputError: something is not registered; the message names all of it, and the files.
    """
    there = {(kind, name) for kind, name, _ in list_components()}
    absent = {
        need.file: [f"the {kind} {name!r}" for kind, name in need.components if (kind, name) not in there]
        for need in needed
    }
    if missing := {file: names for file, names in absent.items() if names}:
        what = ", ".join(f"{' and '.join(names)} from {file}" for file, names in missing.items())
        raise InputError(f"{where}: needs {what}; give {' '.join(f'--code {file}' for file in missing)}")
    owners = {(kind, name): code for code in list_loaded_code() for kind, name, _ in code.components}
    for need in needed:
        for path, digest in {(owners[one].path, owners[one].digest) for one in need.components if one in owners}:
            if digest != need.digest:
                same = f"{path} has changed since this checkpoint was written"
                other = f"{path} is not the {need.file} that this checkpoint was written with"
                warnings.warn(same if path.name == need.file else other, BptrainWarning, stacklevel=2)
