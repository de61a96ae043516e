"""Phases: trainings of the same network, one after another, the first of which find the number of epochs of the last.

With `training.folds` each fold of the training rows is held out once, and then all of them are trained on. With
`training.refit` the validation rows are held out first and trained on then. Then comes a phase for each of the
`training.members`, or a single one.
"""

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.columns import Columns
from bptrain.columns.folds import draw_folds
from bptrain.columns.targets import Classes
from bptrain.config import Experiment
from bptrain.config.experiment import Training
from bptrain.errors import Mistake, OptionError
from bptrain.metrics import Figure
from bptrain.model.model import Rows
from bptrain.model.scoring import Score
from bptrain.model.splits import encode_classes
from bptrain.tables.table import Selection


def list_phases(training: Training) -> tuple[str, ...]:
    """Return the names of the phases, such as `fold 1`; a single phase has an empty name."""
    searches = tuple(f"fold {k + 1}" for k in range(training.folds or 0)) or ("validation",) * training.refit
    if training.members > 1:
        return (*searches, *(f"member {k + 1}" for k in range(training.members)))
    return (*searches, "all rows" if searches else "")


def count_searches(training: Training) -> int:
    """Return how many phases find the number of epochs of those that follow."""
    return training.folds or int(training.refit)


def find_phase_mistakes(experiment: Experiment, rows: Mapping[str, int]) -> list[Mistake]:
    """Return what does not fit together in the options of phases, given the number of rows of each split."""
    training, validation = experiment.training, rows.get("validation", 0)
    option = "refit" if training.refit else "folds"
    found = []
    if training.max_steps is not None and len(list_phases(training)) > 1:
        what = "cannot limit a run that trains several times; write training.epochs in place of it"
        found.append(Mistake("training.max_steps", what, "BP144"))
    if not (training.folds or training.refit):
        return found
    if training.folds and training.refit:
        what = "folds trains on all training rows at the end by itself; remove refit"
        found.append(Mistake("training.refit", what, "BP144"))
    if training.early_stopping is None:
        what = f"early stopping finds the number of epochs; add early_stopping: {{patience: 10}}, or remove {option}"
        found.append(Mistake(f"training.{option}", what, "BP144"))
    if training.folds and validation:
        what = f"each fold is validated on in turn, and {validation:,} rows more are held out for validation"
        advice = "write data.split.validation: 0, or refit: true in place of folds"
        found.append(Mistake("training.folds", f"{what}; {advice}", "BP144"))
    if training.refit and not training.folds and not validation:
        what = "there are no validation rows to find the number of epochs with; set data.split.validation, or use folds"
        found.append(Mistake("training.refit", what, "BP144"))
    return found


def assign_folds(
    experiment: Experiment, columns: Columns, splits: Mapping[str, Selection], rng: np.random.Generator
) -> Array | None:
    """Return the fold of each training row, `(rows,)`; None if the config asks for no folds.

    Raises:
        OptionError: there are too few rows.
    """
    if not experiment.training.folds:
        return None
    train, target = splits["train"], columns.target
    codes = encode_classes(target, train) if isinstance(target, Classes) else None
    data = experiment.data
    form = data.get_treatment(data.split.column).format if data.split.column else None
    return draw_folds(data.split, train, codes, experiment.training.folds, rng, form)


def count_phase_rows(training: Training, folds: Array | None, rows: Mapping[str, int]) -> list[int]:
    """Return the number of training rows of each phase, given those of each split."""
    count = rows["train"]
    if folds is not None:
        return [*(count - np.bincount(folds)).tolist(), count]
    return [count, count + rows.get("validation", 0)] if training.refit else [count]


def check_in_memory(training: Training, splits: Mapping[str, Rows]) -> None:
    """Check that encoded rows can be put together anew for each phase.

    Raises:
        OptionError: they are in a file.
    """
    if count_searches(training) and any(rows.mapped is not None for rows in splits.values()):
        option = "folds" if training.folds else "refit"
        what = f"needs all encoded rows in memory, and they are larger than data.memory; raise that, or remove {option}"
        raise OptionError(Mistake(f"training.{option}", what))


def select_phase(
    training: Training, splits: Mapping[str, Rows], folds: Array | None, phase: int, *, one_table: bool = True
) -> dict[str, Rows]:
    """Return the rows that a phase, counted from 0, trains on and validates on; and those for the test.

    `one_table` tells whether training and validation rows are numbered in the same table.
    """
    found, train = dict(splits), splits["train"]
    if folds is not None and training.folds and phase < training.folds:
        found |= {"train": train.take(folds != phase), "validation": train.take(folds == phase)}
    elif training.refit and phase >= 1:
        found["train"] = train.join(found.pop("validation"), one_table=one_table)
    return found


def summarize_scores(documents: list[dict[str, Any]], names: Iterable[str]) -> Score:
    """Return the mean of the best scores of the phases that found the number of epochs, as `Score.to_json` gives them,
    with the metrics in the order of their names; tables are left out where there are several."""
    metrics: dict[str, Figure] = {}
    for name in names:
        values = [one["metrics"][name] for one in documents]
        if len(values) == 1:
            metrics[name] = values[0]
        else:
            defined = all(isinstance(value, float | int) for value in values)
            metrics[name] = float(np.mean(values)) if defined else None
    return Score(float(np.mean([one["loss"] for one in documents])), metrics)


def choose_epochs(found: list[dict[str, Any]]) -> int:
    """Return the number of epochs for the last phase: the median of those found, rounded down."""
    return int(median(one["epoch"] for one in found))
