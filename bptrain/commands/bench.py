"""`bptrain bench`"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bptrain.bench.command_lines import OURS, TimedCommand, list_commands, time_commands
from bptrain.bench.contenders import PACKAGES, find_missing_contenders
from bptrain.bench.measuring import Comparison, compare_contenders, count_calls
from bptrain.bench.workloads import WORKLOADS, Workload
from bptrain.errors import InputError
from bptrain.text import suggest_word
from bptrain.training.environment import read_environment

Watch = Callable[[str, float], None]
"""Is called with what was just done, and the share of the work that is done."""

WHOLE_COMMANDS = "commands"
"""The name that chooses whole commands."""


@dataclass(frozen=True)
class Benchmark:
    """The result of a benchmark.

    Attributes:
        comparisons: step times and memory by workload.
        commands: whole commands with their seconds.
        absent: the packages that are not installed.
        machine: the machine that it ran on.
    """

    comparisons: tuple[Comparison, ...]
    commands: tuple[TimedCommand, ...]
    absent: tuple[str, ...]
    machine: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the keys of `bptrain bench --json`."""
        ours = next((one.median for one in self.commands if one.name == OURS), None)
        return {
            "workloads": [one.to_json() for one in self.comparisons],
            "commands": [
                {
                    "name": one.name,
                    "seconds": one.median,
                    "fastest": min(one.seconds),
                    "slowest": max(one.seconds),
                    "ratio": ours / one.median if ours else None,
                }
                for one in self.commands
            ],
            "not_installed": list(self.absent),
            "machine": self.machine,
        }


def benchmark(
    names: Sequence[str] = (), *, rounds: int = 5, seconds: float = 1.0, watch: Watch | None = None
) -> Benchmark:
    """Measure training steps and whole commands, with bptrain and other libraries in turn, and take medians.

    Args:
        names: of workloads, such as `64-64-10`, and `commands` for whole commands. Empty: everything.
        rounds: how often each contender is measured.
        seconds: the rough length of a turn, which has at least one epoch.
        watch: called with what was just done, and the share of the work that is done.

    Returns:
        Microseconds per step, peak memory in bytes, seconds per command, and the time ratios of bptrain to the others.

    Raises:
        InputError: there is no workload of that name, `rounds` or `seconds` is too small, or a contender failed.

    Example:
        >>> bptrain.benchmark(["64-64-10"]).comparisons[0].ratio("PyTorch")
    """
    if rounds < 1:
        raise InputError(f"--rounds: expected a whole number >= 1 (got {rounds})")
    if not seconds > 0:
        raise InputError(f"seconds: expected a number > 0 (got {seconds:g})")
    wanted, with_commands = choose_workloads(names)
    total = count_calls(wanted, rounds) + (len(list_commands()) * (rounds + 1) if with_commands else 0)
    done = 0

    def notify(what: str) -> None:
        nonlocal done
        done += 1
        if watch:
            watch(what, done / total)

    comparisons = tuple(compare_contenders(one, rounds=rounds, seconds=seconds, notify=notify) for one in wanted)
    timed = time_commands(rounds, notify) if with_commands else ()
    absent = tuple(dict.fromkeys(PACKAGES[name] for name in find_missing_contenders()))
    return Benchmark(comparisons, timed, absent, read_environment())


def choose_workloads(names: Sequence[str]) -> tuple[tuple[Workload, ...], bool]:
    """Return the workloads of some names, and whether whole commands are among them; everything if there are no names.

    Raises:
        InputError: there is no workload of that name.
    """
    if not names:
        return WORKLOADS, True
    known = {one.name.partition(" ")[0].rstrip(","): one for one in WORKLOADS}
    for name in names:
        if name not in known and name != WHOLE_COMMANDS:
            raise InputError(f"no workload is named {name!r}; {suggest_word(name, [*known, WHOLE_COMMANDS])}")
    return tuple(known[name] for name in dict.fromkeys(names) if name in known), WHOLE_COMMANDS in names
