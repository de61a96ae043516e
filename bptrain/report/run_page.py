"""The sections of the report of a run, in order."""

from collections.abc import Iterator

from bptrain.columns.target_columns import Inputs
from bptrain.evaluation.evaluation import Evaluation
from bptrain.evaluation.predictions import in_own_units
from bptrain.evaluation.targets import ClassTarget, NumberTarget
from bptrain.metrics import Figure
from bptrain.report.charts import Pictures
from bptrain.report.classes import calibration_curve, class_table, confusion, threshold, threshold_curves
from bptrain.report.facts import commands, config, data, environment, network, number, summary
from bptrain.report.galleries import first_weights, reconstructions
from bptrain.report.html import Html, join, safe_name, tag
from bptrain.report.html_page import note, table
from bptrain.report.learning_curves import gradient_health, learning_curves
from bptrain.report.material import Material
from bptrain.report.mistakes import mistakes
from bptrain.report.numbers import residual_table, residuals
from bptrain.report.rows import grid


def lead(found: Material) -> str:
    """What the page is about, in a sentence."""
    task = found.model.experiment.data.task.replace("_", "-")
    return f"A run of bptrain: {task} by a network of {found.model.network.theta.size:,} parameters."


def sections(found: Material) -> Iterator[tuple[str, Html]]:
    """The sections of the page that there is something for."""
    made, best = Pictures(), (found.stored.get("best") or {}).get("epoch")
    yield "Summary", summary(found)
    if found.evaluation and found.rows is not None:
        yield from results(made, found, found.evaluation)
    else:
        yield "Evaluation", tag("p", f"There is none: {safe_name(found.missing, 500)}", class_="warning")
    if found.records:
        yield "Learning curves", learning_curves(made, found.records, best)
        if gradients := gradient_health(made, found.records, best):
            yield "Gradients", gradients
    else:
        yield "Learning curves", note("There is no history: the checkpoint lies outside of a run directory.")
    if weights := first_weights(found.model):
        yield "First layer", weights
    yield "Network", network(found)
    yield "Data", data(found)
    yield "Config", config(found)
    yield "Environment", environment(found)
    yield "Commands", commands(found)


MOST_DRAWN = 12
"""The residuals of so many numbers are shown, of an autoencoder's inputs too."""


def results(made: Pictures, found: Material, evaluation: Evaluation) -> Iterator[tuple[str, Html]]:
    """What the evaluation found."""
    yield "Evaluation", metrics(evaluation)
    assert found.rows is not None
    columns = found.model.columns
    places = grid(columns) if isinstance(columns.target, Inputs) else None
    for said in evaluation.predictions:
        own = in_own_units(columns, said)
        of = f" of {safe_name(said.head, 40)}" if said.head else ""
        targets = [one for one in evaluation.targets if one.target in own.names]
        classes = [one for one in targets if isinstance(one, ClassTarget)]
        for one in classes:
            title = f"Classes{of}" if said.kind == "classes" else f"Label {safe_name(one.target, 40)}"
            yield title, join((class_table(one), confusion(one), threshold(one)))
        if classes:
            yield f"ROC and precision-recall{of}", threshold_curves(made, said)
            yield f"Calibration{of}", calibration_curve(made, said)
        if places is not None:
            yield "Reconstructions", reconstructions(places, found.rows, own)
        numbers = [one for one in targets if isinstance(one, NumberTarget)]
        if numbers:
            drawn = (residuals(made, own, k) for k in range(min(len(numbers), MOST_DRAWN)))
            left = len(numbers) - MOST_DRAWN
            more = note(f"{left} more are not shown; bptrain evaluate --json has them.") if left > 0 else None
            yield f"Residuals{of}", join((residual_table(numbers[:MOST_DRAWN]), *drawn, more))
        if places is None:
            title = "Most confident mistakes" if said.kind == "classes" else "Largest errors"
            yield f"{title}{of}", mistakes(columns, found.rows, own)


def metrics(evaluation: Evaluation) -> Html:
    """Loss and metrics with their intervals."""
    ranges = evaluation.intervals or {}
    rows = [("loss", number(evaluation.loss), "–")]
    for name, value in evaluation.metrics.items():
        one = ranges.get(name)
        rows.append((name, metric_value(value), f"{one.low:.4g} to {one.high:.4g}" if one else "–"))
    where = "new data" if evaluation.split == "data" else f"the {evaluation.split} rows"
    caption = f"On {where}, {evaluation.rows:,} in number"
    how = f"Intervals by {evaluation.bootstrap:,} bootstrap samples of the rows." if evaluation.bootstrap else None
    body = table(("metric", "value", "95 % interval"), rows, caption=caption)
    return join((body, note(how) if how else None))


def metric_value(value: Figure) -> str:
    """A metric, which may be a list."""
    return f"[{', '.join(map(metric_value, value))}]" if isinstance(value, list) else number(value)
