"""Progress as a live view on a terminal: what is trained, a bar, and the numbers of the latest epoch."""

from time import perf_counter
from types import TracebackType

from rich.columns import Columns
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bptrain.console.plain import notice_line
from bptrain.console.text import duration, number, printable
from bptrain.registry import name_of
from bptrain.training import EpochEnd, Notice, Progress, Session, Started

REFRESH = 0.1
"""Seconds between two drawings at least."""


class LiveView:
    """The sink that draws on a terminal; a context manager, which leaves the cursor where it belongs."""

    def __init__(self, console: Console) -> None:
        self.live = Live(console=console, auto_refresh=False, transient=True)
        self.session: Session | None = None
        self.record: dict[str, float | int | None] = {}
        self.rows = self.before = 0
        self.began = self.drawn = perf_counter()

    def __enter__(self) -> "LiveView":
        self.live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.__exit__(kind, error, trace)

    def __call__(self, event: Started | Notice | Progress | EpochEnd) -> None:
        """Take note of an event, and draw if it is time."""
        if isinstance(event, Started):
            self.session, self.began = event.session, perf_counter()
            self.rows, self.before = event.session.position, event.session.rows_done
            self.record = {"epoch": event.session.epoch}
        elif isinstance(event, Notice):
            self.live.console.print(Text(notice_line(event), style="yellow" * event.warning), soft_wrap=True)
        elif isinstance(event, Progress):
            self.rows = event.rows
        else:
            self.record, self.rows = event.summary, 0
        if self.session and perf_counter() - self.drawn >= REFRESH:
            self.live.update(self.view(self.session), refresh=True)
            self.drawn = perf_counter()

    def view(self, session: Session) -> Group:
        """The whole picture."""
        epochs, count = session.model.experiment.training.epochs, len(session.train)
        done = int(self.record.get("epoch") or 0) * count + self.rows
        spent = perf_counter() - self.began
        fresh = done - self.before
        left = duration(spent / fresh * (epochs * count - done)) if fresh else "?"
        bar = Table.grid(padding=(0, 1), expand=True)
        bar.add_column()
        bar.add_column(ratio=1)
        bar.add_column(justify="right")
        place = f"epoch {min(done // count + 1, epochs)}/{epochs}"
        bar.add_row(place, ProgressBar(epochs * count, done), f"{left} left")
        numbers = [
            Text(f"{name} ", style="dim").append(number(value), style="bold not dim")
            for name, value in (self.record | {"samples/s": round(fresh / spent)}).items()
            if name not in ("epoch", "step")
        ]
        return Group(heading(session), bar, Columns(numbers, padding=(0, 2)))


def heading(session: Session) -> Text:
    """What is trained, on what, and how."""
    experiment = session.model.experiment
    parts = ", ".join(f"{len(rows):,} {name}" for name, rows in session.parts.items())
    text = Text(printable(experiment.name), style="bold cyan", no_wrap=True, overflow="ellipsis")
    text.append(f"  {parts} rows", style="default not bold")
    text.append(f"\n{architecture(session)}", style="default not bold")
    text.append(
        f"\n{name_of(session.model.objective.loss)} by {name_of(experiment.optimizer)}", style="default not bold"
    )
    return text


def architecture(session: Session) -> str:
    """The network in a line: `64 → dense 64 → relu → dense 10, 4,810 parameters`."""
    network = session.model.network
    steps = [str(network.input_shape[0])]
    for layer, plan in zip(network.chain.layers, network.chain.plans, strict=True):
        steps.append(f"{name_of(layer)} {plan.shape[0]}" if plan.parameters else name_of(layer))
    return f"{' → '.join(steps)}, {network.theta.size:,} parameters"
