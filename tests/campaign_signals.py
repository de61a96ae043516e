"""Sends signals at random times, one or two, and checks exit codes, time to stop, and that nothing is lost.

python tests/campaign_signals.py --count 100
"""

import argparse
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

from campaign import list_leftovers, read_files, require, run, start

CONFIG = """
data: {source: {bundled: digits}}
network: [dense: 64, relu, dropout: 0.2, dense]
training: {epochs: 150, batch_size: 16, checkpoint: {every_seconds: 0.2}}
"""


def run_campaign(count, seed, folder):
    """Send `count` signals to runs, and resume what they stop."""
    rng = random.Random(seed)
    (folder / "c.yaml").write_text(CONFIG)
    began = time.monotonic()
    done = run(folder, "train", "c.yaml", "--run", "straight", "-q")
    require(done.returncode == 0, done.stderr)
    seconds, expected = time.monotonic() - began, read_files(folder / "straight")
    path, command, sent, slowest = folder / "stopped", ("train", "c.yaml", "--run", "stopped", "-q"), 0, 0.0
    ends = {"saved": 0, "before training": 0, "at once": 0, "finished": 0}
    while sent < count:
        number = rng.choice([signal.SIGINT, signal.SIGTERM])
        process = start(folder, *command)
        time.sleep(rng.uniform(0.05, 1.0) * seconds)
        process.send_signal(number)
        twice = rng.random() < 0.2
        if twice:
            time.sleep(rng.uniform(0, 0.01))
            process.send_signal(number)
        stopped = time.monotonic()
        _, said = process.communicate(timeout=60)
        slowest = max(slowest, time.monotonic() - stopped)
        sent += 1
        if process.returncode == 0:
            ends["finished"] += 1
        else:
            # Before its first line of Python a process dies of the signal itself, which shells report as 128 + number.
            require(process.returncode in (128 + number, -number), f"exit code {process.returncode}: {said}")
            require("Traceback" not in said or "KeyboardInterrupt" in said, said)
            if "resume it with: bptrain resume stopped" in said:
                ends["saved"] += 1
            else:
                ends["at once" if twice else "before training"] += 1
        finished = process.returncode == 0
        if finished:
            require(read_files(path) == expected, "another end")
            require(not list_leftovers(path), list_leftovers(path))
            shutil.rmtree(path)
        begun = (path / "config.yaml").exists()
        command = ("resume", "stopped", "-q") if begun else ("train", "c.yaml", "--run", "stopped", "-q")
    done = run(folder, *command)
    require(done.returncode == 0, done.stderr)
    require(read_files(path) == expected, "another end")
    require(slowest < 2, f"it took {slowest:.2f} s to stop")
    print(f"{sent} signals: {ends}; the slowest took {slowest:.2f} s to stop; all ends bit-identical")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run_campaign(given.count, given.seed, Path(temporary))
