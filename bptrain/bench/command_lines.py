"""Whole commands, from the start of the process to its exit: `bptrain train`, and scripts that do the same."""

import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from bptrain import blas
from bptrain.bench.measuring import Notify
from bptrain.errors import InputError
from bptrain.tables.sources import find_resources

SCRIPTS = Path(__file__).parent / "scripts"

OURS = "bptrain train"
FIRST_STEP = "bptrain train, to its first step"
TORCH = "a PyTorch script"
SKLEARN = "a scikit-learn script"

NEEDS = {TORCH: "torch", SKLEARN: "sklearn"}


@dataclass(frozen=True)
class TimedCommand:
    """A whole command, and its seconds in each round."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of its seconds."""
        return median(self.seconds)


def list_commands() -> dict[str, list[str]]:
    """Return the commands that train on the bundled digits and can run here, by name.

    All train for 60 epochs, validate after each, and keep the best weights.
    """
    config, data = find_resources("configs") / "digits.yaml", str(find_resources("datasets") / "digits.csv.gz")
    train = [sys.executable, "-m", "bptrain", "train", str(config), "training.early_stopping=null", "--quiet"]
    found = {
        OURS: train,
        FIRST_STEP: [*train, "training.max_steps=1"],
        TORCH: [sys.executable, str(SCRIPTS / "digits_torch.py"), data],
        SKLEARN: [sys.executable, str(SCRIPTS / "digits_sklearn.py"), data],
    }
    return {name: words for name, words in found.items() if name not in NEEDS or find_spec(NEEDS[name])}


def time_commands(rounds: int, notify: Notify) -> tuple[TimedCommand, ...]:
    """Run each command once in each round, after a first round that only warms up.

    Args:
        rounds: how many rounds are timed.
        notify: called after each command.

    Raises:
        InputError: a command failed.
    """
    found = list_commands()
    times: dict[str, list[float]] = {name: [] for name in found}
    with TemporaryDirectory(prefix="bptrain-bench-") as folder:
        for turn in range(rounds + 1):
            for name, words in found.items():
                taken = time_command(words, folder)
                if turn:
                    times[name].append(taken)
                notify(f"digits: {name}")
    return tuple(TimedCommand(name, tuple(taken)) for name, taken in times.items())


def time_command(words: list[str], folder: str) -> float:
    """Run a command in a folder, and return the seconds that it took.

    Raises:
        InputError: it failed.
    """
    began = perf_counter()
    # Without the BLAS timeout of this process: `bptrain train` sets it itself, and the scripts must not have it.
    done = subprocess.run(
        words, cwd=folder, env=blas.get_others_environment(), capture_output=True, text=True, check=False
    )
    taken = perf_counter() - began
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise InputError(f"{' '.join(words)} failed: {last}")
    return taken
