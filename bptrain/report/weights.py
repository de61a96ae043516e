"""Weights: what the units of the first layer look for, as pictures where rows are pictures."""

import numpy as np

from bptrain.model.model import Model
from bptrain.report.html import Html, joined, tag
from bptrain.report.page import note
from bptrain.report.pictures import pixels
from bptrain.report.rows import grid

MOST = 64


def first_weights(model: Model) -> Html | None:
    """The weights into each unit of the first layer, if they belong to pixels."""
    places, chain = grid(model.columns), model.network.chain
    if places is None or not chain.plans:
        return None
    matrices = {key: one for key, one in chain.plans[0].parameters.items() if one.decay and len(one.shape) == 2}
    if not chain.plans[0].linear or len(matrices) != 1:
        return None
    weights = model.network.parameters()[f"{chain.names[0]}.{next(iter(matrices))}"].astype(np.float64)
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
