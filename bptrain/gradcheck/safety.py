"""Complex safety: whether a custom forward pass computes the same function in complex numbers.

If not, the complex step is no reference for it, and central differences are used. The operation that loses the
imaginary part is found by running the forward pass on arrays that record the operations.
"""

import contextlib
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.twin import STEP, Twin
from bptrain.nn.observer import KernelError, ObservedLayer, Passage, guard_kernels

NEVER_ANALYTIC = ("absolute", "fabs", "conjugate", "maximum", "minimum", "fmax", "fmin")
"""The operations of NumPy that are never analytic, even if the numbers of one pass do not show it."""
LOSSY = (*NEVER_ANALYTIC, "sign", "arctan2", "hypot", "floor")
"""The operations that drop or change an imaginary part, or do not accept one."""

Run = Callable[[dict[str, Array]], Array]
"""Computes an output from named arrays."""


def find_unsafe(twin: Twin) -> Iterator[tuple[str, str]]:
    """Yield the name of each custom layer or loss whose forward pass is not complex-safe, with the reason.

    They are marked in the twin, so that they are not run in complex numbers again.

    Raises:
        KernelError: the forward pass stops in real numbers too.
    """
    passages = twin.record_passages(backward=False)
    for real, in_complex in twin.layers:
        if is_custom(real.layer) and (reason := explain_layer(real, in_complex, passages[real.name])):
            in_complex.complex_safe = False
            yield real.name, reason
    if is_custom(twin.real.loss) and (reason := explain_loss(twin)):
        twin.loss_is_complex_safe = False
        yield twin.loss_name, reason


def is_custom(component: object) -> bool:
    """Return whether a component is not one of bptrain's own."""
    return not type(component).__module__.startswith("bptrain.")


def explain_layer(real: ObservedLayer, in_complex: ObservedLayer, passage: Passage) -> str | None:
    """Return why a layer is not complex-safe; None if it is."""
    arrays = {"x": passage.x, **{key: value.copy() for key, value in vars(real.step.p).items()}}

    def run(observed: ObservedLayer, moved: dict[str, Array]) -> Array:
        step, dtype = observed.step, observed.step.y.dtype
        passage.rewind(step.s)
        p = type(step.p)(**{key: value for key, value in moved.items() if key != "x"})
        x, y, before = moved["x"], np.zeros(step.y.shape, dtype), step.x.copy()
        if observed.inner:
            # Its layers read the buffer of the network.
            step.x[...] = x
            x = step.x
        try:
            with guard_kernels(observed.name, "forward"):
                observed.layer.forward(p, x, y, step.s)
        finally:
            step.x[...] = before
        return y

    return explain(arrays, lambda moved: run(real, moved), lambda moved: run(in_complex, moved), real.layer)


def explain_loss(twin: Twin) -> str | None:
    """Return why the loss is not complex-safe; None if it is."""

    def run(which: Literal[0, 1]) -> Run:
        return lambda moved: np.array([twin.compute_loss(which, moved["scores"])])

    return explain({"scores": twin.batches[0].frame.scores.copy()}, run(0), run(1), twin.real.loss)


def explain(arrays: dict[str, Array], real: Run, in_complex: Run, component: object) -> str | None:
    """Return why the function of a component is not complex-safe; None if it is."""
    try:
        difference = find_difference(arrays, real, in_complex)
        lossy = trace_lossy_operations(arrays, in_complex, get_source_file(component))
    except KernelError as error:
        return f"on inputs close to those of the data it stops with {type(error.__cause__).__name__}: {error.__cause__}"
    never_analytic = lossy is not None and any(f"np.{name} " in lossy for name in NEVER_ANALYTIC)
    return (lossy or difference) if difference or never_analytic else None


def find_difference(arrays: dict[str, Array], real: Run, in_complex: Run) -> str | None:
    """Return how a function differs in complex numbers from the one in real numbers: in value, or in slope."""
    try:
        there = in_complex({key: value.astype(np.complex128) for key, value in arrays.items()})
    except KernelError as error:
        return f"in complex numbers it stops with {type(error.__cause__).__name__}: {error.__cause__}"
    here = real(arrays)
    scale = float(np.abs(here).max(initial=1e-300))
    if not np.isfinite(there).all() or np.abs(there.real - here).max(initial=0) > 1e-9 * scale:
        return "it gives different values in complex numbers"
    rng = np.random.default_rng(0)
    for key, array in arrays.items():
        direction = rng.normal(size=array.shape)
        stepped = {name: value.astype(np.complex128) for name, value in arrays.items()}
        stepped[key] = stepped[key] + 1j * STEP * direction
        slope = in_complex(stepped).imag / STEP
        h = 1e-5 * max(1.0, float(np.abs(array).max(initial=0)))
        ahead, behind = (real({**arrays, key: array + sign * h * direction}) for sign in (1, -1))
        central = (ahead - behind) / (2 * h)
        # Where the slopes to both sides differ there is a kink, and nothing to compare.
        slack = np.abs((ahead - here) - (here - behind)) / h + 1e-13 * scale / h
        if (np.abs(slope - central) > slack + 1e-4 * np.abs(central)).any():
            return "its slope differs in complex numbers"
    return None


class RecordingArray(np.ndarray):
    """An array that records the operations on it that lose an imaginary part, each with its line of the source."""

    records: list[str] = []  # noqa: RUF012
    source: str | None = None

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        """Run the operation on ordinary arrays."""
        arrays = [np.asarray(one) if isinstance(one, RecordingArray) else one for one in inputs]
        if ufunc.__name__ in LOSSY and any(np.iscomplexobj(one) for one in arrays):
            RecordingArray.record(f"np.{ufunc.__name__}")
        if out is not None:
            options["out"] = tuple(np.asarray(one) if isinstance(one, RecordingArray) else one for one in out)
        result = getattr(ufunc, method)(*arrays, **options)
        return result.view(RecordingArray) if isinstance(result, np.ndarray) and out is None else result

    @classmethod
    def record(cls, operation: str) -> None:
        """Record an operation, and the line of the source that calls it."""
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != cls.source:
            frame = frame.f_back  # type: ignore[assignment]
        cls.records.append(f"{operation} in line {frame.f_lineno}" if frame else operation)


def trace_lossy_operations(arrays: dict[str, Array], in_complex: Run, source: str | None) -> str | None:
    """Return in words which operations of a function lose the imaginary part; None if none is known."""
    RecordingArray.records, RecordingArray.source = [], source
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with contextlib.suppress(KernelError, TypeError):
            in_complex({key: value.astype(np.complex128).view(RecordingArray) for key, value in arrays.items()})
    casts = [
        f"a complex value put into a real array in line {one.lineno}"
        for one in caught
        if issubclass(one.category, np.exceptions.ComplexWarning) and one.filename == source
    ]
    found = list(dict.fromkeys([*RecordingArray.records, *casts]))
    return f"{' and '.join(found)} {'lose' if len(found) > 1 else 'loses'} the imaginary part" if found else None


def get_source_file(component: object) -> str | None:
    """Return the file that a component is written in, as frames name it."""
    try:
        return inspect.getsourcefile(type(component))
    except (OSError, TypeError):
        return None
