"""The picture of a run in progress, as lines of text for a terminal of any size."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrain.columns.targets import Classes
from bptrain.console.chart import LABEL, Line, chart
from bptrain.console.terminal import duration, printable
from bptrain.console.watch import SHORT, Watch
from bptrain.model.summary import describe_loss
from bptrain.registry import name_of
from bptrain.training.events import get_metrics
from bptrain.training.session import Session

PLAIN = str.maketrans("→·…━╸─●│", ">|.=--*|")
"""What stands for characters that an encoding lacks, one for one."""

NARROW = 60
"""Columns below which labels and what can be spared are left out."""

WIDEST = 120
TALLEST = 8
"""Lines of the chart at most."""
FIGURE = 9
"""Columns of a number."""


@dataclass(frozen=True)
class Picture:
    """The view of a run, in the size that a console has at the moment of drawing."""

    watch: Watch | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # A character in the last column would make some terminals wrap.
        width, height = max(min(options.max_width - 1, WIDEST), 1), console.size.height - 1
        for line in self.lines(width, height, ascii_only=options.ascii_only):
            if options.ascii_only:
                line.plain = line.plain.translate(PLAIN)
            line.truncate(width, overflow="ellipsis" if not options.ascii_only else "crop")
            line.no_wrap = True
            yield line

    def lines(self, width: int, height: int, *, ascii_only: bool = False) -> list[Text]:
        """As many lines as there is room for, the most important ones first to be kept."""
        watch = self.watch
        if watch is None:
            return [Text("getting ready …", style="dim")]
        found = [*heading(watch.session, width), *bars(watch, width), *cells(numbers(watch), width)][: max(height, 1)]
        if width >= 20:
            layers = health(watch, width)
            spare = height - len(found) - 2
            # The chart and the layers share what is left, and neither takes what it does not need.
            tall = min(TALLEST, max(spare // 2, spare - len(layers) - 1))
            curves = chart(lines_of(watch), width, tall, ascii_only=ascii_only)
            if curves:
                found += [Text(), *curves, legend(watch, width)]
            found += cut_layers(layers, height - len(found))
        return found


def heading(session: Session, width: int) -> Iterator[Text]:
    """Data, network and optimizer, a line each."""
    model, experiment = session.model, session.model.experiment
    parts = " + ".join(f"{len(rows):,} {name}" for name, rows in session.splits.items())
    features, targets = len(model.columns.features), model.columns.singles
    what = ", ".join(
        f"{one.name} ({len(one.labels)} classes)" if isinstance(one, Classes) else one.name for one in targets
    )
    name = cut(printable(experiment.name), max(width // 3, 8))
    text = f"{parts} rows, {features:,} feature{'s' * (features != 1)} → {printable(what[:500] or 'the inputs')}"
    training = experiment.training
    rate = f"{name_of(experiment.optimizer)} lr {experiment.optimizer.lr:g}"
    rest = (
        f"{name_of(experiment.schedule)} · {printable(describe_loss(model)[:200])} · batches of {session.batch_size:,}"
    )
    rest += f" x {training.accumulate}" * (training.accumulate > 1)
    label = 11 if width >= NARROW else 0
    yield (
        Text(f"{'data':<{label}}"[:label], style="dim").append(name, "bold cyan not dim").append(f"  {text}", "not dim")
    )
    yield Text(f"{'network':<{label}}"[:label], style="dim").append(architecture(session), "not dim")
    yield Text(f"{'optimizer':<{label}}"[:label], style="dim").append(f"{rate} · {rest}", "not dim")


def architecture(session: Session) -> str:
    """The network in a line: `64 → dense 64 → relu → dense 10, 4,810 parameters`."""
    network = session.model.network
    steps = [str(network.input_shape[0])]
    for layer, plan in zip(network.chain.layers, network.chain.plans, strict=True):
        steps.append(f"{name_of(layer)} {plan.shape[0]}" if plan.parameters else name_of(layer))
    return f"{' → '.join(steps)}, {network.theta.size:,} parameters"


def bars(watch: Watch, width: int) -> Iterator[Text]:
    """How far the epoch is and how far the run, with the time that is left."""
    count, epochs = len(watch.session.train), watch.session.model.experiment.training.epochs
    takes, left = watch.epoch_seconds, watch.left
    current = min(watch.epoch + 1, epochs)
    if takes is None:
        times = "?", "?"
    else:
        inside = f"{duration(takes)} each" if takes < SHORT else f"{duration((count - watch.rows) / watch.speed)} left"
        times = inside, f"{duration(left or 0.0)} left"
    share = watch.done / watch.total
    names = f"epoch {current:,}/{epochs:,}", f"run {share:.0%}"
    first, last = max(map(len, names)), max(14, *map(len, times))
    # An epoch too short to be watched has a full bar, which does not flicker.
    shares = 1.0 if takes is not None and takes < SHORT else watch.rows / count, share
    for name, part, time, style in zip(names, shares, times, ("blue", "green"), strict=True):
        room = width - first - last - 2
        line = Text(f"{name:<{first}} ")
        if room >= 4:
            full = min(round(part * room * 2), room * 2)
            line.append("━" * (full // 2) + "╸" * (full % 2), style)
            line.append("─" * (room - full // 2 - full % 2), "dim")
        yield line.append(f" {time:>{last}}")


def numbers(watch: Watch) -> Iterator[tuple[str, str]]:
    """Names and values of what is measured."""
    yield "loss", figure(watch.loss)
    held_out = "validation" in watch.session.splits
    if held_out:
        yield "validation loss", figure(watch.record.get("validation_loss"))
    # A metric that is not known yet has its place, so that nothing moves when it comes.
    known = get_metrics(watch.record) or {one.name: None for one in watch.session.model.measures}
    extra = {name: watch.record[name] for name in ("penalty", "clipped") if name in watch.record}
    for name, value in [*extra.items(), *known.items()][:9]:
        yield printable(name), figure(value)
    yield "lr", figure(watch.session.lr)
    yield "samples/s", f"{watch.speed:,.0f}"


def figure(value: float | int | None) -> str:
    """A number in four digits."""
    return "-" if value is None else f"{value:.4g}"


def cells(pairs: Iterable[tuple[str, str]], width: int) -> Iterator[Text]:
    """Names and values side by side in columns that stay where they are, whatever the values."""
    pairs = list(pairs)
    for columns in range(len(pairs), 0, -1):
        widths = [max(len(name) for name, _ in pairs[k::columns]) + 1 + FIGURE for k in range(columns)]
        if sum(widths) + 2 * (columns - 1) <= width or columns == 1:
            break
    for start in range(0, len(pairs), columns):
        line = Text()
        for (name, value), room in zip(pairs[start : start + columns], widths, strict=False):
            line.append(f"{name} ", "dim").append(f"{value:<{room - len(name) - 1}}  ", "bold")
        line.rstrip()
        yield line


def lines_of(watch: Watch) -> list[Line]:
    """The curves of the chart: of the first epoch, or of all that are done."""
    if watch.epoch < 2 and len(watch.training) < 2:
        return [Line("loss in epoch 1", watch.first, "cyan", "*")]
    lines = [Line("loss", watch.training, "cyan", "*")]
    if len(watch.monitored):
        lines.append(Line("validation loss", watch.monitored, "magenta", "o"))
    return lines


def legend(watch: Watch, width: int) -> Text:
    """What the curves of the chart are."""
    text = Text(" " * (LABEL + 1))
    for line in lines_of(watch):
        text.append("● ", line.style).append(f"{line.name}  ")
    epochs = [place for line in lines_of(watch) for place in line.curve.places]
    if watch.epoch > 1 and width >= NARROW:
        text.append(f"epochs {min(epochs):,.0f} to {max(epochs):,.0f}", "dim")
    return text


def health(watch: Watch, width: int) -> list[Text]:
    """A line for each layer: its gradient, how far a step moves it, its dead units; those in trouble are marked."""
    kinds = {"gradient_norm": "gradient", "update_ratio": "update", "dead": "dead", "saturated": "saturated"}
    figures_of, marks = watch.layers()
    present = [kind for kind in kinds if any(kind in figures for figures in figures_of.values())]
    if not present:
        return []
    names = {layer: cut(printable(layer), max(width // 3, 10)) for layer in figures_of}
    first = max(map(cell_len, names.values()))
    room = width - first - max(map(len, marks.values()), default=0) - 1
    while sum(len(kinds[kind]) + 2 for kind in present) > room and len(present) > 1:
        present.pop()
    head = "".join(f"{kinds[kind]:>{max(len(kinds[kind]), FIGURE - 1) + 1}}" for kind in present)
    lines = [Text(f"{'layer':<{first}}{head}", style="dim")]
    for layer, figures in figures_of.items():
        mark = marks.get(layer)
        line = Text(names[layer] + " " * (first - cell_len(names[layer])), style="yellow" if mark else "")
        for kind in present:
            value = figures.get(kind)
            shown = "" if value is None else f"{value:.0%}" if kind in ("dead", "saturated") else f"{value:.2g}"
            line.append(f"{shown:>{max(len(kinds[kind]), FIGURE - 1) + 1}}")
        lines.append(line.append(f"  {mark}" if mark else "", "bold yellow"))
    return lines


def cut_layers(layers: Sequence[Text], room: int) -> list[Text]:
    """As many layers as there is room for, those in trouble first of all."""
    if not layers or room < min(len(layers) + 1, 4):
        return []
    if len(layers) + 1 <= room:
        return [Text(), *layers]
    head, *rest = layers
    kept = sorted(rest, key=lambda line: not line.style)[: room - 3]
    shown = [line for line in rest if any(line is one for one in kept)]
    return [Text(), head, *shown, Text(f"and {len(rest) - len(shown)} layers more", style="dim")]


def cut(text: str, width: int) -> str:
    """A text in at most so many columns."""
    line = Text(text)
    line.truncate(width, overflow="ellipsis")
    return line.plain
