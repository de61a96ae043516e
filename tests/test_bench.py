"""The benchmark trains the networks that it names, reports what it measured, and names what is not installed."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from speeds import sampled

import bptrain
from bptrain import blas
from bptrain.bench import command_lines, contenders, measuring
from bptrain.bench.measuring import Comparison, Measurement
from bptrain.bench.workloads import WORKLOADS
from bptrain.commands import bench
from bptrain.errors import InputError
from bptrain.model.assemble import assemble_file


@pytest.fixture
def alone(monkeypatch):
    """Leave out the other libraries, which take long."""
    absent = tuple(contenders.PACKAGES)
    for module in (contenders, bench):
        monkeypatch.setattr(module, "find_missing_contenders", lambda: absent)
    monkeypatch.setattr(command_lines, "find_spec", lambda _: None)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda one: one.name)
def test_a_workload_is_the_network_that_it_names(workload, tmp_path):
    inputs, labels = replace(workload, rows=4 * workload.sizes[-1]).make_data()
    assert set(labels) == set(range(workload.sizes[-1]))
    assert inputs.shape[1] == workload.sizes[0]
    np.savez(tmp_path / "data.npz", x=inputs, y=labels)
    (tmp_path / "w.yaml").write_text(workload.write_config("data.npz"))
    model = assemble_file(tmp_path / "w.yaml").model
    dense = sum((before + 1) * after for before, after in pairwise(workload.sizes))
    normalized = 2 * sum(workload.sizes[1:-1]) if workload.hidden == "batch_norm" else 0
    assert len(model.network.theta) == dense + normalized
    assert model.network.theta.dtype == "float32"


def test_a_ratio_is_our_median_divided_by_theirs():
    taken = (
        Measurement("bptrain", (1.0, 9.0, 2.0), 5),
        Measurement("PyTorch", (8.0, 4.0, 1.0), 7),
    )
    document = Comparison(WORKLOADS[0], taken).to_json()
    ours, theirs = document["contenders"]
    assert (ours["microseconds_per_step"], ours["fastest"], ours["slowest"], ours["ratio"]) == (2, 1, 9, 1)
    assert (theirs["microseconds_per_step"], theirs["ratio"], theirs["peak_bytes"]) == (4, 0.5, 7)
    assert ours["samples_per_second"] == 16 / 2e-6


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("names", sampled([["4-16-3"], ["4-16-3", "commands"]]))
def test_a_short_benchmark_measures_what_is_asked_for(names):
    told = []
    result = bptrain.benchmark(names, rounds=1, seconds=1e-6, watch=lambda what, share: told.append((what, share)))
    document = json.loads(json.dumps(result.to_json()))
    (workload,) = document["workloads"]
    assert [one["name"] for one in workload["contenders"]] == ["bptrain", "matrix products alone"]
    assert all(one["microseconds_per_step"] > 0 and one["peak_bytes"] > 1e7 for one in workload["contenders"])
    ours = [command_lines.OURS, command_lines.FIRST_STEP] if "commands" in names else []
    assert [one["name"] for one in document["commands"]] == ours
    assert all(one["seconds"] > 0 for one in document["commands"])
    assert document["not_installed"] == ["sklearn", "torch", "jax"]
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["64-64-1"], {}, r"no workload is named '64-64-1'; did you mean '64-64-10'"),
        (["4-16-3"], {"rounds": 0}, r"--rounds: expected a whole number >= 1 \(got 0\)"),
        (["4-16-3"], {"seconds": 0}, r"seconds: expected a number > 0 \(got 0\)"),
    ],
)
def test_bad_arguments_are_errors(names, options, message):
    with pytest.raises(InputError, match=message):
        bptrain.benchmark(names, **options)


def test_a_contender_that_fails_is_named(monkeypatch):
    monkeypatch.setattr(measuring, "choose_contenders", lambda _: ("nobody",))
    with pytest.raises(InputError, match="nobody failed"):
        bptrain.benchmark(["4-16-3"], rounds=1)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "package"), [("digits_torch.py", "torch"), ("digits_sklearn.py", "sklearn")])
def test_the_scripts_of_other_libraries_learn_the_digits(name, package):
    """Otherwise the comparison of whole commands would not be fair."""
    pytest.importorskip(package)
    data = str(command_lines.find_resources("datasets") / "digits.csv.gz")
    # One thread: two of them wait for each other on a busy machine.
    done = subprocess.run(
        [sys.executable, str(command_lines.SCRIPTS / name), data],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert float(done.stdout.split()[-1]) > 0.95


def test_blas_is_settled_unless_the_user_has(monkeypatch):
    monkeypatch.delenv(blas.VARIABLE, raising=False)
    assert blas.get_own_environment()[blas.VARIABLE] == blas.TIMEOUT
    blas.set_thread_timeout()
    assert os.environ[blas.VARIABLE] == blas.TIMEOUT
    assert blas.VARIABLE not in blas.get_others_environment()
    monkeypatch.setenv(blas.VARIABLE, "7")
    blas.set_thread_timeout()
    assert (
        os.environ[blas.VARIABLE]
        == blas.get_own_environment()[blas.VARIABLE]
        == blas.get_others_environment()[blas.VARIABLE]
        == "7"
    )


@pytest.mark.parametrize(("said", "seen"), [({}, blas.TIMEOUT), ({blas.VARIABLE: "7"}, "7")])
def test_our_contenders_and_the_command_line_settle_blas(monkeypatch, said, seen):
    monkeypatch.delenv(blas.VARIABLE, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    given = []

    class Seen(subprocess.Popen):
        def __init__(self, command, **options):
            given.append(options["env"].get(blas.VARIABLE))
            super().__init__([sys.executable, "-c", 'print(\'{"seconds": 0, "peak_bytes": 1}\')'], **options)

    with monkeypatch.context() as patch:
        patch.setattr(measuring.subprocess, "Popen", Seen)
        for contender in ("bptrain", "matrix products alone", "PyTorch"):
            with measuring.start_worker(WORKLOADS[0], contender):
                pass
    assert given == [seen, seen, said.get(blas.VARIABLE)]
    show = "import os, sys; sys.argv = ['bptrain', '--version']; from bptrain.__main__ import main\n"
    show += f"try: main()\nfinally: print(os.environ[{blas.VARIABLE!r}])"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=False)
    assert done.stdout.split()[-1] == seen
