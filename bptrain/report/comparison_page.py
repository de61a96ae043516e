"""The page of a comparison: what differs, the scores, and the curves of all runs in the same axes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bptrain.atomic import write_atomically
from bptrain.report.charts import Pictures, axes, label, logarithmic, require_matplotlib
from bptrain.report.comparison import Comparison
from bptrain.report.html import Content, Html, join, safe_name, tag
from bptrain.report.html_page import figure, note, page, table
from bptrain.report.learning_curves import curve
from bptrain.report.material import require_suffix
from bptrain.run.run_list import Run
from bptrain.training.session import is_metric

MOST_CURVES = 8
"""More in one picture cannot be told apart."""

SPREAD = 50.0
"""The largest value over the smallest from which an axis is logarithmic."""


def write_page(comparison: Comparison, path: Path) -> None:
    """Write a page with everything in it, or replace one.

    Raises:
        InputError: the path is not that of a page, or matplotlib is missing.
        StorageError: it cannot be written.
    """
    require_suffix(path, (".html", ".htm"), "--html")
    require_matplotlib("a page")
    title = f"{len(comparison.runs)} runs compared"
    lead = "What differs in their configs, what they came to, and their curves."
    text = page(title, lead, list(sections(comparison)))
    with write_atomically(path) as file:
        file.write(text.encode())


def sections(comparison: Comparison) -> Iterator[tuple[str, Html]]:
    """The sections of the page."""
    names = [name_of(run) for run in comparison.runs]
    yield "Results", join((results(comparison, names), note(comparison.remark) if comparison.remark else None))
    if comparison.differences:
        rows = [(one.key, *map(config_value, one.values)) for one in comparison.differences]
        yield "What differs", table(["key", *names], rows, caption="Keys of the configs")
    else:
        yield "What differs", note("The configs do not differ.")
    yield "Curves", curves(comparison, names)


def results(comparison: Comparison, names: list[str]) -> Html:
    """The scores of each run, the best in bold with a star."""
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
    return table(["", *names], rows, caption="Of the best epoch, and on the test rows")


def curves(comparison: Comparison, names: list[str]) -> Html:
    """A picture for each figure of the history, with a curve for each run."""
    shown = comparison.runs[:MOST_CURVES]
    keys = dict.fromkeys(key for run in shown for record in run.history for key in record)
    made, pictures = Pictures(), []
    for key in ("validation_loss", "loss", *(key for key in keys if is_metric(key)), "lr"):
        title = {"lr": "learning rate", "loss": "training loss"}.get(key, key.replace("_", " "))
        found = [curve(run.history, key) for run in shown]
        values = [value for _, each in found for value in each]
        if not values:
            continue
        with axes() as (drawing, (one,)):
            for (epochs, each), name in zip(found, names, strict=False):
                one.plot(epochs, each, label=label(name), marker="." if len(each) == 1 else "")
            if min(values) > 0 and max(values) > SPREAD * min(values):
                logarithmic(one)
            one.set_title(title)
            one.set_xlabel("epoch")
            one.legend()
            pictures.append(
                figure(made.inline(drawing, f"{title} over the epochs, a curve for each of {len(shown)} runs"))
            )
    if not pictures:
        return note("No run has an epoch yet.")
    left = len(comparison.runs) - len(shown)
    return join((*pictures, note(f"The curves of {left} runs more are left out.") if left else None))


def name_of(run: Run) -> str:
    """What a run is called on the page: the last part of its path."""
    return safe_name(run.path.name or run.path, 60)


def config_value(value: Any) -> str:
    """A value of a config."""
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else safe_name(value, 200)
