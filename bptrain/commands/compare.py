"""`bptrain compare`"""

from collections.abc import Sequence
from pathlib import Path

from bptrain.errors import InputError
from bptrain.report.comparison import Comparison, explain_no_best, find_differences, list_scores
from bptrain.run.run_list import read_run


def compare(runs: Sequence[str | Path], *, html: str | Path | None = None) -> Comparison:
    """Put runs side by side.

    Args:
        runs: their directories.
        html: where to write a page with the curves of all, in one file; needs matplotlib.

    Raises:
        InputError: one of them is no run, or comes twice; or there is something at the page's path, or no matplotlib.
        StorageError: the page cannot be written.
    """
    found = tuple(read_run(path) for path in runs)
    if not found:
        raise InputError("no runs to compare; name their directories, or see bptrain runs")
    for path in sorted({run.path for run in found if sum(run.path == other.path for other in found) > 1}):
        raise InputError(f"{path}: is named twice; a run compares with others")
    configs = [{key: value for key, value in run.config.items() if key != "name"} for run in found]
    remark = explain_no_best(found)
    scores = tuple(list_scores(found, mark=not remark))
    comparison = Comparison(found, tuple(find_differences(configs)), scores, remark)
    if html is not None:
        # It needs matplotlib.
        from bptrain.report.comparison_page import write_page

        write_page(comparison, Path(html))
    return comparison
