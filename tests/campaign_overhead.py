"""Measures what safety costs: the same training with and without it, side by side, step by step and save by save.

    python tests/campaign_overhead.py --epochs 60

Safety is the check for numbers that are not finite, the health of gradients, the look at requests to stop, and in each
checkpoint its SHA-256 and its fsyncs. Both trainings take turns, epoch by epoch, by processor time; what counts is the
median of the ratios, with a checkpoint every 30 seconds added at what it costs.
"""

import argparse
import os
import statistics
import tempfile
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time
from unittest import mock

import numpy as np

from bptrain.model.assemble import assemble_file
from bptrain.nn.network import limit_threads
from bptrain.run.checkpoint import save_last
from bptrain.run.keeper import EVERY_SECONDS
from bptrain.training import health, loop
from bptrain.training.events import EpochEnd
from bptrain.training.loop import Budget
from bptrain.training.session import begin

DIGITS = """
data: {source: {bundled: digits}}
network: [dense: 128, relu, dropout: 0.2, dense]
training: {epochs: 100000}
"""

WIDE = """
data: {source: {csv: wide.csv}, target: y, task: classification}
network: [dense: 512, relu, dense: 512, relu, dense]
training: {epochs: 100000, batch_size: 128}
"""


def yes(_):
    """In place of a check, as cheap as can be."""
    return True


def no(_):
    """In place of what is left out."""
    return False


@contextmanager
def unsafe():
    """Without any of it."""
    with (
        mock.patch.object(loop, "is_finite", yes),
        mock.patch.object(health, "is_due", no),
        mock.patch("os.fsync", no),
        mock.patch("bptrain.run.npz.seal", no),
    ):
        yield


@contextmanager
def safe():
    """With all of it."""
    yield


def epochs(session):
    """The seconds of each epoch, on and on."""
    events = loop.train(session, Budget())
    while True:
        # The time of this process alone, since other processes of the machine are no cost of safety.
        began = process_time()
        for event in events:
            if isinstance(event, EpochEnd):
                break
        yield process_time() - began


def measure(text, count):
    """Seconds of an epoch without and with safety, the median of the ratios, and of a save likewise."""
    Path("c.yaml").write_text(text)
    sessions = [begin(assemble_file("c.yaml")) for _ in range(2)]
    contexts, times, saves = (unsafe, safe), ([], []), ([], [])
    with np.errstate(all="ignore"), limit_threads(sessions[0].model.network, sessions[0].batch_size):
        runs = [epochs(session) for session in sessions]
        for k in range(count):
            # In turns, also of who is first.
            for one in (0, 1) if k % 2 else (1, 0):
                with contexts[one]():
                    times[one].append(next(runs[one]))
        for k in range(12):
            for one in (0, 1) if k % 2 else (1, 0):
                with contexts[one]():
                    began = perf_counter()
                    save_last(Path(f"{one}.npz"), sessions[one], {})
                    saves[one].append(perf_counter() - began)
    bare, whole = (statistics.median(each[2:]) for each in times)
    ratio = statistics.median(b / a for a, b in zip(times[0][2:], times[1][2:], strict=True)) - 1
    best = min(times[1][2:]) / min(times[0][2:]) - 1
    extra = statistics.median(saves[1]) - statistics.median(saves[0])
    return bare, whole, ratio, best, extra


def report(name, text, count):
    """Measure, and print in a line."""
    bare, whole, ratio, best, extra = measure(text, count)
    saving = extra / EVERY_SECONDS
    print(
        f"{name}: an epoch takes {1000 * bare:.2f} ms without, {1000 * whole:.2f} ms with safety: {100 * ratio:+.2f}%\n"
        f"  (by the fastest epochs {100 * best:+.2f}%); a save takes {1000 * extra:.1f} ms more, which once in\n"
        f"  {EVERY_SECONDS:.0f} s is {100 * saving:.3f}%; together {100 * (ratio + saving):+.2f}%"
    )
    return ratio + saving


def wide_data(rows):
    """Random pixels in ten classes."""
    rng = np.random.default_rng(0)
    pixels, classes = rng.integers(0, 256, (rows, 784)), rng.integers(0, 10, rows)
    lines = [",".join(f"p{k}" for k in range(784)) + ",y"]
    lines += [",".join(map(str, row)) + f",{label}" for row, label in zip(pixels, classes, strict=True)]
    Path("wide.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--wide-epochs", type=int, default=24)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        os.chdir(temporary)
        report("digits", DIGITS, given.epochs)
        wide_data(2048)
        report("784-512-512-10", WIDE, given.wide_epochs)
