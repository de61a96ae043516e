"""Curves over the epochs: losses, metrics, learning rate, and the health of gradients."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from bptrain.metrics import METRICS
from bptrain.model.heads import get_metric_name
from bptrain.report.charts import STYLES, new_axes, render_svg, set_log_scale, shorten_name
from bptrain.report.html_page import Html, figure, figures, join, note
from bptrain.training.events import Record, get_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEALTH = {
    "gradient_norm": "gradient norm",
    "update_ratio": "size of an update / size of the weights",
    "dead": "share of dead units",
    "saturated": "share of saturated values",
}
"""Figures of each layer in the history, and the titles of their panels."""

WIDE_RANGE = 50.0
"""An axis is logarithmic if its largest value is more than this many times its smallest."""

Curve = tuple[list[int], list[float]]
"""Epochs and values."""

Panel = tuple[str, list[tuple[str, Curve]]]
"""The title of a panel, and its curves by name."""


def get_curve(records: Sequence[Record], key: str) -> Curve:
    """Return epochs and values of a figure, without epochs that lack it."""
    pairs = [(int(one["epoch"] or 0), float(value)) for one in records if (value := one.get(key)) is not None]
    return [epoch for epoch, _ in pairs], [value for _, value in pairs]


def choose_metrics_to_draw(names: Iterable[str]) -> list[str]:
    """Return the metrics to draw: only the first of those whose curves tell the same story, such as r2 and rmse."""
    chosen: dict[tuple[str, str], str] = {}
    for name in names:
        metric = get_metric_name(name).removeprefix("validation_")
        story = getattr(METRICS.members.get(metric), "story", "") or metric
        chosen.setdefault((name.removesuffix(metric), story), name)
    return list(chosen.values())


def is_constant(curves: Iterable[Curve]) -> bool:
    """Return whether no curve ever changes."""
    return all(len(set(values)) <= 1 for _, values in curves)


def list_panels(records: Sequence[Record]) -> Iterator[Panel]:
    """Yield each panel to draw: losses, metrics, and the learning rate if it changes."""
    rows = "validation" if any("validation_loss" in one for one in records) else "training"
    losses = [("training", get_curve(records, "loss")), ("validation", get_curve(records, "validation_loss"))]
    if measured := [(name, curve) for name, curve in losses if curve[0]]:
        yield "loss", measured
    metrics: list[Record] = [{"epoch": one["epoch"], **get_metrics(one)} for one in records]
    curves = {name: get_curve(metrics, name) for name in dict.fromkeys(key for one in metrics for key in one)}
    # A metric may be undefined in every epoch, such as precision where a class does not occur.
    for name in choose_metrics_to_draw(name for name, (epochs, _) in curves.items() if epochs and name != "epoch"):
        yield name, [(rows, curves[name])]
    rate = get_curve(records, "lr")
    if not is_constant([rate]):
        yield "learning rate", [("", rate)]


def list_health_panels(records: Sequence[Record]) -> Iterator[Panel]:
    """Yield each panel on the health of gradients, with a curve for each layer."""
    keys = dict.fromkeys(key for record in records for key in record)
    for kind, title in HEALTH.items():
        curves = [(key.partition(".")[2], get_curve(records, key)) for key in keys if key.partition(".")[0] == kind]
        if any(value for _, (_, values) in curves for value in values):
            yield title, curves


def draw_panel(axes: "Axes", panel: Panel, best: int | None) -> None:
    """Draw curves over the epochs, with a dotted line at the best epoch."""
    from matplotlib.ticker import MaxNLocator

    title, curves = panel
    if best is not None:
        axes.axvline(best, linestyle=":", linewidth=1.2, color=axes.spines["left"].get_edgecolor(), zorder=1)
    for k, (name, (epochs, values)) in enumerate(curves):
        marker = "o" if len(epochs) < 3 else None
        # A validation curve has the second colour even if it is alone.
        colour = f"C{max(k, int(name == 'validation'))}"
        axes.plot(epochs, values, STYLES[k // 8 % 4], marker=marker, color=colour, label=shorten_name(name))
    every = [value for _, (_, values) in curves for value in values]
    if min(every) > 0 and max(every) > WIDE_RANGE * min(every):
        set_log_scale(axes)
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(curves) > 1:
        axes.legend(ncols=1 if len(curves) < 6 else 2)


def draw_panels(panels: Iterable[Panel], best: int | None) -> Iterator[Html]:
    """Yield a figure for each panel."""
    for panel in panels:
        with new_axes(width=5.2, height=3.0) as (canvas, axes):
            draw_panel(axes, panel, best)
            yield figure(render_svg(canvas, describe_panel(panel, best)))


def describe_panel(panel: Panel, best: int | None) -> str:
    """Return a panel in words: where each curve begins and ends."""
    title, curves = panel
    parts = [
        f"{shorten_name(name)} from {values[0]:.4g} in epoch {epochs[0]} to {values[-1]:.4g} in epoch {epochs[-1]}"
        for name, (epochs, values) in curves[:6]
    ]
    more = f"; and {len(curves) - 6} more" if len(curves) > 6 else ""
    mark = f"; the best epoch is {best}" if best is not None else ""
    return f"{title} over the epochs: {'; '.join(map(str.strip, parts))}{more}{mark}"


def show_learning_curves(records: Sequence[Record], best: int | None) -> Html:
    """Return the section of learning curves."""
    text = note("The dotted line marks the best epoch, whose weights are evaluated.") if best is not None else None
    return join((text, figures(*draw_panels(list_panels(records), best))))


def show_gradient_health(records: Sequence[Record], best: int | None) -> Html:
    """Return the section on gradients; empty if none were measured."""
    drawn = list(draw_panels(list_health_panels(records), best))
    if not drawn:
        return Html("")
    text = "Measured layer by layer, at the ends of epochs that are 64 or more steps apart."
    return join((note(text), figures(*drawn)))
