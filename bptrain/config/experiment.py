"""An experiment: everything that a config can say, as frozen dataclasses whose fields are the YAML keys."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from bptrain.columns.augmentation import AUGMENTATIONS, Augmentation
from bptrain.columns.encodings import ENCODINGS, Encoding, Plain
from bptrain.columns.imputers import IMPUTERS, Drop, Imputer, Refuse
from bptrain.columns.options import ColumnOptions, FeatureChoice, Kind, MissingByKind, Treatment, Unseen, merge_options
from bptrain.columns.scalers import SCALERS, Scaler, Standard
from bptrain.columns.splits.split import Split
from bptrain.errors import Mistake, OptionError
from bptrain.metrics import METRICS, Metric
from bptrain.nn import ACTIVATIONS, LAYERS, LOSSES, Activation, Layer, Loss
from bptrain.nn.activations import Relu
from bptrain.nn.layers import Dense
from bptrain.optim import OPTIMIZERS, SCHEDULES, Adam, Clipping, Constant, Optimizer, Regularization, Schedule
from bptrain.tables.sources import SOURCES, Source

Auto = Literal["auto"]
Count = Annotated[int, Ge(1)]
Positive = Annotated[float, Gt(0)]

BYTES = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(?:([KMGTkmgt])(i)?)?[Bb]?")
"""A number of bytes such as `2GiB` or `500 MB`, but not `1e9`."""


@dataclass(frozen=True)
class TargetOptions:
    """One of several targets, each with a loss of its own; all share the network."""

    task: Annotated[Literal["auto", "classification", "regression"], "auto: by its loss or its values"] = "auto"
    loss: Annotated[Annotated[Loss, LOSSES] | Auto, "loss of this target; auto: by its task"] = "auto"
    weight: Annotated[float, Gt(0), Le(1e6), "factor of this target's loss in the total loss"] = 1.0


@dataclass(frozen=True)
class Data:
    """The table to learn from, its columns, and the split of its rows."""

    source: Annotated[Source, SOURCES, "where the table comes from"]
    target: Annotated[
        str | tuple[str, ...] | dict[str, TargetOptions] | None,
        "column to predict, several, or several with a loss each; inputs: the features; null: the source's own target",
    ] = None
    features: Annotated[
        tuple[str, ...] | FeatureChoice | None,
        "columns to predict from, or {exclude: [...]}; null: all columns without another use",
    ] = None
    columns: Annotated[dict[str, ColumnOptions] | None, "options of single columns, by name"] = None
    task: Annotated[
        Literal["auto", "classification", "regression", "multi_label", "autoencoder", "multi_task"],
        "kind of task; auto: by the loss, or else by the target",
    ] = "auto"
    split: Annotated[Split, "rows held out for validation and test"] = Split()
    missing: Annotated[
        Annotated[Imputer, IMPUTERS] | MissingByKind,
        "what happens to missing values of features: one way, or {numbers: ..., others: ...}",
    ] = Refuse()
    indicator: Annotated[bool, "add an input for each feature with missing values: 1 where one was missing, else 0"] = (
        False
    )
    unseen: Annotated[Unseen, "categories not seen in training: an error, or ignored (0 for each known one)"] = "error"
    scaling: Annotated[Scaler, SCALERS, "scaling of numeric features"] = Standard()
    encoding: Annotated[Encoding, ENCODINGS, "how a scaled number becomes inputs: as it is, or as several"] = Plain()
    target_scaling: Annotated[Scaler, SCALERS, "scaling of numeric targets; metrics are in original units"] = Standard()
    class_weight: Annotated[
        Literal["balanced"] | dict[str, Annotated[float, Ge(0), Le(1e6)]] | None,
        "weight of each class in the loss: balanced (rows / (classes * rows of the class)), or by label (1 for others)",
    ] = None
    sample_weight: Annotated[
        str | None, "column with the weight of each row in the loss; not a feature; metrics ignore it"
    ] = None
    id: Annotated[str | None, "column that identifies rows; not a feature"] = None
    cache: Annotated[bool, "keep the parsed table in the user's cache directory for later runs"] = True
    memory: Annotated[str, "size above which a file is memory-mapped instead of read, such as 500MB or 2GiB"] = "2GiB"

    def __post_init__(self) -> None:
        if not BYTES.fullmatch(self.memory):
            what = f"expected a number of bytes such as 500MB or 2GiB (got {self.memory!r})"
            raise OptionError(Mistake("memory", what))

    @property
    def memory_bytes(self) -> int:
        """The size in bytes above which a file is not read into memory."""
        number, prefix, binary = BYTES.fullmatch(self.memory).groups()  # type: ignore[union-attr]
        return int(float(number) * (1024 if binary else 1000) ** " KMGT".index((prefix or " ").upper()))

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the target columns that the config gives; none for an autoencoder."""
        if self.task == "autoencoder" or self.target is None:
            return ()
        return (self.target,) if isinstance(self.target, str) else tuple(self.target)

    @property
    def class_targets(self) -> tuple[str, ...]:
        """The names of the targets that are classes, once tasks are resolved."""
        if isinstance(self.target, dict):
            return tuple(name for name, one in self.target.items() if one.task == "classification")
        return self.targets if self.task == "classification" else ()

    @cached_property
    def feature_fields(self) -> dict[str, str]:
        """The field that lists each feature, by name; empty unless the config lists features."""
        if isinstance(self.features, FeatureChoice):
            field, names = "data.features.include", self.features.include
        else:
            field, names = "data.features", self.features
        return {name: f"{field}.{k}" for k, name in enumerate(names or ())}

    def get_column_options(self, name: str) -> ColumnOptions | None:
        """Return the options that the config gives for a single column."""
        return (self.columns or {}).get(name)

    def get_treatment(self, name: str) -> Treatment:
        """Return how to encode a feature; `choose_imputer` returns its imputer where that depends on its kind."""
        missing = Refuse() if isinstance(self.missing, MissingByKind) else self.missing
        general = Treatment("auto", missing, self.indicator, self.scaling, self.unseen, encoding=self.encoding)
        return merge_options(self.get_column_options(name), general)

    def choose_imputer(self, name: str, kind: Kind) -> Imputer:
        """Return what happens to the missing values of a feature of that kind."""
        own = self.get_column_options(name)
        if own is not None and own.missing is not None:
            return own.missing
        return self.missing.choose(kind) if isinstance(self.missing, MissingByKind) else self.missing

    def get_target_treatment(self, name: str) -> Treatment:
        """Return how to encode a target: missing values are never filled in, but their rows may be dropped."""
        missing = self.missing if isinstance(self.missing, Drop) else Refuse()
        return merge_options(self.get_column_options(name), Treatment("auto", missing, False, self.target_scaling))

    def find_field(self, name: str, option: str) -> str:
        """Return the field that sets an option of a column: the column's own, or else the one for all columns."""
        own = self.get_column_options(name)
        return f"data.columns.{name}.{option}" if getattr(own, option, None) not in (None, "auto") else f"data.{option}"


