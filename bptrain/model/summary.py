"""The summary of a config with its data: the network layer by layer, and the formulas of a training step."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from bptrain.columns.columns import Columns
from bptrain.columns.targets import Classes, Inputs, Several
from bptrain.config import Experiment, dump
from bptrain.equations import describe, describe_with_numbers, get_symbol
from bptrain.hints import list_options
from bptrain.model.assemble import Assembly
from bptrain.model.heads import Head
from bptrain.model.model import Model, count_batch_rows, count_batches
from bptrain.nn.cost import LayerCost, compute_costs
from bptrain.optim import LineSearch, Schedule
from bptrain.registry import name_of
from bptrain.text import printable


@dataclass(frozen=True)
class Totals:
    """Totals of the network: parameters, bytes for one batch, and operations forward and backward in a step."""

    parameters: int
    parameter_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    activation_bytes: int
    forward: int
    backward: int


@dataclass(frozen=True)
class Fact:
    """A line of the summary: a name and a text."""

    name: str
    text: str


@dataclass(frozen=True)
class Summary:
    """A config with its data: the rows of each split, the layers with their costs for one batch, totals for one step,
    and the formulas of a step. All texts are printable."""

    name: str
    rows: dict[str, int]
    inputs: int
    target: str
    batch_size: int
    steps_per_epoch: int
    layers: tuple[LayerCost, ...]
    totals: Totals
    formulas: tuple[Fact, ...]
    experiment: Experiment

    def to_json(self) -> dict[str, Any]:
        """Return what `bptrain show --json` prints."""
        keys = ("name", "rows", "inputs", "target", "batch_size", "steps_per_epoch")
        return {
            **{key: getattr(self, key) for key in keys},
            "layers": [asdict(layer) | {"shape": list(layer.shape)} for layer in self.layers],
            "totals": asdict(self.totals),
            "formulas": [asdict(fact) for fact in self.formulas],
            "config": dump(self.experiment),
        }


def build_summary(assembly: Assembly) -> Summary:
    """Return the summary of a model with its data."""
    model, experiment, network = assembly.model, assembly.model.experiment, assembly.model.network
    rows = {name: len(split) for name, split in assembly.splits.items()}
    batch = count_batch_rows(experiment, rows["train"])
    batches = count_batches(experiment, rows["train"], network.chain.least_rows)
    accumulated = min(experiment.training.accumulate, batches)
    layers = tuple(compute_costs(network.chain, batch))
    input_bytes = batch * network.input_shape[0] * network.dtype.itemsize
    return Summary(
        name=printable(experiment.name),
        rows=rows,
        inputs=network.input_shape[0],
        target=printable(describe_targets(model.columns)),
        batch_size=batch,
        steps_per_epoch=-(-batches // experiment.training.accumulate),
        layers=layers,
        totals=Totals(
            parameters=network.theta.size,
            parameter_bytes=network.theta.nbytes,
            gradient_bytes=network.grad.nbytes,
            optimizer_bytes=experiment.optimizer.slots * network.theta.nbytes,
            activation_bytes=sum(layer.activation_bytes for layer in layers) + input_bytes,
            forward=sum(layer.forward for layer in layers) * accumulated,
            backward=sum(layer.backward for layer in layers) * accumulated,
        ),
        formulas=tuple(Fact(printable(name), printable(text)) for name, text in list_formulas(model, batch)),
        experiment=experiment,
    )


def list_formulas(model: Model, batch: int) -> Iterator[tuple[str, str]]:
    """Yield what training computes at every step, as formulas with the numbers of the config."""
    experiment, training = model.experiment, model.experiment.training
    yield "minimized", describe_loss(model) + " + the penalty" * bool(model.objective.penalties)
    for head in model.heads:
        yield f"loss of {head.name}" if head.name else "loss", describe_head_loss(model, head, batch)
    for one in experiment.augmentation:
        yield "augmentation", f"{name_of(one)}: {describe_with_numbers(one, 'forward')}"
    for text in describe_penalties(model):
        yield "penalty", text
    if training.accumulate > 1:
        yield "gradient", f"the mean over {training.accumulate:,} batches, weighted by their rows"
    if training.clipping and (value := training.clipping.value) is not None:
        yield "clipping", f"g = min(max(g, -{value:g}), {value:g})"
    if training.clipping and (norm := training.clipping.norm) is not None:
        yield "clipping", f"g = g · {norm:g} / |g| if |g| is above {norm:g}"
    yield "update", describe_update(experiment)
    schedule = experiment.schedule
    if schedule.constant:
        yield "schedule", f"constant: lr = {experiment.optimizer.lr:g}"
    else:
        factor = describe_factor(schedule, training.epochs)
        yield "schedule", f"{name_of(schedule)}: lr = {experiment.optimizer.lr:g} · factor; factor: {factor}"
    if (norm := experiment.regularization.max_norm) is not None:
        yield "after each step", f"if the weights into a unit have a norm above {norm:g}, they are scaled down to it"
    if training.average:
        rest = f"{1 - training.average:g}"
        yield "evaluated", f"with averaged weights: w̄ = {training.average:g} w̄ + {rest} w after each step"


def describe_head_loss(model: Model, head: Head, batch: int) -> str:
    """Describe the loss of a head: its formula, its reduction and its options."""
    loss = head.loss
    width = head.width if head.name else model.network.output_shape[0]
    text = f"{name_of(loss)}: {describe(loss, 'forward', width)}"
    over = f"n = {batch:,} rows" + (f", width = {width}" if "width" in text else "")
    weighting, weights = model.columns.weighting, []
    if getattr(loss, "class_weights", None) or weighting.classes is not None:
        weights.append("the weight of its class")
    if weighting.column is not None:
        weights.append(weighting.column)
    if weights:
        over += f", each row weighted by {' times '.join(weights)}"
    names = [option.name for option in list_options(type(loss))]
    chosen = [" = ".join(dict.fromkeys((get_symbol(loss, name), name))) for name in names]
    values = [f"{name} = {render_option(getattr(loss, key))}" for name, key in zip(chosen, names, strict=True)]
    return "; ".join(filter(None, (text, f"the mean over a batch of {over}", ", ".join(values))))


def describe_loss(model: Model) -> str:
    """Name the loss of a model: `mse`, or `0.5 · mse of price + softmax_cross_entropy of sold`."""
    each = (
        (f"{head.weight:g} · " if head.weight != 1 else "") + f"{name_of(head.loss)} of {head.name}"
        for head in model.heads
    )
    return " + ".join(each) if model.heads[0].name else name_of(model.objective.loss)


def render_option(value: Any) -> str:
    """Return the value of an option as YAML."""
    names = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return names[value]
    if isinstance(value, tuple):
        return f"[{', '.join(map(render_option, value))}]"
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def describe_update(experiment: Experiment) -> str:
    """Return the optimizer's rule with its numbers; the learning rate stays a letter if a schedule changes it."""
    optimizer = experiment.optimizer
    lr = optimizer.lr if experiment.schedule.constant else None
    text = describe_with_numbers(optimizer, "update", lr=lr)
    search = "; each point that it tries costs the operations of a step" if isinstance(optimizer, LineSearch) else ""
    return f"{name_of(optimizer)}: {text}{search}"


