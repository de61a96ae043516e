"""`bptrain plot`"""

from pathlib import Path

from bptrain.atomic import write_atomically
from bptrain.errors import InputError
from bptrain.report.charts import require_matplotlib, style
from bptrain.report.learning_curves import draw, panels
from bptrain.report.material import require_suffix, run_of
from bptrain.run.checkpoint import find_checkpoint
from bptrain.run.history import read_history


def plot(run: str | Path, output: str | Path) -> Path:
    """Draw the learning curves of a run: losses, metrics and learning rate, one below the other.

    Args:
        run: a run directory, or a checkpoint in one.
        output: the file to write or replace: `.png`, `.svg` or `.pdf`.

    Returns:
        The file.

    Raises:
        InputError: there is no run, it has no epoch yet, or matplotlib is missing.
        StorageError: a file cannot be read or written.
    """
    require_matplotlib("a plot")
    path = require_suffix(output, (".png", ".svg", ".pdf"))
    checkpoint = find_checkpoint(Path(run))
    directory = run_of(checkpoint)
    records = read_history(directory.history) if directory else []
    drawn = list(panels(records))
    if not drawn:
        raise InputError(f"{run}: there is no epoch to draw; name a run directory with a history.jsonl")
    from io import BytesIO

    from matplotlib.figure import Figure as Canvas

    with style(page=False):
        whole = Canvas(figsize=(7, 2.6 * len(drawn)))
        for one, (title, curves) in zip(whole.subplots(len(drawn), 1, squeeze=False)[:, 0], drawn, strict=True):
            draw(one, title, curves, None)
        target = BytesIO()
        metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
        whole.savefig(target, format=path.suffix[1:].lower(), dpi=150, metadata=metadata)
    with write_atomically(path) as file:
        file.write(target.getvalue())
    return path
