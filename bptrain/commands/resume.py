"""Resuming: a run goes on from its last checkpoint, and ends bit for bit where it would have without the break."""

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
    """Go on with a run that was stopped or killed, from its last checkpoint.

    In the same environment it ends bit-identical to never having been stopped. A run that is finished already is not
    touched.

    Args:
        run: its directory.
        overrides: `KEY=VALUE` each, over the config of the run; only `CHANGEABLE` keys.
        sinks: are called with `Notice`, with `Started`, and then with every event of the loop.
        interruption: is looked at between two steps; None: training goes on to its end.
        code: Python files that register the components which the run says that it needs.

    Returns:
        What came of the whole run. The network in `session` has the best weights.

    Raises:
        InputError: there is no run, somebody else trains in it, its data has changed, an override is not allowed, or
            code is missing or of no use.
        DivergedError: a number was not finite; the run directory has what was good before.
        StorageError: no checkpoint can be read, or the run could not be written.
        StoppedError: it was interrupted again.

    Warns:
        BptrainWarning: a file of code has changed since the checkpoint was written.
    """
    began = perf_counter()
    load_codes(code)
    with reopen_run(run, overrides, began) as reopened:
        return train_run(reopened, sinks, interruption)
