"""Reading and writing `.npz` files that can be trusted: checksummed, written whole or not at all, read back strictly.

The format is NumPy's own, so `np.load` opens it anywhere. Beside the arrays there is a member `document`, JSON in
UTF-8. The file ends in the SHA-256 of every byte before, as a comment of the zip format, whose own CRCs do not cover
names and headers.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bptrain.arrays import Array, read_header
from bptrain.atomic import replace_atomically
from bptrain.errors import InputError, StorageError
from bptrain.run.disk import shortage

DIGEST = 64
"""Characters of a SHA-256 in hexadecimal."""


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
    try:
        with replace_atomically(path, keep=keep) as file:
            np.savez(file, allow_pickle=False, **members)
            seal(file)
    except OSError as error:
        rest = "; the checkpoint before it is intact" if path.exists() else ""
        what = shortage(error, path.parent, size(members))
        raise StorageError(f"{path}: cannot be written ({what}){rest}") from None


def size(arrays: Mapping[str, Array]) -> int:
    """About how many bytes a file of these arrays has."""
    return sum(array.nbytes + 2 * len(name) + 300 for name, array in arrays.items()) + DIGEST


def seal(file: BinaryIO) -> None:
    """Append the digest of all that is in an archive, as the comment with which zip files may end."""
    file.seek(-2, os.SEEK_END)
    file.write(DIGEST.to_bytes(2, "little"))
    file.write(digest(file, file.tell()))


def is_sealed(file: BinaryIO, total: int) -> bool:
    """Whether a file of so many bytes is, bit for bit, what was sealed."""
    wanted = digest(file, total - DIGEST)
    return file.read() == wanted


def digest(file: BinaryIO, count: int) -> bytes:
    """The SHA-256 of the first bytes of a file in hexadecimal; the file is left behind them."""
    content = hashlib.sha256()
    file.seek(0)
    while count > 0 and (part := file.read(min(count, 1 << 20))):
        content.update(part)
        count -= len(part)
    return content.hexdigest().encode()


def read(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the document of a file that `write` wrote.

    Raises:
        InputError: it is a file of another kind.
        StorageError: the file cannot be read, or is not byte for byte what was written.
    """
    try:
        with open(path, "rb") as file:
            if file.read(4) != b"PK\x03\x04":
                raise InputError(f"{path}: not a checkpoint; name a run directory or one of its checkpoints/*.npz")
            total = os.fstat(file.fileno()).st_size
            if not is_sealed(file, total):
                raise ValueError("its checksum does not match its content")
            with zipfile.ZipFile(file) as archive:
                arrays = dict(member(archive, info, total) for info in archive.infolist())
        return arrays, json.loads(bytes(arrays.pop("document")))
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        what = str(error) if type(error) is ValueError else "it is cut short or changed"
        raise StorageError(f"{path}: not a checkpoint, or damaged: {what}") from None


def read_document(path: Path) -> dict[str, Any]:
    """The document of a file that `write` wrote, without a look at the arrays beside it, nor at the checksum; empty
    where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            _, raw = member(archive, archive.getinfo("document.npy"), path.stat().st_size)
        found = json.loads(bytes(raw))
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, NotImplementedError):
        return {}
    return found if isinstance(found, dict) else {}


def member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> tuple[str, Array]:
    """One array of an archive; what its header declares is checked against the file before memory is taken.

    Raises:
        ValueError: the sizes do not agree, or the type is none that is stored.
    """
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > limit or not info.filename.endswith(".npy"):
        raise ValueError(f"the member {info.filename!r} is not a plain array")
    raw = archive.read(info)
    head = BytesIO(raw)
    header = read_header(head)
    if header.fortran:
        raise ValueError(f"the member {info.filename!r} has an unknown format")
    try:
        return info.filename.removesuffix(".npy"), header.array(memoryview(raw)[head.tell() :]).copy()
    except ValueError:
        raise ValueError(f"the member {info.filename!r} does not have the size it declares") from None
