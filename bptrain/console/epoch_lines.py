"""Progress as lines, one an epoch, for files and pipes: plain, or JSON."""

import json
import sys
from time import perf_counter
from typing import Any

from bptrain.console.problems import print_problems
from bptrain.console.terminal import duration, number, printable
from bptrain.run.train_run import Started
from bptrain.training.events import EpochEnd, Notice, Progress

Event = Started | Notice | Progress | EpochEnd


def notice_line(notice: Notice) -> str:
    """`warning: ...`, or `note: ...`."""
    return f"{'warning' if notice.warning else 'note'}: {printable(notice.message)}"


def print_warnings(event: Event) -> None:
    """The sink that prints what is risky in the config before the first step."""
    if isinstance(event, Started):
        print_problems(event.warnings)


class PlainLines:
    """The sink that prints one line an epoch to stderr."""

    def __init__(self) -> None:
        self.began = perf_counter()
        self.epochs = 0

    def __call__(self, event: Event) -> None:
        """Print what an event says."""
        if isinstance(event, Started):
            self.epochs = event.session.model.experiment.training.epochs
            self.began = perf_counter()
        elif isinstance(event, Notice):
            print(notice_line(event), file=sys.stderr, flush=True)
        elif isinstance(event, EpochEnd):
            shown = {name: value for name, value in event.summary.items() if name not in ("epoch", "step", "lr")}
            numbers = "  ".join(f"{printable(name)} {number(value)}" for name, value in shown.items())
            time = duration(perf_counter() - self.began)
            print(f"epoch {event.record['epoch']}/{self.epochs}  {numbers}  {time}", file=sys.stderr, flush=True)


class JsonLines:
    """The sink that prints one JSON object an epoch to stderr: its record in the history, the seconds so far, and
    whether its weights are the best. What else there is to say is an object with the key `warning` or `note`."""

    def __init__(self) -> None:
        self.began = perf_counter()

    def __call__(self, event: Event) -> None:
        """Print what an event says."""
        if isinstance(event, Started):
            self.began = perf_counter()
            for problem in event.warnings:
                self._say({"warning": problem.message, **problem.to_json()})
        elif isinstance(event, Notice):
            self._say({"warning" if event.warning else "note": event.message})
        elif isinstance(event, EpochEnd):
            self._say(event.record | {"seconds": round(perf_counter() - self.began, 3), "best": event.best})

    def _say(self, document: dict[str, Any]) -> None:
        print(json.dumps(document, allow_nan=False), file=sys.stderr, flush=True)
