"""Lets the system refuse files beyond a size, from none to larger than a checkpoint, before and during training.

python tests/campaign_disk.py --count 50
"""

import argparse
import resource
import shutil
import tempfile
from functools import partial
from pathlib import Path

from campaign import content, ended, forked, leftovers, must, warm

from bptrain.run import keeper

CONFIG = """
data: {source: {bundled: iris}}
hidden: [32]
training: {epochs: 60, checkpoint: {every_steps: 3}}
"""


def bound(limit):
    """Let files have no more than so many bytes from here on."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def bound_late(limit, step):
    """The same from a step on, so that the check before training has nothing to say."""
    original = keeper.save_last

    def save(path, session, history):
        if session.step >= step:
            bound(limit)
        original(path, session, history)

    keeper.save_last = save


def campaign(count, folder):
    """Try so many sizes, each before training and in the middle of it."""
    (folder / "c.yaml").write_text(CONFIG)
    warm(folder, "c.yaml")
    code, said = ended(forked(folder, "train", "c.yaml", "--run", "straight", "-q"), folder)
    must(code == 0, said)
    expected = content(folder / "straight")
    largest = max(len(expected[name]) for name in expected)
    refused = {"before": 0, "during": 0}
    for k in range(count):
        limit = k * largest * 6 // (5 * max(count - 1, 1))
        for when in refused:
            path = folder / "full"
            shutil.rmtree(path, ignore_errors=True)
            prepare = partial(bound, limit) if when == "before" else partial(bound_late, limit, 30)
            # Where no file may have a byte, what it says is lost as well.
            code, said = ended(forked(folder, "train", "c.yaml", "--run", "full", "-q", prepare=prepare), folder)
            must(code in (0, 5), f"limit {limit} {when}: exit code {code}: {said}")
            must("Traceback" not in said, said)
            if code:
                refused[when] += 1
                must(said.count("\n") == 1 or limit < len(said) + 100, said)
                if path.exists():
                    must(not [name for name in leftovers(path) if name != "lock.json"], leftovers(path))
            begun = (path / "config.yaml").exists()
            again = ("resume", "full", "-q") if begun else ("train", "c.yaml", "--run", "full", "-q")
            code, said = ended(forked(folder, *again), folder)
            must(code == 0, f"limit {limit} {when}: {said}")
            must(content(path) == expected, f"another end with limit {limit} {when}")
    print(f"{count} sizes up to {largest * 6 // 5:,} bytes, refused {refused}: all ends bit-identical")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        campaign(given.count, Path(temporary))
