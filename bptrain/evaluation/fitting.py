"""Which metrics are shown of a task, beside those of the config."""

from dataclasses import dataclass

from bptrain.evaluation.predictions import Predictions
from bptrain.metrics import Figure, Metric, all_metrics
from bptrain.registry import name_of


@dataclass(frozen=True)
class Judged:
    """A metric by its name, such as `rmse` or `price.rmse`, with the predictions that it is of."""

    name: str
    metric: Metric
    predictions: Predictions

    def value(self, drawn: Predictions) -> Figure:
        """The metric of these predictions, or of some of their rows."""
        return self.metric.finish(self.metric.tally(drawn.outputs, drawn.targets))


def fitting_metrics(chosen: tuple[Metric, ...], found: Predictions) -> tuple[Metric, ...]:
    """Those of the config, then all others that are defined for such a target with their default options.

    Without the confusion matrix, which is shown for itself; without the metrics of probabilities where the outputs are
    none; and without top_k where every prediction would be among so many.
    """
    names = {name_of(metric) for metric in chosen}
    others = (metric for metric in all_metrics(found.kind) if name_of(metric) not in names)
    return (*chosen, *(metric for metric in others if tells_something(metric, found)))


def fitting_measures(chosen: tuple[Metric, ...], found: Predictions) -> list[Judged]:
    """The metrics that are shown of a head: those of the config that are defined for it, and the others."""
    own = tuple(metric for metric in chosen if found.kind in metric.kinds)
    before = f"{found.head}." if found.head else ""
    return [Judged(before + name_of(metric), metric, found) for metric in fitting_metrics(own, found)]


def tells_something(metric: Metric, found: Predictions) -> bool:
    """Whether a metric says anything about such predictions."""
    is_table = metric.perfect is None
    suits = found.are_probabilities or not metric.of_probabilities
    return not is_table and suits and metric.tells_apart(len(found.labels))
