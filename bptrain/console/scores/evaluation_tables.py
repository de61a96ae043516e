"""Evaluations and predictions on the terminal: metrics, classes, confusion matrix, residuals, and predicted rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isclose
from typing import Any

import numpy as np
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from bptrain.arrays import Array
from bptrain.console.layout import measure_width, new_list, new_table
from bptrain.console.terminal import get_console
from bptrain.evaluation.evaluation import CONFIDENCE, Evaluation
from bptrain.evaluation.file_prediction import Prediction
from bptrain.evaluation.target_results import MOST_CLASSES, ClassResult, NumberResult
from bptrain.quantities import format_figure, format_number
from bptrain.text import printable, shorten

WIDE = 60
"""The least width of a terminal for two spaces between columns."""

MOST_TARGETS = 24
"""If there are more targets, such as the pixels of an autoencoder, no residuals are printed."""

LONGEST_NAME = 24
LONGEST_CELL = 40
"""The most characters of names in tables, and of predicted cells."""

MOST_CONFUSIONS = 15

FIRST_ROWS = 20
"""The most predicted rows that are printed."""


def print_evaluation(evaluation: Evaluation) -> None:
    """Print metrics, and the figures of each target."""
    console = get_console()
    console.print(Text(printable(evaluation.split), style="bold"), soft_wrap=True)
    for line in list_metrics(evaluation, console.width):
        console.print(line, soft_wrap=True)
    print_baselines(console, evaluation)
    numbers = [target for target in evaluation.targets if isinstance(target, NumberResult)]
    if len(numbers) > MOST_TARGETS:
        console.print(Text(f"\n--json has the residuals of all {len(numbers):,} targets"), soft_wrap=True)
    elif numbers:
        console.print()
        print_residuals(console, numbers)
    for target in evaluation.targets:
        if isinstance(target, ClassResult):
            console.print()
            if len(evaluation.targets) > 1:
                console.print(Text(printable(target.target), style="bold"), soft_wrap=True)
            print_classes(console, target)


def list_metrics(evaluation: Evaluation, width: int) -> Iterator[Text]:
    """Yield loss and metrics, each with its interval beside it, or below it if there is no room."""
    pairs = [("rows", format_number(evaluation.rows)), ("loss", format_number(evaluation.loss))]
    # Single numbers without intervals stand beside those of the baselines.
    together = bool(evaluation.baselines) and evaluation.intervals is None
    pairs.extend(
        (printable(name), format_figure(value))
        for name, value in evaluation.metrics.items()
        if isinstance(value, list) or not together
    )
    first, second = max(len(name) for name, _ in pairs), max(len(value) for _, value in pairs if len(value) <= 12)
    intervals = {printable(name): one for name, one in (evaluation.intervals or {}).items()}
    for name, value in pairs:
        line = Text(f"{name:<{first}}  ", style="dim").append(printable(value), style="not dim")
        if interval := intervals.get(name):
            text = f"{CONFIDENCE:.0%} interval {interval.low:.4g} to {interval.high:.4g}"
            text += f" (undefined in {format_number(interval.undefined)} samples)" if interval.undefined else ""
            gap = " " * (second - len(value) + 2)
            if len(line) + len(gap) + len(text) > width:
                yield line
                line, gap = Text(style="dim"), "  "
            line.append(gap + text, style="not dim cyan")
        yield line


def print_baselines(console: Console, evaluation: Evaluation) -> None:
    """Print the metrics beside those of guessing and of a linear model."""
    if not evaluation.baselines:
        return
    names = ["guessing" if one.name == "guess" else one.method for one in evaluation.baselines]
    table = new_table(["on the same rows"], ["network", *names], gap=2)
    for name, value in evaluation.metrics.items():
        others = [one.metrics.get(name) for one in evaluation.baselines]
        if not isinstance(value, list):
            cells = (format_number(one) for one in (value, *others) if not isinstance(one, list))
            table.add_row(Text(shorten(name, LONGEST_NAME), style="dim"), *map(Text, cells))
    console.print()
    console.print(table)
    text = f"guessing predicts {evaluation.baselines[0].method}"
    log_loss = evaluation.metrics.get("log_loss")
    if isinstance(log_loss, float):
        is_same = isclose(log_loss, evaluation.loss, rel_tol=1e-4)
        text += f"; loss is {'the same as log_loss here' if is_same else 'what training minimizes, unlike log_loss'}"
    console.print(Text(text, style="dim"))


def print_residuals(console: Console, targets: Sequence[NumberResult]) -> None:
    """Print the distribution of the residuals of each target, as many targets side by side as fit."""
    console.print(Text("residuals (truth - prediction), in the units of the data", style="bold"))
    names = ("mean", "std", "min", "q1", "median", "q3", "max", "max_abs", "rmse", "mae")
    together = max((console.width - 10) // (LONGEST_NAME // 2), 1)
    for start in range(0, len(targets), together):
        some = targets[start : start + together]
        table = new_table([""], gap=2)
        table.columns[0].style = "dim"
        for target in some:
            table.add_column(Text(shorten(target.target, LONGEST_NAME)), justify="right", overflow="fold")
        for name in names:
            table.add_row(Text(name), *(Text(format_number(getattr(target, name))) for target in some))
        console.print(table)


def print_classes(console: Console, target: ClassResult) -> None:
    """Print the scores of each class, the confusion matrix, and the best threshold."""
    table = new_table(["class"], ["precision", "recall", "f1", "rows"], gap=2 if console.width >= WIDE else 1)
    for one in target.per_class:
        scores = map(format_share, (one.precision, one.recall, one.f1))
        table.add_row(Text(shorten(one.label, LONGEST_NAME)), *map(Text, scores), Text(format_number(one.rows)))
    macro, rows = target.macro, sum(one.rows for one in target.per_class)
    means = map(format_share, (macro.precision, macro.recall, macro.f1))
    table.add_row(Text("macro", style="dim"), *map(Text, means), Text(format_number(rows)))
    console.print(table)
    if any(one.precision is None and one.rows for one in target.per_class):
        console.print(Text("a class that is never predicted counts as precision 0 in macro", style="dim"))
    if target.confusion_matrix:
        console.print()
        print_confusion(console, target)
    if best := target.threshold:
        console.print()
        label = shorten(target.per_class[1].label, LONGEST_NAME)
        text = f"best threshold for {label}: {format_number(best.value)} gives f1 {format_share(best.f1)}, precision "
        text += f"{format_share(best.precision)}, recall {format_share(best.recall)}; the default threshold gives f1 "
        text += f"{format_share(target.per_class[1].f1)}; the threshold was chosen on these same rows"
        console.print(Text(text))


def print_confusion(console: Console, target: ClassResult) -> None:
    """Print the confusion matrix, coloured by the share of the true class, or a list if it does not fit."""
    if len(target.per_class) <= MOST_CLASSES:
        table = render_matrix(target, shaded=console.color_system not in (None, "standard", "windows"))
        if measure_width(table, console) <= console.width:
            console.print(Text("confusion matrix (rows: truth, columns: prediction)", style="bold"), soft_wrap=True)
            console.print(table)
            return
    confusions = target.list_confusions()
    console.print(Text("most frequent confusions (truth → prediction)", style="bold"), soft_wrap=True)
    for count, true, guess in confusions[:MOST_CONFUSIONS]:
        names = f"{shorten(true, LONGEST_NAME)} → {shorten(guess, LONGEST_NAME)}"
        console.print(Text(f"{count:>6,}  {names}"), soft_wrap=True)
    if not confusions:
        console.print(Text("none"))


def render_matrix(target: ClassResult, *, shaded: bool) -> Table:
    """Return the matrix: right predictions green, wrong ones red, in shades where the terminal has them."""
    names = [shorten(one.label, 12) for one in target.per_class]
    table = new_table([""], names, gap=2)
    table.columns[0].no_wrap = True
    for k, (name, row) in enumerate(zip(names, target.confusion_matrix, strict=True)):
        total = sum(row) or 1
        cells = (
            Text(f"{count:,}" if count else "·", style=get_cell_style(count / total, j == k, shaded=shaded))
            for j, count in enumerate(row)
        )
        table.add_row(Text(name), *cells)
    return table


def get_cell_style(share: float, right: bool, *, shaded: bool) -> Style:
    """Return the style of a cell that holds this share of the rows of a true class."""
    if not share:
        return Style(dim=True)
    if not shaded:
        return Style(color="green" if right else "red", bold=right)
    strength = 0.25 + 0.6 * share
    colour = "#{:02x}{:02x}{:02x}".format(*(round(c * strength) for c in ((20, 150, 70) if right else (200, 60, 30))))
    return Style(color="#ffffff", bgcolor=colour, bold=right)


def format_share(value: float | None) -> str:
    """Format a number from 0 to 1 with four decimals, None as `-`."""
    return "-" if value is None else f"{value:.4f}"


def print_predictions(found: Prediction) -> None:
    """Print where predictions were written; or else the first rows: as a table with all probabilities, as one with only
    the largest, or as a list, whichever fits first."""
    console = get_console()
    if found.output is not None:
        console.print(Text(f"{printable(str(found.output))}: {found.rows:,} rows written"), soft_wrap=True)
        return
    for columns in (found.table, keep_largest_probability(found.table)):
        rows = [[format_cell(value) for value in row] for row in zip(*columns.values(), strict=True)]
        table = render_predictions(columns, rows)
        if measure_width(table, console) <= console.width:
            break
    else:
        table = new_list([format_cell(name) for name in columns], rows)
    console.print(table)
    printed = len(next(iter(found.table.values())))
    if printed < found.rows:
        more = f"{found.rows - printed:,} more rows; write them all with -o OUT.csv"
        console.print(Text(more, style="dim"), soft_wrap=True)


def keep_largest_probability(columns: Mapping[str, Array]) -> dict[str, Array]:
    """Return the columns with the largest probability of each target in place of those of all classes."""
    out = dict(columns)
    for name in columns:
        target = name.removeprefix("predicted_")
        each = [other for other in columns if target != name and other.startswith(f"{target}=")]
        if len(each) > 1:
            rows = zip(*(out.pop(other) for other in each), strict=True)
            largest: Array = np.array([None if None in row else max(row) for row in rows], object)
            out["probability" if "probability" not in out else f"probability of {target}"] = largest
    return out


def render_predictions(columns: Mapping[str, Array], rows: Iterable[Sequence[str]]) -> Table:
    """Return predicted rows as a table."""
    table = new_table()
    for name, values in columns.items():
        numeric = any(isinstance(value, float | np.number) for value in values)
        table.add_column(Text(format_cell(name)), justify="right" if numeric else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def format_cell(value: Any) -> str:
    """Format a value, cut if it is long."""
    if value is None:
        return ""
    if isinstance(value, str):
        return shorten(value, LONGEST_CELL)
    return format_number(value.item() if isinstance(value, np.generic) else value)
