"""Fitting: what the training rows say of each column, found once and then frozen."""

import numpy as np

from bptrain.arrays import Array, iter_chunks
from bptrain.columns.complaints import no_policy, out_of_scale, show_value
from bptrain.columns.features import Boolean, Categorical, Feature, Numeric, read_numbers
from bptrain.columns.imputers import Constant, Imputer
from bptrain.columns.kinds import PAIRS, fold, pair_of
from bptrain.columns.options import Kind, Treatment
from bptrain.columns.scalers import Scaler
from bptrain.errors import InputError
from bptrain.tables.table import Selection, quote
from bptrain.tables.values import distinct, missing, text_of

Shared = tuple[str, Imputer, bool, int]
"""The fields of a `Feature`."""


def fit_feature(rows: Selection, name: str, kind: Kind, treatment: Treatment) -> Feature:
    """Fit a column on the rows that train.

    Raises:
        InputError: a value is missing without a policy, or cannot be what the kind asks for.
    """
    if kind == "numeric":
        return fit_numeric(rows, name, treatment)
    values, policy = rows.column(name), treatment.missing
    holes = missing(values)
    shared = fit_shared(rows, name, treatment, holes)
    if policy.fills and holes.all():
        raise InputError(f"{rows.table.origin}: {name}: the whole column is empty; leave it out")
    if kind == "boolean":
        return fit_boolean(rows, as_texts(values), shared)
    found = [text_of(value) if isinstance(value, float) else value for value in distinct(values)]
    fill = fill_text(policy, as_texts(values[~holes])) if policy.fills else None
    if fill is not None and fill not in found and holes.any():
        found = sorted([*found, fill])
    elif fill is not None and fill not in found:
        # Nothing was missing in training: a category that no row had would keep its random weights.
        fill = None
    return Categorical(*shared, tuple(found), treatment.unseen == "ignore", fill)


def fit_shared(rows: Selection, name: str, treatment: Treatment, holes: Array) -> Shared:
    """Fit what all kinds share, by where values are missing.

    Raises:
        InputError: one is, without a policy.
    """
    count = int(np.count_nonzero(holes))
    if count and not treatment.missing.fills:
        raise no_policy(rows, name, holes)
    return name, treatment.missing, treatment.indicator and count > 0, count


def fit_boolean(rows: Selection, values: Array, shared: Shared) -> Boolean:
    """Fit a column of text whose values are one of the known pairs."""
    name, policy, _, _ = shared
    pair = pair_of(map(str, distinct(values)))
    if pair is None:
        strange = first_no_boolean(values)
        what = f"no boolean (got {show_value(values[strange])}); take the column for categorical"
        raise InputError(f"{rows.where(strange)}: {name}: {what}")
    if not policy.fills:
        return Boolean(*shared, pair, None)
    word = fold(fill_text(policy, values[~missing(values)]))
    truth = next((each.index(word) for each in PAIRS if word in each), None)
    if truth is None:
        what = f"{quote(word)} stands for a missing value; write {pair[0]} or {pair[1]}"
        raise InputError(f"{rows.table.origin}: {name}: {what}")
    return Boolean(*shared, pair, pair[truth])


def fit_numeric(rows: Selection, name: str, treatment: Treatment) -> Numeric:
    """Fit a column of numbers: what stands for missing values first, then the scaler on all of them."""
    value = fit_fill(rows, name, treatment.missing) if treatment.missing.fills else None
    values = read_numbers(rows, name)
    holes = np.isnan(values)
    shared = fit_shared(rows, name, treatment, holes)
    if value is not None:
        values[holes] = value
    with np.errstate(all="ignore"):
        statistics = tuple(float(number) for number in treatment.scaling.fit(values))
    if not np.isfinite(statistics).all():
        # The scaler may have put them in another order.
        values = read_numbers(rows, name)
        values[holes] = value
        raise out_of_scale(rows, name, treatment.scaling, values, unscalable(treatment.scaling, values))
    return Numeric(*shared, treatment.scaling, statistics, value)


def fit_fill(rows: Selection, name: str, policy: Imputer) -> float:
    """Return the number that stands for a missing one.

    Raises:
        InputError: there is none to find it by, or it is no number.
    """
    values, count = read_numbers(rows, name), 0
    for chunk in iter_chunks(values):
        present = chunk[~np.isnan(chunk)]
        values[count : count + len(present)] = present
        count += len(present)
    values = values[:count]
    if not len(values) and not isinstance(policy, Constant):
        raise InputError(f"{rows.table.origin}: {name}: the whole column is empty; leave it out of data.features")
    value = policy.fit(values)
    try:
        return float(value or 0.0)
    except ValueError:
        what = f"{quote(value)} stands for a missing value and is no number; write a number"
        raise InputError(f"{rows.table.origin}: {name}: {what}") from None


def unscalable(scaler: Scaler, values: Array) -> int:
    """Return the place of the value that spoils the statistics of a scaler: one that it does not take, or else the
    largest."""
    with np.errstate(all="ignore"):
        probe = scaler.fit(np.zeros(1))
        strange = np.flatnonzero(~np.isfinite(scaler.apply(values, probe)))
    return int(strange[0]) if len(strange) else int(np.argmax(np.abs(values)))


def fill_text(policy: Imputer, present: Array) -> str:
    """Return the category that stands for a missing value."""
    value = policy.fit(present)
    return text_of(value) if isinstance(value, float | int) else str(value)


def as_texts(values: Array) -> Array:
    """Values as text, those that are missing as None."""
    if values.dtype == object:
        return values
    found, inverse = np.unique(values, return_inverse=True)
    called = np.empty(len(found), object)
    called[:] = [None if number != number else text_of(number) for number in found.tolist()]
    return np.asarray(called[inverse.reshape(-1)])


def first_no_boolean(values: Array) -> int:
    """Return the place of the first value that goes with none of the pairs, or not with those before it."""
    seen: list[str] = []
    for k, value in enumerate(values):
        if value is not None:
            seen.append(fold(value))
            if not pair_of(seen):
                return k
            seen = sorted(set(seen))
    return 0
