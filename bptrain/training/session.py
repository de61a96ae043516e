"""A session: everything about a training run that changes while it goes on, and must be saved to continue it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bptrain.arrays import Array, RandomState, number_rows
from bptrain.columns.chunked_draws import draw_keys, order_by_keys
from bptrain.config.load import place_errors
from bptrain.errors import Mistake, OptionError
from bptrain.model.assemble import Assembly
from bptrain.model.model import Model, Rows, count_batch_rows
from bptrain.model.scoring import Score
from bptrain.nn.network import require_memory
from bptrain.registry import name_of
from bptrain.training.counters import Counters
from bptrain.training.environment import fingerprint

Record = dict[str, float | int | None]
"""One epoch of the history, flat."""

BESIDE = frozenset({"epoch", "step", "lr", "loss", "validation_loss", "penalty", "clipped"})
"""The figures of a record that are neither a metric nor of a layer."""

OF_LAYER = re.compile(r"(gradient_norm|update_ratio|dead|saturated)\.[0-9]+\.")


def is_of_layer(name: str) -> bool:
    """Whether a figure of a record is that of a single layer, such as `dead.1.relu`, and not of a target."""
    return OF_LAYER.match(name) is not None


def is_metric(name: str) -> bool:
    """Whether a figure of a record is a metric: of the rows held out, where its name begins so, or else of others."""
    return name not in BESIDE and not is_of_layer(name)


def metrics_of(record: Mapping[str, float | int | None]) -> dict[str, float | int | None]:
    """The metrics of a record by their own names: of the rows that were held out, if some were."""
    prefix = "validation_" if "validation_loss" in record else ""
    return {name.removeprefix(prefix): value for name, value in record.items() if is_metric(name)}


@dataclass(frozen=True)
class Best:
    """The best weights so far: those of the lowest validation loss, or the latest where nothing is held out.

    `theta` is what is evaluated; `raw` the weights that training goes on from, where those are averaged.
    """

    epoch: int
    score: Score
    theta: Array
    state: Array
    raw: Array | None = None


@dataclass(frozen=True)
class Good:
    """Where to go back to when training diverges: arrays, counters and streams at the start of an epoch."""

    arrays: dict[str, Array]
    progress: dict[str, Any]
    streams: dict[str, RandomState]


@dataclass(kw_only=True)
class Session(Counters):
    """A run in progress: its counters, and what they count.

    Vectors: `slots` of the optimizer; `average` of the weights, and `gathered` gradients, where the config asks for
    them. `order` is the permutation of this epoch; `order_keys` are what it follows from in a run that an earlier
    version began on a table larger than data.memory. `data` tells whether the data is still the same. `best` are the
    best weights so far, and `good` is where to go back to after divergence.
    """

    model: Model
    splits: Mapping[str, Rows]
    data: str
    environment: dict[str, Any]
    slots: tuple[Array, ...]
    order: Array
    average: Array | None = None
    gathered: Array | None = None
    order_keys: Array | None = None
    best: Best | None = None
    good: Good | None = None

    @cached_property
    def layers(self) -> dict[str, list[slice]]:
        """The layers that have parameters, with their places in theta."""
        network = self.model.network
        parts = {
            name: [entry.slice for entry in network.entries if entry.name.startswith(f"{name}.")]
            for name in network.chain.names
        }
        return {name: slices for name, slices in parts.items() if slices}

    @property
    def train(self) -> Rows:
        """The rows that are learned from."""
        return self.splits["train"]

    @property
    def rows_done(self) -> int:
        """Rows that were learned from so far, as often as they were."""
        return self.epoch * len(self.train) + self.position

    @property
    def held_out(self) -> Rows:
        """The rows that tell the best weights: those for validation, or the same again where there are none."""
        return self.splits.get("validation", self.train)

    @property
    def batch_size(self) -> int:
        """Rows a batch."""
        return count_batch_rows(self.model.experiment, len(self.train))

    @property
    def steps_per_epoch(self) -> int:
        """Steps an epoch, the last one perhaps with fewer rows."""
        batches = -(-len(self.train) // self.batch_size)
        return -(-batches // self.model.experiment.training.accumulate)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Put the averaged weights, if there are any, in the place of those that training goes on from."""
        theta = self.model.network.theta
        if self.average is None:
            yield
            return
        raw = theta.copy()
        theta[...] = self.average
        try:
            yield
        finally:
            theta[...] = raw

    def keep_best(self, score: Score, epoch: int | None = None) -> None:
        """Take the present weights for the best, those of the given epoch."""
        network, epoch = self.model.network, self.epoch if epoch is None else epoch
        raw = network.theta.copy()
        state = network.state.copy()
        if self.average is None:
            self.best = Best(epoch, score, raw, state)
        else:
            self.best = Best(epoch, score, self.average.copy(), state, raw)

    def live(self) -> dict[str, Array]:
        """The arrays that steps change, by name, as they are."""
        network = self.model.network
        arrays = network.parameters() | network.states | {f"slot.{k}": slot for k, slot in enumerate(self.slots)}
        if self.average is not None:
            arrays["average"] = self.average
        if self.gathered is not None:
            arrays["gathered"] = self.gathered
        return arrays

    def arrays(self) -> dict[str, Array]:
        """All arrays by name, as they are: parameters and state of the network, and everything beside them."""
        arrays = self.live() | {"order": self.order if self.order_keys is None else self.order_keys}
        if self.best is not None:
            arrays |= {"best.theta": self.best.theta, "best.state": self.best.state}
            if self.best.raw is not None:
                arrays["best.raw"] = self.best.raw
        if self.good is not None:
            arrays |= {f"good.{name}": array for name, array in self.good.arrays.items()}
        return arrays

    def shuffle(self) -> None:
        """Put the rows that train in a new order."""
        if self.order_keys is not None:
            self.order_keys = draw_keys(self.model.streams.shuffle)
            self.order = order_by_keys(len(self.train), self.order_keys)
            return
        self.order = np.arange(len(self.train), dtype=self.order.dtype)
        self.model.streams.shuffle.shuffle(self.order)

    def remember(self) -> None:
        """Take the present state, at the start of an epoch, for that to which to go back."""
        arrays = {name: array.copy() for name, array in self.live().items()}
        self.good = Good(arrays, deepcopy(self.progress()), self.model.streams.state())

    def go_back(self) -> None:
        """Go back to the start of the epoch, to go on at half the learning rate."""
        assert self.good is not None
        for name, array in self.live().items():
            array[...] = self.good.arrays[name]
        halvings = self.halvings + 1
        self.take_progress(deepcopy(self.good.progress))
        self.model.streams.restore(self.good.streams)
        self.halvings = halvings


