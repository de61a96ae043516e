"""`bptrain verify`"""

from collections.abc import Sequence
from pathlib import Path

from bptrain.explanation.exercises.answer_sheet import read_answers
from bptrain.explanation.exercises.verification import Verification, compare_answers
from bptrain.explanation.replay import record_step


def verify(answers: str | Path, *, code: Sequence[str | Path] = ()) -> Verification:
    """Check numbers that a student computed by hand against those of training, to as many digits as were written.

    Args:
        answers: path of a YAML file with `config` (relative to its own folder), optionally `overrides`, `row`, `rows`
            or `step` as in `explain`, and `answers` by textbook names: z1, a1, loss, delta1, dW1, db1, and W1, b1 after
            the step.
        code: Python files that register components which the config names.

    Returns:
        A verdict on each answer, and for a wrong one the likely mistake.

    Raises:
        InputError: the file or its config cannot be used; a `ConfigError` has the places of all mistakes in it.

    Example:
        >>> bptrain.verify("answers.yaml").passed
        True
    """
    sheet = read_answers(answers)
    # In double precision, whatever the config says, since nobody rounds to single precision by hand.
    overrides = (*sheet.overrides, "dtype=float64")
    recording = record_step(sheet.config, overrides, rows=sheet.rows, step=sheet.step, code=code)
    return compare_answers(sheet, recording)
