"""Showing: the config as it would run, as a runnable config file with the network described in comments."""

from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path

from bptrain.config import to_yaml
from bptrain.data import Classes, Columns
from bptrain.registry import name_of
from bptrain.training.assemble import Assembly
from bptrain.training.model import Model
from bptrain.training.run import prepare


def show(config: str | Path, overrides: Sequence[str] = ()) -> str:
    """The config with every default filled in and every `auto` settled by its data, and comments on what comes of it.

    Args:
        config: a YAML file.
        overrides: `KEY=VALUE` each, put over the file.

    Returns:
        YAML that can be trained as it stands.

    Raises:
        InputError: the config or its data cannot be used.
    """
    assembly = prepare(config, overrides)
    # A name with a line break in it must not leave the comment.
    comments = "".join("# " + " ".join(line.splitlines()).rstrip() + "\n" for line in described(assembly))
    return to_yaml(assembly.model.experiment) + "\n" + comments


def described(assembly: Assembly) -> Iterator[str]:
    """What the data and the network look like, line by line."""
    model, parts = assembly.model, assembly.parts
    network, experiment = model.network, model.experiment
    yield "rows: " + ", ".join(f"{len(rows):,} {name}" for name, rows in parts.items())
    yield f"target: {target_in_words(model.columns)}"
    yield f"network: {network.theta.size:,} parameters"
    yield f"  {'layer':<24}{'output':>10}{'parameters':>14}  initializer"
    for name, plan in zip(network.chain.names, network.chain.plans, strict=True):
        inside = [entry for entry in network.entries if entry.name.startswith(f"{name}.")]
        count = sum(prod(entry.shape) for entry in inside)
        shape = " x ".join(map(str, plan.shape))
        starts = ", ".join(name_of(entry.parameter.initializer) for entry in inside)
        yield f"  {name:<24}{shape:>10}{count:>14,}  {starts}"
    yield f"minimised: {name_of(model.objective.loss)}" + " + the penalty" * bool(model.objective.penalties)
    yield from penalties(model)
    if experiment.regularization.max_norm is not None:
        yield f"after each step: the weights into a unit have a norm of at most {experiment.regularization.max_norm:g}"


def penalties(model: Model) -> Iterator[str]:
    """The formula of each penalty with the weights that it is on; it is not divided by the number of rows."""
    for part, one in model.objective.penalties:
        names = [e.name for e in model.network.entries if part.start <= e.slice.start and e.slice.stop <= part.stop]
        absolute = f"{one.l1:g} Σ|w|" if one.l1 else ""
        square = f"{one.l2:g}/2 Σw²" if one.l2 else ""
        yield f"penalty: {' + '.join(filter(None, (absolute, square)))} over {', '.join(names)}"


def target_in_words(columns: Columns) -> str:
    """What is predicted: `species, 3 classes (setosa, versicolor, virginica)`."""
    if isinstance(columns.target, Classes):
        labels = columns.target.labels
        some = ", ".join(map(str, labels[:10])) + (", ..." if len(labels) > 10 else "")
        return f"{columns.target.name}, {len(labels)} classes ({some})"
    return ", ".join(column.name for column in columns.target)
