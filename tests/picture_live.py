"""Makes the picture of the live view in the README from a real run: `python tests/picture_live.py`, in the checkout."""

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from bptrain.console.view import Picture
from bptrain.console.watch import Watch
from bptrain.training import EpochEnd, Progress, Started, train

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDER = REPOSITORY / "docs"

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


def live(path, epoch=26):
    """The live view of the digits, in the middle of an epoch."""
    console = Console(
        record=True, width=100, height=27, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    watches = []

    def look(event):
        if isinstance(event, Started):
            watches.append(Watch(event.session))
        elif isinstance(event, Progress):
            watches[0].progress(event)
        elif isinstance(event, EpochEnd):
            watches[0].epoch_end(event)
            if event.record["epoch"] == epoch:
                console.print(Picture(watches[0]))
                raise EnoughError

    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(EnoughError):
        os.chdir(folder)
        train(REPOSITORY / "configs" / "digits.yaml", sinks=[look])
    os.chdir(REPOSITORY)
    picture = console.export_svg(title="bptrain train configs/digits.yaml", theme=THEME, unique_id="live")
    # Without what rich would fetch from elsewhere.
    picture = re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    picture = picture.replace("Fira Code, monospace", "DejaVu Sans Mono, Menlo, Consolas, monospace")
    picture = re.sub(r"\s*<!-- .*? -->", "", picture)
    path.write_text("\n".join(line.rstrip() for line in picture.splitlines()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    live(FOLDER / "live.svg")
