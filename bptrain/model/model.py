"""A model: a network with its loss, its metrics and its columns, ready to be used on a raw table."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array, Streams
from bptrain.columns.columns import Columns
from bptrain.columns.targets import Inputs, Several
from bptrain.config import Experiment
from bptrain.errors import Mistake, OptionError
from bptrain.metrics import Metric
from bptrain.model.encoded_rows import Rows
from bptrain.model.heads import Head, build_heads, find_objections, find_widths, join_losses
from bptrain.model.measures import Measure, build_measures
from bptrain.model.objective import Objective
from bptrain.nn import Activation, Network
from bptrain.registry import name_of
from bptrain.tables.table import Table


@dataclass(frozen=True)
class Model:
    """A network with all that is needed to use it on a raw table.

    `experiment` has no `auto` left, but for the loss where each target has its own; `metrics` are those of the task,
    and `measures` say of which target. `heads` are what the scores predict.
    """

    experiment: Experiment
    columns: Columns
    streams: Streams
    objective: Objective
    metrics: tuple[Metric, ...]
    heads: tuple[Head, ...]
    measures: tuple[Measure, ...]

    @property
    def network(self) -> Network:
        """The network itself."""
        return self.objective.network

    def rows(self, table: Table, rows: Array | None = None, unseen: Counter[str] | None = None) -> Rows:
        """Return a table as the network reads it.

        Args:
            table: with the columns by name.
            rows: their numbers, int64; None: all.
            unseen: counts the categories that are ignored, by column.

        Raises:
            InputError: a column is missing or has values that cannot be used.
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

    def objection(self, rows: Rows, *, strict: bool = True) -> tuple[Head, str] | None:
        """Return what is wrong with the targets of rows for the task and the loss, if anything, and for which head.

        An autoencoder's inputs may lie beyond those that trained where it is not `strict`: the loss is defined there.
        """
        if isinstance(self.columns.target, Inputs) and not strict:
            return None
        return next(find_objections(self.heads, rows.targets), None)


def build_model(experiment: Experiment, columns: Columns, streams: Streams, *, rows: int = 0) -> Model:
    """Build a model for fitted columns, its network allocated and initialised.

    Args:
        experiment: resolved.
        columns: fitted.
        streams: draw the parameters, and later the masks.
        rows: that train; the network has room for their batches, and for scoring.

    Raises:
        OptionError: the loss does not fit the target, or the network's output does not fit the loss.
    """
    heads = build_heads(experiment, columns)
    loss = join_losses(heads)
    widths, kind = find_widths(heads, columns)
    layers = experiment.layers
    try:
        batch = max(batch_rows(experiment, rows), scoring_rows(experiment))
        network = Network(layers, (len(columns.outputs),), batch=batch, dtype=experiment.dtype, rng=streams)
    except OptionError as error:
        raise error.under("network") from None
    outputs = network.output_shape[0]
    if outputs not in widths:
        last = max((k for k, layer in enumerate(layers) if hasattr(layer, "units")), default=None)
        place = "network" if last is None else f"network.{last}.{name_of(layers[last])}.units"
        needed = f"{name_of(loss)} on {kind} needs {' or '.join(map(str, widths))}"
        if heads[0].name:
            needed = f"the targets together need {widths[0]} ({kind})"
        what = f"the network ends in {outputs} outputs; {needed}"
        # What ends in an activation most likely lacks its last layer.
        advice = "add - dense at the end" if isinstance(layers[-1], Activation) else "write units: auto"
        raise OptionError(Mistake(place, f"{what}; {advice}", "BP107"))
    assert experiment.metrics != "auto"
    objective = Objective(
        network,
        loss,
        experiment.regularization,
        weighted=bool(columns.weighting),
        augmentations=experiment.augmentation,
    )
    measures = build_measures(heads, experiment.metrics)
    return Model(experiment, columns, streams, objective, experiment.metrics, heads, measures)


def batch_rows(experiment: Experiment, rows: int) -> int:
    """Return how many of `rows` training rows go into one step."""
    size = experiment.training.batch_size
    return max(rows if size == "full" else min(size, rows), 1)


def scoring_rows(experiment: Experiment) -> int:
    """Return how many rows are scored at a time: always the same for an experiment, since other
    chunks round otherwise."""
    size = experiment.training.batch_size
    return 256 if size == "full" else min(max(size, 256), 4096)
