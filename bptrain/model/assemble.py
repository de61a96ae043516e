"""Assembling: build the model of a config, and encode the rows of its table.

Every `auto` is resolved from the data first, then the network is built, then the rows are encoded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bptrain.arrays import Array, Streams
from bptrain.code import load_codes
from bptrain.columns.columns import Columns
from bptrain.columns.features import Numeric
from bptrain.columns.scalers import Unscaled
from bptrain.columns.splits.chunked_draws import split_by_chunks
from bptrain.columns.splits.split import split_rows
from bptrain.columns.targets import Classes, Task, describe_amounts
from bptrain.config import Config, Data, Experiment, TargetOptions, load
from bptrain.config.load import place_errors
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.model.encoding import describe_duplicates, digest_rows, encode_splits
from bptrain.model.heads import build_heads, choose_metrics, find_output_widths
from bptrain.model.model import Model, Rows, build_model
from bptrain.model.name_check import check_names
from bptrain.model.phases.phase_plan import assign_folds, check_in_memory, count_phase_rows, find_phase_mistakes
from bptrain.model.phases.trainable import check_trainable
from bptrain.model.preprocessing import fit_columns
from bptrain.model.read import Tables
from bptrain.model.roles import Roles, find_features, find_targets
from bptrain.model.splits import Splits, split_table
from bptrain.model.task import check_classes, find_target_task, get_default_loss, resolve_task
from bptrain.nn import Layer, resolve_layers
from bptrain.nn.losses import BinaryCrossEntropy
from bptrain.registry import name_of
from bptrain.tables.table import Selection, Table


@dataclass(frozen=True)
class Assembly:
    """A fresh model and its encoded rows.

    `config` is the config as written, with the place of each value in its file. `splits` has the encoded rows of each
    split that has any, `selections` the numbers of these rows in their table, and `digest` is a digest of all
    encoded rows. `table` is the table of the config, without the rows of splits that have a source of their own.
    `folds` has the fold of each training row, if the config asks for folds.
    `notes` tell the user about the data, such as dropped rows; `duplicates` counts, by split, the rows that are also in
    an earlier split.
    """

    config: Config
    model: Model
    splits: dict[str, Rows]
    digest: str
    table: Table
    selections: dict[str, Selection]
    notes: tuple[str, ...] = ()
    duplicates: dict[str, int] = field(default_factory=dict)
    folds: Array | None = None


def assemble(config: Config, table: Table, *, fitted: Columns | None = None) -> Assembly:
    """Build the model of a config on a table, and encode the rows of each split; no file is opened.

    Args:
        config: the config; its source is not opened.
        table: as `read` returns it, or made in memory; it is not changed, and can be assembled again.
        fitted: the fitted columns of a run of an earlier version, whose table is larger than `data.memory`; the rows
            are split and stored as in that version. None: the columns are fitted now.

    Raises:
        ConfigError: values in the config do not fit the data or each other; it has their places.
        InputError: the data cannot be used.
    """
    with place_errors(config):
        if len(table) == 1 and not table.written:
            raise InputError(f"{table.where(0)}: this is the only row; nothing can be learned from it, add more")
        streams = Streams(config.experiment.seed)
        experiment, columns, splits = resolve(config.experiment, table, streams, fitted)
        if mistakes := find_phase_mistakes(experiment, splits.counts):
            raise OptionError(*mistakes)
        folds = assign_folds(experiment, columns, splits.rows, streams.split)
        counts = count_phase_rows(experiment.training, folds, splits.counts)
        model = build_model(experiment, columns, streams, rows=max(counts))
        check_trainable(model, splits.counts, counts)
        encoded = encode_splits(model, splits.rows, in_file=fitted is not None)
        rows, notes = encoded.rows, (*splits.notes, *encoded.notes)
        check_in_memory(experiment.training, rows)
        if config.experiment.data.task == "auto" and not table.target and isinstance(columns.target, Classes):
            notes = (*notes, *filter(None, [describe_amounts(columns.target)]))
        if encoded.duplicates:
            notes = (*notes, describe_duplicates(encoded.duplicates, {name: len(one) for name, one in rows.items()}))
        return Assembly(config, model, rows, digest_rows(rows), table, splits.rows, notes, encoded.duplicates, folds)


def assemble_file(
    config: str | Path,
    overrides: Sequence[str] = (),
    code: Sequence[str | Path] = (),
    *,
    tables: Tables | None = None,
) -> Assembly:
    """Load a config file, read its table, and assemble both.

    Args:
        config: a YAML file.
        overrides: `KEY=VALUE` each, applied over the file.
        code: Python files that register components which the config names.
        tables: the tables that were read before, which are not read again.

    Raises:
        InputError: the code, the config or the data cannot be used; a `ConfigError` has the places of all mistakes.
        StorageError: a file exists but may not be read.
    """
    load_codes(code)
    loaded = load(config, overrides)
    return assemble(loaded, (tables or Tables()).read(loaded))


def resolve(
    experiment: Experiment, table: Table, streams: Streams, fitted: Columns | None = None
) -> tuple[Experiment, Columns, Splits]:
    """Resolve an experiment from its table: task, target, split, columns, losses, metrics and the widths of layers.

    Returns:
        The experiment with every `auto` resolved, except for the common loss if each target has its own; the columns,
        fitted on the training rows unless they are given; and the rows of each split.

    Raises:
        OptionError: something in the experiment does not fit the data; the field says what.
        InputError: the data cannot be used.
    """
    check_names(experiment.data, table)
    targets = find_targets(experiment.data, table)
    roles = Roles(targets, find_features(experiment.data, table, targets))
    data = resolve_data(experiment, table, targets, resolve_task(experiment, table, targets))
    for name in data.class_targets:
        check_classes(experiment, table, name)
    splits = split_table(data, roles, table, streams.split, split_rows if fitted is None else split_by_chunks)
    columns = fitted or fit_columns(data, experiment.loss, roles, splits)
    return resolve_network(resolve_losses(experiment, data, columns), columns), columns, splits


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
        given = data.target if isinstance(data.target, dict) else dict.fromkeys(targets, TargetOptions())
        target = {name: replace(given[name], task=find_target_task(data, table, name)) for name in targets}
    return replace(data, task=task, target=target, split=replace(data.split, method=method))


def resolve_losses(experiment: Experiment, data: Data, columns: Columns) -> Experiment:
    """Return the experiment with these options of the data, and with the loss of each target resolved.

    Labels, and the targets of a loss that needs their exact values, are left unscaled.
    """
    if isinstance(data.target, dict):
        losses = {one.name: get_default_loss(len(getattr(one, "labels", ())) or None) for one in columns.target_columns}
        target = {
            name: replace(one, loss=losses[name]) if one.loss == "auto" else one for name, one in data.target.items()
        }
        return replace(experiment, data=replace(data, target=target))
    loss = experiment.loss
    if loss == "auto":
        loss = BinaryCrossEntropy() if data.task == "multi_label" else get_default_loss(columns.classes)
    if data.task != "autoencoder" and (loss.raw_targets or data.task == "multi_label"):
        data = replace(data, target_scaling=Unscaled())
    return replace(experiment, data=data, loss=loss)


def resolve_network(experiment: Experiment, columns: Columns) -> Experiment:
    """Return the experiment with its metrics resolved, and its network as a list of layers with their widths.

    Raises:
        OptionError: a loss cannot take its target, a layer cannot be resolved, or a metric is not defined.
    """
    heads = build_heads(experiment, columns)
    check_first_layer(experiment, columns)
    first = choose_first_layer(experiment, columns)
    try:
        layers = resolve_layers((first, *experiment.layers[1:]), find_output_widths(heads)[0])
    except OptionError as error:
        raise error.prefix_fields("network") from None
    metrics = choose_metrics(experiment, heads)
    return replace(experiment, network=layers, hidden=None, activation=None, metrics=metrics)


def check_first_layer(experiment: Experiment, columns: Columns) -> None:
    """Check that the network begins with the layer that the encoding of a column needs.

    Raises:
        OptionError: it does not.
    """
    for feature in columns.features:
        needed = feature.encoding.first_layer if isinstance(feature, Numeric) else None
        if needed and not isinstance(experiment.layers[0], needed):
            field = experiment.data.find_field(feature.name, "encoding")
            what = f"the network must begin with the layer {name_of(needed())}, which embeds the numbers"
            raise OptionError(Mistake(field, f"{what}; write - {name_of(needed())} as its first layer"))


def choose_first_layer(experiment: Experiment, columns: Columns) -> Layer:
    """Return the first layer of the network, which knows the numeric columns if it treats them in its own way.

    Raises:
        OptionError: it does, and there are none.
    """
    first = experiment.layers[0]
    if not hasattr(first, "choose_inputs"):
        return first
    try:
        chosen: Layer = first.choose_inputs(columns.number_places)
    except OptionError as error:
        if experiment.network is None:
            what = "there is no numeric column to encode in this way; remove it"
            raise OptionError(Mistake("data.encoding", what)) from None
        raise error.prefix_fields(f"network.0.{name_of(first)}") from None
    return chosen
