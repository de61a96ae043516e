"""The benchmark: all workloads and the whole commands, with the machine that they ran on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bptrain.bench.command_lines import OURS, Command, commands, time_commands
from bptrain.bench.contenders import PACKAGES, missing
from bptrain.bench.measuring import Comparison, compare, turns
from bptrain.bench.workloads import WORKLOADS, Workload
from bptrain.errors import InputError
from bptrain.text import suggest_word
from bptrain.training.environment import read_environment

Watch = Callable[[str, float], None]
"""Is called with what was done last, and the share of all that is done."""

WHOLE_COMMANDS = "commands"
"""The name by which the whole commands are chosen."""


@dataclass(frozen=True)
class Benchmark:
    """What was measured: step times by workload, whole commands, what was not installed, and on which machine."""

    comparisons: tuple[Comparison, ...]
    commands: tuple[Command, ...]
    absent: tuple[str, ...]
    machine: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """What `bptrain bench --json` prints."""
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
    """Measure training steps and whole commands, contenders in turn, and take medians.

    Args:
        names: of workloads such as `64-64-10`, or `commands`; none: everything.
        rounds: how often each contender is measured.
        seconds: of a portion, about; it has an epoch at least.
        watch: is told how far it is.

    Returns:
        Microseconds of a step, ratios and peak memory.

    Raises:
        InputError: there is no workload of a name, or fewer than one round; or a contender failed.
    """
    if rounds < 1 or not seconds > 0:
        raise InputError(f"a benchmark has at least one round, and takes time (got {rounds} of {seconds:g} s)")
    wanted, whole = choose_workloads(names)
    total = turns(wanted, rounds) + (len(commands()) * (rounds + 1) if whole else 0)
    done = 0

    def tell(what: str) -> None:
        nonlocal done
        done += 1
        if watch:
            watch(what, done / total)

    comparisons = tuple(compare(one, rounds=rounds, seconds=seconds, tell=tell) for one in wanted)
    timed = time_commands(rounds, tell) if whole else ()
    absent = tuple(dict.fromkeys(PACKAGES[name] for name in missing()))
    return Benchmark(comparisons, timed, absent, read_environment())


def choose_workloads(names: Sequence[str]) -> tuple[tuple[Workload, ...], bool]:
    """The workloads of some names, and whether whole commands are asked for; without names everything.

    Raises:
        InputError: there is nothing of a name.
    """
    if not names:
        return WORKLOADS, True
    known = {one.name.partition(" ")[0].rstrip(","): one for one in WORKLOADS}
    for name in names:
        if name not in known and name != WHOLE_COMMANDS:
            raise InputError(f"no workload is named {name!r}; {suggest_word(name, [*known, WHOLE_COMMANDS])}")
    return tuple(known[name] for name in dict.fromkeys(names) if name in known), WHOLE_COMMANDS in names
