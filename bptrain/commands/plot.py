"""`bptrain plot`"""

from pathlib import Path

from bptrain.atomic import require_suffix, write_atomically
from bptrain.errors import InputError
from bptrain.report.charts import require_matplotlib, use_style
from bptrain.report.learning_curves import draw_panel, list_panels
from bptrain.report.material import find_run
from bptrain.run.checkpoint import find_checkpoint
from bptrain.run.history import read_history, select_latest_phase


def plot(run: str | Path, output: str | Path) -> Path:
    """Draw the learning curves of a run: losses, metrics and learning rate, one below the other.

    Args:
        run: path of a run directory, or of a checkpoint in one.
        output: path of the file to write or replace: `.png`, `.svg` or `.pdf`.

    Returns:
        The path of the file.

    Raises:
        InputError: there is no run, it has no finished epoch, the suffix is not one of these, or matplotlib is missing.
        StorageError: a file cannot be read or written.

    Example:
        >>> bptrain.plot("runs/digits-001", "curves.png")
        PosixPath('curves.png')
    """
    require_matplotlib("a plot")
    path = require_suffix(output, (".png", ".svg", ".pdf"))
    checkpoint = find_checkpoint(Path(run))
    directory = find_run(checkpoint)
    records = select_latest_phase(read_history(directory.history)) if directory else []
    drawn = list(list_panels(records))
    if not drawn:
        raise InputError(f"{run}: no epochs to draw; give the directory of a run with a finished epoch")
    from io import BytesIO

    from matplotlib.figure import Figure as Canvas

    with use_style(page=False):
        figure = Canvas(figsize=(7, 2.6 * len(drawn)))
        for one, panel in zip(figure.subplots(len(drawn), 1, squeeze=False)[:, 0], drawn, strict=True):
            draw_panel(one, panel, None)
        target = BytesIO()
        metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
        figure.savefig(target, format=path.suffix[1:].lower(), dpi=150, metadata=metadata)
    with write_atomically(path) as file:
        file.write(target.getvalue())
    return path
