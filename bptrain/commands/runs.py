"""`bptrain runs`"""

from collections.abc import Sequence
from pathlib import Path

from bptrain.errors import InputError
from bptrain.report.comparison import matches, sort_runs
from bptrain.run.directory import ROOT, is_run
from bptrain.run.run_list import Run, read_run


def runs(root: str | Path = ROOT, *, sort: str | None = None, where: Sequence[str] = ()) -> tuple[Run, ...]:
    """List the runs in a directory, the newest first.

    Args:
        root: path of the directory. Runs in folders inside it are not listed.
        sort: `loss` or a metric of the best epoch, by which the best run is first; `test NAME` is one of the test rows.
            Runs without it are last. None: by their start.
        where: only runs are listed to which all of these apply: `KEY=VALUE` of the config, such as `seed=1`, or a text
            in the name or state.

    Returns:
        Each run with its state, config and scores.

    Raises:
        InputError: there is no such directory, or no run has the metric.

    Example:
        >>> [run.state for run in bptrain.runs()]
    """
    root = Path(root)
    if not root.is_dir():
        what = "not a directory" if root.exists() else "no such directory"
        raise InputError(f"{root}: {what}; `bptrain train CONFIG` creates runs/")
    found = [read_run(path) for path in sorted(root.iterdir()) if is_run(path)]
    found.sort(key=lambda run: (run.start_seconds, run.path.name), reverse=True)
    found = [run for run in found if all(matches(run, one) for one in where)]
    return tuple(found if sort is None else sort_runs(found, sort))
