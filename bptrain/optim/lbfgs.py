"""L-BFGS: Newton's method with a Hessian estimated from the latest steps, and its line search."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import copysign, inf, isfinite, sqrt
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from bptrain.arrays import Array
from bptrain.equations import Equations
from bptrain.errors import Mistake, OptionError
from bptrain.optim.optimizer import OPTIMIZERS, LearningRate, LineSearch


@OPTIMIZERS.register
@dataclass(frozen=True)
class Lbfgs(LineSearch):
    """Quasi-Newton steps, for small data and smooth losses: a line search chooses how far to go in a direction d.

    H estimates the inverse Hessian by the two-loop recursion, from the pairs s (the change of θ) and y (the change of
    g) of the latest steps; α meets the strong Wolfe conditions. Shapes: any. A pair without positive curvature is left
    out. Where the loss does not fall along d, the step is along -g. Where the search fails, its best point is taken,
    and all pairs are dropped if none is better than the start. SciPy's L-BFGS-B, optax's lbfgs and PyTorch's LBFGS
    (strong_wolfe, not its default; up to 20 such steps a call) have the same direction and line searches of their own.
    Reference: Nocedal, 1980; Nocedal and Wright, 2006 (algorithms 7.4, 3.5 and 3.6).

    The slots are the θ and the gradient at the start of the latest step, its direction, and the latest `history` pairs:
    all s, then all y, where the newest pair overwrites the oldest, and a pair that is left out is zero.
    """

    equations = Equations(
        update=(
            "θ = θ + α d with d = -H g",
            "H from s and y of the latest history steps",
            "L(θ + α d) ≤ L(θ) + c₁ α d·g",
            "|d·g(θ + α d)| ≤ c₂ |d·g|",
            "the search begins at α = lr, in the first step at lr · min(1, 1 / Σ |g|)",
        )
    )
    aliases = ("l_bfgs",)
    symbols: ClassVar[Mapping[str, str]] = {"c1": "c₁", "c2": "c₂"}
    usual_lr = (0.1, 1.0)

    lr: LearningRate = 1.0
    history: Annotated[int, Ge(1), Le(1000), "number of latest steps that the curvature is estimated from"] = 10
    c1: Annotated[float, Gt(0), Lt(1), "sufficient decrease, as a share of the decrease that the slope predicts"] = 1e-4
    c2: Annotated[float, Gt(0), Lt(1), "largest slope at the end, as a share of the slope at the start"] = 0.9
    max_evaluations: Annotated[int, Ge(1), "largest number of points that a line search tries"] = 25

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
        # Points far away may overflow; then their loss is not finite.
        with np.errstate(over="ignore", invalid="ignore"):
            if not isfinite(value) or not isfinite(dot(grad, grad)):
                return
            if step > 1:
                self.store_pair(theta, grad, slots, step)
            np.copyto(origin, theta)
            np.copyto(gradient, grad)
            first = lr
            if not self.fill_direction(slots, grad, step):
                np.absolute(gradient, out=grad)
                first *= min(1.0, 1 / max(float(grad.sum()), 1e-300))
            start = Point(0.0, value, dot(gradient, direction))
            line = Line(theta, grad, origin, direction, evaluate)
            end = search_line(line, start, first, c1=self.c1, c2=self.c2, most=self.max_evaluations)
            if end is None:
                end = min((start, *line.points), key=lambda point: point.value)
                line.move_to(end.at)
            if end is start:
                for vector in pairs:
                    vector.fill(0)

    def store_pair(self, theta: Array, grad: Array, slots: Sequence[Array], step: int) -> None:
        """Store s and y of the step that led to theta; zeros if its curvature is not positive."""
        origin, gradient, _, *pairs = slots
        k = (step - 2) % self.history
        s, y = pairs[k], pairs[self.history + k]
        np.subtract(theta, origin, out=s)
        np.subtract(grad, gradient, out=y)
        size = sqrt(dot(s, s)) * sqrt(dot(y, y))
        if not (size and dot(s, y) > np.finfo(theta.dtype).eps * size):
            s.fill(0)
            y.fill(0)

    def fill_direction(self, slots: Sequence[Array], work: Array, step: int) -> bool:
        """Fill the direction with `-H g`, or with `-g` where the loss does not fall along `-H g`; return whether it is
        `-H g`."""
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


@dataclass(frozen=True)
class Point:
    """A point of the line: how far along the direction it is, the loss there, and the slope of the loss along it."""

    at: float
    value: float
    slope: float


@dataclass
class Line:
    """The line `θ = origin + at · direction`, and the points evaluated so far whose loss is finite."""

    theta: Array
    grad: Array
    origin: Array
    direction: Array
    evaluate: Callable[[], float]
    points: list[Point] = field(default_factory=list)
    evaluations: int = 0

    def move_to(self, at: float) -> None:
        """Move theta along the line."""
        if at:
            np.multiply(self.direction, at, out=self.theta)
            self.theta += self.origin
        else:
            np.copyto(self.theta, self.origin)

    def evaluate_at(self, at: float) -> Point:
        """Move theta there and return the point; a loss or slope that is not finite counts as an infinite loss."""
        self.move_to(at)
        self.evaluations += 1
        point = Point(at, self.evaluate(), dot(self.grad, self.direction))
        if not (isfinite(point.value) and isfinite(point.slope)):
            return Point(at, inf, 0.0)
        self.points.append(point)
        return point


def search_line(line: Line, start: Point, first: float, *, c1: float, c2: float, most: int) -> Point | None:
    """Return a point that meets the strong Wolfe conditions, with theta there; None if it is not found in `most` tries.

    The steps grow from `first` until an interval must contain such a point; then the interval is narrowed, each time to
    the minimum of a cubic through its ends. Source: Nocedal and Wright, 2006, algorithms 3.5 and 3.6.
    """
    if not start.slope < 0:
        return None

    def is_too_high(point: Point) -> bool:
        return not point.value <= start.value + c1 * point.at * start.slope

    def is_flat(point: Point) -> bool:
        return abs(point.slope) <= -c2 * start.slope

    low, point = start, line.evaluate_at(first)
    while not (is_too_high(point) or (low is not start and point.value >= low.value)):
        if is_flat(point):
            return point
        if point.slope >= 0:
            low, point = point, low
            break
        if line.evaluations >= most:
            return None
        least, greatest = point.at + 0.1 * (point.at - low.at), 10 * point.at
        at = min(max(minimize_cubic(low, point), least), greatest)
        low, point = point, line.evaluate_at(at)
    high = point
    while line.evaluations < most:
        at = choose_between(low, high)
        if at in (low.at, high.at):
            return None
        point = line.evaluate_at(at)
        if is_too_high(point) or point.value >= low.value:
            high = point
            continue
        if is_flat(point):
            return point
        if point.slope * (high.at - low.at) >= 0:
            high = low
        low = point
    return None


def choose_between(low: Point, high: Point) -> float:
    """Return the next point to try inside an interval, at least a tenth of its width from both ends."""
    width = high.at - low.at
    if not isfinite(high.value):
        return low.at + 0.1 * width
    share = (minimize_cubic(low, high) - low.at) / width if width else 0.5
    return low.at + min(max(share, 0.1), 0.9) * width


def minimize_cubic(a: Point, b: Point) -> float:
    """Return where the cubic through two points with their slopes has its minimum; their middle if it has none.

    Source: Nocedal and Wright, 2006, equation 3.59.
    """
    width, middle = b.at - a.at, (a.at + b.at) / 2
    if not width:
        return middle
    bend = a.slope + b.slope - 3 * (a.value - b.value) / (a.at - b.at)
    square = bend * bend - a.slope * b.slope
    if not square >= 0:
        return middle
    root = copysign(sqrt(square), width)
    divisor = b.slope - a.slope + 2 * root
    at = b.at - width * (b.slope + root - bend) / divisor if divisor else middle
    return at if isfinite(at) else middle


def dot(a: Array, b: Array) -> float:
    """Return the inner product."""
    return float(np.dot(a, b))
