"""A model: a network with its loss, its metrics and its columns, ready to be used on a table; and the rows it reads."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array, Streams
from bptrain.columns.columns import Columns
from bptrain.columns.targets import Inputs, Several
from bptrain.config import Experiment
from bptrain.errors import Mistake, OptionError
from bptrain.metrics import Metric
from bptrain.model.heads import (
    Head,
    Measure,
    build_heads,
    build_measures,
    describe_outputs,
    find_output_widths,
    join_losses,
)
from bptrain.model.objective import Batch, Objective
from bptrain.nn import Activation, Network
from bptrain.registry import name_of
from bptrain.tables.mapped import Records
from bptrain.tables.table import Table

CHUNK_ROWS = 1 << 16
"""Rows that are read at a time from a mapped file."""


@dataclass(frozen=True)
class Rows:
    """Encoded rows: inputs `(rows, inputs)`; targets in the encoding of the loss, which are the inputs themselves for
    an autoencoder; the numbers of the rows in their table, if known; and their weights in the loss, if they differ.
    `mapped` is the file that has all of these, if they are not in memory."""

    inputs: Array
    targets: Array
    numbers: Array | None = None
    weights: Array | None = None
    mapped: Records | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def fill(self, batch: Batch, chosen: Array) -> None:
        """Gather rows into a batch."""
        if self.mapped is None:
            batch.fill(self.inputs, self.targets, chosen, self.weights)
            return
        found = self.mapped.take(chosen)
        targets = found["inputs" if self.targets is self.inputs else "targets"]
        weights = None if self.weights is None else found["weights"]
        batch.fill(found["inputs"], targets, np.arange(len(found)), weights)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> "Rows":
        """Return the rows with these arrays, named as in `arrays`."""
        inputs = arrays["inputs"]
        return cls(inputs, arrays.get("targets", inputs), arrays.get("numbers"), arrays.get("weights"))

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays by name; without `targets` if these are the inputs."""
        targets = None if self.targets is self.inputs else self.targets
        each = {"inputs": self.inputs, "targets": targets, "numbers": self.numbers, "weights": self.weights}
        return {name: one for name, one in each.items() if one is not None}

    def select(self, rows: slice) -> "Rows":
        """Return some of the rows, as arrays."""
        return Rows.from_arrays({name: one[rows] for name, one in self.arrays.items()})

    def take(self, wanted: Array) -> "Rows":
        """Return the rows that are True in `wanted`, `(rows,)` bool, as copies in memory."""
        return Rows.from_arrays({name: one[wanted] for name, one in self.arrays.items()})

    def join(self, other: "Rows", *, one_table: bool = True) -> "Rows":
        """Return these rows and then those of another split, as copies in memory; without numbers, unless both are
        numbered in one table."""
        both = {name: np.concatenate([one, other.arrays[name]]) for name, one in self.arrays.items()}
        return Rows.from_arrays({name: one for name, one in both.items() if one_table or name != "numbers"})

    def chunks(self) -> Iterator["Rows"]:
        """Yield all rows: those in memory as one chunk, those in a file `CHUNK_ROWS` at a time."""
        most = len(self) if self.mapped is None else CHUNK_ROWS
        for start in range(0, len(self), most):
            yield self.select(slice(start, start + most))
            if self.mapped is not None:
                self.mapped.release()

    def compute_digest(self) -> str:
        """Return a digest that changes if any row, or the order of the rows, changes."""
        return self.digest_content() if self.mapped is None else self.mapped.digest

    def digest_content(self) -> str:
        """Return the digest of the arrays one after the other, which is the same in memory and in a file."""
        total = hashlib.sha256()
        for name in self.arrays:
            for chunk in self.chunks():
                total.update(np.ascontiguousarray(chunk.arrays[name]).view(np.uint8).data)
        return total.hexdigest()


@dataclass(frozen=True)
class Weights:
    """The weights of one network of an ensemble: all parameters and the whole state, as `Network` lays them out."""

    theta: Array
    state: Array


