"""`bptrain report`"""

import warnings
from collections.abc import Sequence
from pathlib import Path

from bptrain.atomic import require_suffix, write_atomically
from bptrain.errors import BptrainWarning
from bptrain.evaluation.evaluation import SplitName, Watch
from bptrain.report.charts import require_matplotlib
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
    """Write a report of a run as one HTML file that needs no other files and no internet connection.

    Args:
        run: path of a run directory for its best checkpoint, or of a checkpoint file.
        output: path of the file to write or replace, `.html`. None: `report.html` in the run directory, or next to the
            checkpoint under its name.
        data: path of a file to evaluate on instead of the data of the run.
        split: of the run's own data to evaluate on: `train`, `validation` or `test`. None: the last of these that
            exists.
        code: Python files that register the components which the checkpoint needs.
        watch: called with the number of samples drawn so far for confidence intervals, and of all samples.

    Returns:
        The path of the file.

    Raises:
        InputError: there is no checkpoint or no such split, the data does not fit, or matplotlib is missing.
        StorageError: a file cannot be read or written.

    Warns:
        BptrainWarning: the data of the run can no longer be read, so that the report has no evaluation.

    Example:
        >>> bptrain.write_report("runs/digits-001", "digits.html")
        PosixPath('digits.html')
    """
    require_matplotlib("a report")
    path = require_suffix(output, (".html", ".htm")) if output is not None else None
    found = read_material(run, data=data, split=split, code=code, watch=watch)
    if found.missing:
        warnings.warn(f"the report has no evaluation: {found.missing}", BptrainWarning, stacklevel=2)
    if path is None:
        path = found.run.path / "report.html" if found.run else found.checkpoint.with_suffix(".html")
    page = build_page(make_title(found), make_lead(found), list(list_sections(found)))
    with write_atomically(path) as file:
        file.write(page.encode())
    return path
