"""What an evaluation found, on stdout: metrics with their intervals, classes, the confusion matrix, residuals."""

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from bptrain.console.terminal import figure, number, output, printable
from bptrain.evaluation.evaluation import CONFIDENCE, Evaluation
from bptrain.evaluation.target_results import MOST_CLASSES, ClassResult, NumberResult

WIDE = 60
"""Columns of a terminal on which tables need not be narrow."""
MOST_NUMBERS = 24
"""The residuals of more numbers, such as the pixels of an autoencoder, are not printed."""
LONGEST = 24
"""Characters of a name in a table."""


def evaluation_result(evaluation: Evaluation) -> None:
    """Everything that was found."""
    console = output()
    console.print(Text(printable(evaluation.split), style="bold"), soft_wrap=True)
    for line in metric_lines(evaluation, console.width):
        console.print(line, soft_wrap=True)
    several = len(evaluation.targets) > 1
    numbers = [target for target in evaluation.targets if isinstance(target, NumberResult)]
    if len(numbers) > MOST_NUMBERS:
        console.print(Text(f"\nresiduals of {len(numbers):,} numbers are in what --json prints"), soft_wrap=True)
    elif numbers:
        console.print()
        residuals(console, numbers)
    for target in evaluation.targets:
        if isinstance(target, ClassResult):
            console.print()
            classes(console, target, several)


def metric_lines(evaluation: Evaluation, room: int) -> Iterable[Text]:
    """The metrics, each with its interval where there is one, in a line of its own where there is no room beside."""
    pairs = [("rows", number(evaluation.rows)), ("loss", number(evaluation.loss))]
    pairs.extend((printable(name), figure(value)) for name, value in evaluation.metrics.items())
    width, column = max(len(name) for name, _ in pairs), max(len(value) for _, value in pairs if len(value) <= 12)
    ranges = {printable(name): one for name, one in (evaluation.intervals or {}).items()}
    for name, value in pairs:
        line = Text(f"{name:<{width}}  ", style="dim").append(printable(value), style="not dim")
        interval = ranges.get(name)
        if interval:
            span = f"{CONFIDENCE:.0%} interval {interval.low:.4g} to {interval.high:.4g}"
            missing = f" (undefined in {number(interval.undefined)})" if interval.undefined else ""
            gap = " " * (column - len(value) + 2)
            if len(line) + len(gap) + len(span) + len(missing) > room:
                yield line
                line, gap = Text(style="dim"), "  "
            line.append(gap + span + missing, style="not dim cyan")
        yield line


def residuals(console: Console, targets: Sequence[NumberResult]) -> None:
    """How the residuals of each target are spread."""
    console.print(Text("residuals (truth - prediction), in the units of the data", style="bold"))
    names = ("mean", "std", "min", "q1", "median", "q3", "max", "max_abs", "rmse", "mae")
    together = max((console.width - 10) // (LONGEST // 2), 1)
    for start in range(0, len(targets), together):
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))
        table.add_column("", style="dim")
        some = targets[start : start + together]
        for target in some:
            table.add_column(Text(short(target.target)), justify="right", overflow="fold")
        for name in names:
            table.add_row(Text(name), *(Text(number(getattr(target, name))) for target in some))
        console.print(table)


def classes(console: Console, target: ClassResult, several: bool) -> None:
    """Figures class by class, what is taken for what, and the best threshold."""
    if several:
        console.print(Text(printable(target.target), style="bold"), soft_wrap=True)
    between = 2 if console.width >= WIDE else 1
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, between, 0, 0))
    table.add_column("class", overflow="ellipsis")
    for name in ("precision", "recall", "f1", "rows"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in target.per_class:
        cells = (share(one.precision), share(one.recall), share(one.f1), number(one.rows))
        table.add_row(Text(short(one.label)), *map(Text, cells))
    means = (share(target.macro.precision), share(target.macro.recall), share(target.macro.f1))
    table.add_row(Text("macro", style="dim"), *map(Text, means), Text(number(sum(o.rows for o in target.per_class))))
    console.print(table)
    if target.confusion_matrix:
        console.print()
        confusion(console, target)
    if target.threshold:
        console.print()
        best, label = target.threshold, short(target.per_class[1].label)
        usual = share(target.per_class[1].f1)
        what = (
            f"best threshold for {label}: {number(best.value)} gives f1 {share(best.f1)} (as it is: {usual}), precision"
        )
        what += f" {share(best.precision)}, recall {share(best.recall)}; chosen on these very rows"
        console.print(Text(what))


def confusion(console: Console, target: ClassResult) -> None:
    """The confusion matrix, coloured by the share of the true class; what is too wide for the terminal as a list."""
    table = matrix(target, plain=console.color_system in (None, "standard", "windows"))
    fits = len(target.per_class) <= MOST_CLASSES and (
        console.measure(table, options=console.options.update(max_width=10_000)).maximum <= console.width
    )
    if fits:
        console.print(Text("confusion matrix (rows: truth, columns: prediction)", style="bold"), soft_wrap=True)
        console.print(table)
        return
    wrong = target.list_confusions()
    console.print(Text("most frequent confusions (truth → prediction)", style="bold"), soft_wrap=True)
    for count, true, said in wrong[:15]:
        console.print(Text(f"{count:>6,}  {short(true)} → {short(said)}"), soft_wrap=True)
    if not wrong:
        console.print(Text("none"))


def matrix(target: ClassResult, *, plain: bool) -> Table:
    """The matrix as a table: green where prediction and truth agree, red where not, the stronger the more; plain where
    the terminal has no shades."""
    names = [short(one.label, 12) for one in target.per_class]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 1))
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(Text(name), justify="right", no_wrap=True)
    for k, (name, row) in enumerate(zip(names, target.confusion_matrix, strict=True)):
        total = sum(row) or 1
        cells = (
            Text(f"{count:,}" if count else "·", style=shade(count / total, j == k, plain=plain))
            for j, count in enumerate(row)
        )
        table.add_row(Text(name), *cells)
    return table


def shade(share_of_row: float, right: bool, *, plain: bool) -> Style:
    """The colour of a cell."""
    if not share_of_row:
        return Style(dim=True)
    if plain:
        return Style(color="green" if right else "red", bold=right)
    strength = 0.25 + 0.6 * share_of_row
    red, green, blue = (20, 150, 70) if right else (200, 60, 30)
    colour = "#{:02x}{:02x}{:02x}".format(*(round(part * strength) for part in (red, green, blue)))
    return Style(color="#ffffff", bgcolor=colour, bold=right)


def share(value: float | None) -> str:
    """A figure from 0 to 1 in four digits; `-` where there is none."""
    return "-" if value is None else f"{value:.4f}"


def short(name: object, longest: int = LONGEST) -> str:
    """A name for a table: one line, cut if it is long."""
    text = printable(str(name))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
