"""Galleries: what an autoencoder gives back of pictures, and what the units of the first layer look for in them."""

from collections.abc import Iterator

import numpy as np

from bptrain.arrays import Array
from bptrain.evaluation.predictions import Predictions
from bptrain.model.encoded_rows import Rows
from bptrain.model.model import Model
from bptrain.report.charts import pixels
from bptrain.report.html import Html, join, tag
from bptrain.report.html_page import note
from bptrain.report.mistakes import row_number
from bptrain.report.rows import grid

MOST = 12
"""Rows of each kind that are drawn."""

MOST_UNITS = 64
"""Units whose weights are drawn."""


def reconstructions(places: Array, rows: Rows, found: Predictions) -> Html:
    """The rows that come back best and those that come back worst, as pictures in pairs.

    Args:
        places: the number of the column of each pixel, `(height, width)`.
        rows: what was given.
        found: what came back, in the units of the data.
    """
    true, said = found.targets.astype(np.float64), found.outputs.astype(np.float64)
    errors = np.sqrt(np.mean((true - said) ** 2, axis=1))
    order = np.argsort(errors, kind="stable")[: np.isfinite(errors).sum()]
    if not len(order):
        return note("No reconstruction is finite; nothing is drawn.")
    best, worst = order[: min(MOST, (len(order) + 1) // 2)], order[::-1][: min(MOST, len(order) // 2)]
    what = f"Left what went in, right what came out, for some of {len(found):,} rows. The number is the root mean "
    what += "square error of a pixel, in the units of the data; both pictures of a pair have one scale."
    parts = [tag("h3", "Best"), gallery(places, rows, true, said, errors, best)]
    if len(worst):
        parts += [tag("h3", "Worst"), gallery(places, rows, true, said, errors, worst)]
    return join((note(what), *parts))


def gallery(places: Array, rows: Rows, true: Array, said: Array, errors: Array, chosen: Array) -> Html:
    """Pairs of pictures with a caption each."""
    return tag("div", *pairs(places, rows, true, said, errors, chosen), class_="gallery pairs")


def pairs(places: Array, rows: Rows, true: Array, said: Array, errors: Array, chosen: Array) -> Iterator[Html]:
    """Input and reconstruction of each row that was chosen."""
    for k in chosen.tolist():
        number, error = row_number(rows, k), f"{errors[k]:.3g}"
        ends = float(min(true[k].min(), said[k].min())), float(max(true[k].max(), said[k].max()))
        given = pixels(true[k][places], f"Picture of row {number}", ends=ends)
        back = pixels(said[k][places], f"Reconstruction of row {number}, with an error of {error}", ends=ends)
        yield tag("figure", tag("div", given, back, class_="pair"), tag("figcaption", f"{error}, row {number:,}"))


def first_weights(model: Model) -> Html | None:
    """The weights into each unit of the first layer, if they belong to pixels."""
    places, chain = grid(model.columns), model.network.chain
    if places is None or not chain.plans:
        return None
    matrices = {key: one for key, one in chain.plans[0].parameters.items() if one.decay and len(one.shape) == 2}
    if not chain.plans[0].linear or len(matrices) != 1:
        return None
    weights = model.network.parameters()[f"{chain.names[0]}.{next(iter(matrices))}"].astype(np.float64)
    shown = weights[:, :MOST_UNITS]
    # One scale for all, so that a unit that looks for little is pale.
    largest = float(np.abs(shown).max()) or 1.0
    images = [
        tag(
            "figure",
            pixels(
                unit[places] / largest,
                f"Weights into unit {k} of the first layer, from {unit.min():.2g} to {unit.max():.2g}",
                signed=True,
            ),
        )
        for k, unit in enumerate(shown.T)
    ]
    some = f"The first {MOST_UNITS} of {weights.shape[1]:,} units. " if weights.shape[1] > MOST_UNITS else ""
    what = (
        f"{some}White is 0, red up to {largest:.2g}, blue down to −{largest:.2g}, of inputs as the network reads them."
    )
    return join((note(what), tag("div", *images, class_="gallery weights")))
