"""The files of a run: what dead processes left of them, and the room that they need."""

import contextlib
import re
import shutil
from pathlib import Path

TEMPORARY = re.compile(
    r"\.(last|last\.previous|best)\.npz\.\d+\.tmp"
    r"|\.(config\.yaml|environment\.json|outcome\.json|report\.html)\.\d+\.tmp"
)
"""The names of files that were being written; whatever else lies in a run directory is not ours to remove."""


def sweep(folder: Path) -> list[Path]:
    """Remove what dead processes left half written in a folder that nobody else writes to. What was removed."""
    left = [path for path in sorted(folder.iterdir()) if TEMPORARY.fullmatch(path.name) and path.is_file()]
    for path in left:
        path.unlink(missing_ok=True)
    return left


def room(folder: Path) -> int:
    """How many bytes the disk of a folder has free; of one that is to be made, that of the folder which is there."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def longest_file() -> int:
    """How many bytes the system lets one file have."""
    try:
        import resource
    except ImportError:
        return 1 << 62
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return 1 << 62 if limit == resource.RLIM_INFINITY else limit


def shortage(error: OSError, folder: Path, needed: int) -> str:
    """What kept a file from being written, with the bytes that it needs and those that are there."""
    with contextlib.suppress(OSError):
        free = min(room(folder), longest_file())
        return f"{error.strerror or error}; it needs {needed:,} bytes, and there is room for {free:,}"
    return f"{error.strerror or error}; it needs {needed:,} bytes"
