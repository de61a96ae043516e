"""Reconstructions: what an autoencoder gives back of a picture, beside what it was given."""

from collections.abc import Iterator

import numpy as np

from bptrain.arrays import Array
from bptrain.evaluation.predictions import Predictions
from bptrain.model.encoded_rows import Rows
from bptrain.report.html import Html, joined, tag
from bptrain.report.mistakes import row_number
from bptrain.report.page import note
from bptrain.report.pictures import pixels

MOST = 12
"""Rows of each kind that are drawn."""


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
    return joined((note(what), *parts))


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
