"""`python -m bptrain`, and the entry of the `bptrain` command."""

import os
import signal


def main() -> None:
    """Run the command line.

    OpenBLAS reads its settings when NumPy is imported, which the command line does late. Its idle threads otherwise
    spin on the other core for a while after each product, just where the rest of a training step wants to run.
    """
    # Until the command line has handlers of its own, which takes as long as its imports.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os._exit(128 + number))
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
    from bptrain.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
