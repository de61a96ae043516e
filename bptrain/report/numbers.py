"""Numbers: what was predicted against what is true, and how the residuals are spread."""

import numpy as np

from bptrain.evaluation.predictions import Predictions
from bptrain.evaluation.targets import NumberTarget
from bptrain.report.charts import Pictures, axes, label
from bptrain.report.html import Html, join, safe_name, tag
from bptrain.report.html_page import figure, figures, note, table

MOST_POINTS = 2000
"""Of more rows, so many are drawn, evenly spaced."""


def residual_table(targets: list[NumberTarget]) -> Html:
    """The statistics of each target."""
    keys = ("mean", "std", "min", "q1", "median", "q3", "max", "rmse", "mae")
    rows = [
        (safe_name(one.target), *("–" if (v := getattr(one, key)) is None else f"{v:.5g}" for key in keys))
        for one in targets
    ]
    return table(("target", *keys), rows, caption="Residuals, truth − prediction, in the units of the data")


def residuals(made: Pictures, found: Predictions, column: int) -> Html:
    """Pictures of one target."""
    name = found.names[column]
    said, true = found.outputs[:, column].astype(np.float64), found.targets[:, column].astype(np.float64)
    if not np.isfinite(said).all():
        return note(f"Some predictions of {safe_name(name)} are not finite; nothing is drawn.")
    left = true - said
    step = max(-(-len(said) // MOST_POINTS), 1)
    few = slice(None, None, step)
    parts = []
    with axes(width=5.2, height=4.0) as (whole, (one,)):
        ends = [min(true.min(), said.min()), max(true.max(), said.max())]
        one.plot(ends, ends, ":", linewidth=1, color=one.spines["left"].get_edgecolor())
        one.plot(true[few], said[few], "o", markersize=3.5, alpha=0.6)
        one.set(title=label(name), xlabel="truth", ylabel="prediction")
        correlation = np.corrcoef(true, said)[0, 1] if len(said) > 1 and true.std() and said.std() else float("nan")
        text = f"Predictions of {safe_name(name)} against the truth; their correlation is {correlation:.3f}"
        parts.append(figure(made.inline(whole, text), "On the dotted line, predictions are right."))
    with axes(width=5.2, height=4.0) as (whole, (one,)):
        one.axhline(0, linestyle=":", linewidth=1, color=one.spines["left"].get_edgecolor())
        one.plot(said[few], left[few], "o", markersize=3.5, alpha=0.6)
        one.set(title="residuals", xlabel="prediction", ylabel="truth − prediction")
        text = f"Residuals of {safe_name(name)} against the prediction, from {left.min():.4g} to {left.max():.4g}"
        parts.append(figure(made.inline(whole, text)))
    with axes(width=5.2, height=3.2) as (whole, (one,)):
        heights, edges, _ = one.hist(left, bins=min(max(int(len(left) ** 0.5), 5), 40))
        one.set(title="how residuals are spread", xlabel="truth − prediction", ylabel="rows")
        top = int(np.argmax(heights))
        text = f"Histogram of the residuals of {safe_name(name)}; "
        text += f"most lie between {edges[top]:.4g} and {edges[top + 1]:.4g}"
        parts.append(figure(made.inline(whole, text)))
    thinned = note(f"Every {step}th of {len(said):,} rows is drawn.") if step > 1 else None
    return join((tag("h3", safe_name(name)) if len(found.names) > 1 else None, figures(*parts), thinned))