@dataclass(frozen=True)
class Model:
    """A network with everything that is needed to use it on a table.

    `experiment` has every `auto` resolved, except for the common loss if each target has its own. `heads` are what the
    scores predict, and `measures` the `metrics` of each head. `members` are the networks of an ensemble, if it is one.
    """

    experiment: Experiment
    columns: Columns
    streams: Streams
    objective: Objective
    metrics: tuple[Metric, ...]
    heads: tuple[Head, ...]
    measures: tuple[Measure, ...]
    members: tuple[Weights, ...] = ()

    @property
    def network(self) -> Network:
        """The network itself."""
        return self.objective.network

    def encode(self, table: Table, rows: Array | None = None, unseen: Counter[str] | None = None) -> Rows:
        """Encode rows of a table.

        Args:
            table: has the columns of the model, found by name.
            rows: numbers of the rows, int64; None: all.
            unseen: counts the categories that are ignored, by column.

        Raises:
            InputError: a column is missing, or has values that cannot be used.
        """
        self.columns.require_columns(table)
        dtype = self.network.dtype
        inputs = self.columns.encode_inputs(table, rows, dtype=dtype, unseen=unseen)
        if isinstance(self.columns.target, Inputs):
            weights = self.columns.compute_weights(table, rows)
            return Rows(inputs, inputs, rows, None if weights is None else weights.astype(dtype))
        known = self.columns.encode_targets(table, rows)
        weights = self.columns.compute_weights(table, rows, known if self.columns.classes is not None else None)
        if isinstance(self.columns.target, Several):
            # Class numbers as floats: those of float32 are exact up to 16,777,216.
            each = [head.encode(known[:, k]) for k, head in enumerate(self.heads)]
            targets = np.concatenate([one if one.ndim > 1 else one[:, None] for one in each], axis=1, dtype=dtype)
        else:
            codes = self.objective.loss.encoding == "codes"
            targets = np.ascontiguousarray(self.heads[0].encode(known), dtype=np.int64 if codes else dtype)
        return Rows(inputs, targets, rows, None if weights is None else weights.astype(dtype))

    def find_problem(self, rows: Rows, *, strict: bool = True) -> tuple[Head, str] | None:
        """Return the first head whose loss cannot take the targets of some rows, and why; None if there is none.

        If not `strict`, the inputs of an autoencoder may be outside the range of the training rows, where the loss is
        still defined.
        """
        if isinstance(self.columns.target, Inputs) and not strict:
            return None
        found = ((head, head.find_problem(rows.targets)) for head in self.heads)
        return next(((head, problem) for head, problem in found if problem), None)


def build_model(experiment: Experiment, columns: Columns, streams: Streams, *, rows: int = 0) -> Model:
    """Build a model for fitted columns, with a network that is allocated and initialised.

    Args:
        experiment: resolved.
        columns: fitted.
        streams: the random streams that draw the parameters, and later the masks.
        rows: number of training rows; the network gets room for their batches, and for scoring.

    Raises:
        OptionError: the loss does not fit the target, or the network's output does not fit the loss.
    """
    heads, layers = build_heads(experiment, columns), experiment.layers
    try:
        size = count_batch_rows(experiment, rows)
        # A single row that is left over may join the last batch; with folds or refit in any phase.
        joins = rows % size == 1 or experiment.training.folds is not None or experiment.training.refit
        batch = max(size + joins, count_scoring_rows(experiment))
        network = Network(layers, (len(columns.input_names),), batch=batch, dtype=experiment.dtype, rng=streams)
    except OptionError as error:
        raise error.prefix_fields("network") from None
    outputs = network.output_shape[0]
    if outputs not in find_output_widths(heads):
        last = max((k for k, layer in enumerate(layers) if hasattr(layer, "units")), default=None)
        field = "network" if last is None else f"network.{last}.{name_of(layers[last])}.units"
        what = f"the network ends in {outputs} outputs; {describe_outputs(heads)}"
        # A network that ends in an activation most likely lacks its last layer.
        advice = "add - dense at the end" if isinstance(layers[-1], Activation) else "write units: auto"
        raise OptionError(Mistake(field, f"{what}; {advice}", "BP107"))
    assert experiment.metrics != "auto"
    objective = Objective(
        network,
        join_losses(heads),
        experiment.regularization,
        weighted=bool(columns.weighting),
        augmentations=experiment.augmentation,
    )
    measures = build_measures(heads, experiment.metrics)
    return Model(experiment, columns, streams, objective, experiment.metrics, heads, measures)


def count_batch_rows(experiment: Experiment, rows: int) -> int:
    """Return the number of rows in a batch, for a number of training rows."""
    size = experiment.training.batch_size
    return max(rows if size == "full" else min(size, rows), 1)


def count_batches(experiment: Experiment, rows: int, least: int) -> int:
    """Return the number of batches of an epoch. Left over rows join the batch before if they are fewer than the `least`
    that a batch needs."""
    full, rest = divmod(rows, count_batch_rows(experiment, rows))
    return full + (rest >= least) if full else 1


def count_scoring_rows(experiment: Experiment) -> int:
    """Return the number of rows that are scored at a time. It depends on the experiment alone, since chunks of another
    size would round differently."""
    size = experiment.training.batch_size
    return 256 if size == "full" else min(max(size, 256), 4096)
