"""`bptrain runs`"""

from pathlib import Path

from bptrain.errors import InputError
from bptrain.run.directory import ROOT, is_run
from bptrain.run.run_list import Run, read_run


def runs(root: str | Path = ROOT) -> tuple[Run, ...]:
    """List the runs in a directory, the newest first.

    Args:
        root: path of the directory. Runs in folders inside it are not listed.

    Returns:
        Each run with its state, config and scores.

    Raises:
        InputError: there is no such directory.

    Example:
        >>> [run.state for run in bptrain.runs()]
    """
    root = Path(root)
    if not root.is_dir():
        what = "not a directory" if root.exists() else "no such directory"
        raise InputError(f"{root}: {what}; `bptrain train CONFIG` creates runs/")
    found = [read_run(path) for path in sorted(root.iterdir()) if is_run(path)]
    return tuple(sorted(found, key=lambda run: (run.start_seconds, run.path.name), reverse=True))
