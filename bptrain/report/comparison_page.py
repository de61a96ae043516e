"""The page of a comparison: scores, differences, and the curves of all runs in the same axes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bptrain.atomic import require_suffix, write_atomically
from bptrain.report.charts import new_axes, render_svg, require_matplotlib, set_log_scale, shorten_name
from bptrain.report.comparison import Comparison, describe_held_out
from bptrain.report.html_page import Content, Html, build_page, figure, figures, join, note, safe_name, table, tag
from bptrain.report.learning_curves import WIDE_RANGE, choose_metrics_to_draw, get_curve, is_constant
from bptrain.training.events import is_metric

MOST_CURVES = 8
"""The most runs in one chart, since more cannot be told apart."""


def write_page(comparison: Comparison, path: Path) -> None:
    """Write the page as one file, over an earlier one if there is any.

    Raises:
        InputError: the path does not end in .html or .htm, or matplotlib is missing.
        StorageError: it cannot be written.
    """
    require_suffix(path, (".html", ".htm"), "--html")
    require_matplotlib("a page")
    names = [safe_name(run.path.name or run.path, 60) for run in comparison.runs]
    listed = ", ".join(names[:MOST_CURVES]) + ", ..." * (len(names) > MOST_CURVES)
    text = build_page(f"{len(names)} runs compared", listed, list(list_sections(comparison, names)))
    with write_atomically(path) as file:
        file.write(text.encode())


def list_sections(comparison: Comparison, names: list[str]) -> Iterator[tuple[str, Html]]:
    """Yield the sections of the page."""
    remark = note(comparison.remark[:1].upper() + comparison.remark[1:] + ".") if comparison.remark else None
    yield "Results", join((show_scores(comparison, names), remark))
    if comparison.differences:
        rows = [(one.key, *map(format_value, one.values)) for one in comparison.differences]
        yield "Differences", table(["key", *names], rows, caption="Keys of the configs whose values differ")
    else:
        yield "Differences", note("The configs do not differ.")
    yield "Curves", show_curves(comparison, names)


def show_scores(comparison: Comparison, names: list[str]) -> Html:
    """Return the scores of each run, the best in bold with a star."""
    runs = comparison.runs
    rows: list[list[Content]] = [
        ["state", *(run.state for run in runs)],
        ["epochs", *(f"{run.epochs:,}" for run in runs)],
        ["time", *("–" if run.seconds is None else f"{run.seconds:.3g} s" for run in runs)],
        ["best epoch", *("–" if run.best is None else str(run.best["epoch"]) for run in runs)],
    ]
    for score in comparison.scores:
        cells = ["–" if value is None else f"{value:.6g}" for value in score.values]
        rows.append([score.name, *(tag("strong", f"{c} ★") if k in score.best else c for k, c in enumerate(cells))])
    held_out = describe_held_out(runs)
    caption = f"Scores on {held_out} rows, and on the test rows; ★ is the best of the former"
    return table(["", *names], rows, caption=caption)


def show_curves(comparison: Comparison, names: list[str]) -> Html:
    """Return a chart for each loss and metric, and for the learning rate if it changes, with a curve for each run."""
    runs = comparison.runs[:MOST_CURVES]
    keys = dict.fromkeys(key for run in runs for record in run.history for key in record if is_metric(key))
    charts = []
    measured = (key for key in keys if any(get_curve(run.history, key)[0] for run in runs))
    for key in ("validation_loss", "loss", *choose_metrics_to_draw(measured), "lr"):
        title = {"lr": "learning rate", "loss": "training loss"}.get(key, key.replace("_", " "))
        curves = [get_curve(run.history, key) for run in runs]
        values = [value for _, each in curves for value in each]
        if not values or (key == "lr" and is_constant(curves)):
            continue
        with new_axes(width=5.2, height=3.0) as (canvas, axes):
            for (epochs, each), name in zip(curves, names, strict=False):
                axes.plot(epochs, each, label=shorten_name(name), marker="." if len(each) == 1 else "")
            if min(values) > 0 and max(values) > WIDE_RANGE * min(values):
                set_log_scale(axes)
            axes.set_title(title)
            axes.set_xlabel("epoch")
            axes.legend()
            text = f"{title} over the epochs, a curve for each of {len(runs)} runs"
            charts.append(figure(render_svg(canvas, text)))
    if not charts:
        return note("No run has finished an epoch yet.")
    left = len(comparison.runs) - len(runs)
    return join((figures(*charts), note(f"{left} more runs are not drawn.") if left else None))


def format_value(value: Any) -> str:
    """Format a value of a config."""
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else safe_name(value, 200)
