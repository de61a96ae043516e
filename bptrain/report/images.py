"""Rows that are images: what an autoencoder returns for them, and what the units of the first layer look for."""

import re
from collections.abc import Iterator

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.columns import Columns
from bptrain.columns.features import Numeric
from bptrain.evaluation.predictions import Predictions
from bptrain.model.model import Model, Rows
from bptrain.report.charts import draw_pixels
from bptrain.report.html_page import Html, join, note, tag

SMALLEST_SIDE = 4
"""The least height and width of an image in pixels."""

MOST_PAIRS = 12
"""The most reconstructions drawn of each kind, best and worst."""

MOST_UNITS = 64
"""The most units whose weights are drawn."""


def find_grid(columns: Columns) -> Array | None:
    """Return the column number of each pixel, `(height, width)`, or None if rows are not images.

    Rows are images if all columns are numeric and named like pixels: a word, then row and column, as in `pixel_0_7`.
    """
    if not all(isinstance(one, Numeric) and len(one.input_names) == 1 for one in columns.features):
        return None
    found = [re.fullmatch(r"(.*?)_?(\d{1,4})_(\d{1,4})", one.name) for one in columns.features]
    places = [(one[1], int(one[2]), int(one[3])) for one in found if one]
    if len(places) < len(found) or len({word for word, _, _ in places}) != 1:
        return None
    down, across = [y for _, y, _ in places], [x for _, _, x in places]
    first = min(down), min(across)
    height, width = max(down) - first[0] + 1, max(across) - first[1] + 1
    if min(height, width) < SMALLEST_SIDE or height * width != len(set(zip(down, across, strict=True))):
        return None
    grid = np.empty((height, width), np.int64)
    grid[np.array(down) - first[0], np.array(across) - first[1]] = np.arange(len(places))
    return grid


def read_image(columns: Columns, grid: Array, inputs: Array) -> Array:
    """Return the pixels of a row in their own units, `(height, width)`."""
    pixels = [one for one in columns.features if isinstance(one, Numeric)]
    wide = inputs.astype(np.float64)
    image: Array = np.array([one.decode(wide[None, k : k + 1])[0] for k, one in enumerate(pixels)])[grid]
    return image


def get_row_number(rows: Rows, k: int) -> int:
    """Return the number of a row in its table, from 1."""
    return int(k if rows.numbers is None else rows.numbers[k]) + 1


def show_reconstructions(grid: Array, rows: Rows, found: Predictions) -> Html:
    """Return the best and the worst reconstructions beside their inputs.

    Args:
        grid: the column number of each pixel, `(height, width)`.
        rows: the inputs.
        found: the reconstructions, in the units of the data.
    """
    true, output = found.targets.astype(np.float64), found.outputs.astype(np.float64)
    errors = np.sqrt(np.mean((true - output) ** 2, axis=1))
    order = np.argsort(errors, kind="stable")[: np.isfinite(errors).sum()]
    if not len(order):
        return note("No reconstruction is finite, so none is drawn.")
    best, worst = order[: min(MOST_PAIRS, (len(order) + 1) // 2)], order[::-1][: min(MOST_PAIRS, len(order) // 2)]
    text = f"Some of {len(found):,} rows: input on the left, reconstruction on the right, on one scale. The number is "
    text += "the root mean squared error of a pixel, in the units of the data."

    def draw_pairs(chosen: Array) -> Iterator[Html]:
        for k in chosen.tolist():
            number, error = get_row_number(rows, k), f"{errors[k]:.3g}"
            ends = float(min(true[k].min(), output[k].min())), float(max(true[k].max(), output[k].max()))
            left = draw_pixels(true[k][grid], f"Image of row {number}", ends=ends)
            right = draw_pixels(output[k][grid], f"Reconstruction of row {number}, with an error of {error}", ends=ends)
            yield tag("figure", tag("div", left, right, class_="pair"), tag("figcaption", f"{error}, row {number:,}"))

    galleries = (
        (tag("h3", title), tag("div", *draw_pairs(chosen), class_="gallery pairs"))
        for title, chosen in (("Best", best), ("Worst", worst))
        if len(chosen)
    )
    return join((note(text), *(content for gallery in galleries for content in gallery)))


def show_first_weights(model: Model) -> Html | None:
    """Return the weights into each unit of the first layer as images, if the inputs are pixels."""
    grid, chain = find_grid(model.columns), model.network.chain
    if grid is None or not chain.plans:
        return None
    matrices = {key: one for key, one in chain.plans[0].parameters.items() if one.decay and len(one.shape) == 2}
    if not chain.plans[0].linear or len(matrices) != 1:
        return None
    weights = model.network.parameters()[f"{chain.names[0]}.{next(iter(matrices))}"].astype(np.float64)
    drawn = weights[:, :MOST_UNITS]
    # One scale for all, so that a unit with small weights is pale.
    largest = float(np.abs(drawn).max()) or 1.0
    images = []
    for k, unit in enumerate(drawn.T):
        text = f"Weights into unit {k} of the first layer, from {unit.min():.2g} to {unit.max():.2g}"
        images.append(tag("figure", draw_pixels(unit[grid] / largest, text, signed=True)))
    some = f"The first {MOST_UNITS} of {weights.shape[1]:,} units. " if weights.shape[1] > MOST_UNITS else ""
    text = f"{some}White is 0, red positive up to {largest:.2g}, blue negative down to −{largest:.2g}."
    return join((note(text), tag("div", *images, class_="gallery weights")))
