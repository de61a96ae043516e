"""Signals: the first asks training to stop after its step, a second ends the process, as every one does elsewhere."""

import os
import signal
import sys
from types import FrameType

from bptrain.errors import ExitCode, StoppedError
from bptrain.interruption import Interruption

interruption = Interruption()
"""The interruption of this process, for commands that train."""

received: list[int] = []
"""The signals that end the process; a library that is interrupted may raise an error of its own."""

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
