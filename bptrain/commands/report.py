"""`bptrain report`"""

import warnings
from collections.abc import Sequence
from pathlib import Path

from bptrain.atomic import write_atomically
from bptrain.errors import BptrainWarning
from bptrain.evaluation.bootstrap import Watch
from bptrain.evaluation.evaluation import SplitName
from bptrain.report.charts import require_matplotlib, require_suffix
from bptrain.report.html_page import build_page
from bptrain.report.material import read_material
from bptrain.report.run_page import list_sections, make_lead, make_title


def write_report(
    run: str | Path,
    output: str | Path | None = None,
    *,
    data: str | Path | None = None,
    split: SplitName | None = None,
    code: Sequence[str | Path] = (),
    watch: Watch | None = None,
) -> Path:
    """Write a report of a run: one HTML file that asks for nothing outside of it.

    Args:
        run: a run directory for its best checkpoint, or a checkpoint file.
        output: the file to write or replace, `.html`; default: `report.html` in the run directory, or beside the
            checkpoint under its name.
        data: a file to evaluate on instead of the data of the run.
        split: which part of the run's own data to evaluate on; default: test, or else validation, or else train.
        code: Python files that register the components which the checkpoint says that it needs.
        watch: is called with the samples for confidence intervals that are drawn, and how many there will be.

    Returns:
        The file.

    Raises:
        InputError: there is no checkpoint, matplotlib is missing, or what is asked for cannot be had.
        StorageError: a file cannot be read or written.

    Warns:
        BptrainWarning: the data of the run cannot be read any more; the report is made without an evaluation.
    """
    require_matplotlib("a report")
    path = require_suffix(output, (".html", ".htm")) if output is not None else None
    found = read_material(run, data=data, split=split, code=code, watch=watch)
    if found.missing:
        warnings.warn(f"the report has no evaluation: {found.missing}", BptrainWarning, stacklevel=2)
    if path is None:
        path = found.run.path / "report.html" if found.run else found.checkpoint.with_suffix(".html")
    whole = build_page(make_title(found), make_lead(found), list(list_sections(found)))
    with write_atomically(path) as file:
        file.write(whole.encode())
    return path