def begin(assembly: Assembly) -> Session:
    """Return a session at its start.

    Raises:
        ConfigError: the state of the optimizer takes more memory than there is, or an option is too large for it.
    """
    model, theta, train = assembly.model, assembly.model.network.theta, assembly.splits["train"]
    training = model.experiment.training
    with place_errors(assembly.config):
        slots = start_slots(model)
    session = Session(
        model=model,
        splits=assembly.splits,
        data=assembly.fingerprint,
        environment=fingerprint(),
        slots=slots,
        order=number_rows(len(train)) if train.mapped else np.arange(len(train)),
        average=theta.copy() if training.average else None,
        gathered=np.zeros_like(theta) if training.accumulate > 1 else None,
    )
    if training.on_divergence == "restore_and_halve":
        session.remember()
    return session


def start_slots(model: Model) -> tuple[Array, ...]:
    """Return the vectors of the optimizer at their start.

    Raises:
        OptionError: they take more memory than there is, or an option is too large for the network's type.
    """
    optimizer, theta = model.experiment.optimizer, model.network.theta
    require_memory(optimizer.slots * theta.nbytes)
    slots = tuple(np.zeros_like(theta) for _ in range(optimizer.slots))
    with np.errstate(over="ignore"):
        optimizer.start(slots)
    if not all(np.isfinite(slot).all() for slot in slots):
        what = f"an option is too large for {theta.dtype}; use smaller numbers"
        raise OptionError(Mistake(f"optimizer.{name_of(optimizer)}", what))
    return slots
