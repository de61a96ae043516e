"""Complex safety: whether a forward pass of somebody's own means the same in complex numbers.

If it does not, the complex step says nothing about it, and central differences must do. The operation that loses the
in_complex part is found by running the forward pass on arrays that note what is done with them.
"""

import contextlib
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.twin import STEP, Twin
from bptrain.nn.observer import BackwardError, ObservedLayer, Passage, PassageObserver, guard_kernels, in_backward_order

LOSING = ("absolute", "fabs", "maximum", "minimum", "fmax", "fmin", "conjugate", "sign", "arctan2", "hypot", "floor")
"""The operations of NumPy that drop or bend an imaginary part, or do not take one."""
BENDING = ("absolute", "fabs", "conjugate", "maximum", "minimum", "fmax", "fmin")
"""Those that never do what they do to real numbers, though it need not show in the numbers at hand."""


def unsafe_parts(twin: Twin) -> Iterator[tuple[str, str]]:
    """The layers of other people, and their loss, whose forward pass is not complex-safe, each with the reason.

    The twin is told, so that nobody asks them for complex numbers again.

    Raises:
        BackwardError: the forward pass does not run through in real numbers either.
    """
    observer = PassageObserver()
    with twin.observe(observer):
        twin.values()
    for real, in_complex in zip(in_backward_order(twin.observed[0]), in_backward_order(twin.observed[1]), strict=True):
        if is_foreign(real.layer) and (
            reason := reason_of(layer_reason, real, in_complex, observer.passages[real.name])
        ):
            in_complex.complex_safe = False
            yield real.name, reason
    if is_foreign(twin.real.loss) and (reason := reason_of(loss_reason, twin)):
        twin.loss_is_complex_safe = False
        yield twin.loss_name, reason


def reason_of(reason: Callable[..., str | None], *subject: Any) -> str | None:
    """Why a part is not complex-safe, or why that could not be seen."""
    try:
        return reason(*subject)
    except BackwardError as error:
        return f"it stops beside the rows at hand with {type(error.__cause__).__name__}: {error.__cause__}"


def is_foreign(component: object) -> bool:
    """Whether a component is somebody's own."""
    return not type(component).__module__.startswith("bptrain.")


def layer_reason(real: ObservedLayer, in_complex: ObservedLayer, passage: Passage) -> str | None:
    """Why a layer is not complex-safe, or None."""
    arrays = {"x": passage.x, **{key: value.copy() for key, value in vars(real.step.p).items()}}

    def run(observed: ObservedLayer, moved: dict[str, Array]) -> Array:
        step, dtype = observed.step, observed.step.y.dtype
        passage.rewind(step.s)
        p = type(step.p)(**{key: value for key, value in moved.items() if key != "x"})
        x, y, kept = moved["x"], np.zeros(step.y.shape, dtype), step.x.copy()
        if observed.inner:
            # Its layers read the buffer of the network.
            step.x[...] = x
            x = step.x
        try:
            with guard_kernels(observed.name, "forward"):
                observed.layer.forward(p, x, y, step.s)
        finally:
            step.x[...] = kept
        return y

    reason = disagreement(arrays, lambda moved: run(real, moved), lambda moved: run(in_complex, moved))
    stepped = {key: value.astype(np.complex128) for key, value in arrays.items()}
    traced = trace(
        lambda wrap: run(in_complex, {key: wrap(value) for key, value in stepped.items()}), source_file(real.layer)
    )
    return (traced or reason) if reason or bends(traced) else None


def loss_reason(twin: Twin) -> str | None:
    """Why the loss is not complex-safe, or None."""
    scores = twin.batches[0].frame.scores.copy()

    def run(which: int, moved: dict[str, Array]) -> Array:
        batch, objective = twin.batches[which], (twin.real, twin.complex)[which]
        with guard_kernels(twin.loss_name):
            value: Any = objective.loss.value_and_grad(
                moved["scores"], batch.targets, None, np.empty_like(batch.frame.dscores), batch.scratch
            )
        return np.array([value[0]])

    reason = disagreement({"scores": scores}, lambda moved: run(0, moved), lambda moved: run(1, moved))
    traced = trace(lambda wrap: run(1, {"scores": wrap(scores.astype(np.complex128))}), source_file(twin.real.loss))
    return (traced or reason) if reason or bends(traced) else None