@dataclass(frozen=True)
class EarlyStopping:
    """Stops training when the validation loss has not improved for `patience` epochs."""

    patience: Annotated[Count, "epochs without improvement"] = 10
    min_delta: Annotated[float, Ge(0), "smallest decrease of the loss that counts as an improvement"] = 0.0


@dataclass(frozen=True)
class Convergence:
    """Stops training when the training loss varies by at most `tolerance` over `patience` epochs."""

    tolerance: Annotated[Positive, "largest range of the loss that counts as converged"] = 1e-6
    patience: Annotated[Count, "number of epochs over which the range is taken"] = 10


@dataclass(frozen=True)
class Checkpointing:
    """How often the run is saved, so that it can be resumed. Several intervals can be given. Without any, it is saved
    at the end of an epoch once 30 seconds have passed, and saving never takes more than 3.5% of the time."""

    every_epochs: Annotated[Count | None, "epochs between checkpoints; null: no such interval"] = None
    every_steps: Annotated[Count | None, "steps between checkpoints; null: no such interval"] = None
    every_seconds: Annotated[Positive | None, "seconds between checkpoints; null: no such interval"] = None


@dataclass(frozen=True)
class Logging:
    """Records that a run writes for other programs, besides its history."""

    tensorboard: Annotated[
        bool, "write scalars for TensorBoard to RUN/tensorboard; needs pip install 'bptrain[tensorboard]'"
    ] = False


