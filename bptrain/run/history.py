"""The history: a file with a record an epoch, and how much of it a checkpoint has seen."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from bptrain.errors import StorageError
from bptrain.training.session import Record


def read_history(path: Path) -> list[Record]:
    """The records of a history, one an epoch; what a process that died left of the last line is not one.

    Raises:
        StorageError: the file is there and cannot be read.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None
    records = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            record = json.loads(line)
            if not isinstance(record, dict) or not isinstance(record.get("epoch"), int):
                raise ValueError("no record of an epoch")
            records.append(record)
        except ValueError as error:
            raise StorageError(f"{path}:{number}: is not what a run writes ({error})") from None
    return records


class History:
    """`history.jsonl`, to which records are appended.

    Args:
        path: of the file, which is made if need be.
        seen: what `position` said when the checkpoint was written that training goes on from; None: it is new.

    Raises:
        StorageError: it cannot be written.
    """

    def __init__(self, path: Path, seen: dict[str, Any] | None = None) -> None:
        self.path = path
        self.notice: str | None = None
        try:
            self._file = open(path, "ab", buffering=0)  # noqa: SIM115
            self._content = hashlib.sha256()
            self._bytes = 0
            if seen is not None:
                self._cut(seen)
        except OSError as error:
            raise self._error(error) from None

    def append(self, record: Record) -> None:
        """Write a record."""
        line = json.dumps(record, allow_nan=False).encode() + b"\n"
        try:
            if self._file.write(line) != len(line):
                raise OSError(None, "the disk is full")
        except OSError as error:
            raise self._error(error) from None
        self._content.update(line)
        self._bytes += len(line)

    def position(self) -> dict[str, Any]:
        """What has been written so far, as a checkpoint notes it; it is on the disk before the checkpoint is."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._error(error) from None
        return {"bytes": self._bytes, "sha256": self._content.hexdigest()}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _cut(self, seen: dict[str, Any]) -> None:
        """Take off what was written after the checkpoint: those epochs come again."""
        kept = self.path.read_bytes()[: seen["bytes"]]
        if len(kept) < seen["bytes"] or hashlib.sha256(kept).hexdigest() != seen["sha256"]:
            kept = kept[: kept.rfind(b"\n") + 1]
            self.notice = f"{self.path}: is not what this run wrote; going on after what is there"
        self._file.truncate(len(kept))
        self._content.update(kept)
        self._bytes = len(kept)

    def _error(self, error: OSError) -> StorageError:
        return StorageError(f"{self.path}: cannot be written ({error.strerror or error})")
