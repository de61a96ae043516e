"""Measuring: contenders take turns, each in a process of its own, so that a slow spell of the machine hits all."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median

from bptrain import blas
from bptrain.bench.contenders import PACKAGES, choose_contenders
from bptrain.bench.workloads import Workload
from bptrain.errors import InputError

Notify = Callable[[str], None]
"""Is called with what was done, after each turn."""


@dataclass(frozen=True)
class Measurement:
    """The speed of a contender: microseconds of a step in each round, and the most bytes of memory of its process."""

    contender: str
    microseconds: tuple[float, ...]
    peak_bytes: int

    @property
    def median(self) -> float:
        """The median of its microseconds."""
        return median(self.microseconds)


@dataclass(frozen=True)
class Comparison:
    """All contenders on a workload."""

    workload: Workload
    measurements: tuple[Measurement, ...]

    def get(self, contender: str) -> Measurement:
        """Return the measurement of a contender."""
        return next(one for one in self.measurements if one.contender == contender)

    def ratio(self, contender: str) -> float:
        """Return the time of bptrain divided by the time of a contender."""
        return self.get("bptrain").median / self.get(contender).median

    def to_json(self) -> dict[str, object]:
        """Return the keys of a workload in `bptrain bench --json`."""
        return {
            "workload": self.workload.name,
            "batch": self.workload.batch,
            "rows": self.workload.rows,
            "contenders": [
                {
                    "name": one.contender,
                    "microseconds_per_step": one.median,
                    "fastest": min(one.microseconds),
                    "slowest": max(one.microseconds),
                    "samples_per_second": self.workload.batch / one.median * 1e6,
                    "peak_bytes": one.peak_bytes,
                    "ratio": self.ratio(one.contender),
                }
                for one in self.measurements
            ],
        }


class Worker:
    """A contender in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]", contender: str) -> None:
        self.process = process
        self.contender = contender
        self.peak_bytes = 0
        self._read_answer()

    def _read_answer(self) -> float:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise InputError(f"{self.contender} failed; its messages are above")
        answer = json.loads(line)
        self.peak_bytes = answer["peak_bytes"]
        return float(answer["seconds"])

    def train(self, epochs: int) -> float:
        """Train for a number of epochs, and return the seconds that they took."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{epochs}\n")
        self.process.stdin.flush()
        return self._read_answer()


@contextmanager
def start_worker(workload: Workload, contender: str) -> Iterator[Worker]:
    """Start a worker, wait until it is ready, and end it afterwards."""
    command = [sys.executable, "-m", "bptrain.bench.contenders", workload.name, contender]
    environment = blas.get_others_environment() if contender in PACKAGES else blas.get_own_environment()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield Worker(process, contender)
        finally:
            process.kill()


def compare_contenders(workload: Workload, *, rounds: int, seconds: float, notify: Notify) -> Comparison:
    """Measure all installed contenders on a workload.

    Args:
        workload: the network that they train.
        rounds: how many turns every contender has.
        seconds: the rough length of a turn, which has at least one epoch.
        notify: called after each turn.

    Raises:
        InputError: a contender failed.
    """
    with ExitStack() as stack:
        workers = []
        for name in choose_contenders(workload):
            workers.append(stack.enter_context(start_worker(workload, name)))
            notify(f"{workload.name}: {name} is ready")
        turns = [choose_epochs(one, seconds) for one in workers]
        times: list[list[float]] = [[] for _ in workers]
        for _ in range(rounds):
            for one, epochs, taken in zip(workers, turns, times, strict=True):
                taken.append(one.train(epochs) / epochs / workload.steps * 1e6)
                notify(f"{workload.name}: {one.contender}")
        return Comparison(
            workload,
            tuple(
                Measurement(one.contender, tuple(taken), one.peak_bytes)
                for one, taken in zip(workers, times, strict=True)
            ),
        )


def choose_epochs(worker: Worker, seconds: float) -> int:
    """Return how many epochs fill a turn, by the time of one epoch after one that warms up."""
    worker.train(1)
    return max(1, round(seconds / max(worker.train(1), 1e-6)))


def count_calls(workloads: Sequence[Workload], rounds: int) -> int:
    """Return how often `compare_contenders` calls `notify` for these workloads in all."""
    return sum((rounds + 1) * len(choose_contenders(workload)) for workload in workloads)
