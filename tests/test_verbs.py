"""The five verbs load, read, assemble, begin and train: tables are read once, and all fields of a session saved."""

import json
from collections import Counter
from dataclasses import fields, replace
from functools import partial
from math import inf
from pathlib import Path

import numpy as np
import pytest

import bptrain
from bptrain.config import load
from bptrain.errors import ConfigError, StorageError
from bptrain.model.assemble import assemble, assemble_file
from bptrain.model.read import read
from bptrain.run import npz
from bptrain.run.checkpoint import restore, save_last
from bptrain.tables import cache
from bptrain.tables.table import Table
from bptrain.training.counters import LATER, Counters
from bptrain.training.events import EpochEnd
from bptrain.training.loop import Budget, train
from bptrain.training.session import Session, begin

CSV = "data: {source: {csv: {path: t.csv}}, target: y}\nhidden: [3]\ntraining: {epochs: 2}\n"


def config(text=CSV, name="my.yaml"):
    Path(name).write_text(text)
    return name


@pytest.fixture
def table_file():
    rng = np.random.default_rng(0)
    rows = "\n".join(f"{a:.3f},{b:.3f},{a - b:.3f}" for a, b in rng.standard_normal((40, 2)))
    Path("t.csv").write_text(f"a,b,y\n{rows}\n")


@pytest.fixture
def reads(monkeypatch):
    """Count how often each source is read."""
    counts, original = Counter(), cache.load_table

    def counted(source, **options):
        counts[str(getattr(source, "path", source))] += 1
        return original(source, **options)

    monkeypatch.setattr(cache, "load_table", counted)
    return counts


def train_assembly(assembly):
    session = begin(assembly)
    epochs = [event for event in train(session, Budget()) if isinstance(event, EpochEnd)]
    assert len(epochs) == 2
    return session.model.network.theta


def test_a_table_can_be_assembled_again_and_no_file_is_opened(table_file):
    loaded = load(config())
    table = read(loaded)
    Path("t.csv").unlink()
    assert np.array_equal(train_assembly(assemble(loaded, table)), train_assembly(assemble(loaded, table)))
    other = replace(loaded, experiment=replace(loaded.experiment, seed=1))
    assert not np.array_equal(train_assembly(assemble(loaded, table)), train_assembly(assemble(other, table)))


def test_a_table_in_memory_trains_like_the_same_table_in_a_file(table_file):
    loaded = load(config())
    read_from_file = read(loaded)
    made = Table({name: np.array(values) for name, values in read_from_file.columns.items()}, "an array")
    Path("t.csv").unlink()
    assert np.array_equal(train_assembly(assemble(loaded, made)), train_assembly(assemble(loaded, read_from_file)))


def test_splits_with_a_source_of_their_own_are_read_too(table_file, reads):
    loaded = load(config(CSV.replace("target: y", "target: y, split: {validation: {csv: {path: t.csv}}}")))
    table = read(loaded)
    assert list(table.splits) == ["validation"]
    assert reads == {str(Path("t.csv").resolve()): 2}
    assert len(assemble(loaded, table).splits["validation"]) == 40


WRONG = [
    ("target: z", "my.yaml:1:46: data.target: .* has no column 'z'"),
    ("target: y, split: {validation: {csv: {path: no.csv}}}", "data.split.validation.csv.path: .*no.csv"),
]


@pytest.mark.parametrize(("data", "message"), WRONG)
def test_each_verb_gives_its_errors_a_place(table_file, data, message):
    loaded = load(config(CSV.replace("target: y", data)))
    with pytest.raises(ConfigError, match=message):
        assemble(loaded, read(loaded))


def test_the_start_of_a_session_gives_its_errors_a_place(table_file):
    assembly = assemble_file(config(CSV + "optimizer: {adagrad: {initial: 1.0e+300}}\n"))
    with pytest.raises(ConfigError, match=r"my.yaml:4:\d+: optimizer.adagrad: an option is too large for float32"):
        begin(assembly)


def test_a_race_reads_each_source_once(table_file, reads):
    bptrain.race(config(), optimizers=["sgd", "adam"], seeds=5)
    assert list(reads.values()) == [1]
    Path("other.csv").write_text(Path("t.csv").read_text())
    reads.clear()
    bptrain.race(config(), vary=["data.source.csv.path=t.csv,other.csv"], seeds=3)
    assert sorted(reads.values()) == [1, 1]


@pytest.mark.parametrize(
    "command", [bptrain.dry_run, bptrain.summarize, bptrain.show, bptrain.train, partial(bptrain.exercise, seed=1)]
)
def test_a_command_reads_the_data_once(table_file, reads, command):
    command(config())
    assert list(reads.values()) == [1]


def test_a_dry_run_assembles_once(table_file, monkeypatch):
    from bptrain.model import assemble as module

    calls, original = [], module.assemble
    monkeypatch.setattr(module, "assemble", lambda *arguments: calls.append(1) or original(*arguments))
    bptrain.dry_run(config())
    assert calls == [1]


COUNTED = {
    "epoch": 3,
    "step": 70,
    "position": 11,
    "loss_sum": 0.1,
    "weight_sum": 0.7,
    "gathered_weight": 0.3,
    "gathered_batches": 2,
    "clipped": 5,
    "lr": 1e-3,
    "losses": [0.9, 0.8, 1 / 3],
    "memory": 0.5,
    "waited": 1,
    "reference": 0.8,
    "recent": [0.2, 0.1],
    "stopped": "epochs",
    "measured": 64,
    "health": {"gradient_norm.2.dense": 0.5, "gradient_norm.0.dense": 0.25},
    "warned": ["dead"],
    "halvings": 1,
    "phase": 2,
    "found": [{"epoch": 4, "loss": 0.3, "metrics": {"accuracy": 0.9}}],
    "steps_before": 90,
}
"""Every counter, with a value that is not its first."""


def test_every_counter_is_saved_and_restored():
    counters = Counters(**COUNTED)
    assert all(getattr(Counters(), name) != value for name, value in COUNTED.items())
    assert set(COUNTED) == {one.name for one in fields(Counters)}
    stored = json.loads(json.dumps(counters.get_progress(), sort_keys=True, allow_nan=False))
    assert set(stored) == set(COUNTED)
    fresh = Counters()
    fresh.restore_progress(stored)
    assert fresh == counters
    assert list(fresh.health) == list(counters.health)
    fresh.restore_progress(Counters().get_progress())
    assert fresh == Counters()
    assert fresh.reference == inf


@pytest.mark.parametrize("name", [name for name in COUNTED if name not in LATER])
def test_a_counter_that_a_checkpoint_lacks_is_an_error(name, table_file):
    session = begin(assemble_file(config()))
    path = Path("last.npz")
    save_last(path, session, {})
    arrays, stored = npz.read(path)
    restore(session, arrays, stored, path)
    del stored["progress"][name]
    with pytest.raises(StorageError, match=f"not a checkpoint of this version .*{name}"):
        restore(session, arrays, stored, path)


def test_every_field_of_a_session_is_saved():
    """A field that is neither a counter nor in this list would be lost when a run is resumed."""
    made_again = {"model", "splits", "whole", "folds", "data", "environment"}
    arrays = {"slots", "order", "order_keys", "average", "gathered", "best", "good", "members"}
    assert {one.name for one in fields(Session)} == {*COUNTED, *made_again, *arrays}
