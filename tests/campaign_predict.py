"""The memory of predictions: a table of 500,000 mixed rows, and one of so many times as many rows.

    python tests/campaign_predict.py [ROWS [TIMES]]

Prints seconds and the peak memory of `bptrain predict` on each, and fails if the second takes 20% more than the first.
With fewer than 100,000 rows the buffers of DuckDB are not full yet, and nothing is asked of the memory.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

FULL = 100_000

COLUMNS = [*(f"n{k}" for k in range(23)), "city", "grade", "member", "state", "colour"]
CONFIG = """
data: {source: {csv: small.csv}, target: won, id: id, columns: {n3: {missing: mean}}}
hidden: [32]
training: {epochs: 1, batch_size: 512}
"""


def write(path: Path, rows: int) -> None:
    """A CSV file of so many rows by 30 columns."""
    rng = np.random.default_rng(0)
    with open(path, "w") as file:
        file.write(",".join(["id", *COLUMNS, "won"]) + "\n")
        for start in range(0, rows, 10_000):
            count = min(10_000, rows - start)
            numbers, codes = rng.normal(size=(count, 23)), rng.integers(0, [8, 4, 2, 50, 5], (count, 5))
            for k in range(count):
                cells = [f"{number:.12f}" for number in numbers[k]]
                cells[3] = cells[3] if k % 50 else ""
                texts = [f"{name}{code}" for name, code in zip(COLUMNS[23:], codes[k], strict=True)]
                texts[2] = "yes" if codes[k, 2] else "no"
                won = "yes" if numbers[k, 0] > codes[k, 1] else "no"
                file.write(",".join([f"{start + k:09d}", *cells, *texts, won]) + "\n")


def predicting(folder: Path, name: str) -> tuple[float, float]:
    """The seconds and the peak MiB of a prediction."""
    began = perf_counter()
    command = [sys.executable, "-m", "bptrain", "predict", "runs/my-001", name, "-o", "out.csv", "--force"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name}: exit status {status}")
    return perf_counter() - began, usage.ru_maxrss / 1024


def main(rows: int = 500_000, times: int = 4) -> bool:
    """Whether memory stays flat."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "small.csv", 5000)
        (folder / "my.yaml").write_text(CONFIG)
        subprocess.run([sys.executable, "-m", "bptrain", "train", "my.yaml", "-q"], cwd=folder, check=True)
        peaks = []
        for count in (rows, rows * times):
            path = folder / f"{count}.csv"
            write(path, count)
            seconds, peak = predicting(folder, path.name)
            peaks.append(peak)
            size = path.stat().st_size / 1e6
            print(f"{count:,} rows by 30 columns, {size:.0f} MB: {seconds:.1f} s, {peak:.0f} MiB at most", flush=True)
            path.unlink()
    return rows < FULL or peaks[1] < 1.2 * peaks[0]


if __name__ == "__main__":
    sys.exit(not main(*map(int, sys.argv[1:])))
