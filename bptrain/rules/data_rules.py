"""Rules of features, targets and splits: what a network cannot learn from, or should not."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TypeGuard

import numpy as np

from bptrain.columns.features import Feature, Numeric
from bptrain.columns.kinds import find_numbered_names
from bptrain.columns.scalers import Unscaled
from bptrain.columns.targets import Classes, guess_task
from bptrain.errors import Mistake
from bptrain.model.roles import advise_exclusion, find_listed_features, get_feature_field
from bptrain.registry import name_of
from bptrain.rules.rule import Case, rule
from bptrain.tables.table import Selection, quote

FAR = 20.0
"""A column whose mean or standard deviation is above this counts as unscaled."""

SPREAD_RATIO = 100.0
"""The largest standard deviation may be this many times the smallest, and must be at least the inverse of this."""

SAMPLE_ROWS = 4096
"""How many training rows, evenly spaced, are enough for the mean and standard deviation of a column."""

MAX_NAMED = 5
"""How many columns are named after the first."""

FEW_ROWS = 10
"""A score on fewer rows than this is mostly luck."""


def find_warned_features(case: Case, code: str) -> Iterator[Mistake]:
    """Find the features that the profile warns about with this code: a mistake for each if the config lists its
    features, or else one mistake for all of them."""
    each = ((name, one) for name, warnings in case.profile.warnings.items() for one in warnings)
    found = {name: one.message for name, one in each if one.code == code}
    data = case.config.experiment.data
    if find_listed_features(data)[1] is not None:
        for name, message in found.items():
            what = f"{quote(name)}: {message}; {advise_on_features(case, code, (name,))}"
            yield Mistake(get_feature_field(data, name), what)
    elif found:
        (first, message), *others = found.items()
        also = ", ".join(quote(name) for name, _ in others[:MAX_NAMED]) + ", ..." * (len(others) > MAX_NAMED)
        what = f"{quote(first)}: {message}" + f" (also {also})" * bool(others)
        yield Mistake("data.features", f"{what}; {advise_on_features(case, code, tuple(found))}")


def advise_on_features(case: Case, code: str, names: Sequence[str]) -> str:
    """Return what to do about features."""
    if code == "BP226":
        return "leave those rows out, or fill in a likely value"
    if len(names) >= min(len(case.features), MAX_NAMED + 2):
        return f"leave {'it' if len(names) == 1 else 'them'} out"
    return advise_exclusion(case.config.experiment.data, names)


for code in ("BP222", "BP223", "BP224", "BP226"):
    rule(code)(partial(find_warned_features, code=code))


@rule("BP220")
def find_unscaled_features(case: Case) -> Iterator[Mistake]:
    """Find unscaled features with large means, or with large, tiny or very different standard deviations."""
    unscaled = [one for one in case.model.columns.features if is_unscaled(one)]
    if not unscaled or not isinstance(case.experiment.data.scaling, Unscaled):
        return
    train = case.assembly.selections["train"]
    rows = Selection(train.table, train.numbers[:: -(-len(train) // SAMPLE_ROWS)])
    names, sample = [one.name for one in unscaled], [one.fill(rows)[0] for one in unscaled]
    means, stds = np.array([one.mean() for one in sample]), np.array([one.std() for one in sample])
    size = np.maximum(np.abs(means), stds)
    numbered = find_numbered_names(case.features)
    varied = np.array([std for name, std in zip(names, stds, strict=True) if std > 0 and name not in numbered])
    worst = int(np.argmax(size))
    if size[worst] > FAR:
        got = f"{quote(names[worst])} has mean {means[worst]:.3g} and standard deviation {stds[worst]:.3g}"
    elif varied.size and varied.max() > SPREAD_RATIO * varied.min():
        got = f"standard deviations range from {varied.min():.3g} to {varied.max():.3g}"
    elif varied.size and varied.max() < 1 / SPREAD_RATIO:
        got = f"no standard deviation is above {varied.max():.3g}"
    else:
        return
    yield Mistake("data.scaling", f"the features are not scaled ({got}); write scaling: standard")


def is_unscaled(feature: Feature) -> TypeGuard[Numeric]:
    """Return whether a feature is a number that the network reads unchanged."""
    return isinstance(feature, Numeric) and feature.encoding.keeps_scale and isinstance(feature.scaler, Unscaled)


@rule("BP221")
def find_unscaled_target(case: Case) -> Iterator[Mistake]:
    """Find an unscaled target that is far from 0 or varies widely."""
    if case.loss.raw_targets or case.experiment.data.task != "regression":
        return
    if not isinstance(case.experiment.data.target_scaling, Unscaled):
        return
    for column in case.model.columns.target_columns:
        assert isinstance(column, Numeric)
        values = column.fill(case.assembly.selections["train"])[0]
        mean, std = float(np.mean(values)), float(np.std(values))
        if max(abs(mean), std) > FAR:
            got = f"{quote(column.name)} has mean {mean:.3g} and standard deviation {std:.3g}"
            yield Mistake("data.target_scaling", f"the target is not scaled ({got}); write target_scaling: standard")


@rule("BP225")
def find_numeric_loss_on_classes(case: Case) -> Iterator[Mistake]:
    """Find a loss for numbers on classes, or on numbers that look like classes where the config names no task."""
    loss, columns = name_of(case.loss), case.model.columns
    if case.loss.link or case.experiment.data.task not in ("classification", "regression"):
        return
    if columns.classes:
        better = "binary_cross_entropy" if columns.classes == 2 else "softmax_cross_entropy"
        yield Mistake("loss", f"{loss} on {columns.classes} classes (it is made for numbers); use {better}")
    elif len(columns.target_columns) == 1:
        written, table = case.config.experiment.data, case.assembly.table
        name = columns.target_columns[0].name
        if written.task == "auto" and guess_task(table, name) == "classification":
            count = len(np.unique(table.columns[name]))
            what = f"{loss} on {quote(name)}, which has only {count} different whole numbers (they look like classes)"
            yield Mistake("loss", f"{what}; use cross-entropy, or write task: regression if they are quantities")


@rule("BP227")
def find_single_row_classes(case: Case) -> Iterator[Mistake]:
    """Find classes of one row, if any rows are held out."""
    target = case.model.columns.target
    if not isinstance(target, Classes) or len(case.assembly.splits) < 2:
        return
    chunks = (chunk.targets for split in case.assembly.splits.values() for chunk in split.chunks())
    counts = sum(np.bincount(decode_classes(targets), minlength=len(target.labels)) for targets in chunks)
    single = [label for label, count in zip(target.labels, np.asarray(counts), strict=True) if count == 1]
    if single:
        who = f"the class {quote(single[0])} has"
        if len(single) > 1:
            who = f"{len(single)} classes, such as {', '.join(map(quote, single[:3]))}, have"
        what = f"{who} a single row (which cannot be both learned from and tested on)"
        yield Mistake("data.target", f"{what}; check the labels, or leave such rows out")


def decode_classes(targets: np.ndarray) -> np.ndarray:
    """Return the class numbers of encoded targets, whatever encoding the loss takes."""
    if targets.ndim == 1:
        return targets
    return targets[:, 0].astype(np.int64) if targets.shape[1] == 1 else targets.argmax(axis=1)


@rule("BP228")
def find_tiny_splits(case: Case) -> Iterator[Mistake]:
    """Find a split with hardly any rows, unless the table is small itself."""
    rows = len(case.assembly.table)
    for split in ("validation", "test"):
        count = len(case.assembly.splits.get(split, ()))
        if 0 < count < FEW_ROWS <= rows // 8:
            what = f"{count} {split} row{'s' * (count > 1)} of {rows} (a score of so few rows is mostly luck)"
            yield Mistake(f"data.split.{split}", f"{what}; use a larger share, or 0")


@rule("BP229")
def find_idle_target_scaling(case: Case) -> Iterator[Mistake]:
    """Find a target scaling that is written but not used."""
    written = case.config.experiment.data.target_scaling
    numeric = case.experiment.data.task in ("regression", "multi_label")
    if numeric and case.is_written("data.target_scaling") and written != case.experiment.data.target_scaling:
        why = f"{name_of(case.loss)} needs" if case.loss.raw_targets else "labels need"
        yield Mistake("data.target_scaling", f"has no effect ({why} the exact target values); remove it")
