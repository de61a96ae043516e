"""Gradient checks on the terminal: verdicts and causes, planted bugs, and the chart of a sweep over step sizes."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import ceil, floor, isfinite, log10

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bptrain.commands.gradcheck import GradientReport
from bptrain.console.layout import new_table
from bptrain.console.terminal import get_console, is_interactive
from bptrain.gradcheck import Check, Sweep
from bptrain.gradcheck.planted.mutation import MutationReport, Outcome
from bptrain.quantities import format_number
from bptrain.text import printable

NARROW, WIDE = 70, 100
"""The width below which shapes and tolerances are left out, and the one from which the diagnosis of a planted bug is
shown."""

HIGHEST, LOWEST = 2, -17
"""The decades of a chart; errors outside are drawn at its edge."""

LABEL_WIDTH = 6

WIDEST_STEP = 4
"""The most columns between two step sizes."""

VERDICTS = {"right": "green", "wrong": "bold red", "undecided": "yellow"}

ASCII = str.maketrans(
    {"●": "*", "○": "o", "×": "x", "◆": "#", "·": ".", "│": "|", "└": "+", "─": "-", "┴": "+", "²": "^2"}
)
"""ASCII text for characters that an encoding may lack."""


@contextmanager
def show_progress() -> Iterator[Callable[[Check | Outcome], None] | None]:
    """Yield a function that shows on stderr how many checks are done; None if stderr is not a terminal."""
    if not is_interactive(sys.stderr):
        yield None
        return
    done = 0
    with Console(stderr=True, markup=False, highlight=False).status("checking gradients") as status:

        def watch(one: Check | Outcome) -> None:
            nonlocal done
            done += 1
            status.update(Text(printable(f"{done} checked, {one.name}")))

        yield watch


def print_checks(report: GradientReport) -> None:
    """Print a row for each check, the causes of wrong gradients, and a conclusion."""
    console, checks = get_console(), report.checks
    console.print(render_checks(checks, console.width))
    console.print()
    for note in report.notes:
        console.print(Text(printable(f"note: {note}"), style="yellow"), soft_wrap=True)
    causes: dict[str, list[str]] = {}
    for check in checks:
        if not check.passed:
            causes.setdefault(check.cause or check.diagnosis or "wrong", []).append(check.name)
    for cause, names in causes.items():
        console.print(Text(printable(cause), style="red"), soft_wrap=True)
        console.print(Text(printable(f"  affects: {', '.join(names)}"), style="dim"), soft_wrap=True)
    if skipped := sum(check.skipped for check in checks):
        entries = format_number(sum(check.entries for check in checks))
        console.print(f"{format_number(skipped)} of {entries} entries are at kinks and were skipped")
    wrong = sum(not check.passed and check.kind != "skipped" for check in checks)
    word = "exact" if all(check.method == "complex step" for check in checks) else "right, by central differences"
    if report.passed:
        console.print(f"all {len(checks)} checks are {word}" if len(checks) > 1 else f"the check is {word}")
    elif wrong:
        console.print(f"{wrong} of {len(checks)} checks found a wrong gradient")
    else:
        console.print("no gradient was found wrong, but too few entries were checked to call them right")


def render_checks(checks: Sequence[Check], width: int) -> Table:
    """Return a row for each check."""
    narrow = width < NARROW
    shapes = not narrow and any(check.shape for check in checks)
    table = new_table(["gradient", *["shape"] * shapes], ["entries", "worst error", *["allowed"] * (not narrow)], gap=2)
    table.add_column("result", no_wrap=True)
    for check in checks:
        cells = [" x ".join(map(str, check.shape))] * shapes
        cells += [format_number(check.entries), f"{check.max_error:.1e}"]
        cells += [f"{check.tolerance:.1e}"] * (not narrow)
        verdict = Text("?", style="yellow") if check.kind == "skipped" else Text("WRONG", style="bold red")
        if check.passed:
            verdict = Text("exact" if check.method == "complex step" else "right", style="green")
        table.add_row(Text(printable(check.name)), *cells, verdict)
    return table


def print_mutations(report: MutationReport) -> None:
    """Print a row for each planted bug: whether it was caught, and the diagnosis."""
    console, outcomes = get_console(), report.outcomes
    table, wide = new_table(["planted bug"], gap=2), console.width >= WIDE
    table.add_column("result", no_wrap=True)
    if wide:
        table.add_column("diagnosis", overflow="fold")
    for one in outcomes:
        verdict = Text("caught", style="green") if one.caught else Text("MISSED", style="bold red")
        table.add_row(Text(one.description), verdict, *([Text(printable(one.said))] if wide else []))
    console.print(table)
    console.print()
    caught, named = sum(one.caught for one in outcomes), sum(one.recognised for one in outcomes)
    text = f"{caught} of {len(outcomes)} planted bugs caught, {named} with the right layer and kind of mistake"
    console.print(text)


def print_sweep(sweep: Sweep) -> None:
    """Print the chart of errors, what it means, and the slope of each gradient."""
    console = get_console()
    if sweep.failure:
        print_paragraph(console, sweep.failure, "bold red")
        return
    print_paragraph(console, "relative error of the derivative (● central differences)", "bold")
    for line in draw_errors(sweep, console.width):
        if console.options.ascii_only:
            line.plain = line.plain.translate(ASCII)
        console.print(line, no_wrap=True, overflow="crop", crop=True)
    for sentence in explain_errors(sweep):
        print_paragraph(console, sentence)
    console.print()
    console.print(render_slopes(sweep, console))
    console.print()
    print_paragraph(
        console,
        "The remainder |f(w + h d) - f(w) - h g.d| falls like h² (slope 2) if g is the gradient of f, "
        "and like h (slope 1) if it is wrong.",
    )
    wrong = [one.name for one in sweep.taylor if one.verdict == "wrong"]
    undecided = sum(one.verdict == "undecided" for one in sweep.taylor)
    if wrong:
        print_paragraph(console, f"wrong: {', '.join(wrong)}", "bold red")
    elif undecided:
        print_paragraph(console, f"no gradient is wrong, {undecided} of {len(sweep.taylor)} undecided", "yellow")
    else:
        print_paragraph(console, f"all {len(sweep.taylor)} slopes show that the gradients are right", "green")


def print_paragraph(console: Console, text: str, style: str = "") -> None:
    """Print a paragraph, wrapped between words."""
    console.print(Text(to_line(text, console), style=style))


def to_line(text: str, console: Console) -> str:
    """Return text on one line, with substitutes for characters that the encoding lacks."""
    safe = printable(text.translate(ASCII) if console.options.ascii_only else text)
    return safe.encode(console.encoding, "backslashreplace").decode(console.encoding)


def draw_errors(sweep: Sweep, width: int) -> list[Text]:
    """Return the errors over the step size on logarithmic axes, the largest step on the right, in `width` columns."""
    steps = sweep.steps[::-1]
    apart = max(1, min(WIDEST_STEP, (width - LABEL_WIDTH - 2) // (len(steps) - 1)))
    central = [step.central for step in steps]
    imaginary = [step.complex for step in steps if step.complex is not None]
    heights = [get_decade(error) for error in (*central, *imaginary)]
    top, bottom = ceil(max(heights)), floor(min(heights))
    canvas = [[(" ", "")] * ((len(steps) - 1) * apart + 1) for _ in range(top - bottom + 1)]

    def plot(errors: Sequence[float], mark: Callable[[int], str], style: str) -> None:
        # Lines first, so that they hide no mark.
        for column in range((len(errors) - 1) * apart):
            k, part = divmod(column, apart)
            there = (1 - part / apart) * get_decade(errors[k]) + part / apart * get_decade(errors[k + 1])
            canvas[top - round(there)][column] = ("·", style)
        for k, error in enumerate(errors):
            canvas[top - round(get_decade(error))][k * apart] = (mark(k), style)

    best = sweep.best
    if imaginary:
        plot(imaginary, lambda k: "×", "green")
    plot(central, lambda k: "○" if steps[k].crossed else "●", "cyan")
    if best:
        place = steps.index(best)
        canvas[top - round(get_decade(best.central))][place * apart] = ("◆", "bold yellow")

    lines = []
    for decade, row in zip(range(top, bottom - 1, -1), canvas, strict=True):
        label = f"1e{decade:+03d}" if decade % 2 == 0 else ""
        line = Text(f"{label:>{LABEL_WIDTH - 1}} │", style="dim")
        for character, style in row:
            line.append(character, style=f"not dim {style}".strip())
        line.rstrip()
        lines.append(line)
    return [*lines, *draw_axis([step.h for step in steps], apart)]


def get_decade(error: float) -> float:
    """Return the decade in which an error is drawn."""
    if not isfinite(error):
        return HIGHEST
    return min(max(log10(error), LOWEST), HIGHEST) if error > 0 else LOWEST


def draw_axis(sizes: Sequence[float], apart: int) -> list[Text]:
    """Return the axis of the step sizes with its labels and its name."""
    length = (len(sizes) - 1) * apart + 1
    ruler, labels = ["─"] * length, [" "] * (length + LABEL_WIDTH + 1)
    every = 2 * ceil((LABEL_WIDTH + 1) / (2 * apart))
    for k in range(len(sizes) - 1, -1, -every):
        ruler[k * apart] = "┴"
        label = f"{sizes[k]:.0e}"
        start = k * apart + LABEL_WIDTH + 1 - len(label) + 1
        labels[start : start + len(label)] = label
    name = "step size h"
    return [
        Text(" " * LABEL_WIDTH + "└" + "".join(ruler), style="dim"),
        Text("".join(labels).rstrip(), style="dim"),
        Text(" " * (LABEL_WIDTH + 1 + max(0, (length - len(name)) // 2)) + name),
    ]


def explain_errors(sweep: Sweep) -> list[str]:
    """Return what the chart shows, in sentences."""
    sentences = []
    if best := sweep.best:
        sentences.append(f"◆ central differences are best at h = {best.h:.0e}: error {best.central:.0e}.")
    imaginary = [step.complex for step in sweep.steps if step.complex is not None]
    if imaginary:
        sentences.append(f"× complex step: error {imaginary[-1]:.0e} at h = 1e-15, and it stays there for smaller h.")
    if sweep.backward_error is not None:
        sentences.append(f"Backward pass against complex step: error {sweep.backward_error:.0e}.")
    if sweep.reference == "backward pass":
        sentences.append("The forward pass is not complex-safe: errors are measured against the backward pass.")
    if any(step.crossed for step in sweep.steps):
        sentences.append("○ is a step across a kink, where differences are wrong.")
    sentences.append(
        "Why a V: on the right the formula leaves out terms of size h²; on the left two nearly equal numbers "
        "are subtracted, and their rounding error is divided by h."
    )
    return sentences


def render_slopes(sweep: Sweep, console: Console) -> Table:
    """Return a row for each gradient: slope and verdict."""
    table = new_table(["gradient"], ["slope"], gap=2)
    table.add_column("verdict", overflow="fold")
    for one in sweep.taylor:
        slope = "-" if one.slope is None else f"{one.slope:.2f}"
        verdict = Text(one.verdict, style=VERDICTS[one.verdict])
        if one.remark:
            verdict.append(f" ({to_line(one.remark, console)})", style="not bold")
        table.add_row(Text(to_line(one.name, console)), slope, verdict)
    return table
