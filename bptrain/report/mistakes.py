"""Mistakes: residuals of predicted numbers, and the rows that are predicted worst."""

from collections.abc import Iterator, Sequence

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.columns import Columns
from bptrain.columns.dates.date_feature import Date
from bptrain.columns.features import Boolean, Categorical, Feature, Numeric
from bptrain.evaluation.predictions import Predictions
from bptrain.evaluation.target_results import NumberResult
from bptrain.model.model import Rows
from bptrain.report.charts import draw_pixels, new_axes, render_svg, shorten_name
from bptrain.report.html_page import Content, Html, figure, figures, join, note, safe_name, table, tag
from bptrain.report.images import find_grid, get_row_number, read_image

MOST_POINTS = 2000
"""The most points of a scatter plot; of more rows only every second, third, ... is drawn."""

MOST_IMAGES = 24
MOST_ROWS = 12
"""The most mistakes that are shown: as images, and as rows of a table."""

MOST_COLUMNS = 6
"""The most columns of a table of mistakes, beside truth and prediction."""

MOST_NUMBERS = 4
"""The most targets of a row that are written out."""

ROUNDING = 1e-6
"""The relative error of a scaled value in single precision, with a margin."""


def show_residual_table(targets: Sequence[NumberResult]) -> Html:
    """Return the statistics of the residuals of each target."""
    keys = ("mean", "std", "min", "q1", "median", "q3", "max", "rmse", "mae")
    rows = [
        (safe_name(one.target), *("–" if (v := getattr(one, key)) is None else f"{v:.5g}" for key in keys))
        for one in targets
    ]
    return table(("target", *keys), rows, caption="Residuals, truth − prediction, in the units of the data")


