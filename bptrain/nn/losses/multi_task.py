"""The loss of several targets at once: each has columns of the scores to itself, and all share the network before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.nn.layer import Scratch, Workspace
from bptrain.nn.losses.loss import Loss, Value


@dataclass(frozen=True)
class Part:
    """One of the losses, of the target `name`: `width` scores and `columns` of the encoded targets are its own, and it
    counts `weight` times."""

    name: str
    loss: Loss
    width: int
    columns: int = 1
    weight: float = 1.0


@dataclass(frozen=True)
class MultiTask(Loss):
    """A weighted sum of losses, each on its own columns of the scores.

    The gradient dz_k is written into the columns of part k. Shapes: z `(n, Σ width)`, t `(n, Σ columns)` floats, class
    numbers among them. A part with weights of classes is divided by n as the others are, not by the sum of those
    weights, so that all of it is one mean over rows. Reference: Caruana, 1997.
    """

    equations = Equations(forward=("L = Σ_k w_k L_k(z_k, t_k)",), backward=("dz_k = w_k dL_k/dz_k",))
    parts: tuple[Part, ...]

    # That of any part is one of the whole.
    kinked = True

    def slices(self) -> Iterator[tuple[Part, slice, slice]]:
        """The parts, each with its columns of the scores and of the targets."""
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

    def value_and_grad(
        self, scores: Array, targets: Array, weights: Array | None, dscores: Array, s: Workspace
    ) -> Value:
        weight = float(len(scores)) if weights is None else float(np.add.reduce(weights.real, dtype=np.float64))
        total = 0.0
        for (part, columns, known), own in zip(self.slices(), self.spaces(s), strict=True):
            np.copyto(own.z, scores[:, columns])
            np.copyto(own.t, targets[:, known] if own.t.ndim > 1 else targets[:, known.start], casting="unsafe")
            value, counted = part.loss.value_and_grad(own.z, own.t, weights, own.dz, own.scratch)
            share = part.weight * (counted / weight if weight else 1.0)
            total = total + share * value
            np.multiply(own.dz, share, out=dscores[:, columns])
        return total, weight

    def spaces(self, s: Workspace) -> list[Workspace]:
        """What each part works in: whole arrays of its own for scores, targets and gradient, since the columns of a
        wider array would be copied by every loss; and its scratch. Made once for a workspace."""
        if not hasattr(s, "spaces"):
            s.spaces = []
            given, planned = vars(s).copy(), self.plan(())
            for k in range(len(self.parts)):
                z, t, dz = (given[f"own_{k}_{name}"] for name in ("z", "t", "dz"))
                mine = [name for name in planned if name.startswith(f"part_{k}_")]
                here = {name.removeprefix(f"part_{k}_"): given[name] for name in mine}
                scratch = Workspace(ones=s.ones, rows=s.rows, rng=s.rng, training=True, **here)
                # Targets are real in a complex network too.
                s.spaces.append(Workspace(z=z, t=t.real, dz=dz, scratch=scratch))
        found: list[Workspace] = s.spaces
        return found

    def outputs(self, scores: Array, out: Array) -> Array:
        for part, columns, _ in self.slices():
            own = scores[:, columns].copy()
            out[:, columns] = part.loss.outputs(own, np.empty_like(own))
        return out