@dataclass(frozen=True)
class Training:
    """How long to train, in what batches, and when to stop or save."""

    epochs: Annotated[Count, "passes over the training rows"] = 100
    max_steps: Annotated[Count | None, "limit on the number of steps; null: none"] = None
    max_seconds: Annotated[
        Positive | None, "time limit in seconds, counted from the start or the last resume; null: none"
    ] = None
    batch_size: Annotated[Count | Literal["full"], "rows per batch; full: all training rows"] = 32
    accumulate: Annotated[Count, "batches whose gradients are combined into one step"] = 1
    clipping: Annotated[Clipping | None, "limits on the gradients; null: off"] = None
    average: Annotated[
        Annotated[float, Gt(0), Lt(1)] | None, "decay of a moving average of the weights to evaluate with; null: off"
    ] = None
    early_stopping: Annotated[EarlyStopping | None, "stop when the validation loss stops improving; null: off"] = None
    convergence: Annotated[Convergence | None, "stop when the training loss stops changing; null: off"] = None
    refit: Annotated[
        bool, "afterwards train anew on training and validation rows, for the epochs that early stopping found"
    ] = False
    folds: Annotated[
        Annotated[int, Ge(2), Le(1000)] | None,
        "find the number of epochs by cross-validation with this many folds, then train on all of their rows; null: no",
    ] = None
    members: Annotated[
        int, Ge(1), Le(100), "networks trained one after another from other weights, whose predictions are averaged"
    ] = 1
    on_divergence: Annotated[
        Literal["stop", "restore_and_halve"],
        "what to do when numbers become infinite or NaN: stop, or repeat the epoch with half the learning rate",
    ] = "stop"
    checkpoint: Annotated[Checkpointing, "how often the run is saved"] = Checkpointing()
    log: Annotated[Logging, "records for other programs"] = Logging()


@dataclass(frozen=True)
class Experiment:
    """A whole config. Only `data` and `network` (or `hidden`) are required."""

    data: Annotated[Data, "the table to learn from"]
    version: Annotated[Literal[1], "version of the config format"] = 1
    name: Annotated[str, "name of the run directory; default: the name of the config file"] = "experiment"
    seed: Annotated[int, Ge(0), "seed of all random numbers"] = 0
    dtype: Annotated[Literal["float32", "float64"], "type of parameters and activations"] = "float32"
    network: Annotated[tuple[Annotated[Layer, LAYERS], ...] | None, "layers from input to output"] = None
    hidden: Annotated[tuple[Count, ...] | None, "in place of network: units of each hidden dense layer"] = None
    activation: Annotated[
        Annotated[Activation, ACTIVATIONS] | None, "activation after each layer of hidden; null: relu"
    ] = None
    loss: Annotated[
        Annotated[Loss, LOSSES] | Auto, "loss to minimize; auto: by the kind of target, or each target's own loss"
    ] = "auto"
    optimizer: Annotated[Optimizer, OPTIMIZERS, "update rule of the parameters"] = Adam()
    schedule: Annotated[Schedule, SCHEDULES, "schedule of the learning rate"] = Constant()
    regularization: Annotated[Regularization, "penalties on the weights"] = Regularization()
    augmentation: Annotated[
        tuple[Annotated[Augmentation, AUGMENTATIONS], ...], "random changes to training rows, in this order"
    ] = ()
    training: Annotated[Training, "how long to train, and in what batches"] = Training()
    metrics: Annotated[
        tuple[Annotated[Metric, METRICS], ...] | Auto, "metrics to report; auto: by the kind of target"
    ] = "auto"

    def __post_init__(self) -> None:
        if mistake := find_network_mistake(self.network, self.hidden, self.activation):
            raise OptionError(mistake)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The network as layers: in the short form the layer that an encoding needs, then dense and activation in turn,
        and a last dense layer."""
        if self.network is not None:
            return self.network
        activation: Layer = self.activation or Relu()
        hidden: list[Layer] = [layer for units in self.hidden or () for layer in (Dense(units), activation)]
        encodings = (self.data.encoding, *(one.encoding for one in (self.data.columns or {}).values()))
        first = next((one.first_layer() for one in encodings if one is not None and one.first_layer), None)
        return (*([first] if first else []), *hidden, Dense())


def find_network_mistake(network: object, hidden: object, activation: object) -> Mistake | None:
    """Return what is wrong with the combination of three keys, or None; the value of each is not checked. A key that is
    not given is None."""
    if network is None and hidden is None:
        return Mistake("network", "the network is missing; write hidden: [64, 32] or a list of layers under network")
    if network is not None and hidden is not None:
        return Mistake("hidden", "cannot be used together with network; keep one of them")
    if network is not None and activation is not None:
        return Mistake("activation", "works only with hidden; under network write activations as layers")
    if network == ():
        return Mistake("network", "has no layers; write at least - dense")
    return None
