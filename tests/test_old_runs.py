"""Runs written by an earlier version, each stopped in the middle of an epoch, still evaluate, predict and resume."""

import json
import math
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bptrain
from bptrain.arrays import Streams
from bptrain.columns.splits.chunked_draws import draw_keys, order_by_keys, split_by_chunks
from bptrain.columns.splits.split import Split
from bptrain.config import load
from bptrain.errors import InputError
from bptrain.model.read import read
from bptrain.run import npz
from bptrain.tables.table import Selection

HERE = Path(__file__).parent / "data" / "runs"
EXPECTED = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
"""What that version said of each run once it was finished."""

NAMES = sorted(EXPECTED)


@pytest.fixture(autouse=True)
def _quiet():
    """The environment that wrote them was another; columns that a network does not read are ignored."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


BUNDLED = ("inputs", "memory")
"""Those on a bundled data set; the second was held in memory then, and is mapped now."""


def data_of(name):
    return None if name in BUNDLED else HERE / "people.csv"


def close(found, expected):
    """Whether two documents are alike, numbers up to what another BLAS rounds."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(close(found[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(close, found, expected))
    if isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-4, abs_tol=1e-6)
    return found == expected


def test_there_are_runs_of_every_kind():
    assert {"classes", "numbers", "several", "inputs", "large", "memory"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_finished_run_evaluates_and_predicts_as_before(name):
    checkpoint = HERE / name / "finished.npz"
    found = bptrain.evaluate(checkpoint, data=data_of(name)).to_json()
    assert close({key: found[key] for key in EXPECTED[name]["evaluation"]}, EXPECTED[name]["evaluation"])
    file = data_of(name) or Path(__file__).parents[1] / "datasets" / "iris.csv"
    predictions = bptrain.predict(checkpoint, file).to_json()["predictions"]
    assert close(predictions[:4], EXPECTED[name]["predictions"])


@pytest.mark.parametrize("name", NAMES)
def test_a_stopped_run_resumes_to_the_same_end(name, tmp_path):
    run = tmp_path / name
    shutil.copytree(HERE / name, run)
    overrides = [] if name in BUNDLED else [f"data.source.csv.path={HERE / 'people.csv'}"]
    result = bptrain.resume(run, overrides)
    assert result.steps == EXPECTED[name]["steps"]
    history = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert close(history, [json.loads(line) for line in EXPECTED[name]["history"]])
    with np.load(run / "checkpoints" / "last.npz") as file:
        arrays = {key: file[key].astype(float).ravel()[:8].tolist() for key in EXPECTED[name]["arrays"]}
    assert close(arrays, EXPECTED[name]["arrays"])


def test_a_run_on_a_large_table_evaluates_its_own_splits(tmp_path):
    """Which that version drew chunk by chunk of the table."""
    shutil.copytree(HERE / "large", tmp_path / "large")
    source = [f"data.source.csv.path={HERE / 'people.csv'}", "training.epochs=4"]
    bptrain.resume(tmp_path / "large", source)
    # The finished run of that version, beside a file that is where its config says.
    arrays, stored = npz.read(HERE / "large" / "finished.npz")
    stored["config"]["data"]["source"]["csv"]["path"] = str(HERE / "people.csv")
    npz.write(tmp_path / "finished.npz", arrays, stored)
    for split, loss in EXPECTED["large"]["splits"].items():
        assert math.isclose(bptrain.evaluate(tmp_path / "finished.npz", split=split).loss, loss, rel_tol=1e-5)
        assert math.isclose(bptrain.evaluate(tmp_path / "large", split=split).loss, loss, rel_tol=1e-4)


def test_a_run_on_a_large_table_that_has_changed_is_refused(tmp_path):
    shutil.copytree(HERE / "large", tmp_path / "large")
    text = (HERE / "people.csv").read_text(encoding="utf-8")
    (tmp_path / "people.csv").write_text(text.replace("Köln,", "Bonn,"), encoding="utf-8")
    with pytest.raises(InputError, match="the data has changed since the run began"):
        bptrain.resume(tmp_path / "large", [f"data.source.csv.path={tmp_path / 'people.csv'}"])


KEYS = np.arange(1, 7, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)

DRAWN = {
    "random": {"train": (28000, 562104775, [1, 2, 4, 6, 7]), "validation": (6000, 119646934, [0, 3, 5, 12, 20]),
               "test": (6000, 118228291, [14, 17, 28, 29, 31])},
    "stratified": {"train": (28000, 559802371, [0, 2, 3, 6, 7]), "validation": (6000, 120716989, [8, 15, 17, 19, 30]),
                   "test": (6000, 119460640, [1, 4, 5, 12, 21])},
}  # fmt: skip
"""Of the rows of each split that version drew from a table of three chunks: the count, the sum and the first."""


def test_orders_by_keys_are_those_of_before():
    assert order_by_keys(10, KEYS).tolist() == [3, 0, 2, 4, 8, 6, 9, 5, 7, 1]
    assert order_by_keys(17, KEYS).tolist() == [14, 11, 1, 8, 16, 9, 12, 4, 13, 7, 5, 6, 3, 15, 10, 2, 0]
    assert int((order_by_keys(1000, KEYS) * np.arange(1000)).sum()) == 249577639
    assert order_by_keys(3, KEYS[:0]).tolist() == [0, 1, 2]


@given(st.integers(1, 5000), st.integers(0, 1000))
def test_an_order_by_keys_has_every_row_once(count, seed):
    order = order_by_keys(count, draw_keys(np.random.default_rng(seed)))
    assert np.array_equal(np.sort(order), np.arange(count))


@pytest.mark.parametrize("method", DRAWN)
def test_splits_of_several_chunks_are_those_of_before(method, tmp_path):
    rows = "".join(f"{i},{'abc'[i * i % 3]}\n" for i in range(40_000))
    (tmp_path / "t.csv").write_text(f"x,k\n{rows}")
    (tmp_path / "c.yaml").write_text("data: {source: {csv: t.csv}, target: k, memory: 1KiB, cache: false}\nhidden: [2]")
    table = read(load(tmp_path / "c.yaml"))
    codes = np.arange(40_000) ** 2 % 3
    split = Split(method=method)
    drawn = split_by_chunks(split, Selection(table), codes, Streams(0).split)
    found = {name: (len(one), int(one.sum(dtype=np.int64)), one[:5].tolist()) for name, one in drawn.items()}
    assert found == DRAWN[method]
