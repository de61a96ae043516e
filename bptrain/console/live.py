"""The live view of training. A thread draws it, so that training never waits for the terminal."""

import threading
from contextlib import suppress
from time import perf_counter, process_time, thread_time
from types import TracebackType
from typing import Any, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from bptrain.console.training_lines import format_notice
from bptrain.console.view import RunView
from bptrain.console.watch import Watch
from bptrain.errors import StorageError
from bptrain.run.directory import RunDirectory
from bptrain.run.history import read_history
from bptrain.run.train_run import Started
from bptrain.training.events import EpochEnd, Notice, Progress

REFRESHES = 8.0
"""The most drawings per second."""

MOST_SHARE = 0.005
"""The largest share of the processor time that drawing takes, though it draws once a second in any case."""

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""A terminal that knows these codes shows the text between them at once; others ignore them."""

ERASE_LINE, ERASE_REST, ERASE_BELOW, ERASE_ALL = "\x1b[2K", "\x1b[K", "\x1b[J", "\x1b[H\x1b[2J"


class Canvas:
    """A stream for a live view that does not flicker.

    Rich erases the old frame before it writes the new one, which is visible. Here the new one is written over the old,
    and only the rest of each line is erased. After a change of size the place of the old frame is unknown, since some
    terminals wrap it again, so the screen is cleared once.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._frame_thread: int | None = None
        self.resized = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def begin_frame(self) -> None:
        """Treat what this thread writes from now on as a frame."""
        self._frame_thread = threading.get_ident()

    def end_frame(self) -> None:
        """Treat what this thread writes as ordinary text again."""
        self._frame_thread = None

    def write(self, text: str) -> int:
        """Write text, a frame over the one before."""
        if text and self._frame_thread == threading.get_ident():
            text = text.replace(ERASE_LINE, "").replace("\n", f"{ERASE_REST}\n") + ERASE_BELOW
            text = f"{BEGIN}{ERASE_ALL if self.resized else ''}{text}{END}"
            self.resized = False
        return self._stream.write(text)


class Drawing(Live):
    """Rich's live display on a canvas."""

    def __init__(self, canvas: Canvas, console: Console, live: "LiveView") -> None:
        self.canvas, self.size = canvas, console.size
        self.cost, self.drawn, self.processor = 0.0, 0.0, 0.0
        super().__init__(
            console=console, refresh_per_second=REFRESHES, transient=True, get_renderable=lambda: RunView(live.watch)
        )

    def refresh(self) -> None:
        """Draw if drawing costs little enough or a second has passed, and at the end."""
        affordable = process_time() - self.processor >= self.cost / MOST_SHARE
        if affordable or perf_counter() - self.drawn >= 1.0 or not self.is_started:
            self.draw()

    def draw(self) -> None:
        """Draw a frame."""
        began = thread_time()
        if self.console.size != self.size:
            self.size, self.canvas.resized = self.console.size, True
        self.canvas.begin_frame()
        try:
            # Training goes on if the terminal is gone.
            with suppress(OSError):
                super().refresh()
        finally:
            self.canvas.end_frame()
        self.cost, self.drawn, self.processor = thread_time() - began, perf_counter(), process_time()


class LiveView:
    """The sink that draws on a terminal; a context manager that restores the cursor at the end.

    Args:
        stream: the terminal.
        console: the console to draw with; by default a new one on the stream.
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
        """Record an event; it is drawn when it is time."""
        if isinstance(event, Started):
            before = []
            with suppress(StorageError):
                before = read_history(RunDirectory(event.run).history)
            self.watch = Watch(event.session, before)
        elif isinstance(event, Notice):
            self.console.print(Text(format_notice(event), style="yellow" * event.warning))
        elif self.watch and isinstance(event, Progress):
            self.watch.add_progress(event)
        elif self.watch and isinstance(event, EpochEnd):
            self.watch.add_epoch(event)
