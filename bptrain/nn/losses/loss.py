"""The contract of a loss, the mean over rows that all losses share, and the loss for several targets.

Every loss is a mean over rows; where rows have weights, it is the sum of weight times loss, divided by the sum of the
weights. It is computed from raw scores, so that it stays exact however large they are. In equations z are the scores
`(n, width)`, t the targets, and n is the number of rows.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.nn.layer import Link, Scratch, Workspace
from bptrain.registry import Family

Value = tuple[Any, float]
"""A mean loss, and the sum of the weights of its rows."""

Weights = Array | None
"""The weights of the rows `(n,)`, or None where all count the same."""

Encoding = Literal["codes", "values"]
"""How targets are passed: `codes`, an int64 class number for each row `(n,)`; `values`, floats `(n, width)`."""


class Loss(ABC):
    """A loss on raw scores, and the base of all of them.

    By default it takes numeric targets, with a score for each column, and needs no scratch.

    `encoding` is how targets are passed. `raw_targets` says that numeric targets must not be scaled (counts, shares, 0
    and 1). `labels` says that several columns of 0 and 1 are labels that may occur together. `link` is the function
    that the loss itself applies to raw scores. `kinked` says that its slope jumps where the gradient of a score changes
    its sign.
    """

    equations: ClassVar[Equations] = Equations()
    encoding: ClassVar[Encoding] = "values"
    raw_targets: ClassVar[bool] = False
    labels: ClassVar[bool] = False
    link: ClassVar[Link] = ""

    def widths(self, classes: int | None, columns: int) -> tuple[int, ...]:
        """Return the numbers of scores that fit a target with `classes` classes (None: numeric) in `columns` columns,
        the usual one first; empty if the loss cannot take such a target."""
        return (columns,) if classes is None else ()

    def target_shape(self, shape: Shape) -> Shape:
        """Return the shape of a row's encoded target, for scores of `shape`."""
        return () if self.encoding == "codes" else shape

    def objection(self, targets: Array, classes: int | None) -> str | None:
        """Return what is wrong with encoded targets, if anything: `a count must be 0 or more (got -3)`."""
        return None

    def choose_equations(self, width: int) -> Equations:
        """Return the equations for the present options and `width` scores."""
        return self.equations

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        """Return the scratch arrays needed, for rows of scores of `shape`."""
        return {}

    @abstractmethod
    def value_and_grad(self, scores: Array, targets: Array, weights: Weights, dscores: Array, s: Workspace) -> Value:
        """Return the mean loss, a float (complex for complex scores), and the weight of the batch; fill dscores with
        the gradient of the mean.

        scores and dscores `(n, width)`, weights `(n,)` or None. The weight is n, or the sum of the weights: a mean over
        several batches is the sum of their means times their weights, divided by the sum of the weights.
        """

    def outputs(self, scores: Array, out: Array) -> Array:
        """Fill out with the predictions, which are probabilities or values, and return it."""
        np.copyto(out, scores)
        return out

    def invert(self, outputs: Array, scores: Array) -> None:
        """Fill scores with raw scores that have these outputs, by the link of the loss; outputs `(n, width)` float64
        are overwritten."""
        if not self.link:
            np.copyto(scores, outputs, casting="same_kind")
            return
        # The smallest normal float32, whose logarithm is finite in every dtype.
        np.maximum(outputs, np.finfo(np.float32).tiny, out=outputs)
        if self.link == "sigmoid" or (self.link in ("margin", "softmax") and outputs.shape[1] == 1):
            rest = np.maximum(1 - outputs, np.finfo(np.float32).tiny)
            np.subtract(np.log(outputs), np.log(rest), out=scores, casting="same_kind")
        else:
            np.log(outputs, out=scores, casting="same_kind")


LOSSES = Family("loss", contract=Loss)


