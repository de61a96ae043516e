"""Progress as plain lines, one an epoch, for files and pipes."""

import sys
from time import perf_counter

from bptrain.console.problems import print_problems
from bptrain.console.text import duration, number, printable
from bptrain.training import EpochEnd, Notice, Progress, Started


def notice_line(notice: Notice) -> str:
    """`warning: ...`, or `note: ...`."""
    return f"{'warning' if notice.warning else 'note'}: {printable(notice.message)}"


def print_warnings(event: Started | Notice | Progress | EpochEnd) -> None:
    """The sink that prints what is risky in the config before the first step."""
    if isinstance(event, Started):
        print_problems(event.warnings)


class PlainLines:
    """The sink that prints one line an epoch to stderr."""

    def __init__(self) -> None:
        self.began = perf_counter()
        self.epochs = 0

    def __call__(self, event: Started | Notice | Progress | EpochEnd) -> None:
        """Print what an event says."""
        if isinstance(event, Started):
            self.epochs = event.session.model.experiment.training.epochs
            self.began = perf_counter()
        elif isinstance(event, Notice):
            print(notice_line(event), file=sys.stderr, flush=True)
        elif isinstance(event, EpochEnd):
            shown = {name: value for name, value in event.summary.items() if name not in ("epoch", "step", "lr")}
            numbers = "  ".join(f"{name} {number(value)}" for name, value in shown.items())
            time = duration(perf_counter() - self.began)
            print(f"epoch {event.record['epoch']}/{self.epochs}  {numbers}  {time}", file=sys.stderr, flush=True)
