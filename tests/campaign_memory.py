"""Trains from files larger than the budget, with more and more rows, and compares the most memory that each run had.

python tests/campaign_memory.py --rows 200000

Measured is the memory of the process itself, RssAnon, which it looks at all the time; the pages of mapped files, which
the system takes back when it needs them, are left out. What may grow with the rows are their numbers, and one column at
a time in what they leave free.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from campaign import require

CONFIG = """
data:
  source: {source}
  target: {target}
  features: {{exclude: [{left_out}]}}
  missing: median
  scaling: robust
  memory: 100kB
hidden: [32]
training: {{epochs: 2, batch_size: 256, max_steps: {steps}}}
"""

NUMBERS = 20


def csv_file(path, rows):
    """A table of numbers, some of them missing, and text."""
    rng = np.random.default_rng(0)
    with open(path, "w", encoding="ascii") as file:
        file.write(",".join([f"n{k}" for k in range(NUMBERS)] + ["city", "id", "y"]) + "\n")
        for start in range(0, rows, 10_000):
            values = rng.standard_normal((min(10_000, rows - start), NUMBERS))
            for k, row in enumerate(values):
                texts = [f"{value:.5f}" for value in row]
                if k % 7 == 0:
                    texts[k % NUMBERS] = ""
                label = "yes" if row[0] + row[1] > 0 else "no"
                file.write(f"{','.join(texts)},c{k % 5},row {start + k},{label}\n")


def npy_file(path, rows):
    """An array of numbers, the last of which is to be predicted."""
    array = np.lib.format.open_memmap(path, "w+", np.float32, (rows, NUMBERS + 1))
    rng = np.random.default_rng(0)
    for start in range(0, rows, 10_000):
        part = array[start : start + 10_000]
        part[...] = rng.standard_normal(part.shape)
        part[:, -1] += part[:, 0]
    array.flush()


KINDS = {
    "csv": (csv_file, "{csv: t.csv}", "y", "id"),
    "npy": (npy_file, "{npy: t.npy}", f"x{NUMBERS}", ""),
}


PROGRAM = """
import sys, threading, time

peak = 0

def watch():
    global peak
    while True:
        with open("/proc/self/status") as file:
            peak = max(peak, int(file.read().partition("RssAnon:")[2].split()[0]))
        time.sleep(0.002)

threading.Thread(target=watch, daemon=True).start()
from bptrain import train
train(sys.argv[1], sys.argv[2:])
print(peak)
"""

NUMBERS_BYTES = 8
"""Bytes a row of the numbers of the rows: of their splits, and of the order in which they train."""

COLUMN_BYTES = 8
"""Bytes a row of a column: no other copy of it is there at the same time."""

CHUNK_BYTES = 4 << 20
"""Bytes that chunks take, which of few rows are not full."""


def peak(folder, *arguments):
    """The most memory of a run of bptrain, in bytes, by what the process says of itself."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        os.dup2(write, 1)
        os.environ.update(BPTRAIN_CACHE=str(folder / "cache"), PYTHONWARNINGS="ignore")
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM, *arguments])
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    _, status, _ = os.wait4(pid, 0)
    require(status == 0, f"the run failed: {status} {said}")
    return int(said) * 1024


def campaign(rows, times, kinds, steps, folder):
    """Runs with so many times the rows."""
    for kind in kinds:
        write, source, target, left_out = KINDS[kind]
        peaks, again = [], []
        for factor in times:
            here = folder / f"{kind}-{factor}"
            here.mkdir()
            write(here / f"t.{kind}", rows * factor)
            config = CONFIG.format(source=source, target=target, left_out=left_out, steps=steps)
            (here / "c.yaml").write_text(config)
            peaks.append(peak(here, "c.yaml"))
            again.append(peak(here, "c.yaml"))
            size = (here / f"t.{kind}").stat().st_size
            print(f"{kind}: {rows * factor:,} rows, {size / 2**20:,.0f} MiB: at most "
                  f"{peaks[-1] / 2**20:.0f} MiB, the second time {again[-1] / 2**20:.0f} MiB")  # fmt: skip
            shutil.rmtree(here)
        more = rows * (max(times) - min(times))
        for found in (peaks, again):
            grown = max(found) - min(found)
            allowed = CHUNK_BYTES + (NUMBERS_BYTES + COLUMN_BYTES) * more
            require(grown <= allowed, f"the peak grows by {grown:,} bytes and not at most {allowed:,}: {found}")
        print(f"{kind}: the peak stays within {(max(peaks) - min(peaks)) / max(more, 1):.0f} bytes a row")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--kinds", nargs="+", default=sorted(KINDS))
    parser.add_argument("--steps", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bptrain-") as name:
        campaign(given.rows, given.times, given.kinds, given.steps, Path(name))
