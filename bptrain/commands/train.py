"""`bptrain train`"""

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
    """Train the network of a config, and save the run in a directory of its own.

    Args:
        config: path of a YAML file.
        overrides: `KEY=VALUE` each, such as `training.epochs=5`, applied over the file.
        run: path of the run directory, new or empty. None: `runs/NAME-001` with the next free number.
        strict: whether warnings about the config are errors; otherwise sinks get them with `Started`.
        sinks: each called with `Started`, with `Notice` for remarks about the data, and then with every event of
            training.
        interruption: checked between two steps; stops training when it is set. None: training is not interrupted.
        code: Python files that register components which the config names.

    Returns:
        The result of the run. The network in `session` has the best weights.

    Raises:
        InputError: the code, the config or the data cannot be used, or do not fit together; nothing was written.
        DivergedError: a number was not finite; the run directory has the last good state.
        StorageError: the run cannot be written.
        StoppedError: it was interrupted; `resume` continues it.

    Example:
        >>> result = bptrain.train("configs/digits.yaml", ["training.epochs=5"])
        >>> result.test.metrics
    """
    began = perf_counter()
    assembly = assemble_file(config, overrides, code)
    with create_run(assembly, run, began, strict=strict) as new:
        return train_run(new, sinks, interruption)
