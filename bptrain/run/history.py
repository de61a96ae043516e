"""The history: a file with one record per epoch, cut back to the epochs of the checkpoint when a run is resumed."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from bptrain.errors import StorageError
from bptrain.training.events import Record


def read_history(path: Path) -> list[Record]:
    """Return the records of a history, one per epoch; a last line that was not completely written is left out.

    Raises:
        StorageError: the file exists and cannot be read.
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
                raise ValueError("it has no epoch number")
            records.append(record)
        except ValueError as error:
            raise StorageError(f"{path}:{number}: not the record of an epoch ({error}); delete the line") from None
    return records


def select_latest_phase(records: list[Record]) -> list[Record]:
    """Return the records of the phase that came last; all, if there is only one."""
    return [record for record in records if record.get("phase") == records[-1].get("phase")]


class History:
    """`history.jsonl`, to which records are appended.

    Args:
        path: the file, created if missing.
        seen: the length and digest that `sync` returned for the checkpoint to resume from; None for a new run.

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
                self._truncate(seen)
        except OSError as error:
            raise self._build_error(error) from None

    def append(self, record: Record) -> None:
        """Write a record."""
        line = json.dumps(record, allow_nan=False).encode() + b"\n"
        try:
            if self._file.write(line) != len(line):
                raise OSError(None, "the disk is full")
        except OSError as error:
            raise self._build_error(error) from None
        self._content.update(line)
        self._bytes += len(line)

    def sync(self) -> dict[str, Any]:
        """Flush the file to the disk, and return its length and digest, to be saved in a checkpoint."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._build_error(error) from None
        return {"bytes": self._bytes, "sha256": self._content.hexdigest()}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _truncate(self, seen: dict[str, Any]) -> None:
        """Remove what was written after the checkpoint: those epochs are trained again."""
        kept = self.path.read_bytes()[: seen["bytes"]]
        if len(kept) < seen["bytes"] or hashlib.sha256(kept).hexdigest() != seen["sha256"]:
            kept = kept[: kept.rfind(b"\n") + 1]
            self.notice = f"{self.path}: was changed after this run wrote it; new epochs are appended to what is left"
        self._file.truncate(len(kept))
        self._content.update(kept)
        self._bytes = len(kept)

    def _build_error(self, error: OSError) -> StorageError:
        return StorageError(f"{self.path}: cannot be written ({error.strerror or error})")
