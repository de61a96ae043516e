"""The state of the live view: it is updated by the events of a run, and read whenever a frame is drawn."""

from collections import deque
from collections.abc import Callable
from math import inf
from time import perf_counter

from bptrain.console.chart import Curve
from bptrain.training.events import EpochEnd, Progress, Record, is_of_layer
from bptrain.training.health import mark_layers
from bptrain.training.session import Session

WINDOW = 10.0
"""Seconds over which speed is measured."""

SHORT = 0.5
"""Seconds below which the bar of an epoch moves too fast to be read."""


class Watch:
    """A run in progress.

    `rows` of the current epoch are done, `loss` is their mean loss or that of the latest epoch; `record` is the record
    of the latest epoch. `training` and `monitored` are the curves of the losses over epochs, `first_epoch` that of the
    loss within the first one.

    Args:
        session: the run.
        records: those of earlier epochs, if the run is resumed.
        clock: returns the time in seconds.
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
        self.training, self.monitored, self.first_epoch = Curve(), Curve(), Curve()
        self._seen: deque[tuple[float, int]] = deque([(self.began, session.rows_done)])
        for record in records or []:
            self._add_record(record)

    def add_progress(self, event: Progress) -> None:
        """Take in the progress within an epoch."""
        self.epoch, self.rows, self.loss = event.epoch - 1, event.rows, event.loss
        if not self.epoch:
            self.first_epoch.append(event.rows, event.loss)
        self._measure_speed()

    def add_epoch(self, event: EpochEnd) -> None:
        """Take in the record of an epoch."""
        self._add_record(event.record)
        self._measure_speed()

    def _add_record(self, record: Record) -> None:
        if record.get("phase") != self.record.get("phase"):
            self.training, self.monitored = Curve(), Curve()
        epoch = int(record["epoch"] or 0)
        self.epoch, self.rows, self.loss, self.record = epoch, 0, record["loss"], record
        self.training.append(epoch, record["loss"])
        self.monitored.append(epoch, record.get("validation_loss"))
        if any(map(is_of_layer, record)):
            self._measured = record

    def read_layers(self) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
        """Return the latest figures of each layer by kind, in order, and a word for each layer in trouble."""
        figures = {name: value for name, value in self._measured.items() if is_of_layer(name) and value is not None}
        health: dict[str, dict[str, float]] = {}
        for name in sorted(figures, key=lambda name: parse_position(name.partition(".")[2])):
            kind, _, layer = name.partition(".")
            health.setdefault(layer, {})[kind] = figures[name]
        return health, mark_layers(self.session, figures)

    def _measure_speed(self) -> None:
        now, done = self.clock(), self.rows_done
        if done < self._seen[-1][1]:
            # Training went back to an earlier epoch after divergence.
            self._seen.clear()
        if not self._seen or now - self._seen[-1][0] >= WINDOW / 40:
            self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > WINDOW:
            self._seen.popleft()

    @property
    def rows_done(self) -> int:
        """Rows done so far, over all epochs of the present phase."""
        return self.epoch * len(self.session.train) + self.rows

    @property
    def total(self) -> int:
        """Rows of all epochs of the present phase, unless it ends early."""
        training, count = self.session.model.experiment.training, len(self.session.train)
        steps = training.max_steps or inf
        return round(min(self.session.most_epochs, steps / self.session.steps_per_epoch) * count)

    @property
    def share(self) -> float:
        """The share of the run that is done, unless phases end early; each phase counts the same."""
        session = self.session
        return (session.phase + self.rows_done / self.total) / len(session.phases)

    @property
    def speed(self) -> float:
        """Recent rows a second, with validation; 0 if not known yet."""
        (then, before), (now, done) = self._seen[0], self._seen[-1]
        return (done - before) / (now - then) if now > then else 0.0

    @property
    def seconds(self) -> float:
        """Seconds since training began or was resumed."""
        return self.clock() - self.began

    @property
    def seconds_left(self) -> float | None:
        """Seconds until training ends at the latest, None if not known yet."""
        if not self.speed:
            return None
        limit = self.session.model.experiment.training.max_seconds
        later = (len(self.session.phases) - 1 - self.session.phase) * self.total
        return min((self.total - self.rows_done + later) / self.speed, max(limit - self.seconds, 0) if limit else inf)

    @property
    def epoch_seconds(self) -> float | None:
        """Seconds that an epoch takes, None if not known yet."""
        return len(self.session.train) / self.speed if self.speed else None


def parse_position(layer: str) -> list[int]:
    """Return the position of a layer: `[2, 0]` for `2.residual.0.dense`."""
    return [int(part) for part in layer.split(".") if part.isdecimal()]
