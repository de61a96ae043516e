"""Replaying: a config trained up to the step that is to be explained."""

from collections.abc import Sequence
from pathlib import Path

from bptrain.errors import InputError
from bptrain.explanation.notation import MOST_DIGITS
from bptrain.explanation.recording import Recording, keep_rows, record
from bptrain.model.assemble import assemble_file
from bptrain.model.read import Tables
from bptrain.rules import check_rules
from bptrain.training.session import begin


def record_step(
    config: str | Path,
    overrides: Sequence[str] = (),
    *,
    rows: Sequence[int] = (),
    step: int | None = None,
    digits: int = 6,
    code: Sequence[str | Path] = (),
    tables: Tables | None = None,
) -> Recording:
    """Record the step of a config that `explain` shows; see there for the arguments.

    `tables` are those that were read before.

    Raises:
        InputError, DivergedError: as `explain`.
    """
    if rows and step is not None:
        raise InputError("--step replays training, and --rows chooses its own rows; give one of them")
    if step is not None and step < 1:
        raise InputError(f"--step: steps count from 1 (got {step})")
    if not 1 <= digits <= MOST_DIGITS:
        raise InputError(f"--digits: from 1 to {MOST_DIGITS} (got {digits})")
    assembly = assemble_file(config, overrides, code, tables=tables)
    check_rules(assembly)
    session = begin(assembly)
    if rows:
        keep_rows(session, rows)
    return record(session, step or 1)
