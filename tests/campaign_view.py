"""Measures what it costs to look on: the same training with nobody looking, and with each way to show progress.

    python tests/campaign_view.py --seconds 60

One training goes on in turns of a second with and without, on a terminal of 100 columns that another process empties;
by processor time, all threads together. What counts is the median of the ratios of neighbouring turns.
"""

import argparse
import os
import pty
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import perf_counter, process_time
from unittest import mock

import numpy as np
from campaign_overhead import DIGITS, WIDE, wide_data
from rich.console import Console

from bptrain.console.live import Canvas, Drawing, LiveView
from bptrain.console.training_lines import JsonLines, PlainLines
from bptrain.model.assemble import assemble_file
from bptrain.nn.network import limit_threads
from bptrain.run.train_run import Started
from bptrain.training import loop
from bptrain.training.loop import Budget
from bptrain.training.session import begin


@contextmanager
def live(session):
    """The live view."""
    with LiveView(sys.stderr) as view:
        view(Started(session, Path()))
        yield view


@contextmanager
def plain(session):
    """A line an epoch."""
    sink = PlainLines()
    sink(Started(session, Path()))
    yield sink


@contextmanager
def json(session):
    """An object an epoch."""
    sink = JsonLines()
    sink(Started(session, Path()))
    yield sink


def turn(session, events, sink, seconds):
    """Train for a while; the processor time for each row."""
    before, began, processor = session.rows_done, perf_counter(), process_time()
    for event in events:
        if sink:
            sink(event)
        if perf_counter() - began > seconds:
            break
    return (process_time() - processor) / (session.rows_done - before)


def measure(text, seconds, way):
    """The share of the processor time that a way to look on adds."""
    Path("c.yaml").write_text(text)
    session = begin(assemble_file("c.yaml"))
    with np.errstate(all="ignore"), limit_threads(session.model.network, session.batch_size), way(session) as sink:
        events, ratios = loop.train(session, Budget()), []
        turn(session, events, sink, 1.0)
        for k in range(max(round(seconds / 2), 1)):
            taken = [0.0, 0.0]
            # In turns, also of who is first.
            for one in (0, 1) if k % 2 else (1, 0):
                with nullcontext() if one else mock.patch.object(Drawing, "draw"):
                    taken[one] = turn(session, events, sink if one else None, 1.0)
            ratios.append(taken[1] / taken[0] - 1)
    return statistics.median(ratios)


@contextmanager
def terminal():
    """A terminal for stderr, which another process empties."""
    outside, inside = pty.openpty()
    reader = subprocess.Popen(["cat"], stdin=outside, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = sys.stderr
    os.environ.update(COLUMNS="100", LINES="40", TERM="xterm-256color")
    with open(inside, "w", encoding="utf-8") as sys.stderr:
        try:
            assert Console(file=Canvas(sys.stderr)).is_terminal
            yield
        finally:
            sys.stderr = before
    os.close(outside)
    reader.kill()
    reader.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        os.chdir(temporary)
        wide_data(2048)
        for name, text in {"digits": DIGITS, "784-512-512-10": WIDE}.items():
            for way in (live, plain, json):
                with terminal():
                    share = measure(text, given.seconds, way)
                print(f"{name}: {way.__name__} {100 * share:+.2f}%", flush=True)
