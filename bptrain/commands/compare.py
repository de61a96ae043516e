"""`bptrain compare`"""

from collections.abc import Sequence
from pathlib import Path

from bptrain.errors import InputError
from bptrain.report.comparison import Comparison, explain_no_best, find_differences, list_scores
from bptrain.run.run_list import read_run


def compare(runs: Sequence[str | Path], *, html: str | Path | None = None) -> Comparison:
    """Put runs side by side: the differences of their configs, their curves and their scores.

    Args:
        runs: paths of run directories.
        html: path of a page to write, one file with the curves of all runs; needs matplotlib. None: no page.

    Returns:
        The runs, the keys of their configs that differ, and their scores.

    Raises:
        InputError: a path is not a run, or is given twice; there is a file at `html` already; or matplotlib is missing.
        StorageError: the page cannot be written.

    Example:
        >>> bptrain.compare(["runs/digits-001", "runs/digits-002"], html="digits.html")
    """
    found = tuple(read_run(path) for path in runs)
    if not found:
        raise InputError("no runs to compare; give their directories, which `bptrain runs` lists")
    for path in sorted({run.path for run in found if sum(run.path == other.path for other in found) > 1}):
        raise InputError(f"{path}: is given twice; name different runs")
    configs = [{key: value for key, value in run.config.items() if key != "name"} for run in found]
    remark = explain_no_best(found)
    scores = tuple(list_scores(found, mark=not remark))
    comparison = Comparison(found, tuple(find_differences(configs)), scores, remark)
    if html is not None:
        # Imported here because it needs matplotlib.
        from bptrain.report.comparison_page import write_page

        write_page(comparison, Path(html))
    return comparison
