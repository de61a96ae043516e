"""The time column: the dates in whose order rows are, so that a first config holds out the latest."""

from collections.abc import Sequence

import numpy as np

from bptrain.columns.dates.calendar import is_series
from bptrain.columns.profile.proposals import Goal, Proposal
from bptrain.columns.splits.split import Split, split_rows
from bptrain.columns.targets import select_present
from bptrain.errors import OptionError
from bptrain.tables.table import Selection, Table
from bptrain.tables.values import find_missing


def find_time_column(table: Table, used: Sequence[Proposal], goal: Goal, share: float) -> tuple[str, bool]:
    """Return a column of dates in which none is missing (empty: there is none), one in whose order the rows are before
    others, and whether the latest rows are to be held out: the rows are in its order, and the others have all classes.

    Args:
        table: all rows.
        used: the features.
        goal: what is predicted.
        share: the share of the rows for validation, which is also the share for the test.
    """
    dated = [one for one in used if one.form and not find_missing(table.columns[one.name]).any()]
    series = [one for one in dated if one.form and is_series(one.name, table.columns[one.name], one.form)]
    if not series or not share:
        return (dated[0].name if dated else ""), False
    name, rows = series[0].name, select_present(Selection(table), goal.name)
    try:
        found = split_rows(Split(share, share, "time", name), rows, None, np.random.default_rng(0), str(series[0].form))
    except OptionError:
        return name, False
    labels = {split: set(map(str, table.take(goal.name, numbers).tolist())) for split, numbers in found.items()}
    return name, goal.task == "regression" or labels["train"] == set[str]().union(*labels.values())
