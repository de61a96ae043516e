"""`bptrain show`"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap

from bptrain.columns.columns import Columns
from bptrain.columns.targets import Classes
from bptrain.config import annotate
from bptrain.config.annotation import NARROWEST, WIDEST
from bptrain.model.assemble import Assembly, assemble_file
from bptrain.model.summary import Summary, build_summary, describe_targets
from bptrain.text import printable

MOST_NAMED = 12
"""The most columns that are named in one line."""


def show(
    config: str | Path, overrides: Sequence[str] = (), *, width: int = WIDEST, code: Sequence[str | Path] = ()
) -> str:
    """Return a config with every default filled in and every `auto` resolved, with comments.

    A value is marked `default` if the file does not give it, and `auto` if it was resolved. The comments explain the
    options.

    Args:
        config: path of a YAML file.
        overrides: `KEY=VALUE` each, such as `training.epochs=5`, applied over the file.
        width: characters of a line, at most 120.
        code: Python files that register components which the config names.

    Returns:
        YAML that can be trained as it is.

    Raises:
        InputError: the code, the config or its data cannot be used.

    Example:
        >>> print(bptrain.show("configs/digits.yaml"))
    """
    assembly = assemble_file(config, overrides, code)
    width = max(width, NARROWEST)
    head = (line for text in list_heading_lines(assembly) for line in wrap(printable(text), min(width, WIDEST) - 2))
    return (
        "".join(f"# {line}\n" for line in head)
        + "\n"
        + annotate(assembly.config, assembly.model.experiment, width=width)
    )


def summarize_columns(columns: Columns) -> Iterator[str]:
    """Yield lines that say how the columns are encoded; columns that are encoded alike share a line."""
    alike: dict[str, list[str]] = {}
    for feature in columns.features:
        alike.setdefault(feature.words, []).append(feature.name)
    used, inputs = len(columns.features), len(columns.input_names)
    yield f"columns: {used:,} become{'s' * (used == 1)} {inputs:,} input{'s' * (inputs != 1)}"
    for words, names in alike.items():
        more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
        yield f"  {', '.join(names[:MOST_NAMED])}{more}: {words}"
    weighting = columns.weighting
    if weighting.classes is not None and isinstance(columns.target, Classes):
        pairs = zip(columns.target.labels, weighting.classes, strict=True)
        yield "class weights: " + ", ".join(f"{label}: {weight:.4g}" for label, weight in list(pairs)[:MOST_NAMED])
    if weighting.column is not None:
        yield f"row weights: {weighting.column}"


def list_heading_lines(assembly: Assembly) -> Iterator[str]:
    """Yield the lines above the config, which a reader should see first."""
    yield "default: not given in the file; auto: resolved from the data or the rest of the config."
    yield "rows: " + ", ".join(f"{len(rows):,} {name}" for name, rows in assembly.splits.items())
    yield from summarize_columns(assembly.model.columns)
    yield f"target: {describe_targets(assembly.model.columns)}"
    yield from assembly.notes
    yield f"network: {assembly.model.network.theta.size:,} parameters; --summary shows it and the formulas it uses"


def summarize(config: str | Path, overrides: Sequence[str] = (), *, code: Sequence[str | Path] = ()) -> Summary:
    """Summarize the network of a config: its layers, its cost, and the formulas of its layers, loss and optimizer.

    Operations are counted by the rules of `bptrain.nn.cost`, over all batches of a step. Memory is for one batch.

    Args:
        config: path of a YAML file.
        overrides: `KEY=VALUE` each, such as `training.epochs=5`, applied over the file.
        code: Python files that register components which the config names.

    Returns:
        A row for each layer, the totals, and the formulas.

    Raises:
        InputError: the code, the config or its data cannot be used.

    Example:
        >>> bptrain.summarize("configs/digits.yaml").totals.parameters
    """
    return build_summary(assemble_file(config, overrides, code))
