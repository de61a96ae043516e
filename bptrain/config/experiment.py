"""An experiment: everything that a config says, as frozen dataclasses. The fields are the YAML keys."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from bptrain.columns.augmentation import AUGMENTATIONS, Augmentation
from bptrain.columns.imputers import IMPUTERS, Drop, Imputer, Refuse
from bptrain.columns.options import ColumnOptions, FeatureChoice, Treatment, Unseen, merge_options
from bptrain.columns.scalers import SCALERS, Scaler, Standard
from bptrain.columns.split import Split
from bptrain.errors import Mistake, OptionError
from bptrain.metrics import METRICS, Metric
from bptrain.nn import ACTIVATIONS, LAYERS, LOSSES, Activation, Layer, Loss
from bptrain.nn.activations import Relu
from bptrain.nn.layers import Dense
from bptrain.optim import OPTIMIZERS, SCHEDULES, Adam, Clipping, Constant, Optimizer, Regularization, Schedule
from bptrain.tables.sources import SOURCES, Source

Auto = Literal["auto"]

BYTES = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(?:([KMGTkmgt])(i)?)?[Bb]?")
"""A number of bytes: `2GiB`, `500 MB`, `1e9` not."""


@dataclass(frozen=True)
class TargetOptions:
    """One of several targets of different kinds, which share the network."""

    task: Annotated[Literal["auto", "classification", "regression"], "auto: by the loss, or by the values"] = "auto"
    loss: Annotated[Annotated[Loss, LOSSES] | Auto, "of its own scores; auto: by the kind of target"] = "auto"
    weight: Annotated[float, Gt(0), Le(1e6), "how often its loss counts in the sum"] = 1.0


@dataclass(frozen=True)
class Data:
    """What is learned from: a table, its columns, and which rows train."""

    source: Annotated[Source, SOURCES, "where the table comes from"]
    target: Annotated[
        str | tuple[str, ...] | dict[str, TargetOptions] | None,
        "column to predict, or several, or each with a loss of its own; inputs: the inputs; null: the source's own",
    ] = None
    features: Annotated[
        tuple[str, ...] | FeatureChoice | None,
        "columns to predict from, or what to exclude; null: all that have no other use",
    ] = None
    columns: Annotated[dict[str, ColumnOptions] | None, "what is made of single columns, by name"] = None
    task: Annotated[
        Literal["auto", "classification", "regression", "multi_label", "autoencoder", "multi_task"],
        "auto: by the loss, or else by what the target looks like",
    ] = "auto"
    split: Annotated[Split, "which rows are held out"] = Split()
    missing: Annotated[Imputer, IMPUTERS, "what becomes of missing values in features"] = Refuse()
    indicator: Annotated[bool, "whether columns of 0 and 1 say where values were missing, for those that had any"] = (
        False
    )
    unseen: Annotated[Unseen, "a category that training did not know: an error, or ignored (0 for all known ones)"] = (
        "error"
    )
    scaling: Annotated[Scaler, SCALERS, "of numeric features"] = Standard()
    target_scaling: Annotated[Scaler, SCALERS, "of numeric targets; metrics are in the original units"] = Standard()
    class_weight: Annotated[
        Literal["balanced"] | dict[str, Annotated[float, Ge(0), Le(1e6)]] | None,
        "what a row weighs in the loss by its class: balanced (rows / (classes * rows of it)), or by label, others 1",
    ] = None
    sample_weight: Annotated[
        str | None, "column of what each row weighs in the loss; no feature; metrics ignore it"
    ] = None
    id: Annotated[str | None, "column that tells rows apart; no feature"] = None
    cache: Annotated[bool, "whether the parsed table is kept in the user's cache directory for the next run"] = True
    memory: Annotated[str, "larger files are not read into memory but converted once and mapped; 500MB, 2GiB, ..."] = (
        "2GiB"
    )

    def __post_init__(self) -> None:
        if not BYTES.fullmatch(self.memory):
            what = f"expected a number of bytes such as 500MB or 2GiB (got {self.memory!r})"
            raise OptionError(Mistake("memory", what))

    @property
    def memory_bytes(self) -> int:
        """The bytes from which on a file is not read into memory."""
        number, prefix, binary = BYTES.fullmatch(self.memory).groups()  # type: ignore[union-attr]
        return int(float(number) * (1024 if binary else 1000) ** " KMGT".index((prefix or " ").upper()))

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the target columns, of a config that says which; none for an autoencoder."""
        if self.task == "autoencoder" or self.target is None:
            return ()
        return (self.target,) if isinstance(self.target, str) else tuple(self.target)

    @property
    def class_targets(self) -> tuple[str, ...]:
        """Those of the targets that are classes, once it is decided which."""
        if isinstance(self.target, dict):
            return tuple(name for name, one in self.target.items() if one.task == "classification")
        return self.targets if self.task == "classification" else ()

    def of_column(self, name: str) -> ColumnOptions | None:
        """Return what is said of a single column."""
        return (self.columns or {}).get(name)

    def treatment(self, name: str) -> Treatment:
        """Return what is to be made of a feature."""
        general = Treatment("auto", self.missing, self.indicator, self.scaling, self.unseen)
        return merge_options(self.of_column(name), general)

    def target_treatment(self, name: str) -> Treatment:
        """Return what is to be made of a target: nothing is filled in, but rows may be dropped."""
        general = Treatment(
            "auto", self.missing if isinstance(self.missing, Drop) else Refuse(), False, self.target_scaling
        )
        return merge_options(self.of_column(name), general)

    def field(self, name: str, option: str) -> str:
        """Return the field that decides an option of a column: its own, or that of all."""
        own = self.of_column(name)
        return f"data.columns.{name}.{option}" if getattr(own, option, None) not in (None, "auto") else f"data.{option}"


