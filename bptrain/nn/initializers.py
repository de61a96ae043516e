"""Initializers: the values that parameters start from.

All of them draw in float64, so that a network starts from the same values whatever its dtype. For a weight of shape
`(inputs, units)`, fan_in is `inputs` and fan_out is `units`.
"""

from abc import abstractmethod
from dataclasses import dataclass
from math import sqrt
from typing import Annotated, Protocol

import numpy as np
from annotated_types import Ge, Gt

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.errors import Mistake, OptionError
from bptrain.registry import Family

Numbers = tuple[float, ...] | tuple[tuple[float, ...], ...]


class Initializer(Protocol):
    """A rule that fills a new parameter.

    `alike = True` says that all values are the same number: units with such weights stay copies of each other.
    """

    @abstractmethod
    def fill(self, out: Array, rng: np.random.Generator) -> None:
        """Overwrite `out` with initial values."""


INITIALIZERS = Family("initializer", contract=Initializer)


def get_fans(shape: Shape) -> tuple[int, int]:
    """Return fan_in and fan_out of a weight `(inputs, units)`; for a vector both are its length."""
    return (shape[0], shape[-1])


@INITIALIZERS.register
@dataclass(frozen=True)
class Zeros:
    """All zeros: the usual start of biases, but not of weights, whose units would stay copies of each other.

    Shapes: any. The same in all frameworks.
    """

    equations = Equations(value=("w = 0",))
    aliases = ("zero",)
    alike = True

    def fill(self, out: Array, rng: np.random.Generator) -> None:
        out[...] = 0


@INITIALIZERS.register
@dataclass(frozen=True)
class Ones:
    """All ones: the usual start of scales.

    Shapes: any. The same in all frameworks.
    """

    equations = Equations(value=("w = 1",))
    alike = True

    def fill(self, out: Array, rng: np.random.Generator) -> None:
        out[...] = 1


@INITIALIZERS.register
@dataclass(frozen=True)
class Constant:
    """The same number everywhere.

    Shapes: any. The same in all frameworks.
    """

    equations = Equations(value=("w = value",))

    value: Annotated[float, "value of every entry"] = 0.0

    alike = True

    def fill(self, out: Array, rng: np.random.Generator) -> None:
        out[...] = self.value


@INITIALIZERS.register
@dataclass(frozen=True)
class Uniform:
    """Independent numbers, all equally likely between two limits.

    Shapes: any. Keras's RandomUniform has the same bounds, PyTorch's `uniform_` 0 and 1.
    """

    equations = Equations(value=("w ~ U(low, high)",))
    aliases = ("random_uniform",)

    low: Annotated[float, "lower limit"] = -0.05
    high: Annotated[float, "upper limit, which is not reached"] = 0.05

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise OptionError(Mistake("low", f"is above high (got {self.low:g} and {self.high:g}); swap them"))

    @property
    def alike(self) -> bool:
        """Whether all values are the same number."""
        return self.low == self.high

    def fill(self, out: Array, rng: np.random.Generator) -> None:
        out[...] = rng.uniform(self.low, self.high, out.shape)


@INITIALIZERS.register
@dataclass(frozen=True)
class Normal:
    """Independent normal numbers around zero.

    Shapes: any. Keras calls it RandomNormal (std 0.05), PyTorch `normal_` (std 1).
    """

    equations = Equations(value=("w ~ N(0, std²)",))
    aliases = ("gaussian", "random_normal")

    std: Annotated[float, Ge(0), "standard deviation"] = 0.05

    @property
    def alike(self) -> bool:
        """Whether all values are the same number."""
        return self.std == 0

    def fill(self, out: Array, rng: np.random.Generator) -> None:
        out[...] = rng.normal(0, self.std, out.shape)


@INITIALIZERS.register
@dataclass(frozen=True)
class TruncatedNormal(Normal):
    """Normal numbers around zero, where those beyond two standard deviations are drawn again.

    This leaves a standard deviation of 0.8796 std. Shapes: any. As Keras's TruncatedNormal; PyTorch's `trunc_normal_`
    cuts at -2 and 2, whatever std is.
    """

    equations = Equations(value=("w ~ N(0, std²)", "|w| ≤ 2 std"))

    std: Annotated[float, Ge(0), "standard deviation before truncation"] = 0.05

    def fill(self, out: Array, rng: np.random.Generator) -> None:
        numbers = rng.normal(0, 1, out.shape)
        while np.any(far := np.abs(numbers) > 2):
            numbers[far] = rng.normal(0, 1, np.count_nonzero(far))
        out[...] = self.std * numbers


@INITIALIZERS.register
@dataclass(frozen=True)
class GlorotUniform:
    """Uniform numbers that keep the variance of signals and gradients constant through linear and tanh layers.

    Shapes: `(inputs, units)`. Reference: Glorot and Bengio, 2010. The default of Keras; PyTorch calls it
    `xavier_uniform_`.
    """

    equations = Equations(value=("w ~ U(-a, a)", "a = √(6 / (fan_in + fan_out))"))
    aliases = ("xavier_uniform",)

    def fill(self, out: Array, rng: np.random.Generator) -> None:
        limit = sqrt(6 / sum(get_fans(out.shape)))
        out[...] = rng.uniform(-limit, limit, out.shape)


