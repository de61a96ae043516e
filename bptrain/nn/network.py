"""The network: a chain of layers over one arena of arrays.

The arena holds everything that the layers work on. `theta` is one vector of all parameters and `grad` one of their
gradients, cut alike; the layers see named views of both. So clipping, updating, penalties and checkpoints act on one
array. Nothing is allocated after construction: a `Frame` is the arena seen through the first n rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

from bptrain.arrays import Array, Shape, Streams, get_physical_memory, split_views
from bptrain.errors import Mistake, OptionError
from bptrain.nn.chain import Arena, Chain, Frame
from bptrain.nn.layer import Layer, Parameter, Scratch
from bptrain.team import Team

Dtype = Literal["float32", "float64", "complex128"]


@dataclass(frozen=True)
class Entry:
    """One parameter: its name (`0.dense.weight`), its place in `theta`, and what its layer planned for it."""

    name: str
    shape: Shape
    slice: slice
    parameter: Parameter

    @property
    def symbol(self) -> str:
        """How formulas write it, such as W."""
        return self.parameter.symbol_as(self.name.rpartition(".")[2])


class Network:
    """Layers in a row, and the arena that they share; `team` has the threads that share out its updates.

    Args:
        layers: from input to output.
        shape: of one input row, such as `(64,)`.
        batch: the largest number of rows at a time.
        dtype: float32, float64, or complex128 (forward only, for the complex step).
        rng: the random streams; `init` draws the parameters, `dropout` the masks.
        input_gradient: whether `backward` fills `dinput` too.

    Raises:
        OptionError: a layer cannot take the shape that reaches it; the field is the layer's place, such as `0.dense`.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        shape: Shape,
        *,
        batch: int,
        dtype: Dtype = "float32",
        rng: Streams,
        input_gradient: bool = False,
    ) -> None:
        self.chain = Chain(layers, shape)
        self.batch = batch
        self.dtype = np.dtype(dtype)
        self.rng = rng
        self.team = Team()
        self.entries = self._entries()
        self.decayed = slice(0, sum(prod(entry.shape) for entry in self.entries if entry.parameter.decay))

        size = sum(prod(entry.shape) for entry in self.entries)
        require_memory((2 * size + batch * self.chain.row_size()) * self.dtype.itemsize)
        self.theta = np.zeros(size, self.dtype)
        self.grad = np.zeros(size, self.dtype)
        self.state = np.zeros(sum(prod(state.shape) for _, state in self.chain.states()), self.dtype)
        self.states = self.named_state(self.state)
        for name, state in self.chain.states():
            self.states[name][...] = state.initial

        constants = np.ones(batch, self.dtype), np.arange(batch)
        self.arena = Arena(batch, self.dtype, rng, *constants, self.parameters(), self.gradients(), self.states)
        row = Scratch(shape)
        self.chain.allocate(self.arena, self.arena.allocate(row), self.arena.allocate(row) if input_gradient else None)
        self._frames: dict[int, Frame] = {}
        self.initialize()

    @property
    def input_shape(self) -> Shape:
        """The shape of an input row."""
        return self.chain.shapes[0]

    @property
    def output_shape(self) -> Shape:
        """The shape of the scores of a row."""
        return self.chain.shapes[-1]

    def named(self, vector: Array) -> dict[str, Array]:
        """A vector as long as `theta` as views by the names of the parameters, in the order of the entries."""
        return {entry.name: vector[entry.slice].reshape(entry.shape) for entry in self.entries}

    def named_state(self, vector: Array) -> dict[str, Array]:
        """A vector as long as `state` as views by name."""
        shapes = {name: state.shape for name, state in self.chain.states()}
        return {name: view for name, _, view in split_views(vector, shapes)}

    def parameters(self) -> dict[str, Array]:
        """Every parameter by name, as views of `theta`."""
        return self.named(self.theta)

    def gradients(self) -> dict[str, Array]:
        """Every gradient by name, as views of `grad`."""
        return self.named(self.grad)

    def initialize(self) -> None:
        """Draw all parameters anew, in the order of the layers."""
        self.chain.initialize(self.parameters(), self.rng.init)

    def frame(self, n: int) -> Frame:
        """The arena for n rows, 1 to `batch`; made once for each n."""
        if n not in self._frames:
            if not 1 <= n <= self.batch:
                raise ValueError(f"a frame has 1 to {self.batch} rows (got {n})")
            self._frames[n] = self.chain.frame(n)
        return self._frames[n]

    def _entries(self) -> tuple[Entry, ...]:
        # Sorting is stable: what takes weight decay comes first, each part in the order of the layers.
        planned = sorted(self.chain.parameters(), key=lambda item: not item[1].decay)
        entries, start = [], 0
        for name, parameter in planned:
            part = slice(start, start + prod(parameter.shape))
            entries.append(Entry(name, parameter.shape, part, parameter))
            start = part.stop
        return tuple(entries)


def require_memory(needed: int) -> None:
    """Refuse an arena that the machine cannot hold, before the system kills the process for it.

    Raises:
        OptionError: more bytes are needed than the machine has.
    """
    if needed > (memory := get_physical_memory()):
        what = f"the network and its batches need {needed / 2**30:,.0f} GiB of memory and the machine has"
        raise OptionError(Mistake("", f"{what} {memory / 2**30:,.0f}; use fewer units or smaller batches"))
