"""Resolving: every `auto` of an experiment that only the data can decide, decided in one step."""

from dataclasses import dataclass, replace

from bptrain.arrays import Streams
from bptrain.columns.chunked_draws import split_by_chunks
from bptrain.columns.columns import Columns
from bptrain.columns.scalers import Unscaled
from bptrain.columns.split import split_rows
from bptrain.columns.targets import Task
from bptrain.config import Data, Experiment, TargetOptions
from bptrain.errors import OptionError
from bptrain.model.heads import build_heads, find_widths
from bptrain.model.measures import choose_metrics
from bptrain.model.preprocessing import fit_columns
from bptrain.model.roles import Roles, find_roles
from bptrain.model.splits import Splits, split_table
from bptrain.model.task import check_continuous, default_loss, find_task, task_of_target
from bptrain.nn import resolve_layers
from bptrain.nn.losses import BinaryCrossEntropy
from bptrain.tables.table import Table


@dataclass(frozen=True)
class Resolved:
    """An experiment with no `auto` left, but for the loss where each target has its own, and what it was decided by:
    the roles of the columns, the rows of each split, and the columns as the rows that train have them."""

    experiment: Experiment
    roles: Roles
    splits: Splits
    columns: Columns


def resolve(experiment: Experiment, table: Table, streams: Streams, fitted: Columns | None = None) -> Resolved:
    """Resolve an experiment by its table: task, target, split, columns, losses, metrics and the widths of layers.

    With columns that an earlier version `fitted`, the split is drawn as that version drew it.

    Raises:
        OptionError: something in the experiment does not fit the data; the field says what.
        InputError: the data cannot be used.
    """
    roles = find_roles(experiment.data, table)
    task = find_task(experiment, table, roles.targets)
    data = resolve_data(experiment, table, roles.targets, task)
    for name in data.class_targets:
        check_continuous(experiment, table, name)
    splits = split_table(data, roles, table, streams.split, split_rows if fitted is None else split_by_chunks)
    columns = fitted or fit_columns(data, experiment.loss, roles, splits)
    return Resolved(resolve_network(resolve_losses(experiment, data, columns), columns), roles, splits, columns)


def resolve_data(experiment: Experiment, table: Table, targets: tuple[str, ...], task: Task) -> Data:
    """Return the options of the data with task, target and the method of the split resolved."""
    data = experiment.data
    method = data.split.method
    if method == "auto":
        method = "stratified" if task == "classification" else "random"
    target: str | tuple[str, ...] | dict[str, TargetOptions] = targets[0] if len(targets) == 1 else targets
    if task == "autoencoder":
        target = "inputs"
    elif task == "multi_task":
        target = resolve_targets(experiment, table, targets)
    return replace(data, task=task, target=target, split=replace(data.split, method=method))


def resolve_targets(experiment: Experiment, table: Table, targets: tuple[str, ...]) -> dict[str, TargetOptions]:
    """Return the options of each of several targets, with its task resolved."""
    given = experiment.data.target
    found = {name: given[name] if isinstance(given, dict) else TargetOptions() for name in targets}
    return {name: replace(one, task=task_of_target(experiment.data, table, name)) for name, one in found.items()}


def resolve_losses(experiment: Experiment, data: Data, columns: Columns) -> Experiment:
    """Return the experiment with these options of the data, and with the losses for its targets and their classes."""
    if isinstance(data.target, dict):
        losses = {one.name: default_loss(len(getattr(one, "labels", ())) or None) for one in columns.singles}
        target = {
            name: replace(one, loss=losses[name]) if one.loss == "auto" else one for name, one in data.target.items()
        }
        return replace(experiment, data=replace(data, target=target))
    loss = experiment.loss
    if loss == "auto":
        loss = BinaryCrossEntropy() if data.task == "multi_label" else default_loss(columns.classes)
    if data.task != "autoencoder" and (loss.raw_targets or data.task == "multi_label"):
        data = replace(data, target_scaling=Unscaled())
    return replace(experiment, data=data, loss=loss)


def resolve_network(experiment: Experiment, columns: Columns) -> Experiment:
    """Return the experiment with its metrics, and its network as layers that say their widths.

    Raises:
        OptionError: a loss cannot take its target, a layer cannot be resolved, or a metric is not defined.
    """
    heads = build_heads(experiment, columns)
    widths, _ = find_widths(heads, columns)
    try:
        layers = resolve_layers(experiment.layers, widths[0])
    except OptionError as error:
        raise error.under("network") from None
    metrics = choose_metrics(experiment, heads)
    return replace(experiment, network=layers, hidden=None, activation=None, metrics=metrics)
