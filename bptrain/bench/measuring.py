"""Measuring: contenders that take turns, each in a process of its own, so that a machine that drifts drifts for all."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median

from bptrain import blas
from bptrain.bench.contenders import PACKAGES, fitting
from bptrain.bench.workloads import Workload
from bptrain.errors import InputError

Tell = Callable[[str], None]
"""Is called with what was done, whenever a portion is."""


@dataclass(frozen=True)
class Measurement:
    """What a contender took: microseconds of a step in each round, and the most memory of its process in bytes."""

    contender: str
    microseconds: tuple[float, ...]
    peak_bytes: int

    @property
    def median(self) -> float:
        """Microseconds of a step."""
        return median(self.microseconds)


@dataclass(frozen=True)
class Comparison:
    """All contenders on a workload."""

    workload: Workload
    measurements: tuple[Measurement, ...]

    def of(self, contender: str) -> Measurement:
        """What one of them took."""
        return next(one for one in self.measurements if one.contender == contender)

    def ratio(self, contender: str) -> float:
        """Our time by theirs."""
        return self.of("bptrain").median / self.of(contender).median

    def to_json(self) -> dict[str, object]:
        """As `bptrain bench --json` prints it."""
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
    """A contender at work in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]", contender: str) -> None:
        self.process = process
        self.contender = contender
        self.peak_bytes = 0
        self._answer()

    def _answer(self) -> float:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise InputError(f"{self.contender} failed; see what it printed above")
        answer = json.loads(line)
        self.peak_bytes = answer["peak_bytes"]
        return float(answer["seconds"])

    def train(self, epochs: int) -> float:
        """The seconds of so many epochs."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{epochs}\n")
        self.process.stdin.flush()
        return self._answer()


@contextmanager
def worker(workload: Workload, contender: str) -> Iterator[Worker]:
    """A worker that is ready, and is gone afterwards."""
    command = [sys.executable, "-m", "bptrain.bench.worker", workload.name, contender]
    environment = blas.get_others_environment() if contender in PACKAGES else blas.get_own_environment()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield Worker(process, contender)
        finally:
            process.kill()


def compare(workload: Workload, *, rounds: int, seconds: float, tell: Tell) -> Comparison:
    """Measure all contenders that are installed on a workload.

    Args:
        workload: what they train.
        rounds: in which they take turns.
        seconds: of a portion, about; at least an epoch.
        tell: is called after each portion.

    Raises:
        InputError: one of them failed.
    """
    with ExitStack() as stack:
        workers = []
        for name in fitting(workload):
            workers.append(stack.enter_context(worker(workload, name)))
            tell(f"{workload.name}: {name} is ready")
        portions = [portion(one, seconds) for one in workers]
        times: list[list[float]] = [[] for _ in workers]
        for _ in range(rounds):
            for one, epochs, taken in zip(workers, portions, times, strict=True):
                taken.append(one.train(epochs) / epochs / workload.steps * 1e6)
                tell(f"{workload.name}: {one.contender}")
        return Comparison(
            workload,
            tuple(
                Measurement(one.contender, tuple(taken), one.peak_bytes)
                for one, taken in zip(workers, times, strict=True)
            ),
        )


def portion(one: Worker, seconds: float) -> int:
    """How many epochs make a portion, found by a first one that warms up and a second one."""
    one.train(1)
    return max(1, round(seconds / max(one.train(1), 1e-6)))


def turns(workloads: Sequence[Workload], rounds: int) -> int:
    """How often `tell` is called for workloads, for a progress bar."""
    return sum((rounds + 1) * len(fitting(workload)) for workload in workloads)
