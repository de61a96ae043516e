"""The view of a run in progress, as lines of text for a terminal of any size."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrain.columns.targets import Classes
from bptrain.console.chart import LABEL_WIDTH, Line, draw_chart
from bptrain.console.watch import SHORT, Watch
from bptrain.model.summary import describe_loss
from bptrain.quantities import format_duration
from bptrain.registry import name_of
from bptrain.text import printable
from bptrain.training.events import get_metrics
from bptrain.training.session import Session

ASCII = str.maketrans("→·…━╸─●│", ">|.=--*|")
"""ASCII characters for those that an encoding may lack."""

NARROW = 60
"""The width of a terminal below which labels are left out."""

WIDEST = 120
TALLEST = 8
"""The most lines of the chart."""

NUMBER_WIDTH = 9
HEADING_WIDTH = 11

KINDS = {"gradient_norm": "gradient", "update_ratio": "update", "dead": "dead", "saturated": "saturated"}
"""The figures of a layer in the order of their columns, with the heading of each."""


@dataclass(frozen=True)
class RunView:
    """The view of a run, fitted to the size of the console whenever it is drawn."""

    watch: Watch | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # A character in the last column would make some terminals wrap.
        width, height = max(min(options.max_width - 1, WIDEST), 1), console.size.height - 1
        for line in self.draw_lines(width, height, ascii_only=options.ascii_only):
            if options.ascii_only:
                line.plain = line.plain.translate(ASCII)
            line.truncate(width, overflow="ellipsis" if not options.ascii_only else "crop")
            line.no_wrap = True
            yield line

    def draw_lines(self, width: int, height: int, *, ascii_only: bool = False) -> list[Text]:
        """Return as many lines as there is room for, the most important ones first."""
        watch = self.watch
        if watch is None:
            return [Text("getting ready …", style="dim")]
        lines = [*draw_heading(watch.session, width), *draw_bars(watch, width)]
        lines = [*lines, *align_figures(list_figures(watch), width)][: max(height, 1)]
        if width >= 20:
            layers = draw_layers(watch, width)
            spare = height - len(lines) - 2
            # The chart and the layers share the rest, and neither takes more than it needs.
            tall = min(TALLEST, max(spare // 2, spare - len(layers) - 1))
            chart = draw_chart(list_curves(watch), width, tall, ascii_only=ascii_only)
            if chart:
                lines += [Text(), *chart, draw_legend(watch, width)]
            lines += fit_layers(layers, height - len(lines))
        return lines


def draw_heading(session: Session, width: int) -> Iterator[Text]:
    """Yield a line each for data, network and optimizer, and one for the numbers of rows if the first is too long."""
    model, experiment, training = session.model, session.model.experiment, session.model.experiment.training
    indent = HEADING_WIDTH if width >= NARROW else 0

    def label(name: str) -> Text:
        return Text(f"{name:<{indent}}"[:indent], style="dim")

    rows = " + ".join(f"{len(rows):,} {name}" for name, rows in session.splits.items()) + " rows"
    targets = ", ".join(
        f"{one.name} ({len(one.labels)} classes)" if isinstance(one, Classes) else one.name
        for one in model.columns.target_columns
    )
    count = len(model.columns.features)
    task = f"{count:,} feature{'s' * (count != 1)} → {printable(targets[:500] or 'the inputs')}"
    name = label("data").append(truncate(printable(experiment.name), max(width // 3, 8)), "bold cyan not dim")
    if cell_len(f"{name.plain}  {rows}, {task}") <= width:
        yield name.append(f"  {rows}, {task}", "not dim")
    else:
        yield name.append(f"  {task}", "not dim")
        yield label("rows").append(rows.removesuffix(" rows") if indent else rows, "not dim")
    yield label("network").append(describe_network(session, width - indent), "not dim")
    loss = printable(describe_loss(model)[:200])
    batches = f"batches of {session.batch_size:,}" + f" x {training.accumulate}" * (training.accumulate > 1)
    rate = f"{name_of(experiment.optimizer)} lr {experiment.optimizer.lr:g}"
    text = f"{rate} · {name_of(experiment.schedule)} · {loss} · {batches}"
    yield label("optimizer").append(text, "not dim")


def describe_network(session: Session, width: int) -> str:
    """Return the network on one line: `64 → dense 64 → relu → dense 10, 4,810 parameters`; `…` replaces the middle of a
    line that is too long."""
    network = session.model.network
    steps = [str(network.input_shape[0])]
    for layer, plan in zip(network.chain.layers, network.chain.plans, strict=True):
        steps.append(f"{name_of(layer)} {plan.shape[0]}" if plan.parameters else name_of(layer))
    parameters = f", {network.theta.size:,} parameters"
    line = " → ".join(steps) + parameters
    for count in range(len(steps) - 1, 1, -1):
        if cell_len(line) <= width:
            break
        ends = steps[: count - count // 2], steps[len(steps) - count // 2 :]
        line = " → ".join([*ends[0], "…", *ends[1]]) + parameters
    return line


def draw_bars(watch: Watch, width: int) -> Iterator[Text]:
    """Yield the progress of the epoch and of the run, with the time left."""
    session, count, epochs = watch.session, len(watch.session.train), watch.session.most_epochs
    takes, left = watch.epoch_seconds, watch.seconds_left
    is_short = takes is not None and takes < SHORT
    if takes is None:
        times = "?", "?"
    else:
        epoch_left = format_duration((count - watch.rows) / watch.speed)
        times = (
            f"{format_duration(takes)} each" if is_short else f"{epoch_left} left",
            f"{format_duration(left or 0.0)} left",
        )
    share = watch.share
    names = f"{session.phase_label}epoch {min(watch.epoch + 1, epochs):,}/{epochs:,}", f"run {share:.0%}"
    first, last = max(map(len, names)), max(14, *map(len, times))
    # The bar of an epoch too short to be watched is always full, since it would flicker.
    shares = 1.0 if is_short else watch.rows / count, share
    for name, part, time, style in zip(names, shares, times, ("blue", "green"), strict=True):
        room = width - first - last - 2
        line = Text(f"{name:<{first}} ")
        if room >= 4:
            full = min(round(part * room * 2), room * 2)
            line.append("━" * (full // 2) + "╸" * (full % 2), style)
            line.append("─" * (room - full // 2 - full % 2), "dim")
        yield line.append(f" {time:>{last}}")


def list_figures(watch: Watch) -> Iterator[tuple[str, str]]:
    """Yield names and values of losses, metrics, learning rate and speed."""
    yield "loss", format_short(watch.loss)
    if "validation" in watch.session.splits:
        yield "validation loss", format_short(watch.record.get("validation_loss"))
    # A metric that is not known yet has a place already, so that nothing moves when it comes.
    known = get_metrics(watch.record) or {one.name: None for one in watch.session.model.measures}
    extra = {name: watch.record[name] for name in ("penalty", "clipped") if name in watch.record}
    for name, value in [*extra.items(), *known.items()][:9]:
        yield printable(name), format_short(value)
    yield "lr", format_short(watch.session.lr)
    yield "samples/s", f"{watch.speed:,.0f}"


def format_short(value: float | int | None) -> str:
    """Format a number with four significant digits, None as `-`."""
    return "-" if value is None else f"{value:.4g}"


def align_figures(pairs: Iterable[tuple[str, str]], width: int) -> Iterator[Text]:
    """Yield names and values in columns that do not move when the values change."""
    pairs = list(pairs)
    for columns in range(len(pairs), 0, -1):
        widths = [max(len(name) for name, _ in pairs[k::columns]) + 1 + NUMBER_WIDTH for k in range(columns)]
        if sum(widths) + 2 * (columns - 1) <= width or columns == 1:
            break
    for start in range(0, len(pairs), columns):
        line = Text()
        for (name, value), room in zip(pairs[start : start + columns], widths, strict=False):
            line.append(f"{name} ", "dim").append(f"{value:<{room - len(name) - 1}}  ", "bold")
        line.rstrip()
        yield line


def list_curves(watch: Watch) -> list[Line]:
    """Return the curves of the chart: within the first epoch, or over all epochs done so far."""
    if watch.epoch < 2 and len(watch.training) < 2:
        return [Line("loss in epoch 1", watch.first_epoch, "cyan", "*")]
    lines = [Line("loss", watch.training, "cyan", "*")]
    if len(watch.monitored):
        lines.append(Line("validation loss", watch.monitored, "magenta", "o"))
    return lines


def draw_legend(watch: Watch, width: int) -> Text:
    """Return the legend of the chart."""
    text = Text(" " * (LABEL_WIDTH + 1))
    curves = list_curves(watch)
    for line in curves:
        text.append("● ", line.style).append(f"{line.name}  ")
    epochs = [place for line in curves for place in line.curve.places]
    if watch.epoch > 1 and width >= NARROW:
        text.append(f"epochs {min(epochs):,.0f} to {max(epochs):,.0f}", "dim")
    return text


def draw_layers(watch: Watch, width: int) -> list[Text]:
    """Return a line for each layer: its gradient, the size of its update, and its dead units, with a mark if it is in
    trouble."""
    layers, marks = watch.read_layers()
    present = [kind for kind in KINDS if any(kind in figures for figures in layers.values())]
    if not present:
        return []
    names = {layer: truncate(printable(layer), max(width // 3, 10)) for layer in layers}
    first = max(map(cell_len, names.values()))
    room = width - first - max(map(len, marks.values()), default=0) - 1
    while sum(len(KINDS[kind]) + 2 for kind in present) > room and len(present) > 1:
        present.pop()
    widths = {kind: max(len(KINDS[kind]), NUMBER_WIDTH - 1) + 1 for kind in present}
    headings = "".join(f"{KINDS[kind]:>{widths[kind]}}" for kind in present)
    lines = [Text(f"{'layer':<{first}}{headings}", style="dim")]
    for layer, figures in layers.items():
        mark = marks.get(layer)
        line = Text(names[layer] + " " * (first - cell_len(names[layer])), style="yellow" if mark else "")
        for kind in present:
            value = figures.get(kind)
            text = "" if value is None else f"{value:.0%}" if kind in ("dead", "saturated") else f"{value:.2g}"
            line.append(f"{text:>{widths[kind]}}")
        lines.append(line.append(f"  {mark}" if mark else "", "bold yellow"))
    return lines


def fit_layers(layers: Sequence[Text], room: int) -> list[Text]:
    """Return as many layers as there is room for, in order; those in trouble are kept first."""
    if not layers or room < min(len(layers) + 1, 4):
        return []
    if len(layers) + 1 <= room:
        return [Text(), *layers]
    head, *rest = layers
    chosen = sorted(rest, key=lambda line: not line.style)[: room - 3]
    fitting = [line for line in rest if any(line is one for one in chosen)]
    return [Text(), head, *fitting, Text(f"and {len(rest) - len(fitting)} more layers", style="dim")]


def truncate(text: str, width: int) -> str:
    """Return text cut to a width on the terminal."""
    line = Text(text)
    line.truncate(width, overflow="ellipsis")
    return line.plain
