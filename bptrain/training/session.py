"""A session: everything that changes during training, and that must be saved to resume it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from bptrain.arrays import Array, RandomState, number_rows
from bptrain.columns.splits.chunked_draws import draw_keys, order_by_keys
from bptrain.config.load import place_errors
from bptrain.errors import Mistake, OptionError
from bptrain.model.assemble import Assembly
from bptrain.model.model import Model, Rows, Weights, count_batch_rows, count_batches
from bptrain.model.phases.phase_plan import choose_epochs, count_searches, list_phases, select_phase, summarize_scores
from bptrain.model.scoring import Score
from bptrain.nn.network import require_memory
from bptrain.registry import name_of
from bptrain.training.counters import Counters
from bptrain.training.environment import read_environment


@dataclass(frozen=True)
class Best:
    """The best weights so far: those of the lowest validation loss, or the latest without validation rows.

    `theta` are the weights to evaluate. Where they are an average, `raw` are the weights that training continues from.
    """

    epoch: int
    score: Score
    theta: Array
    state: Array
    raw: Array | None = None


@dataclass(frozen=True)
class Good:
    """The state at the start of an epoch that training goes back to when it diverges: arrays, counters and streams."""

    arrays: dict[str, Array]
    progress: dict[str, Any]
    streams: dict[str, RandomState]


@dataclass(kw_only=True)
class Session(Counters):
    """Training in progress: the model, the rows, the counters, and all arrays that change.

    `slots` are the vectors of the optimizer; `average` is that of the weights, and `gathered` the sum of the gradients
    of several batches, if the config asks for them. `order` is the permutation of the rows in this epoch; it follows
    from `order_keys` in a run that an earlier version began on a table larger than data.memory. `data` is the
    fingerprint of the data. `best` are the best weights so far, and `good` is what training goes back to after
    divergence. `splits` are the rows of the present phase, `whole` those of the data, and `folds` has the fold of each
    training row. `members` are the networks of an ensemble that are trained already.
    """

    model: Model
    splits: Mapping[str, Rows]
    whole: Mapping[str, Rows]
    data: str
    environment: dict[str, Any]
    slots: tuple[Array, ...]
    order: Array
    average: Array | None = None
    gathered: Array | None = None
    order_keys: Array | None = None
    best: Best | None = None
    good: Good | None = None
    folds: Array | None = None
    members: list[Weights] = field(default_factory=list)

    @cached_property
    def phases(self) -> tuple[str, ...]:
        """The names of the phases; a single one has an empty name."""
        return list_phases(self.model.experiment.training)

    @cached_property
    def searches(self) -> int:
        """The number of phases that find the number of epochs of those that follow."""
        return count_searches(self.model.experiment.training)

    @property
    def is_refit(self) -> bool:
        """Whether the present phase trains for a number of epochs that earlier ones have found."""
        return 0 < self.searches <= self.phase

    @property
    def is_last_phase(self) -> bool:
        """Whether no phase follows the present one."""
        return self.phase == len(self.phases) - 1

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to train."""
        return self.stopped is not None and self.is_last_phase

    @property
    def phase_label(self) -> str:
        """The name of the present phase before what happens in it: `fold 2, `; empty if there is a single phase."""
        name = self.phases[self.phase]
        return f"{name}, " if name else ""

    @property
    def steps_done(self) -> int:
        """The number of steps of all phases."""
        return self.steps_before + self.step

    @property
    def most_epochs(self) -> int:
        """The number of epochs after which the present phase ends at the latest."""
        return choose_epochs(self.found[: self.searches]) if self.is_refit else self.model.experiment.training.epochs

    @cached_property
    def layers(self) -> dict[str, list[slice]]:
        """The slices of theta by layer, for the layers that have parameters."""
        network = self.model.network
        every = {
            name: [entry.slice for entry in network.entries if entry.name.startswith(f"{name}.")]
            for name in network.chain.names
        }
        return {name: slices for name, slices in every.items() if slices}

    @property
    def train(self) -> Rows:
        """The training rows."""
        return self.splits["train"]

    @property
    def rows_done(self) -> int:
        """How many rows were trained on so far, each counted once in every epoch."""
        return self.epoch * len(self.train) + self.position

    @property
    def held_out(self) -> Rows:
        """The rows whose loss decides which weights are best: for validation, or else for training."""
        return self.splits.get("validation", self.train)

    @property
    def batch_size(self) -> int:
        """The number of rows of a batch."""
        return count_batch_rows(self.model.experiment, len(self.train))

    @property
    def steps_per_epoch(self) -> int:
        """The number of steps of an epoch; the last one may have fewer rows."""
        batches = count_batches(self.model.experiment, len(self.train), self.model.network.chain.least_rows)
        return -(-batches // self.model.experiment.training.accumulate)

    @contextmanager
    def use_average(self) -> Iterator[None]:
        """Replace the weights by their average inside the context, if there is one."""
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
        """Keep the present weights as the best; `epoch` is the epoch that they are from, by default the present one.

        In a phase that trains anew their score is the one by which the number of epochs was chosen.
        """
        network, epoch = self.model.network, self.epoch if epoch is None else epoch
        if self.is_refit:
            # Scores on rows that were trained on would say little.
            score = summarize_scores(self.found[: self.searches], [one.name for one in self.model.measures])
        theta, state = network.theta.copy(), network.state.copy()
        if self.average is None:
            self.best = Best(epoch, score, theta, state)
        else:
            self.best = Best(epoch, score, self.average.copy(), state, raw=theta)

    def get_step_arrays(self) -> dict[str, Array]:
        """Return the arrays that a step changes, by name; they are not copied."""
        network = self.model.network
        arrays = network.parameters() | network.states | {f"slot.{k}": slot for k, slot in enumerate(self.slots)}
        if self.average is not None:
            arrays["average"] = self.average
        if self.gathered is not None:
            arrays["gathered"] = self.gathered
        return arrays

    def get_arrays(self) -> dict[str, Array]:
        """Return all arrays that a checkpoint saves, by name; they are not copied."""
        arrays = self.get_step_arrays() | {"order": self.order if self.order_keys is None else self.order_keys}
        if self.best is not None:
            arrays |= {"best.theta": self.best.theta, "best.state": self.best.state}
            if self.best.raw is not None:
                arrays["best.raw"] = self.best.raw
        for k, one in enumerate(self.members):
            arrays |= {f"member.{k}.theta": one.theta, f"member.{k}.state": one.state}
        if self.good is not None:
            arrays |= {f"good.{name}": array for name, array in self.good.arrays.items()}
        return arrays

    def shuffle(self) -> None:
        """Put the training rows in a new order."""
        if self.order_keys is not None:
            self.order_keys = draw_keys(self.model.streams.shuffle)
            self.order = order_by_keys(len(self.train), self.order_keys)
            return
        self.order = np.arange(len(self.train), dtype=self.order.dtype)
        self.model.streams.shuffle.shuffle(self.order)

    def mark_good(self) -> None:
        """Keep the present state, at the start of an epoch, to go back to after divergence."""
        arrays = {name: array.copy() for name, array in self.get_step_arrays().items()}
        self.good = Good(arrays, deepcopy(self.get_progress()), self.model.streams.state())

    def go_back(self) -> None:
        """Go back to the start of the epoch, at half the learning rate."""
        assert self.good is not None
        for name, array in self.get_step_arrays().items():
            array[...] = self.good.arrays[name]
        halvings = self.halvings + 1
        self.restore_progress(deepcopy(self.good.progress))
        self.model.streams.restore(self.good.streams)
        self.halvings = halvings


def begin(assembly: Assembly) -> Session:
    """Return a new session, before its first step.

    Raises:
        ConfigError: the vectors of the optimizer need more memory than there is, or one of its options is too large.
    """
    model, theta, train = assembly.model, assembly.model.network.theta, assembly.splits["train"]
    training = model.experiment.training
    with place_errors(assembly.config):
        slots = start_slots(model)
    session = Session(
        model=model,
        splits=assembly.splits,
        whole=assembly.splits,
        folds=assembly.folds,
        data=assembly.digest,
        environment=read_environment(),
        slots=slots,
        order=number_rows(len(train)) if train.mapped else np.arange(len(train)),
        average=theta.copy() if training.average else None,
        gathered=np.zeros_like(theta) if training.accumulate > 1 else None,
    )
    if len(session.phases) > 1:
        enter_phase(session, 0)
    if training.on_divergence == "restore_and_halve":
        session.mark_good()
    return session


def enter_phase(session: Session, phase: int) -> None:
    """Give a session the rows of a phase, counted from 0."""
    experiment = session.model.experiment
    one_table = "validation" not in experiment.data.split.sources
    session.phase = phase
    session.splits = select_phase(experiment.training, session.whole, session.folds, phase, one_table=one_table)
    session.order = np.arange(len(session.train), dtype=session.order.dtype)


def start_slots(model: Model) -> tuple[Array, ...]:
    """Return the vectors of the optimizer before its first step.

    Raises:
        OptionError: they need more memory than there is, or an option is too large for the dtype of the weights.
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
