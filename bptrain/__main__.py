"""`python -m bptrain`, and the entry of the `bptrain` command."""

import gc
import os
import signal

from bptrain import blas


def main() -> None:
    """Run the command line, which imports NumPy late."""
    # Until the command line has handlers of its own, which takes as long as its imports.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os._exit(128 + number))
    # Imports make nearly a hundred thousand objects and hardly any garbage; to look for it takes a twentieth of a short
    # command.
    gc.set_threshold(50_000)
    blas.settle()
    from bptrain.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
