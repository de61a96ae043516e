"""Runs written by an earlier version, each stopped in the middle of an epoch, still evaluate, predict and resume."""

import json
import math
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

import bptrain
from bptrain.errors import InputError

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


@pytest.mark.parametrize("name", [name for name in NAMES if name != "large"])
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


def test_a_stopped_run_on_a_large_table_says_why_it_cannot_be_resumed(tmp_path):
    """Its rows were drawn and ordered without row numbers; now they are drawn as those of any table."""
    shutil.copytree(HERE / "large", tmp_path / "large")
    with pytest.raises(InputError, match=r"an earlier version of bptrain drew its rows .*: train a new run"):
        bptrain.resume(tmp_path / "large", [f"data.source.csv.path={HERE / 'people.csv'}"])
