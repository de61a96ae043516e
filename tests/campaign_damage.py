"""Damages checkpoints: every truncation and every flipped bit of a small one, random edits of a larger one.

python tests/campaign_damage.py --flips all --edits 5000
"""

import argparse
import os
import random
import tempfile
from pathlib import Path

from campaign import require

from bptrain.commands.train import train
from bptrain.errors import InputError, StorageError
from bptrain.run.npz import read


def is_refused(path, damaged):
    """Whether a file with these bytes cannot be loaded."""
    path.write_bytes(damaged)
    try:
        read(path)
    except (InputError, StorageError):
        return True
    return False


def damage_every_place(whole, path, most, rng):
    """Try every truncation and every flipped bit, or `most` of each."""
    lengths = list(range(len(whole)))
    bits = list(range(8 * len(whole)))
    if most is not None:
        lengths, bits = rng.sample(lengths, min(most, len(lengths))), rng.sample(bits, min(most, len(bits)))
    for length in lengths:
        require(is_refused(path, whole[:length]), f"loaded after {length} bytes")
    for bit in bits:
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        require(is_refused(path, damaged), f"loaded with bit {bit} flipped")
    print(f"{len(whole):,} bytes: {len(lengths):,} truncations and {len(bits):,} flipped bits found, none loaded")


def edit_at_random(whole, path, count, rng):
    """Try random edits: bytes changed, removed, inserted, moved, doubled, zeroed."""
    for k in range(count):
        damaged = bytearray(whole)
        start, length = rng.randrange(len(whole)), rng.randint(1, 64)
        kind = rng.choice(["change", "remove", "insert", "swap", "zero", "double"])
        if kind == "change":
            damaged[start : start + length] = rng.randbytes(len(damaged[start : start + length]))
        elif kind == "remove":
            del damaged[start : start + length]
        elif kind == "insert":
            damaged[start:start] = rng.randbytes(length)
        elif kind == "zero":
            damaged[start : start + length] = bytes(len(damaged[start : start + length]))
        elif kind == "double":
            damaged[start:start] = damaged[start : start + length]
        else:
            other = rng.randrange(len(whole))
            damaged[start], damaged[other] = damaged[other], damaged[start]
        if damaged != whole:
            require(is_refused(path, damaged), f"loaded after edit {k}: {kind} of {length} at {start}")
    print(f"{len(whole):,} bytes: {count:,} random edits found, none loaded")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", default="all")
    parser.add_argument("--edits", type=int, default=5000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        os.chdir(temporary)
        Path("s.yaml").write_text(
            "data: {source: {synthetic: {kind: xor, rows: 4}}, split: {validation: 0, test: 0}}\n"
            "hidden: [2]\ntraining: {epochs: 1}\n"
        )
        Path("l.yaml").write_text("data: {source: {bundled: digits}}\nhidden: [32]\ntraining: {epochs: 1}\n")
        small, large = (train(name).run / "checkpoints" / "last.npz" for name in ("s.yaml", "l.yaml"))
        rng, path = random.Random(0), Path("damaged.npz")
        damage_every_place(small.read_bytes(), path, None if given.flips == "all" else int(given.flips), rng)
        edit_at_random(large.read_bytes(), path, given.edits, rng)
