"""Makes the pictures that the README shows, from real runs: `python tests/pictures/make.py`, in the checkout.

The report needs matplotlib and Chromium.
"""

import contextlib
import io
import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import TerminalTheme

import bptrain
from bptrain.console.gradients import draw_errors
from bptrain.console.view import RunView
from bptrain.console.watch import Watch
from bptrain.run.train_run import Started
from bptrain.training.events import EpochEnd, Progress

PICTURES = Path(__file__).resolve().parent
REPOSITORY = PICTURES.parents[1]

sys.path.insert(0, str(REPOSITORY / "tests"))
from browser import browser  # noqa: E402, found only now

THEME = TerminalTheme(
    (24, 27, 32),
    (214, 219, 226),
    [(60, 66, 76), (232, 103, 98), (126, 190, 110), (222, 178, 86), (97, 160, 236), (196, 130, 220), (86, 192, 200),
     (214, 219, 226)],
    [(122, 130, 142), (240, 130, 124), (150, 208, 134), (236, 198, 112), (128, 182, 244), (212, 154, 232),
     (118, 210, 218), (255, 255, 255)],
)  # fmt: skip


class EnoughError(Exception):
    """The run has come to where the picture is taken."""


SHOWN = ("summary", "roc-and-precision-recall", "most-confident-mistakes", "learning-curves")
"""The sections of the report that the README shows; the others would make it longer than a reader wants."""


def report() -> None:
    """Parts of the report of `configs/digits.yaml`, in light and dark."""
    with TemporaryDirectory() as folder, browser() as page:
        run = bptrain.train(REPOSITORY / "configs" / "digits.yaml", run=Path(folder) / "digits-001").run
        path = bptrain.write_report(run)
        for dark in (False, True):
            page.open(path, width=1000, dark=dark)
            kept = ", ".join(f"#{name}" for name in SHOWN)
            page.value(f"document.querySelectorAll('section:not({kept}), footer, nav').forEach(one => one.remove())")
            page.value("document.querySelector('#learning-curves .figures').lastElementChild.remove()")
            # Where the run was is nothing to show.
            page.value("document.querySelector('#summary .facts').lastElementChild.remove()")
            page.screenshot(PICTURES / f"report{'-dark' * dark}.png")


def live(epoch: int = 26) -> None:
    """The live view of the digits, in the middle of an epoch."""
    console = recording_console(height=27)
    watches = []

    def look(event):
        if isinstance(event, Started):
            watches.append(Watch(event.session))
        elif isinstance(event, Progress):
            watches[0].add_progress(event)
        elif isinstance(event, EpochEnd):
            watches[0].add_epoch(event)
            if event.record["epoch"] == epoch:
                console.print(RunView(watches[0]))
                raise EnoughError

    with TemporaryDirectory() as folder, contextlib.suppress(EnoughError):
        os.chdir(folder)
        bptrain.train(REPOSITORY / "configs" / "digits.yaml", sinks=[look])
    os.chdir(REPOSITORY)
    write_svg(console, "live", "bptrain train configs/digits.yaml")


def sweep() -> None:
    """The error of central differences and of the complex step over the step size."""
    swept = bptrain.sweep_gradients()
    console = recording_console(height=30)
    console.print("relative error of the derivative (● central differences, × complex step)", style="bold")
    for line in draw_errors(swept, console.width):
        console.print(line, no_wrap=True)
    write_svg(console, "sweep", "bptrain gradcheck --sweep")


def recording_console(height: int) -> Console:
    """A console that remembers what is printed on it."""
    return Console(
        record=True, width=100, height=height, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )


def write_svg(console: Console, name: str, title: str) -> None:
    """Write what stands on a console as a picture that asks for nothing from elsewhere."""
    drawn = console.export_svg(title=title, theme=THEME, unique_id=name)
    drawn = re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    drawn = drawn.replace("Fira Code, monospace", "DejaVu Sans Mono, Menlo, Consolas, monospace")
    drawn = re.sub(r"\s*<!-- .*? -->", "", drawn)
    lines = [line.rstrip() for line in drawn.splitlines()]
    (PICTURES / f"{name}.svg").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    live()
    sweep()
    report()
