"""`bptrain resume`"""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from bptrain.code import load_codes
from bptrain.interruption import Interruption
from bptrain.run.open_run import reopen_run
from bptrain.run.train_run import Result, Sink, train_run


def resume(
    run: str | Path,
    overrides: Sequence[str] = (),
    *,
    sinks: Sequence[Sink] = (),
    interruption: Interruption | None = None,
    code: Sequence[str | Path] = (),
) -> Result:
    """Resume a run that was stopped or killed, from its last checkpoint.

    In the same environment the result is bit-identical to that of an uninterrupted run. A finished run is not changed.

    Args:
        run: path of the run directory.
        overrides: `KEY=VALUE` each, applied over the config of the run; only keys such as `training.epochs`, which do
            not change what the run has learned so far.
        sinks: each called with `Notice`, with `Started`, and then with every event of training.
        interruption: checked between two steps; stops training when it is set. None: training is not interrupted.
        code: Python files that register the components which the run needs.

    Returns:
        The result of the whole run. The network in `session` has the best weights.

    Raises:
        InputError: there is no run, another process trains in it, its data has changed, an override is not allowed, or
            code is missing or cannot be used.
        DivergedError: a number was not finite; the run directory has the last good state.
        StorageError: no checkpoint can be read, or the run cannot be written.
        StoppedError: it was interrupted again.

    Warns:
        BptrainWarning: a file of code has changed since the checkpoint was written.

    Example:
        >>> bptrain.resume("runs/digits-001", ["training.epochs=10"]).epochs
        10
    """
    began = perf_counter()
    load_codes(code)
    with reopen_run(run, overrides, began) as reopened:
        return train_run(reopened, sinks, interruption)
