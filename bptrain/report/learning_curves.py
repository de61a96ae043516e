"""Curves over the epochs: losses, metrics, learning rate, and the health of gradients."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bptrain.report.charts import STYLES, Pictures, axes, label, logarithmic
from bptrain.report.html import Html, join, tag
from bptrain.report.html_page import figure, figures, note
from bptrain.training.session import Record, metrics_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEALTH = {
    "gradient_norm": "gradient norm",
    "update_ratio": "update of a step / weights",
    "dead": "share of dead units",
    "saturated": "share of saturated values",
}

WIDE = 50
"""A curve whose largest value is so many times its smallest is drawn on a logarithmic scale."""

Curve = tuple[list[int], list[float]]


def curve(records: Sequence[Record], key: str) -> Curve:
    """Epochs and values of a figure, without those that do not have it."""
    pairs = [(int(one["epoch"] or 0), float(value)) for one in records if (value := one.get(key)) is not None]
    return [epoch for epoch, _ in pairs], [value for _, value in pairs]


def panels(records: Sequence[Record]) -> Iterator[tuple[str, list[tuple[str, Curve]]]]:
    """Each picture that there is to draw: its title, and its curves by name."""
    rows = "validation" if any("validation_loss" in one for one in records) else "training"
    metrics: list[Record] = [{"epoch": one["epoch"], **metrics_of(one)} for one in records]
    names = dict.fromkeys(name for one in metrics for name in one if name != "epoch")
    every = [
        ("loss", [("training", curve(records, "loss")), ("validation", curve(records, "validation_loss"))]),
        *((name, [(rows, curve(metrics, name))]) for name in names),
        ("learning rate", [("", curve(records, "lr"))]),
    ]
    for title, curves in every:
        # A metric may be undefined in every epoch, such as precision where a class does not occur.
        if known := [(name, one) for name, one in curves if one[0]]:
            yield title, known


def health(records: Sequence[Record]) -> Iterator[tuple[str, list[tuple[str, Curve]]]]:
    """The same of the health of gradients, with a curve for each layer."""
    keys = dict.fromkeys(key for record in records for key in record)
    for kind, title in HEALTH.items():
        named = [(key.partition(".")[2], curve(records, key)) for key in keys if key.partition(".")[0] == kind]
        if any(value for _, (_, values) in named for value in values):
            yield title, named


def draw(one: "Axes", title: str, curves: Sequence[tuple[str, Curve]], best: int | None) -> None:
    """Draw curves over the epochs, with a mark at the best one."""
    from matplotlib.ticker import MaxNLocator

    if best is not None:
        one.axvline(best, linestyle=":", linewidth=1.2, color=one.spines["left"].get_edgecolor(), zorder=1)
    for k, (name, (epochs, values)) in enumerate(curves):
        marker = "o" if len(epochs) < 3 else None
        # Validation has the same colour everywhere.
        colour = f"C{max(k, int(name == 'validation'))}"
        one.plot(epochs, values, STYLES[k // 8 % 4], marker=marker, color=colour, label=label(name))
    every = [value for _, (_, values) in curves for value in values]
    if min(every) > 0 and max(every) > WIDE * min(every):
        logarithmic(one)
    one.set_title(title)
    one.set_xlabel("epoch")
    one.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(curves) > 1:
        one.legend(ncols=1 if len(curves) < 6 else 2)


def pictures(made: Pictures, drawn: Iterator[tuple[str, list[tuple[str, Curve]]]], best: int | None) -> Iterator[Html]:
    """A figure of each panel."""
    for title, curves in drawn:
        with axes(width=5.2, height=3.0) as (whole, (one,)):
            draw(one, title, curves, best)
            yield figure(made.inline(whole, alternative(title, curves, best)))


def alternative(title: str, curves: Sequence[tuple[str, Curve]], best: int | None) -> str:
    """A picture in words: where each curve begins and ends."""
    parts = [
        f"{label(name)} from {values[0]:.4g} in epoch {epochs[0]} to {values[-1]:.4g} in epoch {epochs[-1]}".strip()
        for name, (epochs, values) in curves[:6]
    ]
    more = f"; and {len(curves) - 6} more" if len(curves) > 6 else ""
    mark = f"; the best epoch is {best}" if best is not None else ""
    return f"{title} over the epochs: {'; '.join(parts)}{more}{mark}"


def learning_curves(made: Pictures, records: Sequence[Record], best: int | None) -> Html:
    """The section of curves."""
    marked = "The dotted line marks the epoch whose weights were kept." if best is not None else None
    return join((note(marked) if marked else None, figures(*pictures(made, panels(records), best))))


def gradient_health(made: Pictures, records: Sequence[Record], best: int | None) -> Html:
    """The section of gradients, empty where none were measured."""
    drawn = list(pictures(made, health(records), best))
    if not drawn:
        return Html("")
    what = "Measured at the ends of epochs that are 64 steps or more apart, layer by layer."
    return join((tag("p", what, class_="note"), figures(*drawn)))
