"""Fitting: the statistics of each column, computed from the training rows once and then frozen."""

import numpy as np

from bptrain.arrays import Array, iter_chunks
from bptrain.columns.column_errors import build_missing_error, build_scale_error, format_value
from bptrain.columns.dates.date_feature import fit_date
from bptrain.columns.features import Boolean, Categorical, Feature, Numeric, read_numbers
from bptrain.columns.imputers import Constant, Imputer
from bptrain.columns.options import Kind, Treatment
from bptrain.columns.scalers import Scaler
from bptrain.errors import InputError
from bptrain.tables.table import Selection, quote
from bptrain.tables.values import (
    PAIRS,
    UNSEEN,
    encode_labels,
    find_distinct,
    find_missing,
    find_pair,
    fold_case,
    list_labels,
    number_to_text,
)

OTHER = "other"
"""The category of all values that are not kept."""

Shared = tuple[str, Imputer, bool, int]
"""The values of the fields of `Feature`, which all kinds share."""


def fit_feature(rows: Selection, name: str, kind: Kind, treatment: Treatment) -> Feature:
    """Fit a column on the training rows.

    Raises:
        InputError: a value is missing without an imputer, or does not fit the kind.
    """
    if kind == "numeric":
        return fit_numeric(rows, name, treatment)
    values, imputer = rows.column(name), treatment.missing
    holes = find_missing(values)
    shared = fit_shared(rows, name, kind, treatment, holes)
    if imputer.fills and holes.all():
        raise build_empty_error(rows, name)
    if kind == "date":
        return fit_date(rows, name, treatment.format, shared)
    if kind == "boolean":
        return fit_boolean(rows, convert_to_text(values), shared)
    return fit_categorical(values, treatment, shared)


def fit_categorical(values: Array, treatment: Treatment, shared: Shared) -> Categorical:
    """Fit a column of categories."""
    holes, imputer, other, others = find_missing(values), treatment.missing, None, 0
    is_text = values.dtype == object
    categories = list_labels(values) if is_text else [number_to_text(float(value)) for value in find_distinct(values)]
    common = choose_common(values, categories, treatment)
    if len(common) < len(categories):
        categories, other = sorted({*common, OTHER}), OTHER
        others = int(np.count_nonzero(encode_labels(values, sorted(common)) == UNSEEN))
    ignores_unseen = treatment.unseen == "ignore" or bool(treatment.rare or treatment.categories)
    # Without missing values in training, a category for them would keep its random weights.
    value = fit_fill_text(imputer, convert_to_text(values[~holes])) if imputer.fills else None
    if value is not None and value not in categories:
        categories, value = (sorted([*categories, value]), value) if holes.any() else (categories, None)
    return Categorical(*shared, tuple(categories), ignores_unseen, value, other, others)


def choose_common(values: Array, categories: list[str], treatment: Treatment) -> list[str]:
    """Return the categories that are kept: those with enough rows, and of these the most frequent ones."""
    if treatment.rare is None and treatment.categories is None:
        return categories
    codes = encode_labels(values, categories)
    counts = np.bincount(codes[codes >= 0], minlength=len(categories))
    order = np.argsort(-counts, kind="stable")[: treatment.categories]
    return [categories[k] for k in order if counts[k] >= (treatment.rare or 1)]


def fit_shared(rows: Selection, name: str, kind: Kind, treatment: Treatment, holes: Array) -> Shared:
    """Return the fields that all kinds share, given which values are missing.

    Raises:
        InputError: a value is missing without an imputer.
    """
    count = int(np.count_nonzero(holes))
    if count and not treatment.missing.fills:
        raise build_missing_error(rows, name, holes, kind)
    return name, treatment.missing, treatment.indicator and count > 0, count


