"""Which metrics are shown of a task, beside those of the config."""

from bptrain.evaluation.predictions import Predictions
from bptrain.metrics import (
    BrierScore,
    ConfusionMatrix,
    ExpectedCalibrationError,
    LogLoss,
    Metric,
    TopK,
    all_metrics,
)
from bptrain.registry import name_of

OF_PROBABILITIES = (LogLoss, BrierScore, ExpectedCalibrationError)


def fitting_metrics(chosen: tuple[Metric, ...], found: Predictions) -> tuple[Metric, ...]:
    """Those of the config, then all others that are defined for such a target with their default options.

    Without the confusion matrix, which is shown for itself; without the metrics of probabilities where the outputs are
    none; and without top_k where every prediction would be among so many.
    """
    names = {name_of(metric) for metric in chosen}
    others = (metric for metric in all_metrics(found.kind) if name_of(metric) not in names)
    return (*chosen, *(metric for metric in others if tells_something(metric, found)))


def tells_something(metric: Metric, found: Predictions) -> bool:
    """Whether a metric says anything about such predictions."""
    if isinstance(metric, ConfusionMatrix):
        return False
    if isinstance(metric, OF_PROBABILITIES):
        return found.are_probabilities
    return not isinstance(metric, TopK) or metric.k < len(found.labels)
