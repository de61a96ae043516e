"""Reading and writing `.npz` files that can be trusted: checksummed, written whole or not at all, read back strictly.

The format is NumPy's own, so `np.load` opens it anywhere. Beside the arrays there are two members: `document`, JSON in
UTF-8, and `sha256`, the digest of everything else. The CRCs of the zip format do not cover names and headers.
"""

import contextlib
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError, StorageError


def digest(arrays: Mapping[str, Array]) -> str:
    """SHA-256 over the names, types, shapes and bytes of all arrays."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        total.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        total.update(np.ascontiguousarray(array).view(np.uint8).reshape(-1).data if array.size else b"")
    return total.hexdigest()


def write(path: Path, arrays: Mapping[str, Array], document: Mapping[str, Any], *, keep: Path | None = None) -> None:
    """Write a file so that a crash at any moment leaves the old one or the new one, whole.

    Args:
        path: the file to write or replace.
        arrays: by name, each stored in C order.
        document: what JSON can hold; finite numbers only.
        keep: where the present file goes, if there is one.

    Raises:
        StorageError: the file could not be written; the old one is intact.
    """
    text = json.dumps(document, allow_nan=False, sort_keys=True)
    members = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    members["document"] = np.frombuffer(text.encode(), np.uint8)
    members["sha256"] = np.frombuffer(digest(members).encode(), np.uint8)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            np.savez(file, allow_pickle=False, **members)
            file.flush()
            os.fsync(file.fileno())
        if keep is not None and path.exists():
            keep_copy(path, keep)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if not isinstance(error, OSError):
            raise
        rest = "; the checkpoint before it is intact" if path.exists() else ""
        raise StorageError(f"{path}: cannot be written ({error.strerror or error}){rest}") from None


def keep_copy(path: Path, keep: Path) -> None:
    """Give a file a second name, in place of what had it; the file has its first name throughout."""
    second = keep.with_name(f".{keep.name}.{os.getpid()}.tmp")
    try:
        try:
            os.link(path, second)
        except (NotImplementedError, PermissionError):
            shutil.copyfile(path, second)
        os.replace(second, keep)
    except BaseException:
        second.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last through a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the document of a file that `write` wrote.

    Raises:
        InputError: it is a file of another kind.
        StorageError: the file cannot be read, or is not byte for byte what was written.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(4)
        if start != b"PK\x03\x04":
            raise InputError(f"{path}: not a checkpoint; name a run directory or one of its checkpoints/*.npz")
        size = path.stat().st_size
        with zipfile.ZipFile(path) as archive:
            arrays = dict(member(archive, info, size) for info in archive.infolist())
        stored = bytes(arrays.pop("sha256")).decode("ascii")
        if digest(arrays) != stored:
            raise ValueError("its checksum does not match its content")
        return arrays, json.loads(bytes(arrays.pop("document")))
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        what = str(error) if type(error) is ValueError else "it is cut short or changed"
        raise StorageError(f"{path}: not a checkpoint, or damaged: {what}") from None


def member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> tuple[str, Array]:
    """One array of an archive; what its header declares is checked against the file before memory is taken.

    Raises:
        ValueError: the sizes do not agree, or the type is none that is stored.
    """
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > limit or not info.filename.endswith(".npy"):
        raise ValueError(f"the member {info.filename!r} is not a plain array")
    raw = archive.read(info)
    head = BytesIO(raw)
    version = np.lib.format.read_magic(head)
    if version != (1, 0):
        raise ValueError(f"the member {info.filename!r} has an unknown format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(head)
    if dtype.hasobject or fortran or prod(shape) * dtype.itemsize != len(raw) - head.tell():
        raise ValueError(f"the member {info.filename!r} does not have the size it declares")
    return info.filename.removesuffix(".npy"), np.frombuffer(raw, dtype, offset=head.tell()).reshape(shape).copy()
