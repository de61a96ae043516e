"""Progress as a live view on a terminal. A thread draws it, so that training never waits for the terminal."""

import threading
from contextlib import suppress
from time import perf_counter, process_time, thread_time
from types import TracebackType
from typing import Any, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from bptrain.console.epoch_lines import notice_line
from bptrain.console.view import Picture
from bptrain.console.watch import Watch
from bptrain.errors import StorageError
from bptrain.run.directory import RunDirectory
from bptrain.run.history import read_history
from bptrain.run.train_run import Started
from bptrain.training.events import EpochEnd, Notice, Progress

REFRESHES = 8.0
"""Drawings a second at most."""

SHARE = 0.005
"""Of the processor time, that drawing may take; but once a second it is done in any case."""

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""A terminal that knows these shows what is between them at once; others take no notice."""

ERASE_LINE, ERASE_REST, ERASE_BELOW, ERASE_ALL = "\x1b[2K", "\x1b[K", "\x1b[J", "\x1b[H\x1b[2J"


class Canvas:
    """A stream for a live view that neither flickers nor leaves traces.

    Rich erases the old picture before it writes the new one, which can be seen. Here the new one is written over the
    old, and erased is only what sticks out. After a change of size nobody knows where the old one stands, since some
    terminals wrap it anew; then the screen is cleared once.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._frames_of: int | None = None
        self.resized = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def begin_frame(self) -> None:
        """What this thread writes next is a picture."""
        self._frames_of = threading.get_ident()

    def end_frame(self) -> None:
        """And from here on something else."""
        self._frames_of = None

    def write(self, text: str) -> int:
        """Write."""
        if text and self._frames_of == threading.get_ident():
            text = text.replace(ERASE_LINE, "").replace("\n", f"{ERASE_REST}\n") + ERASE_BELOW
            text = f"{BEGIN}{ERASE_ALL if self.resized else ''}{text}{END}"
            self.resized = False
        return self._stream.write(text)


class Drawing(Live):
    """Rich's live display, on a canvas."""

    def __init__(self, canvas: Canvas, console: Console, picture: "LiveView") -> None:
        self.canvas, self.size = canvas, console.size
        self.cost, self.drawn, self.processor = 0.0, 0.0, 0.0
        super().__init__(
            console=console, refresh_per_second=REFRESHES, transient=True, get_renderable=lambda: Picture(picture.watch)
        )

    def refresh(self) -> None:
        """Draw, if it is time, or for the last time."""
        affordable = process_time() - self.processor >= self.cost / SHARE
        if affordable or perf_counter() - self.drawn >= 1.0 or not self.is_started:
            self.draw()

    def draw(self) -> None:
        """Draw."""
        began = thread_time()
        if self.console.size != self.size:
            self.size, self.canvas.resized = self.console.size, True
        self.canvas.begin_frame()
        try:
            # A terminal that is gone ends no training.
            with suppress(OSError):
                super().refresh()
        finally:
            self.canvas.end_frame()
        self.cost, self.drawn, self.processor = thread_time() - began, perf_counter(), process_time()


class LiveView:
    """The sink that draws on a terminal; a context manager, which leaves the cursor where it belongs.

    Args:
        stream: the terminal.
        console: to draw with; None: one on the stream.
    """

    def __init__(self, stream: TextIO, console: Console | None = None) -> None:
        canvas = Canvas(stream)
        self.console = console or Console(file=canvas, highlight=False, markup=False, emoji=False)  # type: ignore[arg-type]
        self.watch: Watch | None = None
        self.drawing = Drawing(canvas, self.console, self)

    def __enter__(self) -> "LiveView":
        self.drawing.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drawing.__exit__(kind, error, trace)

    def __call__(self, event: Started | Notice | Progress | EpochEnd) -> None:
        """Take note of an event; it is drawn when it is time."""
        if isinstance(event, Started):
            before = []
            with suppress(StorageError):
                before = read_history(RunDirectory(event.run).history)
            self.watch = Watch(event.session, before)
        elif isinstance(event, Notice):
            self.console.print(Text(notice_line(event), style="yellow" * event.warning), soft_wrap=True)
        elif self.watch and isinstance(event, Progress):
            self.watch.progress(event)
        elif self.watch and isinstance(event, EpochEnd):
            self.watch.epoch_end(event)