def mean(terms: Array, dscores: Array, weights: Weights) -> Value:
    """Return the mean of the terms, and the sum of the weights of the rows; turn dscores, the derivatives of the terms,
    into the gradient of the mean. If all weights are 0, the mean is 0.

    terms `(n,)` or `(n, width)`, dscores `(n, width)`, weights `(n,)` or None. Sums are taken in double precision.
    """
    wide = np.complex128 if terms.dtype.kind == "c" else np.float64
    weight = float(len(terms))
    if weights is not None:
        np.multiply(terms.T, weights, out=terms.T)
        np.multiply(dscores.T, weights, out=dscores.T)
        weight = float(np.add.reduce(weights.real, dtype=np.float64))
    count = weight * (terms.size // len(terms)) or 1.0
    np.multiply(dscores, 1 / count, out=dscores)
    return (np.add.reduce(terms, axis=None, dtype=wide) / count).item(), weight


@dataclass(frozen=True)
class Part:
    """The loss of one of several targets: of `name`, with `width` of the scores and `columns` of the encoded targets,
    multiplied by `weight`."""

    name: str
    loss: Loss
    width: int
    columns: int = 1
    weight: float = 1.0


@dataclass(frozen=True)
class MultiTask(Loss):
    """A weighted sum of losses, each on its own columns of the scores of one network.

    The gradient dz_k is written into the columns of part k. Shapes: z `(n, Σ width)`, t `(n, Σ columns)` floats, even
    for class numbers. The loss of a part with class weights is divided by n like the others, not by the sum of those
    weights, so that the total is one mean over rows. Reference: Caruana, 1997.
    """

    equations = Equations(forward=("L = Σ_k w_k L_k(z_k, t_k)",), backward=("dz_k = w_k dL_k/dz_k",))

    parts: tuple[Part, ...]

    # Always, since any part may have a kink.
    kinked = True

    def slices(self) -> Iterator[tuple[Part, slice, slice]]:
        """Yield the parts, each with its columns of the scores and of the targets."""
        score, target = 0, 0
        for part in self.parts:
            yield part, slice(score, score + part.width), slice(target, target + part.columns)
            score, target = score + part.width, target + part.columns

    def widths(self, classes: int | None, columns: int) -> tuple[int, ...]:
        return (sum(part.width for part in self.parts),)

    def target_shape(self, shape: Shape) -> Shape:
        return (sum(part.columns for part in self.parts),)

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        planned: dict[str, Scratch] = {}
        for k, part in enumerate(self.parts):
            own = Scratch((part.width,))
            known = Scratch((), "int64") if part.loss.encoding == "codes" else Scratch((part.columns,))
            planned |= {f"own_{k}_z": own, f"own_{k}_dz": own, f"own_{k}_t": known}
            planned |= {f"part_{k}_{name}": one for name, one in part.loss.plan((part.width,)).items()}
        return planned

    def value_and_grad(self, scores: Array, targets: Array, weights: Weights, dscores: Array, s: Workspace) -> Value:
        weight = float(len(scores)) if weights is None else float(np.add.reduce(weights.real, dtype=np.float64))
        total = 0.0
        for (part, columns, known), own in zip(self.slices(), self.list_workspaces(s), strict=True):
            np.copyto(own.z, scores[:, columns])
            np.copyto(own.t, targets[:, known] if own.t.ndim > 1 else targets[:, known.start], casting="unsafe")
            value, counted = part.loss.value_and_grad(own.z, own.t, weights, own.dz, own.scratch)
            share = part.weight * (counted / weight if weight else 1.0)
            total = total + share * value
            np.multiply(own.dz, share, out=dscores[:, columns])
        return total, weight

    def list_workspaces(self, s: Workspace) -> list[Workspace]:
        """Return the workspace of each part, built at the first call: its scratch, and contiguous arrays for its
        scores, targets and gradient, because a loss would copy the columns of a wider array."""
        workspaces: list[Workspace] = getattr(s, "workspaces", [])
        if not workspaces:
            given = vars(s).copy()
            for k in range(len(self.parts)):
                z, t, dz = (given[f"own_{k}_{name}"] for name in ("z", "t", "dz"))
                prefix = f"part_{k}_"
                planned = {name.removeprefix(prefix): one for name, one in given.items() if name.startswith(prefix)}
                scratch = Workspace(ones=s.ones, rows=s.rows, rng=s.rng, training=True, **planned)
                # Targets are real in a complex network too.
                workspaces.append(Workspace(z=z, t=t.real, dz=dz, scratch=scratch))
            s.workspaces = workspaces
        return workspaces

    def outputs(self, scores: Array, out: Array) -> Array:
        for part, columns, _ in self.slices():
            own = scores[:, columns].copy()
            out[:, columns] = part.loss.outputs(own, np.empty_like(own))
        return out

    def invert(self, outputs: Array, scores: Array) -> None:
        for part, columns, _ in self.slices():
            part.loss.invert(outputs[:, columns], scores[:, columns])
