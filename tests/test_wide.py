"""Wide tables: what each command does must grow with the columns, and not with their square."""

import time

import numpy as np
import pytest

import bptrain

NARROW, WIDE = 500, 2000

CONFIG = """
data: {{source: {{csv: {columns}.csv}}, target: y, cache: false}}
hidden: [4]
training: {{epochs: 1}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table of 60 rows, with a config and a run, for each number of columns."""
    folder = tmp_path_factory.mktemp("wide")
    rng = np.random.default_rng(0)
    for columns in (NARROW, WIDE):
        rows = [",".join(f"{value:.3f}" for value in row) for row in rng.random((60, columns))]
        header = ",".join(f"wide_{k}" for k in range(columns))
        lines = [f"{header},y", *(f"{row},{'ab'[k % 2]}" for k, row in enumerate(rows))]
        (folder / f"{columns}.csv").write_text("\n".join(lines) + "\n")
        (folder / f"{columns}.yaml").write_text(CONFIG.format(columns=columns))
        bptrain.train(folder / f"{columns}.yaml", run=folder / f"run-{columns}")
    return folder


COMMANDS = {
    "train": lambda name, runs: bptrain.train(f"{name}.yaml", run=runs / f"{name}-{time.time_ns()}"),
    "train on a number": lambda name, runs: bptrain.train(
        f"{name}.yaml",
        ["data.target=wide_0", "data.features={exclude: [y]}"],
        run=runs / f"{name}-{time.time_ns()}",
    ),
    "validate": lambda name, runs: bptrain.validate([f"{name}.yaml"]),
    "data": lambda name, runs: bptrain.describe_data(f"{name}.yaml"),
    "show": lambda name, runs: bptrain.summarize(f"{name}.yaml"),
    "init": lambda name, runs: bptrain.init(f"{name}.csv", "y"),
    "predict": lambda name, runs: bptrain.predict(f"run-{name}", f"{name}.csv"),
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_four_times_the_columns_take_far_less_than_sixteen_times_the_work(command, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)

    def work(columns: int) -> float:
        start = time.process_time()
        COMMANDS[command](str(columns), tmp_path)
        return time.process_time() - start

    work(NARROW)
    least = [min(work(columns) for _ in range(2)) for columns in (NARROW, WIDE)]
    assert least[1] < 8 * least[0]