@INITIALIZERS.register
@dataclass(frozen=True)
class GlorotNormal:
    """Normal numbers that keep the variance of signals and gradients constant through linear and tanh layers.

    Shapes: `(inputs, units)`. Reference: Glorot and Bengio, 2010. As PyTorch's `xavier_normal_`; Keras truncates the
    distribution.
    """

    equations = Equations(value=("w ~ N(0, 2 / (fan_in + fan_out))",))
    aliases = ("xavier_normal",)

    def fill(self, out: Array, rng: np.random.Generator) -> None:
        out[...] = rng.normal(0, sqrt(2 / sum(get_fans(out.shape))), out.shape)


@INITIALIZERS.register
@dataclass(frozen=True)
class HeUniform:
    """Uniform numbers that keep the variance of signals constant through relu layers.

    Shapes: `(inputs, units)`. Reference: He et al., 2015. PyTorch calls it `kaiming_uniform_` (its `Linear` starts
    narrower, at `√(1 / fan_in)`).
    """

    equations = Equations(value=("w ~ U(-a, a)", "a = √(6 / fan_in)"))
    aliases = ("kaiming_uniform",)

    def fill(self, out: Array, rng: np.random.Generator) -> None:
        limit = sqrt(6 / get_fans(out.shape)[0])
        out[...] = rng.uniform(-limit, limit, out.shape)


@INITIALIZERS.register
@dataclass(frozen=True)
class HeNormal:
    """Normal numbers that keep the variance of signals constant through relu layers.

    Shapes: `(inputs, units)`. Reference: He et al., 2015. As PyTorch's `kaiming_normal_`; Keras truncates the
    distribution.
    """

    equations = Equations(value=("w ~ N(0, 2 / fan_in)",))
    aliases = ("kaiming_normal",)

    def fill(self, out: Array, rng: np.random.Generator) -> None:
        out[...] = rng.normal(0, sqrt(2 / get_fans(out.shape)[0]), out.shape)


@INITIALIZERS.register
@dataclass(frozen=True)
class LecunUniform:
    """Uniform numbers that keep the variance of signals constant through linear and selu layers.

    Shapes: `(inputs, units)`. The same in Keras. Reference: LeCun et al., 1998.
    """

    equations = Equations(value=("w ~ U(-a, a)", "a = √(3 / fan_in)"))

    def fill(self, out: Array, rng: np.random.Generator) -> None:
        limit = sqrt(3 / get_fans(out.shape)[0])
        out[...] = rng.uniform(-limit, limit, out.shape)


@INITIALIZERS.register
@dataclass(frozen=True)
class LecunNormal:
    """Normal numbers that keep the variance of signals constant through linear and selu layers.

    Shapes: `(inputs, units)`. Keras truncates the distribution. Reference: LeCun et al., 1998; Klambauer et al., 2017.
    """

    equations = Equations(value=("w ~ N(0, 1 / fan_in)",))

    def fill(self, out: Array, rng: np.random.Generator) -> None:
        out[...] = rng.normal(0, sqrt(1 / get_fans(out.shape)[0]), out.shape)


@INITIALIZERS.register
@dataclass(frozen=True)
class Orthogonal:
    """A random matrix whose rows or columns, whichever are fewer, are orthonormal, so that no signal grows or shrinks.

    Q is from the QR decomposition of a matrix of normal numbers, with the signs for which the diagonal of R is
    positive. Shapes: `(inputs, units)`. As PyTorch's `orthogonal_` and Keras's Orthogonal. Reference: Saxe, McClelland
    and Ganguli, 2014.
    """

    equations = Equations(value=("w = gain · Q",))
    aliases = ("eye",)

    gain: Annotated[float, Gt(0), "factor of every value"] = 1.0

    def fill(self, out: Array, rng: np.random.Generator) -> None:
        inputs, units = get_fans(out.shape)
        q, r = np.linalg.qr(rng.normal(size=(max(inputs, units), min(inputs, units))))
        q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
        out[...] = self.gain * (q if inputs >= units else q.T)


@INITIALIZERS.register
@dataclass(frozen=True)
class Values:
    """The numbers written in the config, for worked examples.

    Shapes: a weight `(inputs, units)` takes one list for each input, a bias `(units,)` one number for each unit.
    PyTorch stores weights the other way round, as `(units, inputs)`.
    """

    equations = Equations(value=("w = values",))

    values: Annotated[Numbers, "for weights one list for each input, for biases one number for each unit"]

    def fill(self, out: Array, rng: np.random.Generator) -> None:
        try:
            values = np.array(self.values, np.float64)
            shape: object = values.shape
        except ValueError:
            shape = "lists of different lengths"
        if shape != out.shape:
            what = f"the parameter has shape {out.shape} (got {shape}); give as many numbers"
            raise OptionError(Mistake("values", what))
        out[...] = values
