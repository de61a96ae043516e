"""The summary: what a config makes of its data, layer by layer, and the formulas in force."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from bptrain.columns.columns import Columns
from bptrain.columns.targets import Classes, Inputs, Several, Value
from bptrain.config import Experiment, dump
from bptrain.equations import describe, symbol_of, with_numbers
from bptrain.hints import list_options
from bptrain.model.assemble import Assembly
from bptrain.model.heads import Head
from bptrain.model.model import Model, count_batch_rows
from bptrain.nn.cost import LayerCost, costs
from bptrain.optim import LineSearch, Schedule
from bptrain.registry import name_of
from bptrain.text import printable


@dataclass(frozen=True)
class Totals:
    """Of the whole network, for one batch: parameters, bytes, and operations forward and backward in a step."""

    parameters: int
    parameter_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    activation_bytes: int
    forward: int
    backward: int


@dataclass(frozen=True)
class Fact:
    """A line of the summary: what it is about, and what is so."""

    name: str
    text: str


@dataclass(frozen=True)
class Summary:
    """A config with its data: rows of each part, the layers with their costs for one batch, totals for one step, and
    the formulas in force. Texts have nothing of the data in them that acts on a terminal."""

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


def summary_of(assembly: Assembly) -> Summary:
    """Return the summary of a model with its data."""
    model, experiment, network = assembly.model, assembly.model.experiment, assembly.model.network
    rows = {name: len(part) for name, part in assembly.splits.items()}
    batch = count_batch_rows(experiment, rows["train"])
    batches = -(-rows["train"] // batch)
    accumulated = min(experiment.training.accumulate, batches)
    layers = costs(network, batch)
    itemsize = network.dtype.itemsize
    totals = Totals(
        network.theta.size,
        network.theta.nbytes,
        network.grad.nbytes,
        experiment.optimizer.slots * network.theta.nbytes,
        sum(layer.activation_bytes for layer in layers) + batch * network.input_shape[0] * itemsize,
        sum(layer.forward for layer in layers) * accumulated,
        sum(layer.backward for layer in layers) * accumulated,
    )
    return Summary(
        printable(experiment.name),
        rows,
        network.input_shape[0],
        printable(target_in_words(model.columns)),
        batch,
        -(-batches // experiment.training.accumulate),
        layers,
        totals,
        tuple(Fact(printable(name), printable(text)) for name, text in formulas(model, batch)),
        experiment,
    )


def formulas(model: Model, batch: int) -> Iterator[tuple[str, str]]:
    """Yield what training does at every step, in formulas with the numbers in place."""
    experiment, training = model.experiment, model.experiment.training
    yield "minimised", loss_in_words(model) + " + the penalty" * bool(model.objective.penalties)
    for head in model.heads:
        yield f"loss of {head.name}" if head.name else "loss", loss_in_force(model, head, batch)
    for one in experiment.augmentation:
        yield "augmentation", f"{name_of(one)}: {with_numbers(describe(one, 'forward'), one)}"
    for text in penalties(model):
        yield "penalty", text
    if training.accumulate > 1:
        yield "gradient", f"of {training.accumulate:,} batches together, each counting by its rows"
    if training.clipping:
        yield from (("clipping", text) for text in clipping(training.clipping.value, training.clipping.norm))
    yield "update", update_rule(experiment)
    schedule = experiment.schedule
    if schedule.constant:
        yield "schedule", f"constant: lr = {experiment.optimizer.lr:g}"
    else:
        factor = factor_of(schedule, training.epochs)
        yield "schedule", f"{name_of(schedule)}: lr = {experiment.optimizer.lr:g} · factor; factor: {factor}"
    if experiment.regularization.max_norm is not None:
        most = f"{experiment.regularization.max_norm:g}"
        yield "after each step", f"the weights into a unit are scaled down to a norm of {most} where theirs is larger"
    if training.average:
        rest = f"{1 - training.average:g}"
        yield "evaluated", f"with averaged weights: w̄ = {training.average:g} w̄ + {rest} w after each step"


def loss_in_force(model: Model, head: Head, batch: int) -> str:
    """Return the loss of a head with its formula, its reduction and its options."""
    loss = head.loss
    width = head.width if head.name else model.network.output_shape[0]
    text = f"{name_of(loss)}: {describe(loss, 'forward', width)}"
    over = f"n = {batch:,} rows" + (f", width = {width}" if "width" in text else "")
    weighting = model.columns.weighting
    if getattr(loss, "class_weights", None) or weighting.classes is not None:
        over += ", each row weighing what its class does"
    if weighting.column is not None:
        over += f"{' times' if weighting.classes else ', each row weighing'} what {weighting.column} says"
    names = [option.name for option in list_options(type(loss))]
    chosen = [" = ".join(dict.fromkeys((symbol_of(loss, name), name))) for name in names]
    values = [f"{name} = {render_option(getattr(loss, key))}" for name, key in zip(chosen, names, strict=True)]
    return "; ".join(filter(None, (text, f"the mean over a batch of {over}", ", ".join(values))))


def loss_in_words(model: Model) -> str:
    """Describe what is trained: `mse`, or `0.5 · mse of price + softmax_cross_entropy of sold`."""
    each = (
        (f"{head.weight:g} · " if head.weight != 1 else "") + f"{name_of(head.loss)} of {head.name}"
        for head in model.heads
    )
    return " + ".join(each) if model.heads[0].name else name_of(model.objective.loss)


def render_option(value: Any) -> str:
    """Return an option's value as YAML has it."""
    names = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return names[value]
    if isinstance(value, tuple):
        return f"[{', '.join(map(render_option, value))}]"
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def update_rule(experiment: Experiment) -> str:
    """Return the optimizer's rule with its numbers; the learning rate stays a letter where a schedule changes it."""
    optimizer = experiment.optimizer
    text = describe(optimizer, "update")
    if not experiment.schedule.constant:
        text = text.replace("lr", "\0")
    text = with_numbers(text, optimizer).replace("\0", "lr")
    search = "; each point that is tried costs a step's operations" if isinstance(optimizer, LineSearch) else ""
    return f"{name_of(optimizer)}: {text}{search}"


