"""Rules of the feature columns: what a network cannot learn from, or learns what it should not."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.features import Feature, Numeric
from bptrain.columns.kinds import ENOUGH, named_like_id, numbers_rows, series
from bptrain.columns.scalers import Unscaled
from bptrain.columns.target_columns import Value, target_values
from bptrain.columns.targets import Classes
from bptrain.errors import Mistake
from bptrain.model.roles import field_of, listed
from bptrain.rules.rule import Case, rule
from bptrain.tables.selection import Selection
from bptrain.tables.table import shown
from bptrain.tables.values import distinct

FAR = 20.0
"""A column whose mean or standard deviation is beyond this counts as unscaled."""

APART = 100.0
"""How many times larger than the least spread the largest one may be, and than that of a column of tiny numbers."""

PLACEHOLDERS = (-9999.0, -999.0, -99.0, 999.0, 9999.0, 99999.0)
"""Numbers that are often written for a missing value."""


def blamed(case: Case, names: Sequence[str], what: Callable[[str], str]) -> Iterator[Mistake]:
    """A mistake for each column where the config names it, or one for all columns together."""
    data = case.config.experiment.data
    if listed(data)[1] is not None:
        yield from (Mistake(field_of(data, name), what(shown(name))) for name in names)
    elif names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield Mistake("data.features", what(", ".join(map(shown, names[:3])) + more))


@rule(
    "BP220",
    "unscaled features",
    why="""
    One learning rate serves all weights. A feature in the thousands gets gradients a thousand times those of its
    neighbours: the rate is too large for it and too small for them, training diverges or crawls, and S-shaped
    activations saturate at once. With mean 0 and standard deviation 1 all features train alike.
    """,
    wrong="""
    data:
      source: {bundled: wine}
      scaling: none
    hidden: [32]
    """,
    right="""
    data:
      source: {bundled: wine}
      scaling: standard
    hidden: [32]
    """,
)
def unscaled_features(case: Case) -> Iterator[Mistake]:
    """No scaling, though means and spreads ask for it."""
    unscaled = [k for k, one in enumerate(case.model.columns.features) if is_unscaled(one)]
    if not unscaled or not isinstance(case.experiment.data.scaling, Unscaled):
        return
    names, sample = [case.features[k] for k in unscaled], case.sample[:, unscaled]
    means, spreads = sample.mean(axis=0), sample.std(axis=0)
    size = np.maximum(np.abs(means), spreads)
    numbered = series(case.features)
    varied = np.array([s for name, s in zip(names, spreads, strict=True) if s > 0 and name not in numbered])
    worst = int(np.argmax(size))
    if size[worst] > FAR:
        got = f"{shown(names[worst])} has mean {means[worst]:.3g} and standard deviation {spreads[worst]:.3g}"
    elif varied.size and varied.max() > APART * varied.min():
        got = f"standard deviations go from {varied.min():.3g} to {varied.max():.3g}"
    elif varied.size and varied.max() < 1 / APART:
        got = f"no standard deviation is above {varied.max():.3g}"
    else:
        return
    yield Mistake("data.scaling", f"the features are not scaled ({got}); write scaling: standard")


def is_unscaled(feature: Feature) -> bool:
    """Whether a feature is a number that the network reads as it stands."""
    return isinstance(feature, Numeric) and isinstance(feature.scaler, Unscaled)


@rule(
    "BP222",
    "a feature that never changes",
    why="""
    A column with the same value in every row tells nothing apart. Its weights get no gradient and keep their random
    start; a later file in which the column does change meets those random weights. Often the column was meant to be
    another one, or the file was filtered by it.
    """,
    wrong="""
    data:
      source: {csv: houses.csv}
      target: price
      features: [area, country]
    hidden: [16]
    """,
    right="""
    data:
      source: {csv: houses.csv}
      target: price
      features: [area, rooms]
    hidden: [16]
    """,
)
def constant_features(case: Case) -> Iterator[Mistake]:
    """Columns with one value; those of an image have corners that are always dark."""
    still = np.flatnonzero(np.ptp(case.sample, axis=0) == 0)
    if not len(still) or len(case.assembly.table) < 2:
        return
    columns, numbered = case.assembly.table.columns, series(case.features)
    names = [case.features[k] for k in still if case.features[k] not in numbered]
    names = [name for name in names if len(distinct(columns[name])) == 1]
    yield from blamed(
        case, names, lambda name: f"{name} is the same in every row (nothing to learn from); leave it out"
    )


@rule(
    "BP223",
    "an ID among the features",
    why="""
    A row number or customer number says nothing about new rows, but a network can learn by heart which number has
    which answer: training looks splendid and the test rows do not. Where rows are sorted by the target, the number
    even gives it away.
    """,
    wrong="""
    data:
      source: {csv: houses.csv}
      target: price
      features: [id, area, rooms]
    hidden: [16]
    """,
    right="""
    data:
      source: {csv: houses.csv}
      target: price
      features: [area, rooms]
    hidden: [16]
    """,
)
def id_features(case: Case) -> Iterator[Mistake]:
    """Whole numbers in a column that is named like an ID, or that number the rows."""
    columns = case.assembly.table.columns
    spread = (case.sample == np.floor(case.sample)).all(axis=0) & (np.ptp(case.sample, axis=0) > 1)
    whole = np.flatnonzero(spread & case.numeric)
    found = []
    for k in whole:
        name = case.features[k]
        if named_like_id(name) or (len(case.features) > 1 and numbers_rows(name, columns[name])):
            found.append(name)
    yield from blamed(
        case, found, lambda name: f"{name} looks like an ID (it says nothing about new rows); leave it out"
    )


@rule(
    "BP224",
    "a feature that gives the target away",
    why="""
    A feature that is the target in other clothes (another unit, another name, a code of the class) will not be
    there when it counts: if it were known, nothing would have to be predicted. Scores are then perfect and worth
    nothing. This is called leakage.
    """,
    wrong="""
    data:
      source: {csv: houses.csv}
      target: price
      features: [area, rooms, price_eur]
    hidden: [16]
    """,
    right="""
    data:
      source: {csv: houses.csv}
      target: price
      features: [area, rooms]
    hidden: [16]
    """,
)
def leaking_features(case: Case) -> Iterator[Mistake]:
    """Columns that determine the target by a straight line, or class by class. A single feature may do so."""
    if len(case.features) < 2 or len(case.sampled) < ENOUGH:
        return
    targets, rows = case.model.columns.singles, Selection(case.assembly.table, case.sampled)
    each = [leaking(case, target, rows) for target in targets]
    if not each or (len(each) > 1 and all(one.any() for one in each)):
        return
    leaks = np.any(each, axis=0)
    names = [name for name, leak in zip(case.features, leaks, strict=True) if leak]
    yield from blamed(case, names, lambda name: f"{name} tells the target exactly (a leak?); leave it out")


def leaking(case: Case, target: Classes | Value, rows: Selection) -> Array:
    """Which features `(features,)` determine one of the targets."""
    if isinstance(target, Classes):
        return gives_class(case.sample, target.codes(rows))
    # Not as scaled: the logarithm of a copy is no straight line.
    values = target.numbers(rows)[0] if isinstance(target, Numeric) else target_values(target, rows)
    return in_line(case.sample, values) & case.numeric


def in_line(features: Array, target: Array) -> Array:
    """Which features `(rows, columns)` are the target `(rows,)` but for a factor and a shift, in either direction."""
    x, t = features - features.mean(axis=0), target - target.mean()
    with np.errstate(all="ignore"):
        x /= np.sqrt(np.einsum("ij,ij->j", x, x))
        t /= np.sqrt(t @ t)
        return np.asarray(np.abs(t @ x) > 1 - 1e-9)


def gives_class(features: Array, codes: Array) -> Array:
    """Which features have one value for each class, and another one for each."""
    order = np.argsort(codes, kind="stable")
    sorted_codes = codes[order]
    starts = np.flatnonzero(np.diff(sorted_codes, prepend=-1))
    low = np.minimum.reduceat(features[order], starts, axis=0)
    high = np.maximum.reduceat(features[order], starts, axis=0)
    apart = (np.diff(np.sort(low, axis=0), axis=0) > 0).all(axis=0)
    return np.asarray((low == high).all(axis=0) & apart)


@rule(
    "BP226",
    "a number that stands for a missing value",
    why="""
    -999 and the like are often written where a value is missing. To a network it is a number like any other, a
    thousand times as far out as the rest: it spoils mean and standard deviation of the column, and drowns what the
    other rows say. Leave those rows out, or fill in a likely value.
    """,
    wrong="""
    data:
      source: {csv: houses.csv}
      target: price
      features: [area, age]
    hidden: [16]
    """,
    right="""
    data:
      source: {csv: houses.csv}
      target: price
      features: [area, rooms]
    hidden: [16]
    """,
)
def placeholders(case: Case) -> Iterator[Mistake]:
    """Columns whose least or largest value is such a number, more than once, and far from all others."""
    ends = np.stack([case.sample.min(axis=0), case.sample.max(axis=0)])
    suspects = np.flatnonzero(np.isin(ends, PLACEHOLDERS).any(axis=0) & case.numeric)
    found: dict[str, float] = {}
    for k in suspects:
        values = case.sample[:, k]
        for end in ends[:, k]:
            rest = values[values != end]
            apart = rest.size and np.abs(rest - end).min() > max(5 * np.ptp(rest), 10.0)
            if end in PLACEHOLDERS and apart and 2 <= len(values) - len(rest) <= len(rest):
                found[case.features[k]] = float(end)
    for name, value in found.items():
        what = f"{shown(name)} has {value:g} in several rows (a missing value?)"
        yield Mistake(
            field_of(case.config.experiment.data, name), f"{what}; leave those rows out, or fill in a likely value"
        )
