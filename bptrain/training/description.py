"""Showing: the config as it would run, as a runnable config file that explains itself."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap

from bptrain.code import load_codes
from bptrain.config import annotated, load
from bptrain.config.annotated import NARROWEST, WIDEST
from bptrain.text import printable
from bptrain.training.assemble import Assembly, assemble
from bptrain.training.run import located
from bptrain.training.summary import target_in_words


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
    load_codes(code)
    loaded = load(config, overrides)
    with located(loaded):
        assembly = assemble(loaded.experiment)
    width = max(width, NARROWEST)
    head = (line for text in heading(assembly) for line in wrap(printable(text), min(width, WIDEST) - 2))
    return "".join(f"# {line}\n" for line in head) + "\n" + annotated(loaded, assembly.model.experiment, width=width)


def heading(assembly: Assembly) -> Iterator[str]:
    """What a reader of the config should know first, line by line."""
    yield "default: the file does not say; auto: settled by the data or by the rest of the config."
    yield "rows: " + ", ".join(f"{len(rows):,} {name}" for name, rows in assembly.parts.items())
    yield f"target: {target_in_words(assembly.model.columns)}"
    yield f"network: {assembly.model.network.theta.size:,} parameters; --summary shows it and the formulas in force"
