"""Needs: the components of the user that a model uses, and the files of code that register them."""

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
    """The components that a model uses from one file: the file's name and digest, and the kind and name of each."""

    file: str
    digest: str
    components: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; `from_json` reads them back."""
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
    """Return the message for a Python module that is not installed; empty if it is.

    Args:
        module: the name to import.
        extra: the extra of bptrain that installs it.
    """
    try:
        import_module(module)
    except ImportError:
        return f"{module} is not installed; pip install 'bptrain[{extra}]'"
    return ""


def list_needs(value: object) -> tuple[Need, ...]:
    """Return the needs of the components inside a dataclass, such as an experiment."""
    return tuple(
        Need(code.path.name, code.digest, tuple((kind, name) for kind, name, _ in components))
        for code, components in find_used(value)
    )


def find_used(value: object) -> Iterator[tuple[Code, tuple[Component, ...]]]:
    """Yield the loaded files whose components are inside a dataclass, with those components."""
    classes = set(iter_classes(value))
    for code in list_loaded_code():
        if components := tuple(one for one in code.components if one[2] in classes):
            yield code, components


def format_code_options(value: object) -> str:
    """Return the command-line options to load the code of the components inside a dataclass: ` --code my_layer.py`."""
    return "".join(f" --code {quote(str(code.path))}" for code, _ in find_used(value))


def iter_classes(value: object) -> Iterator[type]:
    """Yield the classes of all dataclasses inside a value, including its own."""
    if isinstance(value, tuple):
        for item in value:
            yield from iter_classes(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from iter_classes(item)
    elif is_dataclass(value):
        yield type(value)
        for field in fields(value):
            yield from iter_classes(getattr(value, field.name))


def check_needs(needs: Sequence[Need], where: str) -> None:
    """Check that all needs are met, and warn of files that have changed since they were recorded.

    Args:
        needs: what the file recorded.
        where: the file that records them, for the message.

    Raises:
        InputError: some components are not registered; the message names them and their files.
    """
    registered = {(kind, name) for kind, name, _ in list_components()}
    missing: dict[str, list[str]] = {}
    for need in needs:
        if names := [f"the {kind} {name!r}" for kind, name in need.components if (kind, name) not in registered]:
            missing[need.file] = names
    if missing:
        what = ", ".join(f"{' and '.join(names)} from {file}" for file, names in missing.items())
        raise InputError(f"{where}: needs {what}; give {' '.join(f'--code {file}' for file in missing)}")
    owners = {(kind, name): code for code in list_loaded_code() for kind, name, _ in code.components}
    for need in needs:
        for path, digest in {(owners[one].path, owners[one].digest) for one in need.components if one in owners}:
            if digest != need.digest:
                changed = f"{path} has changed since this checkpoint was written"
                other = f"{path} is not the {need.file} that this checkpoint was written with"
                warnings.warn(changed if path.name == need.file else other, BptrainWarning, stacklevel=2)
