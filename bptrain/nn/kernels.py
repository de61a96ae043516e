"""Functions that several activations and losses share, and that are also right for complex numbers.

The gradient check takes derivatives by the complex step: it adds a tiny imaginary part to a number, and reads the
derivative from the imaginary part of the result. So conditions look at the real part alone, and |x| is x times the sign
of its real part.
"""

import numpy as np

from bptrain.arrays import Array


def absolute(x: Array, out: Array) -> None:
    """Fill out with |x|, of slope 0 at 0; out may be x."""
    if x.dtype.kind == "c":
        np.multiply(x, np.sign(x.real), out=out)
    else:
        np.absolute(x, out=out)


def absolute_from_left(x: Array, out: Array) -> None:
    """Fill out with |x|, of slope -1 at 0; out may be x.

    For functions of |x| that are smooth at 0 and use the condition x > 0: there 0 belongs to the case of negative x.
    """
    if x.dtype.kind == "c":
        np.multiply(x, np.where(x.real > 0, 1.0, -1.0), out=out)
    else:
        np.absolute(x, out=out)


def positive_part(x: Array, out: Array) -> None:
    """Fill out with max(x, 0), of slope 0 at 0; out may be x."""
    if x.dtype.kind == "c":
        np.multiply(x, x.real > 0, out=out)
    else:
        np.maximum(x, 0, out=out)


def exp_of_minus_abs(x: Array, out: Array) -> None:
    """Fill out with exp(-|x|), which never overflows; out may be x."""
    absolute_from_left(x, out)
    np.negative(out, out=out)
    np.exp(out, out=out)


def sigmoid(x: Array, out: Array, decay: Array, positive: Array) -> None:
    """Fill out with 1 / (1 + exp(-x)), exact in both tails; out may be x.

    With e = exp(-|x|) it is 1 / (1 + e) for x > 0, else e / (1 + e). `decay` (the dtype of x) and `positive` (bool) are
    scratch; afterwards they hold 1 + e and x > 0.
    """
    np.greater(x.real, 0, out=positive)
    exp_of_minus_abs(x, decay)
    np.copyto(out, decay)
    np.copyto(out, 1, where=positive)
    decay += 1
    np.divide(out, decay, out=out)


def negative_part(x: Array, out: Array) -> None:
    """Fill out with min(x, 0), of slope 1 at 0; out may be x."""
    if x.dtype.kind == "c":
        np.multiply(x, x.real <= 0, out=out)
    else:
        np.minimum(x, 0, out=out)


def clip(x: Array, low: float, high: float, out: Array) -> None:
    """Fill out with min(max(x, low), high), of slope 0 at both bounds; out may be x."""
    if x.dtype.kind == "c":
        below, above = x.real <= low, x.real >= high
        np.copyto(out, x)
        np.copyto(out, low, where=below)
        np.copyto(out, high, where=above)
    else:
        np.maximum(x, low, out=out)
        np.minimum(out, high, out=out)


def log1p(x: Array, out: Array) -> None:
    """Fill out with ln(1 + x), exact for small x; out may be x.

    `np.log1p` is not exact for small complex x. This one treats the imaginary part as infinitely small.
    """
    if x.dtype.kind == "c":
        slope = 1 / (1 + x.real)
        np.multiply(x.imag, slope, out=out.imag)
        np.log1p(x.real, out=out.real)
    else:
        np.log1p(x, out=out)


def softplus(x: Array, out: Array, tail: Array) -> None:
    """Fill out with ln(1 + exp(x)), as max(x, 0) + ln(1 + exp(-|x|)); out may be x, tail is scratch of its dtype."""
    exp_of_minus_abs(x, tail)
    log1p(tail, tail)
    positive_part(x, out)
    out += tail
