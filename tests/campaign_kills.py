"""Kills runs at random times and at every point of the save path, resumes them, and compares the ends bit for bit.

python tests/campaign_kills.py --random 300 --points all
"""

import argparse
import itertools
import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

from campaign import fork, list_leftovers, read_files, require, wait_for, warm

from bptrain import atomic
from bptrain.run import history

OPTIMIZERS = ["{sgd: {momentum: 0.9}}", "adam", "{adam: {amsgrad: true}}", "rmsprop"]
LAYERS = ["dropout: 0.3", "batch_norm"]
SCHEDULES = ["{plateau: {patience: 1, threshold: 0.05}}", "cosine"]
STOPPING = ["null", "{patience: 12}"]

CONFIG = """
data: {{source: {{bundled: iris}}}}
network: [dense: 16, {layer}, relu, dense]
optimizer: {optimizer}
schedule: {schedule}
training:
  epochs: {epochs}
  batch_size: 8
  early_stopping: {stopping}
  checkpoint: {{every_steps: 7}}
"""


class Points:
    """Counts the points of the save path, before and after each system call, and kills the process at one of them."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.count = 0

    def __call__(self):
        self.count += 1
        if self.count == self.wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(self, function):
        """Return a function that also counts a point before and one after it."""

        def wrapped(*arguments, **options):
            self()
            result = function(*arguments, **options)
            self()
            return result

        return wrapped

    def install(self):
        """Put points around everything that writes to the disk; return a function that prints their number."""
        for name in ("fsync", "replace", "link", "open", "unlink", "ftruncate"):
            setattr(os, name, self.wrap(getattr(os, name)))
        atomic.open = history.open = self.open
        return lambda: print(self.count)

    def open(self, path, mode="r", *arguments, **options):
        """Open a file, unbuffered for writing, so that each write is a system call."""
        if "w" not in mode and "a" not in mode:
            return open(path, mode, *arguments, **options)
        return File(open(path, mode, buffering=0), self)


class File:
    """A file that counts a point before and after each write."""

    def __init__(self, file, points):
        self.file = file
        self.write = points.wrap(file.write)

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


def kill_at_random(count, seed, folder):
    """Kill each run several times, at random times."""
    rng = random.Random(seed)
    combinations = list(itertools.product(OPTIMIZERS, LAYERS, SCHEDULES, STOPPING))
    killed, straight = 0, {}
    for k in itertools.count():
        if killed >= count:
            break
        optimizer, layer, schedule, stopping = combinations[k % len(combinations)]
        number = k % len(combinations)
        name = f"c{number}.yaml"
        text = CONFIG.format(optimizer=optimizer, layer=layer, schedule=schedule, stopping=stopping, epochs=80)
        (folder / name).write_text(text)
        if not straight:
            warm(folder, name)
        if number not in straight:
            began = time.monotonic()
            code, said = wait_for(fork(folder, "train", name, "--run", f"straight{number}", "-q"), folder)
            require(code == 0, said)
            straight[number] = read_files(folder / f"straight{number}"), time.monotonic() - began
        expected, seconds = straight[number]
        path = folder / "killed"
        shutil.rmtree(path, ignore_errors=True)
        command = ("train", name, "--run", "killed", "-q")
        for _ in range(rng.randint(4, 12)):
            pid = fork(folder, *command)
            time.sleep(rng.uniform(0, 0.4) * seconds)
            os.kill(pid, signal.SIGKILL)
            killed += wait_for(pid, folder)[0] == -signal.SIGKILL
            if (path / "config.yaml").exists():
                command = ("resume", "killed", "-q")
            elif path.exists():
                require(not (path / "checkpoints").exists(), "checkpoints without a config")
        code, said = wait_for(fork(folder, *command[:-1]), folder)
        require(code == 0, f"{text}\n{said}")
        require("damaged" not in said, said)
        different = [name for name, data in read_files(path).items() if data != expected[name]]
        require(not different, f"another {different} of\n{text}\n{said}")
        require(not list_leftovers(path), list_leftovers(path))
        if k % 10 == 9:
            print(f"{killed} kills, {k + 1} runs, all ends bit-identical", flush=True)
    print(f"random: {killed} kills in {k} runs over {len(straight)} combinations: all ends bit-identical")


def kill_at_save_points(most, folder):
    """Kill a run before and after each write, fsync, rename, link and removal."""
    text = CONFIG.format(optimizer="adam", layer="dropout: 0.3", schedule="cosine", stopping="null", epochs=2)
    (folder / "p.yaml").write_text(text.replace("every_steps: 7", "every_steps: 13"))

    warm(folder, "p.yaml")

    def train_to_point(point, name):
        return wait_for(fork(folder, "train", "p.yaml", "--run", name, "-q", prepare=Points(point).install), folder)

    code, said = train_to_point(0, "whole")
    require(code == 0, said)
    expected, total = read_files(folder / "whole"), int(said)
    points = range(1, total + 1) if most is None else random.Random(0).sample(range(1, total + 1), min(most, total))
    for k, point in enumerate(points):
        path = folder / "point"
        shutil.rmtree(path, ignore_errors=True)
        code, said = train_to_point(point, "point")
        require(code == -signal.SIGKILL, f"point {point}: {code} {said}")
        begun = (path / "config.yaml").exists()
        command = ("resume", "point", "-q") if begun else ("train", "p.yaml", "--run", "point", "-q")
        code, said = wait_for(fork(folder, *command), folder)
        require(code == 0, f"point {point} of {total}: {said}")
        require("damaged" not in said, f"point {point}: {said}")
        require(read_files(path) == expected, f"another end after a kill at point {point} of {total}")
        require(not list_leftovers(path), f"point {point}: {list_leftovers(path)}")
        if k % 50 == 49:
            print(f"{k + 1} points of the save path", flush=True)
    print(f"save path: {len(points)} of {total} points: all ends bit-identical")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random", type=int, default=300)
    parser.add_argument("--points", default="all")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if given.random:
            kill_at_random(given.random, given.seed, Path(temporary))
        if given.points != "0":
            kill_at_save_points(None if given.points == "all" else int(given.points), Path(temporary))
