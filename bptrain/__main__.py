"""The entry point of `bptrain` and `python -m bptrain`."""

import gc
import os
import signal

from bptrain import blas


def main() -> None:
    """Run the command line, which imports NumPy only when needed."""
    # These handlers serve until the command line has been imported and installs its own.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os._exit(128 + number))
    # Imports make almost a hundred thousand objects and hardly any garbage; looking for garbage as often as
    # Python does by default would take a twentieth of the time of a short command.
    gc.set_threshold(50_000)
    blas.set_thread_timeout()
    from bptrain.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
