"""What the live view knows of a run: taken from its events, and asked for whenever there is something to draw."""

from collections import deque
from collections.abc import Callable
from math import inf
from time import perf_counter

from bptrain.console.chart import Curve
from bptrain.training.events import EpochEnd, Progress, Record, is_of_layer
from bptrain.training.health import mark_layers
from bptrain.training.session import Session

WINDOW = 10.0
"""Seconds over which the speed is measured."""

SHORT = 0.5
"""An epoch that takes less than this many seconds has no bar that could be read."""


class Watch:
    """A run while it trains.

    `rows` of the epoch in progress are done, `loss` is their mean loss or that of the latest epoch; `record` is the
    latest epoch's.

    Args:
        session: the run.
        records: of the epochs before, where it goes on.
        clock: the time in seconds.
    """

    def __init__(
        self, session: Session, records: list[Record] | None = None, clock: Callable[[], float] = perf_counter
    ) -> None:
        self.session, self.clock = session, clock
        self.began = clock()
        self.epoch, self.rows = session.epoch, session.position
        self.loss: float | None = None
        self.record: Record = {}
        self._measured: Record = {}
        self.training, self.monitored, self.first = Curve(), Curve(), Curve()
        self._seen: deque[tuple[float, int]] = deque([(self.began, session.rows_done)])
        for record in records or []:
            self._take(record)

    def progress(self, event: Progress) -> None:
        """Take a look inside an epoch."""
        self.rows, self.loss = event.rows, event.loss
        if not self.epoch:
            self.first.append(event.rows, event.loss)
        self._time()

    def epoch_end(self, event: EpochEnd) -> None:
        """Take the record of an epoch."""
        self._take(event.record)
        self._time()

    def _take(self, record: Record) -> None:
        epoch = int(record["epoch"] or 0)
        self.epoch, self.rows, self.loss, self.record = epoch, 0, record["loss"], record
        self.training.append(epoch, record["loss"])
        self.monitored.append(epoch, record.get("validation_loss"))
        if any(map(is_of_layer, record)):
            self._measured = record

    def layers(self) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
        """The latest figures of each layer by their kind, from input to output; and what is wrong with a layer, in a
        word."""
        figures = {name: value for name, value in self._measured.items() if is_of_layer(name) and value is not None}
        health: dict[str, dict[str, float]] = {}
        for name in sorted(figures, key=lambda name: place(name.partition(".")[2])):
            kind, _, layer = name.partition(".")
            health.setdefault(layer, {})[kind] = figures[name]
        return health, mark_layers(self.session, figures)

    def _time(self) -> None:
        now, done = self.clock(), self.done
        if done < self._seen[-1][1]:
            # Training went back after divergence.
            self._seen.clear()
        if not self._seen or now - self._seen[-1][0] >= WINDOW / 40:
            self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > WINDOW:
            self._seen.popleft()

    @property
    def done(self) -> int:
        """Rows done so far, as often as they were."""
        return self.epoch * len(self.session.train) + self.rows

    @property
    def total(self) -> int:
        """Rows to do, if nothing ends training early."""
        training, count = self.session.model.experiment.training, len(self.session.train)
        steps = training.max_steps or inf
        return round(min(training.epochs, steps / self.session.steps_per_epoch) * count)

    @property
    def speed(self) -> float:
        """Rows a second of late, validation included; 0 where nothing is known."""
        (then, before), (now, done) = self._seen[0], self._seen[-1]
        return (done - before) / (now - then) if now > then else 0.0

    @property
    def seconds(self) -> float:
        """Since training began or went on."""
        return self.clock() - self.began

    @property
    def left(self) -> float | None:
        """Seconds until training ends at the latest; None: not known yet."""
        if not self.speed:
            return None
        limit = self.session.model.experiment.training.max_seconds
        return min((self.total - self.done) / self.speed, max(limit - self.seconds, 0) if limit else inf)

    @property
    def epoch_seconds(self) -> float | None:
        """Seconds that an epoch takes of late; None: not known yet."""
        return len(self.session.train) / self.speed if self.speed else None


def place(layer: str) -> list[int]:
    """Where a layer stands: `[2, 0]` for `2.residual.0.dense`."""
    return [int(part) for part in layer.split(".") if part.isdecimal()]