def describe_factor(schedule: Schedule, epochs: float) -> str:
    """Return the formula of the factor of the learning rate, for a number of epochs."""
    text = describe_with_numbers(schedule, "factor", T=epochs)
    if schedule.following:
        begin, then = schedule.following
        text += f"; then {name_of(then)}: {describe_factor(then, max(epochs - begin, 0))}"
    return text


def describe_penalties(model: Model) -> Iterator[str]:
    """Yield the formula of each penalty, which is not divided by the number of rows, with the weights that have it."""
    for chunk, one in model.objective.penalties:
        names = [e.name for e in model.network.entries if chunk.start <= e.slice.start and e.slice.stop <= chunk.stop]
        absolute = f"{one.l1:g} Σ|w|" if one.l1 else ""
        square = f"{one.l2:g}/2 Σw²" if one.l2 else ""
        yield f"{' + '.join(filter(None, (absolute, square)))} over {', '.join(names)}"


def describe_targets(columns: Columns) -> str:
    """Describe what is predicted: `species, 3 classes (setosa, versicolor, virginica)`."""
    if isinstance(columns.target, Inputs):
        return f"the {len(columns.input_names):,} inputs"
    each = []
    for target in columns.target_columns:
        text = target.name
        if isinstance(target, Classes):
            labels = ", ".join(map(str, target.labels[:10])) + ", ..." * (len(target.labels) > 10)
            text += f", {len(target.labels)} classes ({labels})"
        each.append(text)
    return ("; " if isinstance(columns.target, Several) else ", ").join(each)