def fit_boolean(rows: Selection, values: Array, shared: Shared) -> Boolean:
    """Fit a column of text whose values are a known pair of words.

    Raises:
        InputError: they are not, or the replacement of missing values is in no known pair.
    """
    name, imputer, _, _ = shared
    pair = find_pair(map(str, find_distinct(values)))
    if pair is None:
        row = find_first_not_boolean(values)
        what = f"expected two values such as yes and no, or true and false (got {format_value(values[row])})"
        advice = f"correct it, or write under data: columns: {{{name}: {{kind: categorical, unseen: ignore}}}}"
        raise InputError(f"{rows.where(row)}: {name}: {what}; {advice}")
    if not imputer.fills:
        return Boolean(*shared, pair, None)
    word = fold_case(fit_fill_text(imputer, values[~find_missing(values)]))
    code = next((each.index(word) for each in PAIRS if word in each), None)
    if code is None:
        what = f"missing values become {quote(word)}, which is neither {pair[0]} nor {pair[1]}"
        raise InputError(f"{rows.table.origin}: {name}: {what}; write missing: {{constant: {pair[0]}}}, or {pair[1]}")
    return Boolean(*shared, pair, pair[code])


def fit_numeric(rows: Selection, name: str, treatment: Treatment) -> Numeric:
    """Fit a column of numbers: the replacement of missing values, then the scaler on all values, then the encoding."""
    value = fit_fill_number(rows, name, treatment.missing) if treatment.missing.fills else None
    values = read_numbers(rows, name)
    holes = np.isnan(values)
    shared = fit_shared(rows, name, "numeric", treatment, holes)
    if value is not None:
        values[holes] = value
    with np.errstate(all="ignore"):
        statistics = tuple(float(number) for number in treatment.scaling.fit(values))
    if not np.isfinite(statistics).all():
        # They are read again, since the scaler may have reordered them.
        values = read_numbers(rows, name)
        values[holes] = value
        row = find_unscalable(treatment.scaling, values)
        raise build_scale_error(rows, name, treatment.scaling, values, row)
    edges = treatment.encoding.fit(treatment.scaling.apply(values, statistics))
    return Numeric(*shared, treatment.scaling, statistics, value, treatment.encoding, edges, find_fixed(values))


def find_fixed(values: Array) -> float | None:
    """Return the number that all of several training rows have; None if there is none."""
    first = float(values[0])
    return first if len(values) > 1 and bool((values == first).all()) else None


def fit_fill_number(rows: Selection, name: str, imputer: Imputer) -> float:
    """Return the number that replaces missing ones.

    Raises:
        InputError: the column is empty, or the replacement is not a number.
    """
    values, count = read_numbers(rows, name), 0
    for chunk in iter_chunks(values):
        present = chunk[~np.isnan(chunk)]
        values[count : count + len(present)] = present
        count += len(present)
    values = values[:count]
    if not len(values) and not isinstance(imputer, Constant):
        raise build_empty_error(rows, name)
    value = imputer.fit(values)
    try:
        return float(value or 0.0)
    except ValueError:
        what = f"missing values become {quote(value)}, which is not a number; write missing: {{constant: 0}}, or median"
        raise InputError(f"{rows.table.origin}: {name}: {what}") from None


def build_empty_error(rows: Selection, name: str) -> InputError:
    """Return the error for a column without any value."""
    return InputError(f"{rows.table.origin}: {name}: the whole column is empty; leave it out of data.features")


def find_unscalable(scaler: Scaler, values: Array) -> int:
    """Return the row of a value that makes the statistics of a scaler infinite or NaN: one for which the scaler is not
    defined, or else the largest."""
    with np.errstate(all="ignore"):
        probe = scaler.fit(np.zeros(1))
        undefined = np.flatnonzero(~np.isfinite(scaler.apply(values, probe)))
    return int(undefined[0]) if len(undefined) else int(np.argmax(np.abs(values)))


def fit_fill_text(imputer: Imputer, present: Array) -> str:
    """Return the text that replaces missing values."""
    value = imputer.fit(present)
    return number_to_text(value) if isinstance(value, float | int) else str(value)


def convert_to_text(values: Array) -> Array:
    """Return values as text, None where one is missing."""
    if values.dtype == object:
        return values
    found, inverse = np.unique(values, return_inverse=True)
    texts = np.empty(len(found), object)
    texts[:] = [None if number != number else number_to_text(number) for number in found.tolist()]
    return np.asarray(texts[inverse.reshape(-1)])


def find_first_not_boolean(values: Array) -> int:
    """Return the row of the first value that belongs to no pair, or not to the pair of the values before it."""
    seen: set[str] = set()
    for row, value in enumerate(values):
        if value is not None:
            seen.add(fold_case(value))
            if not find_pair(seen):
                return row
    return 0
