"""Pipes whose reader, such as head, goes away: it has seen enough, which is no error.

A command that writes to such a stdout ends with exit code 0. Writing to such a stderr has no effect, so that training
goes on.
"""

import os
import sys
from io import BufferedWriter, FileIO, TextIOWrapper, UnsupportedOperation
from typing import Any


class PatientFile(FileIO):
    """A file of which every write succeeds, even if nobody reads it any more."""

    def write(self, data: Any) -> int:
        """Write bytes, and return how many."""
        try:
            return super().write(data)
        except BrokenPipeError:
            discard(self.fileno())
            return len(data)


def discard(number: int) -> None:
    """Let a file descriptor write to nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def outlive_reader() -> None:
    """Let writing to stderr succeed if its reader goes away."""
    stream = sys.stderr
    if not isinstance(stream, TextIOWrapper) or stream.isatty():
        return
    try:
        file = PatientFile(stream.fileno(), "w", closefd=False)
    except (OSError, UnsupportedOperation):
        return
    sys.stderr = TextIOWrapper(
        BufferedWriter(file), stream.encoding, stream.errors, line_buffering=True, write_through=True
    )


def flush_output() -> None:
    """Write the rest of stdout, which is discarded if its reader has gone away."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        discard(1)
    except (OSError, ValueError):
        # The interpreter reports a full disk or a closed stream as it ends.
        return
