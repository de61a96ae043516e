"""Trains from files larger than the budget, with more and more rows, and compares the most memory that each run had.

python tests/campaign_memory.py --rows 200000

Measured is what the system says of the process, VmHWM, in which pages of mapped files count too.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from campaign import must

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


def peak(folder, *arguments):
    """The most memory of a run of bptrain, in bytes, by what the process says of itself at its end."""
    program = (
        "import sys\n"
        "from bptrain import train\n"
        "train(sys.argv[1], sys.argv[2:])\n"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
    )
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        os.dup2(write, 1)
        os.environ.update(BPTRAIN_CACHE=str(folder / "cache"), PYTHONWARNINGS="ignore")
        os.execv(sys.executable, [sys.executable, "-c", program, *arguments])
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    _, status, _ = os.wait4(pid, 0)
    must(status == 0, f"the run failed: {status} {said}")
    return int(said.split()[1]) * 1024


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
        for found in (peaks, again):
            must(max(found) <= 1.2 * min(found), f"the peak grows with the rows: {found}")
        print(f"{kind}: the peak stays within {100 * (max(peaks) / min(peaks) - 1):.0f}%")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--kinds", nargs="+", default=sorted(KINDS))
    parser.add_argument("--steps", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bptrain-") as name:
        campaign(given.rows, given.times, given.kinds, given.steps, Path(name))
