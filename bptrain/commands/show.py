"""Showing: the config as it would run, as a runnable config file that explains itself."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap

from bptrain.columns.columns import Columns
from bptrain.columns.targets import Classes
from bptrain.config import annotate
from bptrain.config.annotation import NARROWEST, WIDEST
from bptrain.model.assemble import Assembly, assemble_file
from bptrain.model.summary import Summary, summary_of, target_in_words
from bptrain.text import printable

MOST_NAMED = 12
"""So many columns that are treated alike are named."""


def show(
    config: str | Path, overrides: Sequence[str] = (), *, width: int = WIDEST, code: Sequence[str | Path] = ()
) -> str:
    """The config with every default filled in and every `auto` settled by its data, commented.

    A value is marked `default` where the file does not give it, and `auto` where it was settled. The comments are the
    docs of the options.

    Args:
        config: a YAML file.
        overrides: `KEY=VALUE` each, put over the file.
        width: columns of a line, at most 120.
        code: Python files that register components which the config names.

    Returns:
        YAML that can be trained as it stands.

    Raises:
        InputError: the code, the config or its data cannot be used.
    """
    assembly = assemble_file(config, overrides, code)
    width = max(width, NARROWEST)
    head = (line for text in heading(assembly) for line in wrap(printable(text), min(width, WIDEST) - 2))
    return (
        "".join(f"# {line}\n" for line in head)
        + "\n"
        + annotate(assembly.config, assembly.model.experiment, width=width)
    )


def columns_in_words(columns: Columns) -> Iterator[str]:
    """What is made of the columns, those that are treated alike in one line."""
    alike: dict[str, list[str]] = {}
    for feature in columns.features:
        alike.setdefault(feature.words, []).append(feature.name)
    yield f"columns: {len(columns.features):,} become {len(columns.outputs):,} inputs"
    for words, names in alike.items():
        more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
        yield f"  {', '.join(names[:MOST_NAMED])}{more}: {words}"
    weighting = columns.weighting
    if weighting.classes is not None and isinstance(columns.target, Classes):
        pairs = zip(columns.target.labels, weighting.classes, strict=True)
        yield "class weights: " + ", ".join(f"{label} {weight:.4g}" for label, weight in list(pairs)[:MOST_NAMED])
    if weighting.column is not None:
        yield f"row weights: {weighting.column}"


def heading(assembly: Assembly) -> Iterator[str]:
    """What a reader of the config should know first, line by line."""
    yield "default: the file does not say; auto: settled by the data or by the rest of the config."
    yield "rows: " + ", ".join(f"{len(rows):,} {name}" for name, rows in assembly.splits.items())
    yield from columns_in_words(assembly.model.columns)
    yield f"target: {target_in_words(assembly.model.columns)}"
    yield from assembly.notes
    yield f"network: {assembly.model.network.theta.size:,} parameters; --summary shows it and the formulas in force"


def summarize(config: str | Path, overrides: Sequence[str] = (), *, code: Sequence[str | Path] = ()) -> Summary:
    """The network that a config makes of its data, what it costs, and the formulas in force.

    Operations are counted by the rule of `bptrain.nn.cost`, over all batches of a step. Memory is that of one batch.

    Args:
        config: a YAML file.
        overrides: `KEY=VALUE` each, put over the file.
        code: Python files that register components which the config names.

    Raises:
        InputError: the code, the config or its data cannot be used.
    """
    return summary_of(assemble_file(config, overrides, code))
