"""`bptrain explain`"""

from collections.abc import Sequence
from pathlib import Path

from bptrain.explanation.page import Page
from bptrain.explanation.replay import record_step
from bptrain.explanation.sections import build_page


def explain(
    config: str | Path,
    overrides: Sequence[str] = (),
    *,
    rows: Sequence[int] = (),
    step: int | None = None,
    digits: int = 6,
    code: Sequence[str | Path] = (),
) -> Page:
    """Explain one training step as a worked example: forward, loss, backward and update, each with its formula.

    The numbers are those of training itself, which is run up to that step and recorded.

    Args:
        config: path of a YAML file.
        overrides: `KEY=VALUE` each, such as `training.epochs=5`, applied over the file.
        rows: numbers of data rows, counted from 1, for a first step on these rows alone. Empty: the batch of training.
        step: a step of training, counted from 1. None: the first.
        digits: significant digits of the numbers in formulas.
        code: Python files that register components which the config names.

    Returns:
        A page of sections, with every array by its textbook name in `aliases`.

    Raises:
        InputError: the code, the config or its data cannot be used, or there is no such row or step.
        DivergedError: a number is not finite before that step.

    Example:
        >>> bptrain.explain("configs/textbook/two_three_one.yaml").aliases["delta2"].value
    """
    recording = record_step(config, overrides, rows=rows, step=step, digits=digits, code=code)
    return build_page(recording, str(config), digits)
