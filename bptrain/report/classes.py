"""Classes: what is taken for what, curves over thresholds, and whether probabilities mean what they say."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.evaluation.curves import Counts, calibration, counts, precision_recall, roc
from bptrain.evaluation.predictions import Predictions
from bptrain.evaluation.targets import MOST_CLASSES, ClassTarget
from bptrain.metrics import AveragePrecision, Metric, RocAuc
from bptrain.report.charts import STYLES, Pictures, axes, label
from bptrain.report.html import Html, join, safe_name, tag
from bptrain.report.html_page import figure, figures, note, scrolling, table

FAINTEST = 0.2
"""The strength of the colour of a cell with a single row, where 1 is all rows of the class."""

MOST_CURVES = 16

KINDS: tuple[tuple[str, Metric, str, str], ...] = (
    ("ROC", RocAuc(), "false positive rate", "true positive rate"),
    ("precision and recall", AveragePrecision(), "recall", "precision"),
)
"""The curves over thresholds: title, the area below, and the axes."""


@dataclass(frozen=True)
class Curve:
    """A class, or a label, against everything else."""

    name: str
    scores: Array
    positive: Array
    counts: Counts


def share(value: float | None) -> str:
    """A figure from 0 to 1."""
    return "–" if value is None else f"{value:.4f}"


def class_table(target: ClassTarget) -> Html:
    """Precision, recall and F1 of each class and their means."""
    rows = [
        (safe_name(one.label), share(one.precision), share(one.recall), share(one.f1), f"{one.rows:,}")
        for one in target.per_class
    ]
    macro, count = target.macro, sum(one.rows for one in target.per_class)
    rows.append(("macro mean", share(macro.precision), share(macro.recall), share(macro.f1), f"{count:,}"))
    return table(("class", "precision", "recall", "F1", "rows"), rows)


def confusion(target: ClassTarget) -> Html:
    """The confusion matrix as a table with colours, or as a list where it is large."""
    matrix, labels = target.confusion_matrix, [label(one.label) for one in target.per_class]
    if not matrix:
        return note("The outputs are not numbers; nothing can be told apart.")
    if len(labels) > MOST_CLASSES:
        return most_confused(target)
    top = tag("tr", tag("td"), *(tag("th", name, scope="col", class_=breaking(name)) for name in labels))
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
        body.append(tag("tr", tag("th", name, scope="row", class_=breaking(name)), *cells))
    whole = tag("table", tag("thead", top), tag("tbody", *body), class_="matrix")
    what = note("How many rows of each class (left) were predicted as each class (top):")
    return join((tag("h3", "Confusion matrix"), what, scrolling(whole, "Confusion matrix")))


def breaking(name: str) -> str | None:
    """The class of a heading that may be broken within a word, since it is long."""
    return "long" if len(name) > 12 else None


def most_confused(target: ClassTarget) -> Html:
    """The pairs that are mixed up most."""
    rows = [(label(true), label(said), f"{n:,}") for n, true, said in target.confusions()[:30]]
    return (
        table(("truth", "predicted as", "rows"), rows, caption="The most frequent confusions")
        if rows
        else note("None.")
    )


def threshold(target: ClassTarget) -> Html | None:
    """The best threshold in a sentence."""
    best = target.threshold
    if best is None:
        return None
    what = f"F1 of {safe_name(target.per_class[1].label, 40)} is highest, {share(best.f1)}, where it is predicted from "
    what += f"{best.value:.4g} on (precision {share(best.precision)}, recall {share(best.recall)}); as it is, F1 is "
    return note(what + f"{share(target.per_class[1].f1)}. The threshold was chosen on these very rows.")


def against_the_rest(found: Predictions) -> Iterator[Curve]:
    """Each class that can be told apart from the others: the second of two, or all."""
    if found.kind == "labels":
        sides = [(name, found.outputs[:, k], found.targets[:, k] > 0.5) for k, name in enumerate(found.names)]
    elif len(found.labels) == 2:
        sides = [(str(found.labels[1]), found.outputs[:, -1], found.targets == 1)]
    else:
        sides = [(str(name), found.outputs[:, k], found.targets == k) for k, name in enumerate(found.labels)]
    for name, scores, positive in sides:
        if one := counts(scores, positive):
            yield Curve(name, scores.astype(np.float64), positive, one)


def threshold_curves(made: Pictures, found: Predictions) -> Html:
    """ROC and precision-recall side by side, with the area under each curve."""
    drawn = list(against_the_rest(found))
    if not drawn:
        return note("There is one class only in these rows; nothing can be told apart.")
    parts = []
    for title, metric, across, upward in KINDS:
        with axes(width=5.2, height=4.2) as (whole, (one,)):
            said = []
            for k, curve in enumerate(drawn[:MOST_CURVES]):
                line = STYLES[k // 8]
                area = metric.finish(metric.tally(curve.scores[:, None], curve.positive.astype(np.int64)))
                text = f"{label(curve.name)} {area:.3f}"
                said.append(text)
                if title == "ROC":
                    one.plot(*roc(curve.counts), line, label=text)
                else:
                    one.plot(*precision_recall(curve.counts), line, drawstyle="steps-pre", label=text)
            if title == "ROC":
                one.plot([0, 1], [0, 1], ":", linewidth=1, color=one.spines["left"].get_edgecolor())
            one.set(title=title, xlabel=across, ylabel=upward, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
            one.legend(loc="lower right" if title == "ROC" else "lower left", ncols=2 if len(said) > 8 else 1)
            what = "area under the curve" if title == "ROC" else "average precision"
            parts.append(figure(made.inline(whole, f"{title} curve, {what}: {'; '.join(said)}"), f"With the {what}."))
    more = len(drawn) - MOST_CURVES
    rest = note(f"{more} more classes are not drawn.") if more > 0 else None
    return join((figures(*parts), rest))


def calibration_curve(made: Pictures, found: Predictions) -> Html:
    """How often what is predicted with a probability comes true, and how many rows have which."""
    if not found.are_probabilities:
        return note("The outputs are no probabilities.")
    if found.kind == "labels":
        probabilities, right, of = found.probabilities.ravel(), (found.targets > 0.5).ravel(), "a label"
    elif len(found.labels) == 2:
        probabilities, right, of = found.probabilities[:, 1], found.targets == 1, safe_name(found.labels[1], 40)
    else:
        probabilities, right, of = found.probabilities.max(axis=1), found.codes == found.targets, "the predicted class"
    curve = calibration(probabilities, right)
    with axes(width=5.2, height=4.2) as (whole, (one,)):
        one.plot([0, 1], [0, 1], ":", linewidth=1, color=one.spines["left"].get_edgecolor())
        one.plot(curve.probability, curve.share, "o-")
        one.set(title="calibration", xlabel=f"probability of {label(of)}", ylabel="share that comes true")
        one.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        pairs = zip(curve.probability, curve.share, curve.rows, strict=True)
        said = "; ".join(f"{p:.2f}: {s:.2f} of {n:,}" for p, s, n in pairs)
        text = f"Calibration: mean probability of {of} and the share that comes true, in ten bins: {said}"
        reliability = figure(made.inline(whole, text), "On the dotted line, probabilities mean what they say.")
    with axes(width=5.2, height=4.2) as (whole, (one,)):
        heights, _, _ = one.hist(probabilities, bins=[k / 10 for k in range(11)])
        one.set(title="rows by probability", xlabel=f"probability of {label(of)}", ylabel="rows", xlim=(-0.02, 1.02))
        said = ", ".join(f"{int(height):,}" for height in np.atleast_1d(heights))
        text = f"Rows by the probability of {of}, in ten bins from 0 to 1: {said}"
        histogram = figure(made.inline(whole, text))
    return figures(reliability, histogram)
