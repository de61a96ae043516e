"""Starts several runs at once in one directory: one trains, the errors of the others name it, and nothing is lost.

python tests/campaign_races.py --count 30
"""

import argparse
import re
import shutil
import signal
import tempfile
from pathlib import Path

from campaign import list_leftovers, read_files, require, run, start

CONFIG = """
data: {source: {bundled: digits}}
hidden: [32]
training: {epochs: 60}
"""


def run_campaign(count, racers, folder):
    """Hold `count` races, to start a run or to resume one that was killed."""
    (folder / "c.yaml").write_text(CONFIG)
    require(run(folder, "train", "c.yaml", "--run", "straight", "-q").returncode == 0, "the straight run failed")
    expected, told = read_files(folder / "straight"), 0
    for k in range(count):
        path = folder / "one"
        shutil.rmtree(path, ignore_errors=True)
        command = ("train", "c.yaml", "--run", "one", "-q")
        if k % 2:
            process = start(folder, *command)
            while not (path / "checkpoints" / "last.npz").exists():
                require(process.poll() is None, "it ended too early")
            process.send_signal(signal.SIGKILL)
            process.communicate()
            command = ("resume", "one", "-q")
        processes = [start(folder, *command) for _ in range(racers)]
        said = [process.communicate(timeout=120)[1] for process in processes]
        codes = [process.returncode for process in processes]
        require(set(codes) <= {0, 2}, f"{codes} {said}")
        pids = {process.pid for process in processes}
        winners = {process.pid for process in processes if process.returncode == 0}
        require(len(winners) == 1 or command[0] == "resume", f"{codes} {said}")
        require(winners, f"{codes} {said}")
        for process, text in zip(processes, said, strict=True):
            if process.returncode == 2:
                named = re.search(r"process (\d+) on host \S+ is training here", text)
                require(named or "exists already" in text, text)
                require(named is None or int(named[1]) in pids - {process.pid}, text)
                told += named is not None
        require(read_files(path) == expected, f"another end in race {k}")
        require(not list_leftovers(path), list_leftovers(path))
    print(f"{count} races of {racers}: {told} named the process that trains; all ends bit-identical")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--racers", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run_campaign(given.count, given.racers, Path(temporary))
