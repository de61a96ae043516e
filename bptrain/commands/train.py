"""Training: from a config file to a trained model in a run directory."""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from bptrain.interruption import Interruption
from bptrain.model.assemble import assemble_file
from bptrain.run.open_run import create_run
from bptrain.run.train_run import Result, Sink, train_run


def train(
    config: str | Path,
    overrides: Sequence[str] = (),
    *,
    run: str | Path | None = None,
    strict: bool = False,
    sinks: Sequence[Sink] = (),
    interruption: Interruption | None = None,
    code: Sequence[str | Path] = (),
) -> Result:
    """Train the network of a config, keeping the run in a directory of its own.

    Args:
        config: a YAML file.
        overrides: `KEY=VALUE` each, put over the file.
        run: the run directory, new or empty; default `runs/NAME-001` with the next free number.
        strict: whether what is risky in the config is an error; otherwise sinks get it as warnings with `Started`.
        sinks: are called with `Started`, with `Notice` for what became of the data, and then every event of the loop.
        interruption: is looked at between two steps; None: training goes on to its end.
        code: Python files that register components which the config names.

    Returns:
        What came of it. The network in `session` has the best weights.

    Raises:
        InputError: the code, the config or the data cannot be used, or make no sense together; nothing was written.
        DivergedError: a number was not finite; the run directory has what was good before.
        StorageError: the run could not be written.
        StoppedError: it was interrupted; `resume` goes on with it.
    """
    began = perf_counter()
    assembly = assemble_file(config, overrides, code)
    with create_run(assembly, run, began, strict=strict) as new:
        return train_run(new, sinks, interruption)