def factor_of(schedule: Schedule, epochs: float) -> str:
    """Describe what the learning rate is multiplied by, for so many epochs."""
    text = with_numbers(describe(schedule, "factor"), schedule, T=epochs)
    if schedule.following:
        begin, then = schedule.following
        text += f"; then {name_of(then)}: {factor_of(then, max(epochs - begin, 0))}"
    return text


def clipping(value: float | None, norm: float | None) -> Iterator[str]:
    """Yield the bounds on the gradient that are in force."""
    if value is not None:
        yield f"g = min(max(g, -{value:g}), {value:g})"
    if norm is not None:
        yield f"g = g · {norm:g} / |g| where |g| is above {norm:g}"


def penalties(model: Model) -> Iterator[str]:
    """Yield the formula of each penalty with the weights that it is on; it is not divided by the number of rows."""
    for part, one in model.objective.penalties:
        names = [e.name for e in model.network.entries if part.start <= e.slice.start and e.slice.stop <= part.stop]
        absolute = f"{one.l1:g} Σ|w|" if one.l1 else ""
        square = f"{one.l2:g}/2 Σw²" if one.l2 else ""
        yield f"{' + '.join(filter(None, (absolute, square)))} over {', '.join(names)}"


def target_in_words(columns: Columns) -> str:
    """Describe what is predicted: `species, 3 classes (setosa, versicolor, virginica)`."""
    if isinstance(columns.target, Inputs):
        return f"the {len(columns.outputs):,} inputs"
    between = "; " if isinstance(columns.target, Several) else ", "
    return between.join(map(single_in_words, columns.singles))


def single_in_words(target: Classes | Value) -> str:
    """One target, classes with their labels."""
    if not isinstance(target, Classes):
        return target.name
    some = ", ".join(map(str, target.labels[:10])) + (", ..." if len(target.labels) > 10 else "")
    return f"{target.name}, {len(target.labels)} classes ({some})"
