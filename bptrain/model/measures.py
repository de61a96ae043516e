"""Measures: which metric is taken of which target, and what it is called."""

from collections.abc import Sequence
from dataclasses import dataclass

from bptrain.config import Experiment
from bptrain.errors import Mistake, OptionError
from bptrain.metrics import Metric, all_metrics, default_metrics
from bptrain.model.heads import Head
from bptrain.registry import name_of


@dataclass(frozen=True)
class Measure:
    """A metric of a head: `accuracy`, or `sold.accuracy` where there are several."""

    name: str
    metric: Metric
    head: Head


def build_measures(heads: Sequence[Head], metrics: Sequence[Metric]) -> tuple[Measure, ...]:
    """Every metric of every head that it is defined for, head by head."""
    return tuple(
        Measure(f"{head.name}.{name_of(metric)}" if head.name else name_of(metric), metric, head)
        for head in heads
        for metric in metrics
        if head.kind in metric.kinds
    )


def metric_name(name: str) -> str:
    """Return the name of the metric in that of a measure: `accuracy` of `sold.accuracy`."""
    return name.rpartition(".")[2]


def choose_metrics(experiment: Experiment, heads: Sequence[Head]) -> tuple[Metric, ...]:
    """Return the metrics that the config names, or the usual ones. Those of an autoencoder are errors alone, without
    R², which is undefined where any input never changes.

    Raises:
        OptionError: one is named twice, or is not defined for such a target.
    """
    kinds = list(dict.fromkeys(head.kind for head in heads))
    if experiment.metrics == "auto":
        if experiment.data.task == "autoencoder":
            return tuple(metric for metric in default_metrics("numbers") if metric.perfect == 0)
        return tuple(metric for kind in kinds for metric in default_metrics(kind))
    names = [name_of(metric) for metric in experiment.metrics]
    fitting = ", ".join(dict.fromkeys(name_of(metric) for kind in kinds for metric in all_metrics(kind)))
    mistakes = []
    for k, (name, metric) in enumerate(zip(names, experiment.metrics, strict=True)):
        if name in names[:k]:
            mistakes.append(Mistake(f"metrics.{k}", f"names {name} a second time; take it out"))
        if not set(kinds) & set(metric.kinds):
            what = f"{name} is not defined for {' or '.join(kinds)}; choose from {fitting}"
            mistakes.append(Mistake(f"metrics.{k}", what, "BP125"))
    if mistakes:
        raise OptionError(*mistakes)
    return experiment.metrics
