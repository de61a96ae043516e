"""Checksummed `.npz` files that are written whole or not at all, and read strictly.

The format is NumPy's own, so `np.load` opens it anywhere. Besides the arrays there is a member `document`, JSON in
UTF-8. The file ends with the SHA-256 of all bytes before it, as the comment of the zip archive, because zip's own CRCs
do not cover names and headers.
"""

import contextlib
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bptrain.arrays import Array, read_header
from bptrain.atomic import replace_atomically
from bptrain.errors import InputError, StorageError

DIGEST = 64
"""The number of characters of a SHA-256 in hexadecimal."""


def write(path: Path, arrays: Mapping[str, Array], document: Mapping[str, Any], *, keep: Path | None = None) -> None:
    """Write a file so that a crash at any moment leaves either the old one or the new one, complete.

    Args:
        path: the file to write or replace.
        arrays: by name, each stored in C order.
        document: what is stored as JSON; numbers must be finite.
        keep: where to move the existing file, if there is one.

    Raises:
        StorageError: the file could not be written; the old one is intact.
    """
    text = json.dumps(document, allow_nan=False, sort_keys=True)
    members = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    members["document"] = np.frombuffer(text.encode(), np.uint8)
    try:
        with replace_atomically(path, keep=keep) as file:
            np.savez(file, allow_pickle=False, **members)
            seal(file)
    except OSError as error:
        rest = "; the previous checkpoint is intact" if path.exists() else ""
        why = describe_failure(error, path.parent, estimate_size(members))
        raise StorageError(f"{path}: cannot be written ({why}){rest}") from None


def estimate_size(arrays: Mapping[str, Array]) -> int:
    """Return about how many bytes a file with these arrays has."""
    return sum(array.nbytes + 2 * len(name) + 300 for name, array in arrays.items()) + DIGEST


def describe_failure(error: OSError, folder: Path, needed: int) -> str:
    """Return why a file could not be written, with the bytes it needs and the bytes available."""
    with contextlib.suppress(OSError):
        free = min(get_free_bytes(folder), get_file_limit())
        return f"{error.strerror or error}; {needed:,} bytes are needed and {free:,} are available"
    return f"{error.strerror or error}; {needed:,} bytes are needed"


def get_free_bytes(folder: Path) -> int:
    """Return the free bytes on the disk of a folder, or of its nearest parent that exists."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def get_file_limit() -> int:
    """Return how many bytes the operating system allows in one file."""
    try:
        import resource
    except ImportError:
        return 1 << 62
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return 1 << 62 if limit == resource.RLIM_INFINITY else limit


def seal(file: BinaryIO) -> None:
    """Append the digest of an archive's content as the comment of the zip file."""
    file.seek(-2, os.SEEK_END)
    file.write(DIGEST.to_bytes(2, "little"))
    file.write(compute_digest(file, file.tell()))


def compute_digest(file: BinaryIO, count: int) -> bytes:
    """Return the SHA-256 of the first `count` bytes in hexadecimal, and leave the file positioned after them."""
    content = hashlib.sha256()
    file.seek(0)
    while count > 0 and (chunk := file.read(min(count, 1 << 20))):
        content.update(chunk)
        count -= len(chunk)
    return content.hexdigest().encode()


def read(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and the document of a file that `write` wrote.

    Raises:
        InputError: it is not such a file.
        StorageError: the file cannot be read, or differs in any byte from what was written.
    """
    try:
        with open(path, "rb") as file:
            if file.read(4) != b"PK\x03\x04":
                raise InputError(f"{path}: not a checkpoint; name a run directory or one of its checkpoints/*.npz")
            total = os.fstat(file.fileno()).st_size
            if compute_digest(file, total - DIGEST) != file.read():
                raise ValueError("its checksum does not match its content")
            with zipfile.ZipFile(file) as archive:
                arrays = dict(read_member(archive, info, total) for info in archive.infolist())
        return arrays, json.loads(bytes(arrays.pop("document")))
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        what = str(error) if type(error) is ValueError else "it is truncated or was changed"
        raise StorageError(
            f"{path}: not a checkpoint, or damaged: {what}; use another checkpoint, or train again"
        ) from None


def read_document(path: Path) -> dict[str, Any]:
    """Return only the document of a file that `write` wrote, without verifying the checksum; empty if unreadable."""
    try:
        with zipfile.ZipFile(path) as archive:
            _, raw = read_member(archive, archive.getinfo("document.npy"), path.stat().st_size)
        found = json.loads(bytes(raw))
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, NotImplementedError):
        return {}
    return found if isinstance(found, dict) else {}


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> tuple[str, Array]:
    """Return the name and array of one member, checking its declared size against the file before allocating memory.

    Raises:
        ValueError: the sizes disagree, or it is not an array as `write` stores it.
    """
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > limit or not info.filename.endswith(".npy"):
        raise ValueError(f"the member {info.filename!r} is not a plain array")
    raw = archive.read(info)
    head = BytesIO(raw)
    header = read_header(head)
    if header.fortran:
        raise ValueError(f"the member {info.filename!r} has an unknown format")
    try:
        return info.filename.removesuffix(".npy"), header.read_array(memoryview(raw)[head.tell() :]).copy()
    except ValueError:
        raise ValueError(f"the member {info.filename!r} does not have the size it declares") from None