@dataclass(frozen=True)
class EarlyStopping:
    """Stops when the validation loss has not improved for a while."""

    patience: Annotated[int, Ge(1), "epochs without improvement"] = 10
    min_delta: Annotated[float, Ge(0), "what counts as an improvement"] = 0.0


@dataclass(frozen=True)
class Convergence:
    """Stops when the training loss stands still: its range over `patience` epochs is at most `tolerance`."""

    tolerance: Annotated[float, Gt(0), "range of the loss that counts as standing still"] = 1e-6
    patience: Annotated[int, Ge(1), "epochs over which it is seen"] = 10


@dataclass(frozen=True)
class Checkpointing:
    """When the run is saved to go on from. Of several intervals each counts; without any, it is saved at the end of an
    epoch when 30 seconds have passed, and never for more than 3.5% of the time."""

    every_epochs: Annotated[Annotated[int, Ge(1)] | None, "epochs between two; null: see above"] = None
    every_steps: Annotated[Annotated[int, Ge(1)] | None, "steps between two; null: see above"] = None
    every_seconds: Annotated[Annotated[float, Gt(0)] | None, "seconds between two; null: see above"] = None


@dataclass(frozen=True)
class Logging:
    """What a run writes for other programs, beside its history."""

    tensorboard: Annotated[bool, "scalars for TensorBoard, in RUN/tensorboard; pip install 'bptrain[tensorboard]'"] = (
        False
    )


@dataclass(frozen=True)
class Training:
    """How long and in what portions."""

    epochs: Annotated[int, Ge(1), "passes over the training rows"] = 100
    max_steps: Annotated[Annotated[int, Ge(1)] | None, "steps after which training ends at the latest; null: any"] = (
        None
    )
    max_seconds: Annotated[
        Annotated[float, Gt(0)] | None, "seconds after which it ends, anew after each resume; null: any"
    ] = None
    batch_size: Annotated[Annotated[int, Ge(1)] | Literal["full"], "rows a batch; full: all at once"] = 32
    accumulate: Annotated[int, Ge(1), "batches whose gradients make a step"] = 1
    clipping: Annotated[Clipping | None, "of gradients; null: off"] = None
    average: Annotated[
        Annotated[float, Gt(0), Lt(1)] | None, "decay of a moving average of the weights to evaluate with; null: off"
    ] = None
    early_stopping: Annotated[EarlyStopping | None, "null: off"] = None
    convergence: Annotated[Convergence | None, "null: off"] = None
    on_divergence: Annotated[
        Literal["stop", "restore_and_halve"],
        "what becomes of numbers that are not finite: an error, or the start of the epoch at half the learning rate",
    ] = "stop"
    checkpoint: Annotated[Checkpointing, "when the run is saved to go on from"] = Checkpointing()
    log: Annotated[Logging, "what is written for other programs"] = Logging()


@dataclass(frozen=True)
class Experiment:
    """A whole config. Only `data` and `network` (or `hidden`) are required."""

    data: Annotated[Data, "what is learned from"]
    version: Annotated[Literal[1], "of the config format"] = 1
    name: Annotated[str, "of the run directory; default: the file's stem"] = "experiment"
    seed: Annotated[int, Ge(0), "of all random numbers"] = 0
    dtype: Annotated[Literal["float32", "float64"], "of parameters and activations"] = "float32"
    network: Annotated[tuple[Annotated[Layer, LAYERS], ...] | None, "layers from input to output"] = None
    hidden: Annotated[tuple[Annotated[int, Ge(1)], ...] | None, "short form: units of the hidden dense layers"] = None
    activation: Annotated[Annotated[Activation, ACTIVATIONS] | None, "after each hidden layer; null: relu"] = None
    loss: Annotated[
        Annotated[Loss, LOSSES] | Auto, "auto: by the kind of target, or that of each target where they have their own"
    ] = "auto"
    optimizer: Annotated[Optimizer, OPTIMIZERS, "the update rule"] = Adam()
    schedule: Annotated[Schedule, SCHEDULES, "of the learning rate"] = Constant()
    regularization: Annotated[Regularization, "penalties on the weights"] = Regularization()
    augmentation: Annotated[
        tuple[Annotated[Augmentation, AUGMENTATIONS], ...], "random changes of the rows that train, in this order"
    ] = ()
    training: Annotated[Training, "how long and in what portions"] = Training()
    metrics: Annotated[
        tuple[Annotated[Metric, METRICS], ...] | Auto, "what is reported of predictions; auto: by the kind of target"
    ] = "auto"

    def __post_init__(self) -> None:
        if mistake := network_mistake(self.network, self.hidden, self.activation):
            raise OptionError(mistake)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The network as layers, the short form written out: dense and activation in turn, and a last dense layer."""
        if self.network is not None:
            return self.network
        activation: Layer = self.activation or Relu()
        hidden: list[Layer] = [layer for units in self.hidden or () for layer in (Dense(units), activation)]
        return (*hidden, Dense())


def network_mistake(network: object, hidden: object, activation: object) -> Mistake | None:
    """Return what is wrong with the three together, whatever is wrong inside each; None is what is not given."""
    if network is None and hidden is None:
        return Mistake("network", "the network is missing; write hidden: [64, 32] or a list of layers under network")
    if network is not None and hidden is not None:
        return Mistake("hidden", "stands beside network, which says the same; keep one of them")
    if network is not None and activation is not None:
        return Mistake("activation", "goes with hidden; under network write activations as layers")
    if network == ():
        return Mistake("network", "has no layers; write at least - dense")
    return None
