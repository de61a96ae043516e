"""A short sample of each campaign; the scripts beside this file do the full counts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from speeds import sampled

HERE = Path(__file__).parent

SAMPLES = {
    "kills": (["--random", "6", "--points", "8"], ["all ends bit-identical", "save path: 8 of"]),
    "damage": (["--flips", "300", "--edits", "150"], ["300 flipped bits found, none loaded", "150 random edits found"]),
    "signals": (["--count", "2"], ["2 signals: ", "all ends bit-identical"]),
    "memory": (["--rows", "60000", "--times", "1", "4", "--kinds", "npy"], ["npy: the peak stays within"]),
    "disk": (["--count", "4"], ["4 sizes up to", "all ends bit-identical"]),
    "races": (["--count", "2"], ["2 races of 3", "all ends bit-identical"]),
    "predict": (["4000", "3"], ["4,000 rows by 30 columns", "12,000 rows by 30 columns"]),
    "overhead": (["--epochs", "4", "--wide-epochs", "3"], ["digits: an epoch takes", "784-512-512-10: an epoch takes"]),
    "wide": (["100", "200"], ["train: ", "predict: "]),
    "tables": (
        [str(HERE.parent / "datasets"), "--seeds", "1", "--only", "iris"],
        ["straight in: 1 of 1", "mean score: "],
    ),
    "view": (["--seconds", "2"], ["digits: live ", "784-512-512-10: json "]),
}


ELSEWHERE = {"gradients"}
"""Campaigns whose sample is among the tests of what they are about."""


def test_every_campaign_has_a_sample():
    scripts = {path.stem.removeprefix("campaign_") for path in HERE.glob("campaign_*.py")}
    assert scripts == set(SAMPLES) | ELSEWHERE


@pytest.mark.parametrize("name", sampled(sorted(SAMPLES, key=lambda name: name != "damage")))
def test_a_sample_of_a_campaign(name):
    arguments, said = SAMPLES[name]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, str(HERE / f"campaign_{name}.py"), *arguments],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(words in done.stdout for words in said), done.stdout
