"""The lock of a run directory: `lock.json` names the one process that may train in it, and its host.

The file is locked too: the operating system releases that lock when the process dies, for whatever reason. Where the
system has no file locks, bptrain checks whether the process named in the file still exists.
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
    """The right to write to a run directory; a context manager that releases it.

    Raises:
        InputError: another process holds it; the message names that process.
        StorageError: the file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.handle = -1
        try:
            while not self._acquire():
                pass
        except OSError as error:
            self._close()
            raise StorageError(f"{self.path}: cannot be written ({error.strerror or error})") from None

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Release the lock and remove its file."""
        if self.handle >= 0:
            # Removed while the lock is held: afterwards the file may be the lock of another process.
            self.path.unlink(missing_ok=True)
            self._close()

    def _acquire(self) -> bool:
        """Acquire the lock; return False where another process has just removed the file, so that it must be tried
        again.

        Raises:
            InputError: another process holds it.
        """
        self.handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        if not self._lock_file():
            owner = describe_owner(self._wait_for_owner())
            self._close()
            raise InputError(f"{self.path.parent}: {owner} is training here; wait for it, or stop it first")
        try:
            current = os.path.samestat(os.fstat(self.handle), os.stat(self.path))
        except FileNotFoundError:
            current = False
        if not current:
            self._close()
            return False
        owner = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
        os.ftruncate(self.handle, 0)
        os.lseek(self.handle, 0, os.SEEK_SET)
        os.write(self.handle, owner.encode() + b"\n")
        return True

    def _lock_file(self) -> bool:
        """Lock the file; return False where another process holds the lock."""
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
        owner = read_owner(self.handle)
        return not owner or is_dead(owner)

    def _wait_for_owner(self) -> dict[str, Any]:
        """Return the owner named in the file, waiting up to 0.2 seconds for a process that has just locked it."""
        until = time.monotonic() + 0.2
        while not (owner := read_owner(self.handle)) and time.monotonic() < until:
            time.sleep(0.01)
        return owner

    def _close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


def find_owner(folder: Path) -> str | None:
    """Return the process that trains in a directory, in words; empty if it has died, None if there is no lock file."""
    try:
        with open(folder / NAME, "rb") as file:
            owner = read_owner(file.fileno())
            return describe_owner(owner) if not is_dead(owner) and is_locked(file.fileno()) else ""
    except OSError:
        return None


def read_owner(handle: int) -> dict[str, Any]:
    """Return the `pid` and `host` in an open lock file; empty if they cannot be read."""
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        owner = json.loads(os.read(handle, 4096))
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}


def is_locked(handle: int) -> bool:
    """Tell whether a process has locked an open file; True where the system cannot tell."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    fcntl.flock(handle, fcntl.LOCK_UN)
    return False


def describe_owner(owner: dict[str, Any]) -> str:
    """Describe an owner: `process 123 on host box`."""
    return f"process {owner['pid']} on host {owner['host']}" if {"pid", "host"} <= owner.keys() else "another process"


def is_dead(owner: dict[str, Any]) -> bool:
    """Tell whether an owner ran on this host and its process no longer exists."""
    pid = owner.get("pid")
    if owner.get("host") != socket.gethostname():
        return False
    if not isinstance(pid, int) or pid <= 0:
        return True
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, ProcessLookupError)
    return False
