"""A sweep on stdout: the picture of the errors over the step size, and the slopes of the Taylor remainders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bptrain.console.terminal import output, printable
from bptrain.gradcheck import Sweep

HIGHEST, LOWEST = 2, -17
"""The decades that a picture shows at most; what lies outside is drawn at its edge."""
LABEL = 6
WIDEST = 4
"""Columns between two step sizes at most."""

VERDICTS = {"right": "green", "wrong": "bold red", "undecided": "yellow"}


@dataclass(frozen=True)
class Glyphs:
    """The characters of a picture: marks of errors, the line between them, and the axes; and the square of h."""

    central: str
    crossed: str
    complex: str
    best: str
    between: str
    side: str
    corner: str
    bottom: str
    tick: str
    square: str


BLOCKS = Glyphs("●", "○", "×", "◆", "·", "│", "└", "─", "┴", "h²")
ASCII = Glyphs("*", "o", "x", "#", ".", "|", "+", "-", "+", "h^2")


def sweep_result(sweep: Sweep) -> None:
    """The V of central differences with what it means, then a line for each gradient."""
    console = output()
    glyphs = ASCII if console.options.ascii_only else BLOCKS
    if sweep.failure:
        say(console, sweep.failure, "bold red")
        return
    say(console, f"relative error of the derivative ({glyphs.central} central differences)", "bold")
    for line in picture(sweep, console.width, glyphs):
        console.print(line, no_wrap=True, overflow="crop", crop=True)
    for sentence in explanation(sweep, glyphs):
        say(console, sentence)
    console.print(taylor_table(sweep, console, glyphs))
    say(
        console,
        f"The remainder |f(w + h d) - f(w) - h g.d| falls like {glyphs.square} (slope 2) if g is the gradient of f, "
        "and like h (slope 1) if it is wrong.",
    )
    wrong = [one.name for one in sweep.taylor if one.verdict == "wrong"]
    undecided = sum(one.verdict == "undecided" for one in sweep.taylor)
    if wrong:
        say(console, f"wrong: {', '.join(wrong)}", "bold red")
    elif undecided:
        say(console, f"no gradient is wrong, {undecided} of {len(sweep.taylor)} undecided", "yellow")
    else:
        say(console, f"all {len(sweep.taylor)} slopes say that the gradients are right", "green")


def say(console: Console, text: str, style: str = "") -> None:
    """Print a paragraph, wrapped between words; what the encoding cannot take is escaped."""
    console.print(Text(encodable(text, console), style=style))


def encodable(text: str, console: Console) -> str:
    """The text in one line, with escapes for what must not or cannot be printed."""
    return printable(text).encode(console.encoding, "backslashreplace").decode(console.encoding)


def picture(sweep: Sweep, width: int, glyphs: Glyphs) -> list[Text]:
    """The errors over the step size in log-log, the largest step on the right; lines of at most `width` columns."""
    steps = sweep.steps[::-1]
    apart = max(1, min(WIDEST, (width - LABEL - 2) // (len(steps) - 1)))
    central = [step.central for step in steps]
    imaginary = [step.complex for step in steps if step.complex is not None]
    heights = [height(error) for error in (*central, *imaginary)]
    top, bottom = ceil(max(heights)), floor(min(heights))
    canvas = [[(" ", "")] * ((len(steps) - 1) * apart + 1) for _ in range(top - bottom + 1)]

    def plot(errors: Sequence[float], mark: Callable[[int], str], style: str) -> None:
        # Lines first, so that no mark is hidden by them.
        for column in range((len(errors) - 1) * apart):
            k, part = divmod(column, apart)
            there = (1 - part / apart) * height(errors[k]) + part / apart * height(errors[k + 1])
            canvas[top - round(there)][column] = (glyphs.between, style)
        for k, error in enumerate(errors):
            canvas[top - round(height(error))][k * apart] = (mark(k), style)

    best = sweep.best
    if imaginary:
        plot(imaginary, lambda k: glyphs.complex, "green")
    plot(central, lambda k: glyphs.crossed if steps[k].crossed else glyphs.central, "cyan")
    if best:
        place = steps.index(best)
        canvas[top - round(height(best.central))][place * apart] = (glyphs.best, "bold yellow")

    lines = []
    for decade, row in zip(range(top, bottom - 1, -1), canvas, strict=True):
        label = f"1e{decade:+03d}" if decade % 2 == 0 else ""
        line = Text(f"{label:>{LABEL - 1}} {glyphs.side}", style="dim")
        for character, style in row:
            line.append(character, style=f"not dim {style}".strip())
        line.rstrip()
        lines.append(line)
    return [*lines, *axis([step.h for step in steps], apart, glyphs)]


def height(error: float) -> float:
    """Where an error is drawn, in decades."""
    if not isfinite(error):
        return HIGHEST
    return min(max(log10(error), LOWEST), HIGHEST) if error > 0 else LOWEST


def axis(sizes: Sequence[float], apart: int, glyphs: Glyphs) -> list[Text]:
    """The axis of the step sizes, with labels that do not touch, and its name."""
    length = (len(sizes) - 1) * apart + 1
    ruler, labels = [glyphs.bottom] * length, [" "] * (length + LABEL + 1)
    every = 2 * ceil((LABEL + 1) / (2 * apart))
    for k in range(len(sizes) - 1, -1, -every):
        ruler[k * apart] = glyphs.tick
        label = f"{sizes[k]:.0e}"
        start = k * apart + LABEL + 1 - len(label) + 1
        labels[start : start + len(label)] = label
    name = "step size h"
    return [
        Text(" " * LABEL + glyphs.corner + "".join(ruler), style="dim"),
        Text("".join(labels).rstrip(), style="dim"),
        Text(" " * (LABEL + 1 + max(0, (length - len(name)) // 2)) + name),
    ]


def explanation(sweep: Sweep, glyphs: Glyphs) -> list[str]:
    """What the picture says, a sentence each."""
    sentences = []
    if best := sweep.best:
        sentences.append(f"{glyphs.best} central differences are best at h = {best.h:.0e}: error {best.central:.0e}.")
    imaginary = [step.complex for step in sweep.steps if step.complex is not None]
    if imaginary:
        sentences.append(
            f"{glyphs.complex} complex step: error {imaginary[-1]:.0e} at h = 1e-15, and no smaller h spoils it."
        )
    if sweep.backward_error is not None:
        sentences.append(f"Backward pass against complex step: error {sweep.backward_error:.0e}.")
    if sweep.reference == "backward pass":
        sentences.append("The forward pass is not complex-safe: errors are those against the backward pass.")
    if any(step.crossed for step in sweep.steps):
        sentences.append(f"{glyphs.crossed} is a step across a kink, where no difference can be right.")
    square = glyphs.square
    sentences.append(
        f"Why a V: on the right the formula cuts off terms of size {square}; on the left two nearly equal numbers are "
        "subtracted, and their rounding error is divided by h."
    )
    return sentences


def taylor_table(sweep: Sweep, console: Console, glyphs: Glyphs) -> Table:
    """A line for each gradient: slope and verdict."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("gradient", overflow="fold")
    table.add_column("slope", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for one in sweep.taylor:
        slope = "-" if one.slope is None else f"{one.slope:.2f}"
        verdict = Text(one.verdict, style=VERDICTS[one.verdict])
        if one.remark:
            verdict.append(f" ({encodable(one.remark, console)})", style="not bold")
        table.add_row(Text(encodable(one.name, console)), slope, verdict)
    return table
