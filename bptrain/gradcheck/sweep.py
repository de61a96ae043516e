"""The sweep: the error of central differences at every step size, and a verdict that needs no tolerance.

The error of a central difference over the step h is a V in log-log: on the right the truncation error falls like h²,
on the left rounding grows like 1/h, and where they meet, near the cube root of the machine's precision, the error is
smallest. The complex step subtracts nothing, and so has no left arm. Reference: Squire and Trapp, 1998.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal

from bptrain.gradcheck.diagnosis.diagnosis import diagnose_exception
from bptrain.gradcheck.safety import find_unsafe
from bptrain.gradcheck.taylor import Line, Taylor, draw_directions, judge_gradients
from bptrain.gradcheck.twin import Twin
from bptrain.nn.observer import KernelError

STEPS = tuple(float(10 ** (-k / 2)) for k in range(2, 31))
"""The step sizes, 1e-1 to 1e-15 in half decades."""
DIRECTIONS = 3
MAX_ERROR = 1e-6
"""A backward pass with a larger error than this, relative to the complex step, is wrong, whatever the slopes show."""

Reference = Literal["complex step", "backward pass"]


@dataclass(frozen=True)
class Step:
    """The relative errors of derivatives over one step size.

    Attributes:
        h: about how far every parameter and input moves.
        central: of `(f(θ + h d) - f(θ - h d)) / 2 h`.
        forward: of `(f(θ + h d) - f(θ)) / h`.
        complex: of `Im f(θ + i h d) / h`; None where the forward pass is not complex-safe.
        crossed: whether the step crosses a kink.
    """

    h: float
    central: float
    forward: float
    complex: float | None
    crossed: bool


@dataclass(frozen=True)
class Sweep:
    """The result of a sweep.

    Attributes:
        reference: the value that errors are measured against: the complex step, or else the backward pass.
        steps: the errors at every step size, the largest step first.
        backward_error: of the backward pass along the same directions, relative to the complex step.
        taylor: a verdict for each parameter, the inputs, and all together.
        failure: why there are no numbers, if a pass stops or the loss is not finite.
    """

    reference: Reference
    steps: tuple[Step, ...]
    backward_error: float | None
    taylor: tuple[Taylor, ...]
    failure: str | None = None

    @property
    def passed(self) -> bool:
        """Whether no gradient is wrong, neither by its slope nor by the complex step; an undecided slope passes."""
        close = self.backward_error is None or self.backward_error <= MAX_ERROR
        return self.failure is None and close and all(one.verdict != "wrong" for one in self.taylor)

    @property
    def best(self) -> Step | None:
        """The step size at which central differences are best."""
        finite = [step for step in self.steps if isfinite(step.central)]
        return min(finite, key=lambda step: step.central) if finite else None

    def to_json(self) -> dict[str, Any]:
        """Return the keys of `bptrain gradcheck --sweep --json`; a number that is not finite is null."""
        best = self.best
        found = {"passed": self.passed, **asdict(self), "best": best and {"h": best.h, "error": best.central}}
        plain: dict[str, Any] = replace_nonfinite(found)
        return plain


def replace_nonfinite(value: Any) -> Any:
    """Return a value with None in place of numbers that are not finite, which JSON cannot hold."""
    if isinstance(value, dict):
        return {key: replace_nonfinite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [replace_nonfinite(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def sweep(twin: Twin) -> Sweep:
    """Sweep the step size of central differences, and test the order of the Taylor remainders.

    Args:
        twin: left as it was, to the last bit.

    Returns:
        The errors and verdicts. A pass that stops is a `failure`, not an exception.
    """
    with twin.preserve():
        try:
            return sweep_steps(twin)
        except KernelError as error:
            return Sweep("complex step", (), None, (), str(diagnose_exception(error)))


def sweep_steps(twin: Twin) -> Sweep:
    """Return the sweep at the present parameters of a twin.

    Raises:
        KernelError: a pass stops with an exception.
    """
    safe = not list(find_unsafe(twin))
    reference: Reference = "complex step" if safe else "backward pass"
    value = sum(twin.compute_objective())
    if not isfinite(value):
        return Sweep(reference, (), None, (), f"the loss is not finite: it is {value}")
    gradients = twin.compute_gradients()[1]["both"]
    lines = [Line(twin, draw_directions(twin, seed)) for seed in range(DIRECTIONS)]
    given = [line.compute_slope(gradients) for line in lines]
    exact = [line.compute_complex_slope() for line in lines] if safe else given
    error = compute_error(given, exact) if safe else None
    steps = tuple(measure_steps(lines, exact, safe))
    return Sweep(reference, steps, error, tuple(judge_gradients(twin, gradients)))


def compute_error(found: Sequence[float], exact: Sequence[float]) -> float:
    """Return the error along all lines together, relative to the derivatives; absolute where these are 0."""
    scale = sum(map(abs, exact)) or 1.0
    return sum(abs(one - other) for one, other in zip(found, exact, strict=True)) / scale


def measure_steps(lines: Sequence[Line], exact: Sequence[float], safe: bool) -> list[Step]:
    """Return the errors at every step size."""
    sides, value = lines[0].find_kink_sides(0), lines[0].compute_value(0)
    steps: list[Step] = []
    for h in STEPS:
        ahead, behind = [line.compute_value(h) for line in lines], [line.compute_value(-h) for line in lines]
        central = [(one - other) / (2 * h) for one, other in zip(ahead, behind, strict=True)]
        forward = [(one - value) / h for one in ahead]
        imaginary = compute_error([line.compute_complex_slope(h) for line in lines], exact) if safe else None
        # Once a step crosses no kink, smaller ones do not either.
        crossed = (not steps or steps[-1].crossed) and any(
            line.find_kink_sides(end) != sides for line in lines for end in (h, -h)
        )
        steps.append(Step(h, compute_error(central, exact), compute_error(forward, exact), imaginary, crossed))
    return steps
