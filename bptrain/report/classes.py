"""Classes: their scores, the confusion matrix, curves over thresholds, and the calibration of probabilities."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.evaluation.curves import Counts, compute_calibration, compute_precision_recall, compute_roc, count_hits
from bptrain.evaluation.predictions import Predictions
from bptrain.evaluation.target_results import MOST_CLASSES, ClassResult
from bptrain.metrics import AveragePrecision, Metric, RocAuc
from bptrain.report.charts import STYLES, new_axes, render_svg, shorten_name
from bptrain.report.html_page import Html, figure, figures, join, note, safe_name, scroll_box, table, tag

FAINTEST = 0.2
"""The least strength of the colour of a cell that is not empty; all rows of the class have strength 1."""

MOST_CURVES = 16

LONG_HEADING = 12
"""Headings of the matrix longer than this may be broken within a word."""


@dataclass(frozen=True)
class OneAgainstRest:
    """What the curves of a class, or a label, against all others are drawn from."""

    name: str
    scores: Array
    positive: Array
    counts: Counts


def format_share(value: float | None) -> str:
    """Format a number from 0 to 1."""
    return "–" if value is None else f"{value:.4f}"


def show_classes(target: ClassResult) -> Html:
    """Return the scores of each class, the confusion matrix, and the best threshold."""
    rows = [
        (safe_name(one.label), *map(format_share, (one.precision, one.recall, one.f1)), f"{one.rows:,}")
        for one in target.per_class
    ]
    macro, count = target.macro, sum(one.rows for one in target.per_class)
    rows.append(("macro mean", *map(format_share, (macro.precision, macro.recall, macro.f1)), f"{count:,}"))
    scores = table(("class", "precision", "recall", "F1", "rows"), rows)
    return join((scores, show_confusion(target), show_threshold(target)))


def show_confusion(target: ClassResult) -> Html:
    """Return the confusion matrix as a coloured table, or its largest entries if there are many classes."""
    matrix, labels = target.confusion_matrix, [shorten_name(one.label) for one in target.per_class]
    if not matrix:
        return note("The outputs are not numbers, so there is no confusion matrix.")
    if len(labels) > MOST_CLASSES:
        frequent = [
            (shorten_name(true), shorten_name(guess), f"{n:,}") for n, true, guess in target.list_confusions()[:30]
        ]
        caption = "The most frequent confusions"
        return table(("truth", "prediction", "rows"), frequent, caption=caption) if frequent else note("No confusions.")
    breaks = {name: "long" if len(name) > LONG_HEADING else None for name in labels}
    top = tag("tr", tag("td"), *(tag("th", name, scope="col", class_=breaks[name]) for name in labels))
    body = []
    for k, (name, row) in enumerate(zip(labels, matrix, strict=True)):
        total = sum(row) or 1
        cells = (
            tag(
                "td",
                f"{count:,}" if count else "·",
                class_="right" if k == j else "wrong",
                style=f"--share: {count and FAINTEST + (1 - FAINTEST) * count / total:.3f}",
            )
            for j, count in enumerate(row)
        )
        body.append(tag("tr", tag("th", name, scope="row", class_=breaks[name]), *cells))
    whole = tag("table", tag("thead", top), tag("tbody", *body), class_="matrix")
    text = note("Rows of each true class (left) by predicted class (top):")
    return join((tag("h3", "Confusion matrix"), text, scroll_box(whole, "Confusion matrix")))


def show_threshold(target: ClassResult) -> Html | None:
    """Return a sentence about the threshold with the highest F1; None if there is none."""
    best = target.threshold
    if best is None:
        return None
    name, usual = safe_name(target.per_class[1].label, 40), format_share(target.per_class[1].f1)
    text = f"Predicting {name} from {best.value:.4g} on gives its highest F1, {format_share(best.f1)} (precision "
    text += f"{format_share(best.precision)}, recall {format_share(best.recall)}); the default threshold gives {usual}."
    return note(f"{text} The threshold was chosen on these same rows.")


def list_classes_against_rest(found: Predictions) -> Iterator[OneAgainstRest]:
    """Yield each class against the others if rows of both occur; of two classes only the second."""
    if found.kind == "labels":
        sides = [(name, found.outputs[:, k], found.targets[:, k] > 0.5) for k, name in enumerate(found.names)]
    elif len(found.labels) == 2:
        sides = [(str(found.labels[1]), found.outputs[:, -1], found.targets == 1)]
    else:
        sides = [(str(name), found.outputs[:, k], found.targets == k) for k, name in enumerate(found.labels)]
    for name, scores, positive in sides:
        if one := count_hits(scores, positive):
            yield OneAgainstRest(name, scores.astype(np.float64), positive, one)


@dataclass(frozen=True)
class ThresholdPlot:
    """A kind of curve over thresholds: its title, the labels of its axes, its points, and the metric that is the area
    below it, with the words for that area."""

    title: str
    across: str
    upward: str
    points: Callable[[Counts], tuple[Array, Array]]
    metric: Metric
    area: str


THRESHOLD_PLOTS = (
    ThresholdPlot("ROC", "false positive rate", "true positive rate", compute_roc, RocAuc(), "area under the curve"),
    ThresholdPlot(
        "precision and recall", "recall", "precision", compute_precision_recall, AveragePrecision(), "average precision"
    ),
)


def show_threshold_curves(found: Predictions) -> Html:
    """Return ROC and precision-recall curves side by side, with the area under each."""
    curves = list(list_classes_against_rest(found))
    if not curves:
        return note("All of these rows are of one class, so there are no curves.")
    parts = []
    for plot in THRESHOLD_PLOTS:
        with new_axes(width=5.2, height=4.2) as (canvas, axes):
            names, is_roc = [], plot.points is compute_roc
            for k, curve in enumerate(curves[:MOST_CURVES]):
                area = plot.metric.finish(plot.metric.tally(curve.scores[:, None], curve.positive.astype(np.int64)))
                names.append(f"{shorten_name(curve.name)} {area:.3f}")
                drawstyle = "default" if is_roc else "steps-pre"
                axes.plot(*plot.points(curve.counts), STYLES[k // 8], drawstyle=drawstyle, label=names[-1])
            if is_roc:
                axes.plot([0, 1], [0, 1], ":", linewidth=1, color=axes.spines["left"].get_edgecolor())
            axes.set(title=plot.title, xlabel=plot.across, ylabel=plot.upward, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
            axes.legend(loc="lower right" if is_roc else "lower left", ncols=2 if len(names) > 8 else 1)
            chart = render_svg(canvas, f"{plot.title} curve, {plot.area}: {'; '.join(names)}")
            parts.append(figure(chart, f"The number after each name is the {plot.area}."))
    more = len(curves) - MOST_CURVES
    rest = note(f"{more} more classes are not drawn.") if more > 0 else None
    return join((figures(*parts), rest))


def show_calibration(found: Predictions) -> Html:
    """Return a chart of how often predictions of each probability are right, and one of how many rows have it."""
    if not found.are_probabilities:
        return note("The outputs are not probabilities, so there is no calibration.")
    if found.kind == "labels":
        probabilities, right, of = found.probabilities.ravel(), (found.targets > 0.5).ravel(), "a label"
    elif len(found.labels) == 2:
        probabilities, right, of = found.probabilities[:, 1], found.targets == 1, safe_name(found.labels[1], 40)
    else:
        probabilities, right, of = found.probabilities.max(axis=1), found.codes == found.targets, "the predicted class"
    curve, across = compute_calibration(probabilities, right), f"probability of {shorten_name(of)}"
    with new_axes(width=5.2, height=4.2) as (canvas, axes):
        axes.plot([0, 1], [0, 1], ":", linewidth=1, color=axes.spines["left"].get_edgecolor())
        axes.plot(curve.probability, curve.share, "o-")
        axes.set(title="calibration", xlabel=across, ylabel="observed share")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        bins = zip(curve.probability, curve.share, curve.rows, strict=True)
        text = f"Calibration: mean probability of {of} and the observed share, in ten bins: "
        text += "; ".join(f"{p:.2f}: {s:.2f} of {n:,}" for p, s, n in bins)
        reliability = figure(render_svg(canvas, text), "On the dotted line, both are equal.")
    with new_axes(width=5.2, height=4.2) as (canvas, axes):
        heights, _, _ = axes.hist(probabilities, bins=[k / 10 for k in range(11)])
        axes.set(title="rows by probability", xlabel=across, ylabel="rows", xlim=(-0.02, 1.02))
        counted = ", ".join(f"{int(height):,}" for height in np.atleast_1d(heights))
        text = f"Rows by the probability of {of}, in ten bins from 0 to 1: {counted}"
        histogram = figure(render_svg(canvas, text))
    return figures(reliability, histogram)
