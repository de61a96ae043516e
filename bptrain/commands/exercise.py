"""`bptrain explain --exercise`"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bptrain.explanation.exercises.worksheet import Exercise, draw_weights
from bptrain.explanation.replay import record_step
from bptrain.explanation.sections import build_page
from bptrain.model.assemble import assemble_file
from bptrain.model.read import Tables
from bptrain.rules import check_rules


def exercise(
    config: str | Path,
    overrides: Sequence[str] = (),
    *,
    rows: Sequence[int] = (),
    step: int | None = None,
    seed: int | None = None,
    digits: int = 6,
    code: Sequence[str | Path] = (),
) -> Exercise:
    """Make an exercise: one training step of a config to compute by hand, with its answers.

    Args:
        config: path of a YAML file.
        overrides: `KEY=VALUE` each, such as `training.epochs=5`, applied over the file.
        rows: numbers of data rows, counted from 1, as in `explain`.
        step: a step of training, counted from 1, as in `explain`.
        seed: draws weights that are easy to compute with, and the rows if none are chosen, so that each student can
            get a different exercise. None: the weights of the config.
        digits: significant digits of the answers.
        code: Python files that register components which the config names.

    Returns:
        The sheet to fill in, and the key, which has the answers.

    Raises:
        InputError: the code, the config or its data cannot be used, or there is no such row or step.

    Example:
        >>> print(bptrain.exercise("configs/textbook/two_three_one.yaml", seed=7).sheet)
    """
    # Numbers computed by hand can have more digits than single precision has.
    overrides, tables = (*overrides, "dtype=float64"), Tables()
    if seed is not None:
        assembly = assemble_file(config, overrides, code, tables=tables)
        check_rules(assembly)
        rng = np.random.default_rng(seed)
        overrides = (*overrides, f"seed={seed}", *draw_weights(assembly, rng))
        if not rows and step is None:
            train = assembly.splits["train"]
            available = np.arange(len(train)) if train.numbers is None else train.numbers
            count = min(assembly.model.network.chain.least_rows, len(available))
            rows = sorted(int(one) + 1 for one in rng.choice(available, count, replace=False))
    recording = record_step(config, overrides, rows=rows, step=step, digits=digits, code=code, tables=tables)
    key = build_page(recording, str(config), digits)
    return Exercise(Path(config), tuple(overrides), tuple(rows), step, key)
