"""Weights: what the units of the first layer look for, as pictures where rows are pictures."""

import numpy as np

from bptrain.model.model import Model
from bptrain.nn.layers import Dense
from bptrain.report.html import Html, joined, tag
from bptrain.report.page import note
from bptrain.report.pictures import pixels
from bptrain.report.rows import grid

MOST = 64


def first_weights(model: Model) -> Html | None:
    """The weights into each unit of the first layer, if they belong to pixels."""
    places, layers = grid(model.columns), model.experiment.layers
    if places is None or not layers or not isinstance(layers[0], Dense):
        return None
    weights = next(iter(model.network.parameters().values())).astype(np.float64)
    shown = weights[:, :MOST]
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
    some = f"The first {MOST} of {weights.shape[1]:,} units. " if weights.shape[1] > MOST else ""
    what = (
        f"{some}White is 0, red up to {largest:.2g}, blue down to −{largest:.2g}, of inputs as the network reads them."
    )
    return joined((note(what), tag("div", *images, class_="gallery weights")))
