"""The layer that embeds numbers: each is given to the next layer also as learned sums of learned waves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import pi
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.errors import Mistake, OptionError
from bptrain.nn.initializers import Normal, Uniform, Zeros
from bptrain.nn.layer import LAYERS, Parameter, Plan, Scratch, Views, Workspace


@LAYERS.register
@dataclass(frozen=True)
class Periodic:
    """Adds to its inputs an embedding of each number: weighted sums of cosines whose frequencies are learned.

    z are the inputs that are embedded; each has waves a and units h of its own, so that a small network can follow it
    through steps and bumps. dr and dh are the parts of dy for x and h, da the gradient by a, and dz that by z. Shapes:
    x `(n, inputs)`, c and φ `(numbers, 1, frequencies)`, w `(numbers, units, frequencies)`, b `(numbers, units, 1)`,
    y `(n, inputs + numbers · units)`. The frequencies start as N(0, sigma²), the phases anywhere in a wave. Gorishniy,
    Rubachev and Babenko, 2022, have sines in place of phases, relu after h, and leave out x. Reference: Holzmüller,
    Grinsztajn and Steinwart, 2024.
    """

    equations = Equations(
        forward=("y = join(x, h)", "h = Σ_k w a + b", "a = cos(v)", "v = 2 π c z + φ"),
        backward=(
            "dw = Σ_rows dh a",
            "db = Σ_rows dh",
            "dv = -da sin(v) with da = Σ_units dh w",
            "dφ = Σ_rows dv",
            "dc = 2 π Σ_rows z dv",
            "dx = dr + dz with dz = 2 π Σ_frequencies c dv",
        ),
    )
    aliases = ("embedding", "fourier", "pbld", "plr")

    frequencies: Annotated[int, Ge(1), Le(10_000), "waves of each number"] = 16
    units: Annotated[int, Ge(1), Le(10_000), "outputs of each number, besides the number itself"] = 3
    sigma: Annotated[float, Gt(0), Le(1e6), "standard deviation of the frequencies at the start, in waves per 1"] = 0.1
    inputs: Annotated[
        tuple[Annotated[int, Ge(0)], ...] | Literal["auto"],
        "inputs to embed, counted from 0; auto: the numeric columns in a first layer, elsewhere all",
    ] = "auto"

    @classmethod
    def example(cls, width: int) -> "Periodic":
        """Return a layer to check on rows of `width` values."""
        return cls(3, 2, 0.3, inputs=(width - 1, 0) if width > 1 else (0,))

    def choose_inputs(self, numbers: Sequence[int]) -> "Periodic":
        """Return the layer with `auto` replaced by the places of the numeric columns among the inputs.

        Raises:
            OptionError: there are none.
        """
        if self.inputs != "auto":
            return self
        if not numbers:
            raise OptionError(Mistake("", "there is no numeric column to embed; remove the layer"))
        return replace(self, inputs=tuple(numbers))

    @cached_property
    def places(self) -> Array | None:
        """The inputs to embed, int64; None: all."""
        return None if self.inputs == "auto" else np.array(self.inputs, np.int64)

    def letters(self, s: Workspace, label: str) -> dict[str, Array]:
        """Return π, z and the gradients that are parts of others; backward overwrites v."""
        known = {"π": np.array(pi), "z": s.numbers[:, :, None, None]}
        if label == "Forward:":
            return known
        return known | {"a": s.waves[:, :, None], "dh": s.dh[:, :, :, None], "dv": s.slope[:, :, None]}

    def plan(self, shape: Shape) -> Plan:
        if len(shape) != 1:
            raise OptionError(Mistake("", f"takes rows of numbers, not of the shape {shape}; write another layer"))
        numbers = shape[0] if self.inputs == "auto" else len(self.inputs)
        if self.inputs != "auto":
            if not numbers or len(set(self.inputs)) < numbers:
                what = f"expected different numbers (got {list(self.inputs)}); write auto"
                raise OptionError(Mistake("inputs", what))
            if (largest := max(self.inputs)) >= shape[0]:
                what = f"the layer has the inputs 0 to {shape[0] - 1} (got {largest}); write auto"
                raise OptionError(Mistake("inputs", what))
        waves, limit = (numbers, self.frequencies), self.frequencies**-0.5
        parameters = {
            "weight": Parameter((numbers, self.units, self.frequencies), Uniform(-limit, limit), symbol="w", axis=2),
            "frequency": Parameter((numbers, 1, self.frequencies), Normal(self.sigma), decay=False, symbol="c"),
            "phase": Parameter((numbers, 1, self.frequencies), Uniform(-pi, pi), decay=False, symbol="φ"),
            "bias": Parameter((numbers, self.units, 1), Zeros(), decay=False),
        }
        row = Scratch((numbers,))
        scratch = {"numbers": row, "sums": row, "both": row, "dh": Scratch((numbers, self.units))}
        scratch |= {"angle": Scratch(waves), "waves": Scratch(waves), "slope": Scratch(waves)}
        return Plan((shape[0] + numbers * self.units,), parameters, scratch, reads="")

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        n, inputs = x.shape
        y[:, :inputs] = x
        if self.places is None:
            np.copyto(s.numbers, x)
        else:
            # Without "clip" NumPy would make a copy of the result.
            np.take(x, self.places, axis=1, out=s.numbers, mode="clip")
        np.multiply(s.numbers[:, :, None], p.frequency[:, 0], out=s.angle)
        s.angle *= 2 * pi
        s.angle += p.phase[:, 0]
        np.cos(s.angle, out=s.waves)
        h = y[:, inputs:].reshape(n, -1, self.units)
        np.matmul(s.waves.transpose(1, 0, 2), p.weight.transpose(0, 2, 1), out=h.transpose(1, 0, 2))
        h += p.bias[:, :, 0]

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        n, inputs = x.shape
        np.copyto(s.dh.reshape(n, -1), dy[:, inputs:])
        np.matmul(s.dh.transpose(1, 2, 0), s.waves.transpose(1, 0, 2), out=g.weight)
        s.ones.dot(s.dh.reshape(n, -1), out=g.bias.reshape(-1))
        np.matmul(s.dh.transpose(1, 0, 2), p.weight, out=s.slope.transpose(1, 0, 2))
        np.sin(s.angle, out=s.angle)
        s.slope *= s.angle
        np.negative(s.slope, out=s.slope)
        s.ones.dot(s.slope.reshape(n, -1), out=g.phase.reshape(-1))
        np.multiply(s.slope, s.numbers[:, :, None], out=s.angle)
        s.ones.dot(s.angle.reshape(n, -1), out=g.frequency.reshape(-1))
        g.frequency *= 2 * pi
        if dx is None:
            return
        np.copyto(dx, dy[:, :inputs])
        np.multiply(s.slope, p.frequency[:, 0], out=s.angle)
        np.add.reduce(s.angle, axis=2, out=s.sums)
        s.sums *= 2 * pi
        if self.places is None:
            dx += s.sums
        else:
            np.take(dx, self.places, axis=1, out=s.both, mode="clip")
            s.both += s.sums
            dx[:, self.places] = s.both
