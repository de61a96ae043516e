"""Explaining: the worked example of one step of a config."""

from collections.abc import Sequence
from pathlib import Path

from bptrain.errors import InputError
from bptrain.explanation.building import Builder
from bptrain.explanation.page import Page
from bptrain.explanation.recording import Recording, keep_rows, record
from bptrain.explanation.writing import MOST_DIGITS
from bptrain.model.assemble import prepare
from bptrain.rules import require_sense
from bptrain.training.session import begin


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
    return Builder(recorded(config, overrides, rows=rows, step=step, digits=digits, code=code), digits).page(
        str(config)
    )


def recorded(
    config: str | Path,
    overrides: Sequence[str] = (),
    *,
    rows: Sequence[int] = (),
    step: int | None = None,
    digits: int = 6,
    code: Sequence[str | Path] = (),
) -> Recording:
    """The step of a config that `explain` would show, recorded.

    Raises:
        InputError, DivergedError: as `explain`.
    """
    if rows and step is not None:
        raise InputError("--step replays training, and --rows chooses its own rows; give one of them")
    if step is not None and step < 1:
        raise InputError(f"--step: steps count from 1 (got {step})")
    if not 1 <= digits <= MOST_DIGITS:
        raise InputError(f"--digits: from 1 to {MOST_DIGITS} (got {digits})")
    assembly = prepare(config, overrides, code)
    require_sense(assembly)
    session = begin(assembly)
    if rows:
        keep_rows(session, rows)
    return record(session, step or 1)
