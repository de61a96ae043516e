"""The sweep: how good central differences are at every step size, and a verdict that needs no tolerance.

The error of a central difference over the step h is a V in log-log: on the right the truncation error falls like h²,
on the left rounding grows like 1/h, and where they meet, near the cube root of the machine's precision, lies the best
that can be had. The complex step subtracts nothing, and so has no left arm. Reference: Squire and Trapp, 1998.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal

from bptrain.gradcheck.diagnosis.diagnosis import diagnose_exception
from bptrain.gradcheck.line import Line, directions
from bptrain.gradcheck.safety import unsafe_parts
from bptrain.gradcheck.taylor import Taylor, taylor
from bptrain.gradcheck.twin import Twin
from bptrain.nn.observer import BackwardError

STEPS = tuple(float(10 ** (-k / 2)) for k in range(2, 31))
"""The step sizes, 1e-1 to 1e-15 in half decades."""
DIRECTIONS = 3
WRONG = 1e-6
"""A backward pass that is so far off the complex step is wrong, whatever the slopes could show."""

Reference = Literal["complex step", "backward pass"]


@dataclass(frozen=True)
class Step:
    """The relative errors of derivatives over one step size.

    Attributes:
        h: how far every parameter and input moves, about.
        central: of `(f(θ + h d) - f(θ - h d)) / 2 h`.
        forward: of `(f(θ + h d) - f(θ)) / h`.
        complex: of `Im f(θ + i h d) / h`; None where the forward pass is not complex-safe.
        crossed: whether the step moves anything across a kink.
    """

    h: float
    central: float
    forward: float
    complex: float | None
    crossed: bool


@dataclass(frozen=True)
class Sweep:
    """What a sweep found.

    Attributes:
        reference: what counts as the truth for the errors: the complex step, or else the backward pass.
        steps: the errors at every step size, the largest step first.
        backward_error: of the backward pass along the same directions, relative to the complex step.
        taylor: a verdict for each parameter, the inputs, and all together.
        failure: why there are no numbers, if a pass does not run through or the loss is not finite.
    """

    reference: Reference
    steps: tuple[Step, ...]
    backward_error: float | None
    taylor: tuple[Taylor, ...]
    failure: str | None = None

    @property
    def passed(self) -> bool:
        """Whether no gradient is wrong, by its slope or by the complex step along the same directions; one that is
        undecided by its slope alone is not."""
        seen = self.backward_error is None or self.backward_error <= WRONG
        return self.failure is None and seen and all(one.verdict != "wrong" for one in self.taylor)

    @property
    def best(self) -> Step | None:
        """The step size at which central differences are best."""
        finite = [step for step in self.steps if isfinite(step.central)]
        return min(finite, key=lambda step: step.central) if finite else None

    def to_json(self) -> dict[str, Any]:
        """All of it for scripts; a number that is not finite is null."""
        best = self.best
        found = {"passed": self.passed, **asdict(self), "best": best and {"h": best.h, "error": best.central}}
        plain: dict[str, Any] = finite_or_null(found)
        return plain


def finite_or_null(value: Any) -> Any:
    """The value as JSON can hold it."""
    if isinstance(value, dict):
        return {key: finite_or_null(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite_or_null(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def sweep(twin: Twin) -> Sweep:
    """Sweep the step size of central differences, and test the order of the Taylor remainders.

    Args:
        twin: left as it was, to the last bit.

    Returns:
        What was found. A pass that stops is a `failure`, not an exception.
    """
    with twin.unchanged():
        try:
            return swept(twin)
        except BackwardError as error:
            return Sweep("complex step", (), None, (), str(diagnose_exception(error)))


def swept(twin: Twin) -> Sweep:
    """The sweep where the twin stands.

    Raises:
        BackwardError: a pass does not run through.
    """
    safe = not list(unsafe_parts(twin))
    reference: Reference = "complex step" if safe else "backward pass"
    value = sum(twin.values())
    if not isfinite(value):
        return Sweep(reference, (), None, (), f"the loss is not finite: it is {value}")
    gradients = twin.gradients()[1]["both"]
    lines = [Line(twin, directions(twin, seed)) for seed in range(DIRECTIONS)]
    given = [line.slope(gradients) for line in lines]
    exact = [line.complex_slope() for line in lines] if safe else given
    error = relative(given, exact) if safe else None
    return Sweep(reference, tuple(errors(lines, exact, safe)), error, tuple(taylor(twin, gradients)))


def relative(found: Sequence[float], exact: Sequence[float]) -> float:
    """The error along all lines together, relative to the derivatives; absolute where these are 0."""
    scale = sum(map(abs, exact)) or 1.0
    return sum(abs(one - other) for one, other in zip(found, exact, strict=True)) / scale


def errors(lines: Sequence[Line], exact: Sequence[float], safe: bool) -> list[Step]:
    """The errors at every step size."""
    here, value = lines[0].pattern(0), lines[0].value(0)
    steps: list[Step] = []
    for h in STEPS:
        ahead, behind = [line.value(h) for line in lines], [line.value(-h) for line in lines]
        central = [(one - other) / (2 * h) for one, other in zip(ahead, behind, strict=True)]
        forward = [(one - value) / h for one in ahead]
        imaginary = relative([line.complex_slope(h) for line in lines], exact) if safe else None
        # Smaller steps stay where a larger one did.
        crossed = (not steps or steps[-1].crossed) and any(
            line.pattern(end) != here for line in lines for end in (h, -h)
        )
        steps.append(Step(h, relative(central, exact), relative(forward, exact), imaginary, crossed))
    return steps
