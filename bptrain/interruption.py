"""Interruption: a request to stop, made by a signal or a program, and checked between two steps of long work."""

from collections.abc import Iterator
from contextlib import contextmanager


class Interruption:
    """A flag that is set from outside.

    `signal` is the number of the signal that asked for a stop, 0 if a program asked, None if nothing has. While
    `watched` is false, nothing checks the flag, and only ending the process stops the work.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.watched = False

    def ask(self, signal: int = 0) -> None:
        """Ask for the work to stop after the current step."""
        self.signal = signal

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Declare that the flag is checked inside this block."""
        self.watched = True
        try:
            yield
        finally:
            self.watched = False
