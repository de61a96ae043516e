"""The network: a chain of layers whose arrays are all allocated at once, and the number of threads to compute it with.

`theta` is one vector of all parameters, and `grad` one of their gradients, with the same layout; the layers see named
views of both. So clipping, updates, penalties and checkpoints each work on one array. The batches of training need no
new arrays: a `Frame` views the first n rows of those that exist.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array, Shape, Streams, get_physical_memory, split_views
from bptrain.errors import Mistake, OptionError
from bptrain.nn.chain import Arena, Chain, Frame
from bptrain.nn.layer import Layer, Parameter, Scratch
from bptrain.team import Team

Dtype = Literal["float32", "float64", "complex128"]

SMALL_PRODUCT = 16_000_000
"""The most multiplications of a matrix product that runs on one thread. Smaller products are slower on two threads than
on one, and far slower on a busy machine."""

MOST_TEAM_THREADS = 2
"""The most threads that share the updates of a network with large products. More would not help: an update is limited
by memory more than by arithmetic."""


@dataclass(frozen=True)
class Entry:
    """One parameter: its name (`0.dense.weight`), its place in `theta`, and what its layer planned for it."""

    name: str
    shape: Shape
    slice: slice
    parameter: Parameter

    @property
    def symbol(self) -> str:
        """Its symbol in equations, such as W."""
        return self.parameter.get_symbol(self.name.rpartition(".")[2])


class Network:
    """A sequence of layers and all of their arrays; `team` has the threads that share its updates.

    Args:
        layers: from input to output.
        shape: of one input row, such as `(64,)`.
        batch: the most rows of a batch.
        dtype: float32, float64, or complex128 (forward only, for the complex step).
        rng: the random streams; `init` draws the parameters, `dropout` the masks.
        input_gradient: whether `backward` fills `dinput` too.

    Raises:
        OptionError: a layer cannot take its input shape; the field is the layer's place, such as `0.dense`.
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
        self.entries = self._place_entries()
        self.decayed = slice(0, sum(prod(entry.shape) for entry in self.entries if entry.parameter.decay))

        size = sum(prod(entry.shape) for entry in self.entries)
        require_memory((2 * size + batch * self.chain.row_size) * self.dtype.itemsize)
        self.theta = np.zeros(size, self.dtype)
        self.grad = np.zeros(size, self.dtype)
        self.state = np.zeros(sum(prod(state.shape) for _, state in self.chain.states()), self.dtype)
        self.states = self.view_state(self.state)

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

    def view_parameters(self, vector: Array) -> dict[str, Array]:
        """Return views of a vector as long as `theta` by the names of the parameters, in the order of the entries."""
        return {entry.name: vector[entry.slice].reshape(entry.shape) for entry in self.entries}

    def view_state(self, vector: Array) -> dict[str, Array]:
        """Return views of a vector as long as `state`, by the names of the state arrays."""
        shapes = {name: state.shape for name, state in self.chain.states()}
        return {name: view for name, _, view in split_views(vector, shapes)}

    def parameters(self) -> dict[str, Array]:
        """Return every parameter by name, as a view of `theta`."""
        return self.view_parameters(self.theta)

    def gradients(self) -> dict[str, Array]:
        """Return every gradient by name, as a view of `grad`."""
        return self.view_parameters(self.grad)

    def initialize(self) -> None:
        """Draw all parameters again, in the order of the layers, and reset the state."""
        for name, state in self.chain.states():
            self.states[name][...] = state.initial
        self.chain.initialize(self.parameters(), self.rng.init)

    def frame(self, n: int) -> Frame:
        """Return the frame for n rows, 1 to `batch`; it is built once for each n."""
        if n not in self._frames:
            if not 1 <= n <= self.batch:
                raise ValueError(f"a frame has 1 to {self.batch} rows (got {n})")
            self._frames[n] = self.chain.build_frame(n)
        return self._frames[n]

    def _place_entries(self) -> tuple[Entry, ...]:
        """Return an entry for each parameter: first those with weight decay, then the others, by layer."""
        planned = sorted(self.chain.parameters(), key=lambda item: not item[1].decay)
        entries, start = [], 0
        for name, parameter in planned:
            stop = start + prod(parameter.shape)
            entries.append(Entry(name, parameter.shape, slice(start, stop), parameter))
            start = stop
        return tuple(entries)


def require_memory(needed: int) -> None:
    """Require that the machine has as many bytes of memory as are needed; otherwise the system would kill the process.

    Raises:
        OptionError: it has fewer.
    """
    if needed > (memory := get_physical_memory()):
        what = f"the network and its batches need {needed / 2**30:,.0f} GiB of memory and the machine has"
        raise OptionError(Mistake("", f"{what} {memory / 2**30:,.0f}; use fewer units or smaller batches"))


@contextmanager
def limit_threads(network: Network, rows: int) -> Iterator[None]:
    """Limit BLAS and the network's team to one thread if the matrix products for `rows` rows are small. Otherwise BLAS
    has all its threads, and the team up to `MOST_TEAM_THREADS`."""
    largest = max((entry.slice.stop - entry.slice.start for entry in network.entries), default=0)
    # Counted before any limit is set, because the result is cached.
    most = count_threads()
    if rows * largest <= SMALL_PRODUCT:
        most = 1
    # Always a number: with None an outer limit would stay in force.
    with get_controller().limit(limits=most, user_api="blas"), network.team.resize(min(most, MOST_TEAM_THREADS)):
        yield


@cache
def count_threads() -> int:
    """Return the number of threads that BLAS has by default."""
    libraries = get_controller().info()
    return max((one["num_threads"] for one in libraries if one.get("user_api") == "blas"), default=1)


@cache
def get_controller() -> Any:
    """Return the thread controller of the process; creating one takes longer than many training steps."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
