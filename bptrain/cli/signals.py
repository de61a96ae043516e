"""Signals: the first asks training to stop after its step, a second ends the process; elsewhere every one ends it."""

import os
import signal
import sys
from types import FrameType

from bptrain.errors import ExitCode, StoppedError
from bptrain.interruption import Interruption

interruption = Interruption()
"""That of the process, for commands that train."""

received: list[int] = []
"""The signals that ended the process, kept since a library that is interrupted may raise an error of its own."""

SHOW_CURSOR = b"\x1b[?25h\n"


def install() -> None:
    """Handle SIGINT and SIGTERM from here on."""
    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)


def handle(number: int, frame: FrameType | None) -> None:
    """The handler."""
    if interruption.watched and interruption.signal is None:
        interruption.ask(number)
        return
    if not interruption.watched and not received:
        received.append(number)
        raise StoppedError(number)
    # The second: at once, wherever it is; a live view would otherwise leave its terminal without a cursor.
    if sys.stderr is not None and sys.stderr.isatty():
        os.write(2, SHOW_CURSOR)
    os._exit(ExitCode(128 + number))
