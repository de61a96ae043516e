"""Signals: during training the first asks it to stop after its step and a second ends the process; otherwise the first
ends it."""

import os
import signal
import sys
from types import FrameType

from bptrain.errors import ExitCode, StoppedError
from bptrain.interruption import Interruption

interruption = Interruption()
"""The interruption of this process, for commands that train."""

received: list[int] = []
"""The signal that is ending the process, if any: an interrupted library may raise an error of its own instead."""

SHOW_CURSOR = b"\x1b[?25h\n"


def install_handlers() -> None:
    """Handle SIGINT and SIGTERM from now on."""
    signal.signal(signal.SIGINT, handle_signal)
    signal.signal(signal.SIGTERM, handle_signal)


def handle_signal(number: int, frame: FrameType | None) -> None:
    """Stop training after its step, or end the process."""
    if interruption.watched and interruption.signal is None:
        interruption.ask(number)
        return
    if not interruption.watched and not received:
        received.append(number)
        raise StoppedError(number)
    # The second signal ends the process at once; a live view would leave its terminal without a cursor.
    if sys.stderr is not None and sys.stderr.isatty():
        os.write(2, SHOW_CURSOR)
    os._exit(ExitCode(128 + number))
