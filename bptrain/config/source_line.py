"""The source of a first config: one line of YAML, with every option that is not usual."""

import os
from pathlib import Path
from typing import Any

from bptrain.config.document.dump import to_inline_yaml
from bptrain.errors import InputError
from bptrain.hints import list_options
from bptrain.registry import name_of
from bptrain.tables.sources import Source


def format_source(source: Source, path: str) -> str:
    """Return a source as a config names it."""
    usual: Any = {one.name: one.default for one in list_options(type(source)) if one.name != "path"}
    given = {name: getattr(source, name) for name in usual if getattr(source, name) != usual[name]}
    options = "".join(
        f", {name}: {to_inline_yaml(list(value) if isinstance(value, tuple) else value)}"
        for name, value in given.items()
    )
    return f"{{{name_of(source)}: {f'{{path: {to_inline_yaml(path)}{options}}}' if options else to_inline_yaml(path)}}}"


def make_relative(folder: Path, file: Path) -> str:
    """Return the path of a file relative to a folder, with forward slashes.

    Raises:
        InputError: the name of the file is not UTF-8 text.
    """
    try:
        path = Path(os.path.relpath(file.resolve(), folder))
    except ValueError:
        # On another drive.
        path = file.resolve()
    text = path.as_posix()
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"{file}: the name of the file is not UTF-8 text; rename it") from None
    return text
