"""Limits the size of files, from nothing to more than a checkpoint, before and during training.

python tests/campaign_disk.py --count 50
"""

import argparse
import resource
import shutil
import tempfile
from functools import partial
from pathlib import Path

from campaign import fork, list_leftovers, read_files, require, wait_for, warm

from bptrain.run import keeper

CONFIG = """
data: {source: {bundled: iris}}
hidden: [32]
training: {epochs: 60, checkpoint: {every_steps: 3}}
"""


def limit_files(limit):
    """Limit the size of all files written from now on."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def limit_files_later(limit, step):
    """Limit the size of files from a step on, so that the check before training passes."""
    original = keeper.save_last

    def save(path, session, history):
        if session.step >= step:
            limit_files(limit)
        original(path, session, history)

    keeper.save_last = save


def run_campaign(count, folder):
    """Try `count` limits, each before training and in the middle of it."""
    (folder / "c.yaml").write_text(CONFIG)
    warm(folder, "c.yaml")
    code, said = wait_for(fork(folder, "train", "c.yaml", "--run", "straight", "-q"), folder)
    require(code == 0, said)
    expected = read_files(folder / "straight")
    largest = max(len(expected[name]) for name in expected)
    refused = {"before": 0, "during": 0}
    for k in range(count):
        limit = k * largest * 6 // (5 * max(count - 1, 1))
        for when in refused:
            path = folder / "full"
            shutil.rmtree(path, ignore_errors=True)
            prepare = partial(limit_files, limit) if when == "before" else partial(limit_files_later, limit, 30)
            # With a limit of 0 bytes the output is lost as well.
            code, said = wait_for(fork(folder, "train", "c.yaml", "--run", "full", "-q", prepare=prepare), folder)
            require(code in (0, 5), f"limit {limit} {when}: exit code {code}: {said}")
            require("Traceback" not in said, said)
            if code:
                refused[when] += 1
                require(said.count("\n") == 1 or limit < len(said) + 100, said)
                if path.exists():
                    require(not [name for name in list_leftovers(path) if name != "lock.json"], list_leftovers(path))
            begun = (path / "config.yaml").exists()
            again = ("resume", "full", "-q") if begun else ("train", "c.yaml", "--run", "full", "-q")
            code, said = wait_for(fork(folder, *again), folder)
            require(code == 0, f"limit {limit} {when}: {said}")
            require(read_files(path) == expected, f"another end with limit {limit} {when}")
    print(f"{count} sizes up to {largest * 6 // 5:,} bytes, refused {refused}: all ends bit-identical")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run_campaign(given.count, Path(temporary))
