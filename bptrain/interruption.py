"""Interruption: the request to stop, made by a signal or by a program, and looked at between two steps of long work."""

from collections.abc import Iterator
from contextlib import contextmanager


class Interruption:
    """A flag that is set from outside, and the promise that somebody looks at it.

    `signal` is the number of the signal that asked, 0 for a program, None as long as nobody has. While `heeded` is
    false nobody looks, and whoever wants to stop the work must end the process.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.heeded = False

    def ask(self, signal: int = 0) -> None:
        """Ask for the work to be stopped at the next good moment."""
        self.signal = signal

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Promise to look at the flag inside this block."""
        self.heeded = True
        try:
            yield
        finally:
            self.heeded = False
