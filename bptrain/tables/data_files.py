"""Files of data and configs, told apart by their names or their beginnings."""

import re
from pathlib import Path

from bptrain.errors import InputError
from bptrain.tables.files import is_packed, read_first_bytes
from bptrain.tables.formats import find_format, find_suffix
from bptrain.tables.guess import ADVICE
from bptrain.tables.sources import SOURCES

SHARED_SUFFIXES = (".json", ".txt", ".data", ".dat")
"""Suffixes of files that can be data or configs."""

CONFIG_KEY = re.compile(r"""^[{\s]*["']?(data|hidden|network|training|seed|name|optimizer)["']?\s*:""", re.M)
"""A line at the beginning of a config."""


def is_config(path: Path) -> bool:
    """Tell whether a file is a config, by its name or its beginning."""
    if find_suffix(path) in (".yaml", ".yml"):
        return True
    return CONFIG_KEY.search(read_first_bytes(path, 1 << 16).decode("utf-8", "replace")) is not None


def is_data_file(path: Path) -> bool:
    """Tell whether a path is that of a file of data, and not of a config: by its name, or else by its beginning."""
    suffix = find_suffix(path)
    if suffix in (".yaml", ".yml"):
        return False
    known = {one for cls in SOURCES.members.values() for one in cls.suffixes}  # type: ignore[attr-defined]
    if suffix in known - set(SHARED_SUFFIXES) or suffix in ADVICE:
        return True
    if not read_first_bytes(path, 1):
        return False
    try:
        is_binary = find_format(path) is not None or is_packed(path)
    except InputError:
        return True
    return is_binary or (suffix in SHARED_SUFFIXES and not is_config(path))
