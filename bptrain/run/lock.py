"""The lock of a run directory: one process trains in it, and says so in `lock.json` by its number and its host.

The system lets go of the lock when its owner dies, however that happened, so a dead owner's lock is free to take. Where
the system has no such locks, the process that the file names is looked up instead.
"""

import errno
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from bptrain.errors import InputError, StorageError

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

NAME = "lock.json"
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


class Lock:
    """The right to write to a run directory; a context manager that gives it back.

    Raises:
        InputError: another process has it; the message names it.
        StorageError: the file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.handle = -1
        try:
            while not self._taken():
                pass
        except OSError as error:
            self._close()
            raise StorageError(f"{self.path}: cannot be written ({error.strerror or error})") from None

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Give the right back."""
        if self.handle >= 0:
            # Unlinked while it is held, so that nobody loses a lock of their own.
            self.path.unlink(missing_ok=True)
            self._close()

    def _taken(self) -> bool:
        """Take the lock. False where the file was removed in the meantime, and another must be made.

        Raises:
            InputError: it is held.
        """
        self.handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        if not self._locked():
            owner = self._owner()
            self._close()
            raise InputError(
                f"{self.path.parent}: {describe_owner(owner)} is training here; wait for it, or stop it first"
            )
        try:
            mine = os.path.samestat(os.fstat(self.handle), os.stat(self.path))
        except FileNotFoundError:
            mine = False
        if not mine:
            self._close()
            return False
        owner = {"pid": os.getpid(), "host": socket.gethostname()}
        os.ftruncate(self.handle, 0)
        os.lseek(self.handle, 0, os.SEEK_SET)
        os.write(self.handle, json.dumps(owner).encode() + b"\n")
        return True

    def _locked(self) -> bool:
        """Whether the file is ours now."""
        if fcntl is not None:
            try:
                fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise
            else:
                return True
        owner = self._owner(patience=0.0)
        return not owner or (owner.get("host") == socket.gethostname() and not is_alive(owner.get("pid")))

    def _owner(self, patience: float = 0.2) -> dict[str, Any]:
        """What the file says of its owner, who may be about to write it."""
        until = time.monotonic() + patience
        while True:
            os.lseek(self.handle, 0, os.SEEK_SET)
            try:
                owner = json.loads(os.read(self.handle, 4096))
            except ValueError:
                owner = None
            if isinstance(owner, dict):
                return owner
            if time.monotonic() >= until:
                return {}
            time.sleep(0.01)

    def _close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


def holder(folder: Path) -> str | None:
    """Who trains in a directory, in words; empty where that process is gone, None where nobody has left a lock."""
    try:
        with open(folder / NAME, "rb") as file:
            try:
                owner = json.loads(file.read(4096))
            except ValueError:
                owner = None
            owner = owner if isinstance(owner, dict) else {}
            if owner.get("host") == socket.gethostname() and not is_alive(owner.get("pid")):
                return ""
            return describe_owner(owner) if is_held(file.fileno()) else ""
    except OSError:
        return None


def is_held(handle: int) -> bool:
    """Whether somebody has the lock of an open file; where the system does not tell, yes."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    fcntl.flock(handle, fcntl.LOCK_UN)
    return False


def describe_owner(owner: dict[str, Any]) -> str:
    """Return an owner in words: `process 123 on host box`."""
    return f"process {owner['pid']} on host {owner['host']}" if {"pid", "host"} <= owner.keys() else "another process"


def is_alive(pid: object) -> bool:
    """Whether there is a process of that number on this host."""
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