def show_residuals(found: Predictions, column: int) -> Html:
    """Return the plots of one target: prediction against truth, and the residuals."""
    name = safe_name(found.names[column])
    output, true = found.outputs[:, column].astype(np.float64), found.targets[:, column].astype(np.float64)
    if not np.isfinite(output).all():
        return note(f"Some predictions of {name} are not finite, so nothing is drawn.")
    residuals = true - output
    step = max(-(-len(output) // MOST_POINTS), 1)
    drawn = slice(None, None, step)
    parts = []
    with new_axes(width=5.2, height=4.0) as (canvas, axes):
        ends = [min(true.min(), output.min()), max(true.max(), output.max())]
        axes.plot(ends, ends, ":", linewidth=1, color=axes.spines["left"].get_edgecolor())
        axes.plot(true[drawn], output[drawn], "o", markersize=3.5, alpha=0.6)
        axes.set(title=shorten_name(found.names[column]), xlabel="truth", ylabel="prediction")
        correlation = np.corrcoef(true, output)[0, 1] if len(output) > 1 and true.std() and output.std() else np.nan
        text = f"Predictions of {name} against the truth; their correlation is {correlation:.3f}"
        parts.append(figure(render_svg(canvas, text), "Points on the dotted line are predicted exactly."))
    with new_axes(width=5.2, height=4.0) as (canvas, axes):
        axes.axhline(0, linestyle=":", linewidth=1, color=axes.spines["left"].get_edgecolor())
        axes.plot(output[drawn], residuals[drawn], "o", markersize=3.5, alpha=0.6)
        axes.set(title="residuals", xlabel="prediction", ylabel="truth − prediction")
        text = f"Residuals of {name} against the prediction, from {residuals.min():.4g} to {residuals.max():.4g}"
        parts.append(figure(render_svg(canvas, text)))
    with new_axes(width=5.2, height=3.2) as (canvas, axes):
        heights, edges, _ = axes.hist(residuals, bins=min(max(int(len(residuals) ** 0.5), 5), 40))
        axes.set(title="distribution of the residuals", xlabel="truth − prediction", ylabel="rows")
        top = int(np.argmax(heights))
        text = f"Histogram of the residuals of {name}; most lie between {edges[top]:.4g} and {edges[top + 1]:.4g}"
        parts.append(figure(render_svg(canvas, text)))
    sample = note(f"One of every {step} of {len(output):,} rows is drawn.") if step > 1 else None
    return join((tag("h3", name) if len(found.names) > 1 else None, figures(*parts), sample))


def show_mistakes(columns: Columns, rows: Rows, found: Predictions) -> Html:
    """Return the most confident mistakes, or the largest errors: as images where rows are images, or as a table."""
    if not found.names:
        return note("No column is numeric, so there is no error to measure.")
    grid = find_grid(columns)
    most = MOST_IMAGES if grid is not None else MOST_ROWS
    if found.kind == "classes":
        chosen, wrong = find_confident_mistakes(found, most)
        words = [describe_class(found, k) for k in chosen]
        some = f"the {len(chosen)} most confident of them are shown" if wrong > len(chosen) else "all are shown"
        text, measure = f"{wrong:,} of {len(found):,} rows are predicted wrong; {some}.", "probability"
    else:
        chosen = find_largest_errors(found, most)
        words = [describe_numbers(found, k) for k in chosen]
        text, measure = f"The {len(chosen)} of {len(found):,} rows with the largest error.", "truth − prediction"
    if not len(chosen):
        return note(f"None: all {len(found):,} rows are right.")
    if grid is not None:
        return join((note(text), show_images(columns, grid, rows, chosen, words)))
    return join((note(text), show_rows(columns, rows, chosen, words, measure)))


def find_confident_mistakes(found: Predictions, most: int) -> tuple[Array, int]:
    """Return the rows whose class is predicted wrong, the most confident first, and how many there are in all."""
    wrong = np.flatnonzero(found.codes != found.targets)
    confidence = found.probabilities[wrong].max(axis=1)
    return wrong[np.argsort(-confidence, kind="stable")][:most], len(wrong)


def find_largest_errors(found: Predictions, most: int) -> Array:
    """Return the rows with the largest error, in standard deviations of each target, the largest first."""
    spread = found.targets.std(axis=0)
    errors = np.abs(found.outputs.astype(np.float64) - found.targets) / np.where(spread > 0, spread, 1)
    worst = np.nan_to_num(errors.max(axis=1), nan=np.inf)
    return np.argsort(-worst, kind="stable")[:most]


def describe_class(found: Predictions, row: int) -> tuple[str, str, str]:
    """Return the true class of a row, the predicted one, and its probability."""
    code, true = int(found.codes[row]), int(found.targets[row])
    confidence = found.probabilities[row].max()
    probability = f"{confidence:.1%}" if found.are_probabilities else f"{confidence:.3g}"
    return safe_name(found.labels[true], 40), safe_name(found.labels[code], 40), probability


def describe_numbers(found: Predictions, row: int) -> tuple[str, str, str]:
    """Return the true numbers of a row, the predicted ones, and the differences."""
    true, output = found.targets[row].astype(np.float64), found.outputs[row].astype(np.float64)
    more = ", …" if len(true) > MOST_NUMBERS else ""
    first, second, third = (
        ", ".join(f"{value:.4g}" for value in values[:MOST_NUMBERS]) + more for values in (true, output, true - output)
    )
    return first, second, third


def show_images(
    columns: Columns, grid: Array, rows: Rows, chosen: Array, words: Sequence[tuple[str, str, str]]
) -> Html:
    """Return rows as images, each with truth, prediction and measure as its caption."""
    images = []
    for k, (true, guess, measure) in zip(chosen.tolist(), words, strict=True):
        number = get_row_number(rows, k)
        text = f"Image of row {number}: {true}, predicted {guess} ({measure})"
        image = draw_pixels(read_image(columns, grid, rows.inputs[k]), text)
        names = (tag("strong", true), " predicted as ", tag("strong", guess), tag("br"))
        images.append(tag("figure", image, tag("figcaption", *names, f"{measure}, row {number:,}")))
    return tag("div", *images, class_="gallery")


def show_rows(columns: Columns, rows: Rows, chosen: Array, words: Sequence[tuple[str, str, str]], measure: str) -> Html:
    """Return a table of rows: truth, prediction, the `measure`, and the values of their first columns."""
    names = [safe_name(one.name, 24) for one in columns.features[:MOST_COLUMNS]]
    body: list[tuple[Content, ...]] = [
        (f"{get_row_number(rows, k):,}", *three, *read_values(columns, rows.inputs[k], MOST_COLUMNS))
        for k, three in zip(chosen.tolist(), words, strict=True)
    ]
    more = len(columns.features) - len(names)
    rest = note(f"{more} more column{'s are' if more > 1 else ' is'} not shown.") if more > 0 else None
    return join((table(("row", "truth", "prediction", measure, *names), body), rest))


def read_values(columns: Columns, inputs: Array, most: int) -> Iterator[str]:
    """Yield the values of a row in its first columns, as the table has them."""
    start = 0
    for feature in columns.features[:most]:
        count = len(feature.input_names)
        yield read_value(feature, inputs[start : start + count].astype(np.float64))
        start += count


def read_value(feature: Feature, inputs: Array) -> str:
    """Return the value of a column, decoded from the inputs of the network."""
    if isinstance(feature, Numeric):
        own, near = (float(feature.decode(one[None])[0]) for one in (inputs, inputs * (1 + ROUNDING) + ROUNDING))
        # A number within the rounding error of zero is zero in the table.
        return f"{0.0 if abs(own) <= abs(near - own) else own:.4g}"
    if isinstance(feature, Boolean):
        return safe_name(feature.pair[int(inputs[0] > 0.5)], 24)
    if isinstance(feature, Categorical):
        shares = inputs[: len(feature.categories)]
        return safe_name(feature.categories[int(shares.argmax())], 24) if shares.max() > 0.5 else "–"
    return str(feature.decode(inputs[None])[0]) if isinstance(feature, Date) else "–"
