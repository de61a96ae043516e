"""Encodings: how a scaled number becomes inputs of the network, fitted on the training rows only."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

import numpy as np
from annotated_types import Ge, Le

from bptrain.arrays import Array
from bptrain.nn.layer import Layer
from bptrain.nn.layers.periodic import Periodic as PeriodicLayer
from bptrain.registry import Family

Edges = tuple[float, ...]
"""The edges of the bins of a column, rising, in scaled units; empty where an encoding has none."""


class Encoding(Protocol):
    """A reversible change of a column of scaled numbers into one or more inputs.

    `keeps_scale` tells whether the inputs are as large as the scaled numbers are. `first_layer` is the layer that the
    network must begin with, if there is one.
    """

    keeps_scale: ClassVar[bool]
    first_layer: ClassVar[type[Layer] | None] = None

    @abstractmethod
    def fit(self, column: Array) -> Edges:
        """Return the edges for a scaled column `(rows,)` float64, which may be reordered to avoid a copy."""

    @abstractmethod
    def label(self, name: str, edges: Edges) -> tuple[str, ...]:
        """Return a name for each input of the column of this name."""

    @abstractmethod
    def apply(self, column: Array, edges: Edges) -> Array:
        """Return the inputs `(rows, inputs)` float64 for a scaled column `(rows,)`."""

    @abstractmethod
    def invert(self, inputs: Array, edges: Edges) -> Array:
        """Return the scaled column `(rows,)` for inputs `(rows, inputs)`."""


ENCODINGS = Family("encoding", contract=Encoding)


class Single(Encoding):
    """The base of encodings whose only input is the scaled number itself."""

    keeps_scale: ClassVar[bool] = True

    def fit(self, column: Array) -> Edges:
        return ()

    def label(self, name: str, edges: Edges) -> tuple[str, ...]:
        return (name,)

    def apply(self, column: Array, edges: Edges) -> Array:
        return column[:, None]

    def invert(self, inputs: Array, edges: Edges) -> Array:
        return inputs[:, 0]


@ENCODINGS.register
@dataclass(frozen=True)
class Plain(Single):
    """A number is one input: the scaled number itself.

    Forward: `x`. Inverse: `x`. Shapes: `(rows, 1)`.
    """

    aliases: ClassVar[tuple[str, ...]] = ("identity", "linear", "none", "number", "off")


@ENCODINGS.register
@dataclass(frozen=True)
class Periodic(Single):
    """A number is one input, the scaled number itself, and the first layer of the network embeds it by learned waves.

    Forward: `x`. Inverse: `x`. Shapes: `(rows, 1)`. That layer is `periodic`, which has the options; the short form
    `hidden` puts it in front with the options that it has by default.
    """

    aliases: ClassVar[tuple[str, ...]] = ("cosine", "embedding", "fourier", "pbld", "plr")
    first_layer: ClassVar[type[Layer] | None] = PeriodicLayer


@ENCODINGS.register
@dataclass(frozen=True)
class PiecewiseLinear(Encoding):
    """A number becomes an input for each bin: 0 below the bin, 1 above it, and from 0 to 1 inside it.

    Forward: `e_t = (x - b_{t-1}) / (b_t - b_{t-1})`, limited to 0 and 1, except that the first may be below 0 and the
    last above 1. Inverse: `x = b_0 + Σ_t e_t (b_t - b_{t-1})`. Shapes: `(rows, bins)`. The edges b_0 to b_bins are
    quantiles of the training rows, so that each bin has about as many of them; equal edges count once, so that a column
    of few values has fewer bins. Quantiles are values of the column; rtdl_num_embeddings, otherwise the same,
    interpolates between them. Reference: Gorishniy, Rubachev and Babenko, 2022.
    """

    aliases: ClassVar[tuple[str, ...]] = ("binning", "bins", "piecewise", "ple", "quantiles", "thermometer")
    keeps_scale: ClassVar[bool] = False

    bins: Annotated[int, Ge(1), Le(1000), "most bins of a column, with as many training rows each"] = 8

    def fit(self, column: Array) -> Edges:
        shares = np.linspace(0, 1, self.bins + 1)
        edges = np.unique(np.quantile(column, shares, method="inverted_cdf", overwrite_input=True))
        # A step as small as a rounding error would make a bin whose input explodes outside of it.
        edges = edges[np.append(True, np.diff(edges) > 1e-12 * np.abs(edges).max())]
        if len(edges) == 1:
            edges = np.append(edges, edges[0] + max(1.0, abs(edges[0])))
        return tuple(edges.tolist())

    def label(self, name: str, edges: Edges) -> tuple[str, ...]:
        return tuple(f"{name} bin {k}" for k in range(1, len(edges)))

    def apply(self, column: Array, edges: Edges) -> Array:
        last = len(edges) - 2
        inputs = np.empty((len(column), last + 1))
        for t in range(last + 1):
            part = inputs[:, t]
            np.subtract(column, edges[t], out=part)
            part /= edges[t + 1] - edges[t]
            if t > 0:
                np.maximum(part, 0, out=part)
            if t < last:
                np.minimum(part, 1, out=part)
        return inputs

    def invert(self, inputs: Array, edges: Edges) -> Array:
        column: Array = inputs @ np.diff(edges) + edges[0]
        return column