def bends(traced: str | None) -> bool:
    """Whether an operation leaves nothing of a derivative, whatever the numbers at hand show."""
    return traced is not None and any(f"np.{name} " in traced for name in BENDING)


Run = Callable[[dict[str, Array]], Array]


def disagreement(arrays: dict[str, Array], real: Run, in_complex: Run) -> str | None:
    """How a function in complex numbers differs from the one in real numbers: in value, or in slope."""
    try:
        there = in_complex({key: value.astype(np.complex128) for key, value in arrays.items()})
    except BackwardError as error:
        return f"it stops in complex numbers with {type(error.__cause__).__name__}: {error.__cause__}"
    here = real(arrays)
    scale = float(np.abs(here).max(initial=1e-300))
    if not np.isfinite(there).all() or np.abs(there.real - here).max(initial=0) > 1e-9 * scale:
        return "it gives other values in complex numbers"
    rng = np.random.default_rng(0)
    for key, array in arrays.items():
        direction = rng.normal(size=array.shape)
        stepped = {k: v.astype(np.complex128) for k, v in arrays.items()}
        stepped[key] = stepped[key] + 1j * STEP * direction
        slope = in_complex(stepped).imag / STEP
        h = 1e-5 * max(1.0, float(np.abs(array).max(initial=0)))
        ahead, behind = (real({**arrays, key: array + sign * h * direction}) for sign in (1, -1))
        central = (ahead - behind) / (2 * h)
        # Where the slopes to both sides differ there is a kink, and nothing to compare.
        slack = np.abs((ahead - here) - (here - behind)) / h + 1e-13 * scale / h
        if (np.abs(slope - central) > slack + 1e-4 * np.abs(central)).any():
            return "its slope is another in complex numbers"
    return None


class Traced(np.ndarray):
    """An array that notes, with the line, which losing operations it goes through."""

    notes: list[str] = []  # noqa: RUF012
    source: str | None = None

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        """Run the operation on plain arrays."""
        plain = [np.asarray(one) if isinstance(one, Traced) else one for one in inputs]
        if ufunc.__name__ in LOSING and any(np.iscomplexobj(one) for one in plain):
            Traced.note(f"np.{ufunc.__name__}")
        if out is not None:
            options["out"] = tuple(np.asarray(one) if isinstance(one, Traced) else one for one in out)
        result = getattr(ufunc, method)(*plain, **options)
        return result.view(Traced) if isinstance(result, np.ndarray) and out is None else result

    @classmethod
    def note(cls, what: str) -> None:
        """Remember an operation and the line of the source that asked for it."""
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != cls.source:
            frame = frame.f_back  # type: ignore[assignment]
        cls.notes.append(f"{what} in line {frame.f_lineno}" if frame else what)


def trace(run: Callable[[Callable[[Array], Array]], Any], source: str | None) -> str | None:
    """The operations that lose the imaginary part, in words; None if none is known."""
    Traced.notes, Traced.source = [], source
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with contextlib.suppress(BackwardError, TypeError):
            run(lambda array: array.view(Traced))
    casts = [
        f"a complex value put into a real array in line {one.lineno}"
        for one in caught
        if issubclass(one.category, np.exceptions.ComplexWarning) and one.filename == source
    ]
    found = list(dict.fromkeys([*Traced.notes, *casts]))
    return f"{' and '.join(found)} {'lose' if len(found) > 1 else 'loses'} the imaginary part" if found else None


def source_file(component: object) -> str | None:
    """The file that a component is written in, as frames name it."""
    try:
        return inspect.getsourcefile(type(component))
    except (OSError, TypeError):
        return None
