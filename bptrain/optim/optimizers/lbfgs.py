"""L-BFGS: Newton's method with a Hessian guessed from the latest steps, for small data and smooth losses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from bptrain.arrays import Array
from bptrain.equations import Equations
from bptrain.errors import Mistake, OptionError
from bptrain.optim.optimizers.optimizer import OPTIMIZERS, LearningRate, LineSearch
from bptrain.optim.optimizers.wolfe import Line, Point, search


@OPTIMIZERS.register
@dataclass(frozen=True)
class Lbfgs(LineSearch):
    """Quasi-Newton steps along the direction d, as far as a line search finds good.

    The inverse Hessian H is built from the pairs s (how θ changed) and y (how g changed) of the latest steps by the
    two-loop recursion; α meets the strong Wolfe conditions. Shapes: any. A pair of no positive curvature is left out;
    where the direction does not lead down, the step is along -g; where the search fails, the best point it met is
    taken, and the pairs are forgotten if there is none better than the start. SciPy's L-BFGS-B, optax's lbfgs and
    PyTorch's LBFGS (strong_wolfe, not its default; up to 20 such steps a call) share the direction and have searches of
    their own. Reference: Nocedal, 1980; Nocedal and Wright, 2006 (algorithms 7.4, 3.5 and 3.6).

    The slots are the start of the latest step, its gradient, the direction, and rings of s and of y, which hold zeros
    where a pair is left out.
    """

    equations: ClassVar[Equations] = Equations(
        update=(
            "θ = θ + α d with d = -H g",
            "H from s and y of the latest history steps",
            "L(θ + α d) ≤ L(θ) + c₁ α d·g",
            "|d·g(θ + α d)| ≤ c₂ |d·g|",
            "the search begins at α = lr, in the first step at lr · min(1, 1 / Σ |g|)",
        )
    )
    aliases: ClassVar[tuple[str, ...]] = ("l_bfgs",)
    symbols: ClassVar[Mapping[str, str]] = {"c1": "c₁", "c2": "c₂"}
    lr: LearningRate = 1.0
    history: Annotated[int, Ge(1), Le(1000), "steps whose curvature is remembered"] = 10
    c1: Annotated[float, Gt(0), Lt(1), "share of the decrease promised by the slope that is enough"] = 1e-4
    c2: Annotated[float, Gt(0), Lt(1), "share of the slope that may be left"] = 0.9
    max_evaluations: Annotated[int, Ge(1), "points that a line search may try"] = 25

    usual_lr: ClassVar[tuple[float, float]] = (0.1, 1.0)

    def __post_init__(self) -> None:
        if self.c1 >= self.c2:
            raise OptionError(Mistake("c1", f"is not below c2 (got {self.c1:g} and {self.c2:g}); set c1: 0.0001"))

    @property
    def slots(self) -> int:
        return 3 + 2 * self.history

    def letters(self, slots: Sequence[Array], step: int) -> dict[str, Array | float]:
        return {"d": slots[2]}

    def advance(
        self, theta: Array, grad: Array, slots: Sequence[Array], evaluate: Callable[[], float], *, lr: float, step: int
    ) -> None:
        origin, gradient, direction, *pairs = slots
        value = evaluate()
        # Trial points far out may overflow; they are told by their values.
        with np.errstate(over="ignore", invalid="ignore"):
            if not isfinite(value) or not isfinite(dot(grad, grad)):
                return
            if step > 1:
                self.remember(theta, grad, slots, step)
            np.copyto(origin, theta)
            np.copyto(gradient, grad)
            first = lr
            if not self.direct(slots, grad, step):
                np.absolute(gradient, out=grad)
                first *= min(1.0, 1 / max(float(grad.sum()), 1e-300))
            start = Point(0.0, value, dot(gradient, direction))
            line = Line(theta, grad, origin, direction, evaluate)
            end = search(line, start, first, c1=self.c1, c2=self.c2, most=self.max_evaluations)
            if end is None:
                end = min((start, *line.tried), key=lambda point: point.value)
                line.go(end.at)
            if end is start:
                for vector in pairs:
                    vector.fill(0)

    def remember(self, theta: Array, grad: Array, slots: Sequence[Array], step: int) -> None:
        """Put the step that led to theta into the rings, as zeros if its curvature is of no use."""
        origin, gradient, _, *pairs = slots
        k = (step - 2) % self.history
        s, y = pairs[k], pairs[self.history + k]
        np.subtract(theta, origin, out=s)
        np.subtract(grad, gradient, out=y)
        size = sqrt(dot(s, s)) * sqrt(dot(y, y))
        if not (size and dot(s, y) > np.finfo(theta.dtype).eps * size):
            s.fill(0)
            y.fill(0)

    def direct(self, slots: Sequence[Array], work: Array, step: int) -> bool:
        """Fill the direction with `-H g`, or with -g where that does not lead down; tell which."""
        _, gradient, direction, *pairs = slots
        np.negative(gradient, out=direction)
        latest = [(step - 2 - age) % self.history for age in range(self.history)]
        used = []
        for k in latest:
            s, y = pairs[k], pairs[self.history + k]
            curvature = dot(s, y)
            if curvature > 0:
                share = dot(s, direction) / curvature
                direction -= np.multiply(y, share, out=work)
                used.append((s, y, curvature, share))
        if used:
            _, y, curvature, _ = used[0]
            direction *= curvature / dot(y, y)
        for s, y, curvature, share in reversed(used):
            direction += np.multiply(s, share - dot(y, direction) / curvature, out=work)
        if used and -np.inf < dot(direction, gradient) < 0:
            return True
        np.negative(gradient, out=direction)
        return False


def dot(a: Array, b: Array) -> float:
    """The inner product."""
    return float(np.dot(a, b))
