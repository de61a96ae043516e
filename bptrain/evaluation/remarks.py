"""Remarks: one sentence about a score, beside those of the baselines and of the training rows."""

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt

from bptrain.evaluation.baselines import Baseline
from bptrain.metrics import Figure, Metric

LITTLE = 0.02
"""A score is better than another only if it is nearer to the perfect one by this share of the distance."""

WIDE_GAP = 0.1
"""A network overfits if a share, such as the accuracy, is this much better on training rows, ..."""

GROWTH = 2.0
"""... or an error this many times as large on the others."""


def find_remark(
    measures: Sequence[tuple[str, Metric, str]],
    figures: Mapping[str, Figure],
    baselines: Sequence[Baseline],
    train: Mapping[str, Figure],
    name: str,
    rows: int,
) -> str | None:
    """Return the most important sentence about scores, or None.

    Args:
        measures: the metrics, each with its name in the figures before it and that of its head after it; the first of
            each head decides.
        figures: the scores on `rows` rows of the split `name`.
        baselines: those on the same rows.
        train: the scores on training rows.
    """
    firsts: dict[str, tuple[str, Metric]] = {}
    for key, metric, head in measures:
        if metric.perfect is not None and isinstance(figures.get(key), float) and not metric.of_probabilities:
            firsts.setdefault(head, (key, metric))
    chosen = tuple(firsts.values())
    by_name = {one.name: one for one in baselines}
    checks = (
        find_negative_r2(measures, figures),
        find_equal(chosen, figures, by_name.get("guess"), "no better than guessing", rows),
        find_equal(chosen, figures, by_name.get("row_before"), "no better than repeating the row before", rows),
        find_equal(chosen, figures, by_name.get("linear"), "a linear model does as well", rows),
        find_overfit(chosen, figures, train, name),
    )
    return next((text for check in checks for text in check), None)


def find_negative_r2(measures: Sequence[tuple[str, Metric, str]], figures: Mapping[str, Figure]) -> Iterator[str]:
    """Find an R² below 0."""
    for key, metric, _ in measures:
        value = figures.get(key)
        if type(metric).__name__ == "R2" and isinstance(value, float) and value < 0:
            yield f"{key} is below 0: worse than always predicting the mean of these rows"


def find_equal(
    chosen: Sequence[tuple[str, Metric]], figures: Mapping[str, Figure], baseline: Baseline | None, what: str, rows: int
) -> Iterator[str]:
    """Find a score that is not clearly better than that of a baseline."""
    for key, metric in chosen:
        other, value = baseline and baseline.metrics.get(key), figures[key]
        if not isinstance(other, float) or not isinstance(value, float) or metric.perfect is None:
            continue
        near, far = abs(metric.perfect - value), abs(metric.perfect - other)
        # A share of n rows is uncertain by its standard error.
        noise = sqrt(other * (1 - other) / max(rows, 1)) if metric.perfect == 1 and 0 <= other <= 1 else 0.0
        if near >= far - max(LITTLE * far, noise) and far > 0:
            yield f"{what}: {key} {value:.3g} against {other:.3g}"


def find_overfit(
    chosen: Sequence[tuple[str, Metric]], figures: Mapping[str, Figure], train: Mapping[str, Figure], name: str
) -> Iterator[str]:
    """Find a score that is much better on training rows."""
    for key, metric in chosen:
        there, here = train.get(key), figures[key]
        if not isinstance(there, float) or not isinstance(here, float):
            continue
        wide = there - here > WIDE_GAP if metric.perfect == 1 else here > GROWTH * there
        if wide:
            yield f"overfits: {key} {there:.3g} on training rows, {here:.3g} on {name} rows"
