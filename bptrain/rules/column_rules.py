"""Rules of the feature columns: what a network cannot learn from, or learns what it should not."""

from collections.abc import Iterator, Sequence
from typing import TypeGuard

import numpy as np

from bptrain.columns.features import Feature, Numeric
from bptrain.columns.profile.ids import numbered_names
from bptrain.columns.scalers import Unscaled
from bptrain.config.dump import to_inline_yaml
from bptrain.errors import Mistake
from bptrain.model.roles import feature_field, listed_features
from bptrain.rules.rule import Case, rule
from bptrain.tables.table import Selection, quote

FAR = 20.0
"""A column whose mean or standard deviation is beyond this counts as unscaled."""

APART = 100.0
"""How many times larger than the least spread the largest one may be, and than that of a column of tiny numbers."""

MOST_ROWS = 4096
"""So many training rows, evenly spread, tell mean and spread of a column."""

MOST_NAMED = 5
"""So many columns are named beside the first."""


def warn_of_columns(case: Case, code: str) -> Iterator[Mistake]:
    """Yield what the profile warns of under a code: a mistake for each column where the config names it, or one for all
    of them."""
    found, data = case.find_warned(code), case.config.experiment.data
    if listed_features(data)[1] is not None:
        for name, message in found.items():
            yield Mistake(feature_field(data, name), f"{quote(name)}: {message}; {advice(case, code, (name,))}")
    elif found:
        (first, message), *others = found.items()
        also = ", ".join(quote(name) for name, _ in others[:MOST_NAMED]) + ", ..." * (len(others) > MOST_NAMED)
        what = f"{quote(first)}: {message}" + f" (also {also})" * bool(others)
        yield Mistake("data.features", f"{what}; {advice(case, code, tuple(found))}")


def advice(case: Case, code: str, names: Sequence[str]) -> str:
    """Return what to do about columns."""
    if code == "BP226":
        return "leave those rows out, or fill in a likely value"
    if case.config.experiment.data.features is None and len(names) < min(len(case.features), MOST_NAMED + 2):
        return f"leave it out with features: {to_inline_yaml({'exclude': list(names)})}"
    return "leave it out"


@rule("BP220")
def unscaled_features(case: Case) -> Iterator[Mistake]:
    """No scaling, though means and spreads ask for it."""
    unscaled = [one for one in case.model.columns.features if is_unscaled(one)]
    if not unscaled or not isinstance(case.experiment.data.scaling, Unscaled):
        return
    train = case.assembly.selections["train"]
    rows = Selection(train.table, train.numbers[:: -(-len(train) // MOST_ROWS)])
    names, sample = [one.name for one in unscaled], [one.numbers(rows)[0] for one in unscaled]
    means, spreads = np.array([one.mean() for one in sample]), np.array([one.std() for one in sample])
    size = np.maximum(np.abs(means), spreads)
    numbered = numbered_names(case.features)
    varied = np.array([s for name, s in zip(names, spreads, strict=True) if s > 0 and name not in numbered])
    worst = int(np.argmax(size))
    if size[worst] > FAR:
        got = f"{quote(names[worst])} has mean {means[worst]:.3g} and standard deviation {spreads[worst]:.3g}"
    elif varied.size and varied.max() > APART * varied.min():
        got = f"standard deviations go from {varied.min():.3g} to {varied.max():.3g}"
    elif varied.size and varied.max() < 1 / APART:
        got = f"no standard deviation is above {varied.max():.3g}"
    else:
        return
    yield Mistake("data.scaling", f"the features are not scaled ({got}); write scaling: standard")


def is_unscaled(feature: Feature) -> TypeGuard[Numeric]:
    """Whether a feature is a number that the network reads as it stands."""
    return isinstance(feature, Numeric) and isinstance(feature.scaler, Unscaled)


@rule("BP222")
def constant_features(case: Case) -> Iterator[Mistake]:
    """Columns with one value in the rows that train; those of an image have corners that are always dark."""
    yield from warn_of_columns(case, "BP222")


@rule("BP223")
def id_features(case: Case) -> Iterator[Mistake]:
    """Whole numbers in a column that is named like an ID, or that number the rows; text that differs in every row."""
    yield from warn_of_columns(case, "BP223")


@rule("BP224")
def leaking_features(case: Case) -> Iterator[Mistake]:
    """Columns that tell a target by their value, by a range of their own for each class, or in a line."""
    yield from warn_of_columns(case, "BP224")


@rule("BP226")
def placeholders(case: Case) -> Iterator[Mistake]:
    """Columns whose least or largest value is such a number, more than once, and far from all others."""
    yield from warn_of_columns(case, "BP226")
