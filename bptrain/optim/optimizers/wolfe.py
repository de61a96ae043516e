"""A line search: how far to go along a direction, by the strong Wolfe conditions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import copysign, isfinite, sqrt

import numpy as np

from bptrain.arrays import Array


@dataclass(frozen=True)
class Point:
    """A point of the line: how far along the direction it is, the loss there, and its slope along the direction."""

    at: float
    value: float
    slope: float

    @property
    def finite(self) -> bool:
        """Whether the loss can be computed there."""
        return isfinite(self.value)


@dataclass
class Line:
    """The line `θ = origin + at · direction`, and the finite points of it that were tried."""

    theta: Array
    grad: Array
    origin: Array
    direction: Array
    evaluate: Callable[[], float]
    tried: list[Point] = field(default_factory=list)
    evaluations: int = 0

    def go(self, at: float) -> None:
        """Move theta along the line."""
        if at:
            np.multiply(self.direction, at, out=self.theta)
            self.theta += self.origin
        else:
            np.copyto(self.theta, self.origin)

    def try_at(self, at: float) -> Point:
        """Move there and evaluate; a loss or slope that is not finite counts as an infinite loss."""
        self.go(at)
        self.evaluations += 1
        value = self.evaluate()
        slope = float(np.dot(self.grad, self.direction))
        if not (isfinite(value) and isfinite(slope)):
            return Point(at, float("inf"), 0.0)
        point = Point(at, value, slope)
        self.tried.append(point)
        return point


def search(line: Line, start: Point, first: float, *, c1: float, c2: float, most: int) -> Point | None:
    """A point that meets the strong Wolfe conditions, theta being there, or None if there is none within `most` tries.

    Brackets an interval that holds such points, growing the step from `first`, then narrows it by the minima of
    cubics. Source: Nocedal and Wright, 2006, algorithms 3.5 and 3.6.
    """
    if not start.slope < 0:
        return None

    def too_high(point: Point) -> bool:
        return not point.value <= start.value + c1 * point.at * start.slope

    def flat(point: Point) -> bool:
        return abs(point.slope) <= -c2 * start.slope

    low, point = start, line.try_at(first)
    while not (too_high(point) or (low is not start and point.value >= low.value)):
        if flat(point):
            return point
        if point.slope >= 0:
            low, point = point, low
            break
        if line.evaluations >= most:
            return None
        least, greatest = point.at + 0.1 * (point.at - low.at), 10 * point.at
        at = min(max(lowest_of_cubic(low, point), least), greatest)
        low, point = point, line.try_at(at)
    high = point
    while line.evaluations < most:
        at = between(low, high)
        if at in (low.at, high.at):
            return None
        point = line.try_at(at)
        if too_high(point) or point.value >= low.value:
            high = point
            continue
        if flat(point):
            return point
        if point.slope * (high.at - low.at) >= 0:
            high = low
        low = point
    return None


def between(low: Point, high: Point) -> float:
    """Where to look next inside an interval, a tenth of it or more away from its ends."""
    width = high.at - low.at
    if not high.finite:
        return low.at + 0.1 * width
    share = (lowest_of_cubic(low, high) - low.at) / width if width else 0.5
    return low.at + min(max(share, 0.1), 0.9) * width


def lowest_of_cubic(a: Point, b: Point) -> float:
    """Where the cubic through two points with their slopes is lowest, or the middle where it has no such place.

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
