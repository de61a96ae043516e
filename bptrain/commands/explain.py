"""Explaining: the worked example of one step of a config."""

from collections.abc import Sequence
from pathlib import Path

from bptrain.explanation.page import Page
from bptrain.explanation.replay import record_step
from bptrain.explanation.sections import Builder


def explain(
    config: str | Path,
    overrides: Sequence[str] = (),
    *,
    rows: Sequence[int] = (),
    step: int | None = None,
    digits: int = 6,
    code: Sequence[str | Path] = (),
) -> Page:
    """One whole step of training as a worked example: forward, loss, backward, update, each with its formula.

    The numbers are those of training itself, which is carried out up to that step and watched.

    Args:
        config: a YAML file.
        overrides: `KEY=VALUE` each, put over the file.
        rows: of the data, counted from 1: the first step as it would be if these were all. Default: the batch that
            training takes.
        step: which step of training, counted from 1. Default: the first.
        digits: significant ones in formulas with numbers.
        code: Python files that register components which the config names.

    Raises:
        InputError: the code, the config or its data cannot be used; there is no such row or step.
        DivergedError: training meets a number that is not finite before.
    """
    recording = record_step(config, overrides, rows=rows, step=step, digits=digits, code=code)
    return Builder(recording, digits).page(str(config))
