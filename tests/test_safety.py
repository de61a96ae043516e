"""The safety of a run: locks, checksums, signals, full disks, numbers that are not finite, and unhealthy gradients."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from speeds import sampled

from bptrain.atomic import replace_atomically
from bptrain.commands.dry_run import dry_run
from bptrain.commands.resume import resume
from bptrain.commands.train import train
from bptrain.commands.verify_resume import verify_resume
from bptrain.errors import DivergedError, InputError, StorageError
from bptrain.model.assemble import assemble_file
from bptrain.model.objective import Batch
from bptrain.nn import ACTIVATIONS
from bptrain.run import npz
from bptrain.run.directory import TEMPORARY, remove_temporary_files
from bptrain.run.lock import NAME, Lock
from bptrain.run.npz import read, write
from bptrain.run.train_run import Started
from bptrain.training.events import Notice
from bptrain.training.health import Measurement, explain_divergence, find_layers, find_problems
from bptrain.training.session import begin

IRIS = "data: {source: {bundled: iris}}\nhidden: [6]\ntraining: {epochs: 3}\n"


def write_config(text=IRIS, name="my.yaml"):
    Path(name).write_text(text)
    return name


def read_history(run):
    return [json.loads(line) for line in (Path(run) / "history.jsonl").read_text().splitlines()]


class Watch:
    """A sink that keeps notices and the session."""

    def __init__(self):
        self.notices = []

    def __call__(self, event):
        if isinstance(event, Notice):
            self.notices.append(event.message)
        if isinstance(event, Started):
            self.session = event.session


HOLD = """
import time
from pathlib import Path
from bptrain.run.lock import Lock
with Lock(Path()):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other_process():
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_names_its_owner_and_is_free_when_the_owner_dies(other_process):
    owner = json.loads(Path(NAME).read_text())
    assert owner["pid"] == other_process.pid
    with pytest.raises(InputError, match=rf"process {other_process.pid} on host \S+ is training here; wait for it"):
        Lock(Path())
    other_process.kill()
    other_process.wait()
    assert json.loads(Path(NAME).read_text()) == owner
    with Lock(Path()):
        assert json.loads(Path(NAME).read_text())["pid"] == os.getpid()
        with pytest.raises(InputError, match=f"process {os.getpid()}"):
            Lock(Path())
    assert not Path(NAME).exists()


def test_without_system_locks_the_owner_process_is_looked_up(monkeypatch):
    monkeypatch.setattr("bptrain.run.lock.fcntl", None)
    with Lock(Path()), pytest.raises(InputError, match=f"process {os.getpid()}"):
        Lock(Path())
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    import socket

    Path(NAME).write_text(json.dumps({"pid": int(gone.stdout), "host": socket.gethostname()}))
    Lock(Path()).release()
    Path(NAME).write_text(json.dumps({"pid": int(gone.stdout), "host": "elsewhere"}))
    with pytest.raises(InputError, match="on host elsewhere is training here"):
        Lock(Path())


def test_a_second_run_in_a_directory_is_an_error_that_names_the_first():
    write_config()
    Path("mine").mkdir()
    with Lock(Path("mine")), pytest.raises(InputError, match=rf"mine: process {os.getpid()} on host"):
        train("my.yaml", run="mine")
    result = train("my.yaml", run="mine")
    with Lock(result.run), pytest.raises(InputError, match=f"process {os.getpid()}"):
        resume(result.run)
    with pytest.raises(InputError, match=r"mine: exists already .*, or resume the run in it: bptrain resume mine"):
        train("my.yaml", run="mine")


def test_only_temporary_files_of_bptrain_are_removed():
    ours = [".last.npz.12.tmp", ".last.previous.npz.3.tmp", ".best.npz.99.tmp", ".config.yaml.1.tmp"]
    theirs = ["notes.tmp", ".last.npz.tmp", ".last.npz.12.tmp.bak", "last.npz", ".thesis.npz.12.tmp", "last.npz.12.tmp"]
    for name in ours + theirs:
        Path(name).write_text("x")
    Path(".best.npz.5.tmp").mkdir()
    assert sorted(path.name for path in remove_temporary_files(Path())) == sorted(ours)
    assert {path.name for path in Path().iterdir()} == {*theirs, ".best.npz.5.tmp"}


def test_temporary_files_of_a_killed_run_are_removed_on_resume():
    result = train(write_config())
    left = result.run / "checkpoints" / ".last.npz.99999.tmp"
    left.write_bytes(b"half")
    (result.run / "checkpoints" / "mine.tmp").write_text("keep")
    watch = Watch()
    resume(result.run, ["training.epochs=4"], sinks=[watch])
    assert any(str(left) in notice for notice in watch.notices)
    assert not left.exists()
    assert (result.run / "checkpoints" / "mine.tmp").exists()


def test_a_file_is_replaced_completely_or_not_at_all():
    path = Path("best.npz")
    path.write_bytes(b"old")

    def fail():
        with replace_atomically(path) as file:
            file.write(b"new")
            assert TEMPORARY.fullmatch(Path(file.name).name)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [one.name for one in Path().iterdir()] == ["best.npz"]
    assert path.read_bytes() == b"old"


def test_a_predecessor_that_is_the_same_file_leaves_no_temporary_file():
    """As when a process died between giving the file its second name and replacing it."""
    path, keep = Path("last.npz"), Path("last.previous.npz")
    write(path, {"a": np.zeros(5)}, {})
    os.link(path, keep)
    write(path, {"a": np.ones(5)}, {}, keep=keep)
    assert sorted(one.name for one in Path().iterdir()) == ["last.npz", "last.previous.npz"]
    assert (read(path)[0]["a"].sum(), read(keep)[0]["a"].sum()) == (5, 0)


def test_every_truncation_of_a_small_checkpoint_is_found():
    """The campaign tests/campaign_damage.py does every bit as well."""
    path = Path("last.npz")
    write(path, {"a": np.arange(5.0)}, {"format": 1})
    whole = path.read_bytes()
    arrays, document = read(path)
    assert (arrays["a"].tolist(), document) == ([0, 1, 2, 3, 4], {"format": 1})
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises((StorageError, InputError)):
            read(path)


@pytest.mark.parametrize("place", range(0, 8 * 160, 7))
def test_a_flipped_bit_is_found_from_either_end(place):
    path = Path("last.npz")
    write(path, {"a": np.arange(5.0)}, {"format": 1})
    whole = path.read_bytes()
    for start in (0, len(whole) - 160):
        damaged = bytearray(whole)
        damaged[start + place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises((StorageError, InputError)):
            read(path)


def test_disk_space_is_checked_before_the_first_epoch(monkeypatch):
    monkeypatch.setattr(npz, "get_free_bytes", lambda folder: 10_000)
    with pytest.raises(StorageError, match=r"need [\d,]+ bytes, and the disk has 10,000 free; free some"):
        train(write_config())
    assert not Path("runs").exists()


@pytest.mark.parametrize("blocks", sampled([8, 0, 1, 2, 20, 28, 36]))
def test_a_limit_on_the_size_of_files_loses_nothing(tmp_path, bptrain_in, blocks):
    """The campaign tests/campaign_disk.py does fifty sizes."""
    (tmp_path / "c.yaml").write_text(IRIS)
    assert bptrain_in("train", "c.yaml", "--run", "r", "-q").returncode == 0
    before = (tmp_path / "r/checkpoints/last.npz").read_bytes()
    limited = f"ulimit -f {blocks}; exec {' '.join(build_command('resume', 'r', 'training.epochs=2000', '-q'))}"
    done = subprocess.run(["sh", "-c", limited], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 5, done.stderr
    assert re.match(r"error: ", done.stderr)
    assert "Traceback" not in done.stderr
    if blocks:
        assert (tmp_path / "r/checkpoints/last.npz").read_bytes() == before
    again = bptrain_in("resume", "r", "-q")
    assert again.returncode == 0, again.stderr
    assert not [path for path in (tmp_path / "r").rglob("*") if TEMPORARY.fullmatch(path.name)]


def build_command(*arguments):
    return [sys.executable, "-m", "bptrain", *arguments]


def test_a_failed_save_names_the_bytes_needed_and_available(monkeypatch):
    path = Path("last.npz")
    write(path, {"a": np.zeros(5)}, {})

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    said = r"last.npz: cannot be written \(No space left on device; [\d,]+ bytes are needed and [\d,]+ are available\)"
    with pytest.raises(StorageError, match=said + "; the previous checkpoint is intact"):
        write(path, {"a": np.ones(5)}, {})
    assert read(path)[0]["a"].sum() == 0
    assert [one.name for one in Path().iterdir()] == ["last.npz"]


def start_training(folder, *extra):
    (folder / "long.yaml").write_text("data: {source: {bundled: digits}}\nhidden: [64]\ntraining: {epochs: 100000}\n")
    process = subprocess.Popen(
        build_command("train", "long.yaml", "--run", "r", *extra), cwd=folder, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr.readline().startswith("epoch 1/")
    return process


@pytest.mark.parametrize(("number", "code"), sampled([(signal.SIGTERM, 143), (signal.SIGINT, 130)]))
def test_a_signal_saves_and_prints_the_resume_command(tmp_path, bptrain_in, number, code):
    with start_training(tmp_path) as process:
        process.send_signal(number)
        _, rest = process.communicate(timeout=30)
    assert process.returncode == code
    said = re.search(
        rf"^error: stopped by {number.name} at step (\d+) \(epoch \d+\); resume it with: (.*)$", rest, re.M
    )
    assert said[2] == "bptrain resume r"
    _, stored = read(tmp_path / "r/checkpoints/last.npz")
    assert stored["progress"]["step"] == int(said[1])
    epochs = len((tmp_path / "r/history.jsonl").read_text().splitlines())
    done = bptrain_in("resume", "r", f"training.epochs={epochs + 2}", "--json")
    assert json.loads(done.stdout)["epochs"] == epochs + 2


def test_a_second_signal_outside_training_is_no_bug(tmp_path):
    """It comes while the first one is being said."""
    code = """
import os, signal
from bptrain.cli import app
def fail(lines, code):
    os.kill(os.getpid(), signal.SIGTERM)
    raise RuntimeError("the second signal was not heeded")
app.fail = fail
def interrupted(**_):
    os.kill(os.getpid(), signal.SIGTERM)
app.app = interrupted
app.main()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 143
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_second_signal_ends_at_once_and_leaves_the_last_checkpoint(tmp_path):
    """The step is held up, so that the second signal finds the first one unheeded."""
    (tmp_path / "c.yaml").write_text(IRIS)
    code = """
import sys, time
from bptrain.training import loop
def slow(*_):
    print("in a step", file=sys.stderr, flush=True)
    time.sleep(60)
loop.update_parameters = slow
sys.argv = ["bptrain", "train", "c.yaml", "--run", "r"]
from bptrain.__main__ import main
main()
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert "in a step\n" in iter(process.stderr.readline, "")
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
    assert read(tmp_path / "r/checkpoints/last.npz")[1]["progress"]["step"] == 0


def test_divergence_names_layer_step_rate_rows_and_the_largest_input():
    rows = [f"{k % 7},{k % 5},{k * 0.5}" for k in range(40)]
    rows[11] = "3,-99999,2"
    Path("d.csv").write_text("x,z,y\n" + "\n".join(rows) + "\n")
    text = "data: {source: {csv: d.csv}, target: y, scaling: none, split: {validation: 0, test: 0}}\nhidden: [4]\n"
    session = begin(assemble_file(write_config(text)))
    session.lr = 0.25
    chosen = np.array([3, 11, *range(20, 30)])
    batch = session.model.objective.batch(len(chosen))
    batch.fill(session.train.inputs, session.train.targets, chosen)
    batch.frame.forward(training=True)
    said = str(explain_divergence(session, "the loss is inf", 7, batch, chosen))
    assert "the loss is inf, first in layer 2.dense at step 7 (epoch 1, learning rate 0.25)" in said
    assert "the batch has the data rows 4, 12, 21, 22, 23, 24, 25, 26 and 4 more; its largest input is 1e+05" in said
    assert "(z of row 12)" in said
    assert "the inputs are not scaled; try data.scaling=standard" in said
    with pytest.raises(DivergedError, match=r"first in layer \d\.\w+ at step \d+ .* the batch has the data rows \d+, "):
        train("my.yaml", ["optimizer={sgd: {lr: 0.3}}", "training.batch_size=8"])


def test_the_reported_layer_is_the_first_whose_output_is_not_finite():
    assembly = assemble_file(write_config("data: {source: {bundled: iris}}\nhidden: [4, 5]\nactivation: tanh\n"))
    session = begin(assembly)
    network = session.model.network
    chosen = np.arange(8)
    batch = session.model.objective.batch(8)
    assert isinstance(batch, Batch)
    for name, place in (("0.dense.bias", "0.dense"), ("2.dense.bias", "2.dense"), ("4.dense.bias", "4.dense")):
        kept = network.theta.copy()
        network.parameters()[name][0] = np.nan
        batch.fill(session.train.inputs, session.train.targets, chosen)
        batch.frame.forward(training=True)
        assert f"first in layer {place} at step 3 " in str(
            explain_divergence(session, "the loss is nan", 3, batch, chosen)
        )
        network.theta[...] = kept


@pytest.mark.parametrize("what", ["gradient", "parameter"])
def test_training_stops_in_the_very_step(monkeypatch, what):
    """A gradient, or an update, turns bad in step 6 while the loss stays finite."""
    from bptrain.optim import Sgd

    original = Sgd.update

    def update(self, theta, grad, slots, *, lr, step, decayed):
        if step == 6 and what == "gradient":
            grad[2] = np.nan
        original(self, theta, grad, slots, lr=lr, step=step, decayed=decayed)
        if step == 6 and what == "parameter":
            theta[2] = np.inf

    monkeypatch.setattr(Sgd, "update", update)
    watch = Watch()
    with pytest.raises(DivergedError, match=r"a parameter is not finite, first in layer 0\.dense at step 6 \(epoch 2"):
        train(write_config(), ["optimizer=sgd", "training.checkpoint.every_steps=1"], sinks=[watch])
    for name in ("last", "best"):
        arrays, _ = read(Path(f"runs/my-001/checkpoints/{name}.npz"))
        assert all(np.isfinite(array).all() for array in arrays.values())
    assert watch.session.step == 6


def test_numbers_that_are_not_finite_are_never_saved():
    session = begin(assemble_file(write_config()))
    session.slots[0][3] = np.inf
    from bptrain.run.checkpoint import save_last

    with pytest.raises(DivergedError, match=r"slot\.0 is not finite"):
        save_last(Path("last.npz"), session, {})
    assert not Path("last.npz").exists()


def test_restore_and_halve_goes_back_and_continues():
    text = "data: {source: {bundled: diabetes}}\nhidden: [16]\noptimizer: {sgd: {lr: 6}}\ntraining: {epochs: 6}\n"
    with pytest.raises(DivergedError):
        train(write_config(text))
    halve = ["training.on_divergence=restore_and_halve"]
    watch = Watch()
    result = train("my.yaml", halve, sinks=[watch])
    assert result.epochs == 6
    setbacks = [notice for notice in watch.notices if "back to the start of epoch" in notice]
    assert len(setbacks) == result.session.halvings > 0
    records = read_history(result.run)
    assert [record["epoch"] for record in records] == [1, 2, 3, 4, 5, 6]
    assert records[-1]["lr"] == 6 * 0.5**result.session.halvings
    assert verify_resume("my.yaml", halve).identical
    with pytest.raises(DivergedError, match="has been halved 10 times"):
        train("my.yaml", [*halve, "optimizer.sgd.lr=1e30"])


def test_the_figures_are_those_computed_by_hand():
    text = "dtype: float64\ndata: {source: {bundled: iris}, split: {validation: 0, test: 0}}\nhidden: [6]\n"
    text += "optimizer: {sgd: {lr: 0.1}}\ntraining: {epochs: 1, batch_size: full}\n"
    start = assemble_file(write_config(text))
    network, rows = start.model.network, start.splits["train"]
    w1, b1, w2, b2 = (
        network.parameters()[name].copy()
        for name in ("0.dense.weight", "0.dense.bias", "2.dense.weight", "2.dense.bias")
    )
    hidden = np.maximum(rows.inputs @ w1 + b1, 0)
    scores = hidden @ w2 + b2
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    slope = (shares - np.eye(3)[rows.targets]) / len(rows)
    g2, h2 = hidden.T @ slope, slope.sum(axis=0)
    back = (slope @ w2.T) * (hidden > 0)
    g1, h1 = rows.inputs.T @ back, back.sum(axis=0)
    (record,) = read_history(train("my.yaml").run)

    def norm(*arrays):
        return np.sqrt(sum(np.sum(array**2) for array in arrays))

    assert record["gradient_norm.0.dense"] == pytest.approx(norm(g1, h1), rel=1e-9)
    assert record["gradient_norm.2.dense"] == pytest.approx(norm(g2, h2), rel=1e-9)
    assert record["update_ratio.0.dense"] == pytest.approx(0.1 * norm(g1, h1) / norm(w1, b1), rel=1e-9)
    assert record["update_ratio.2.dense"] == pytest.approx(0.1 * norm(g2, h2) / norm(w2, b2), rel=1e-9)
    assert record["dead.1.relu"] == 0


def measure(text, spoil):
    session = begin(assemble_file(write_config(text)))
    spoil(session.model.network.parameters())
    batch = session.model.objective.batch(32)
    batch.fill(session.train.inputs, session.train.targets, np.arange(32))
    session.model.objective.loss_and_grad(batch)
    measurement = Measurement(session)
    session.model.network.theta[...] *= 0.999
    measurement.finish()
    return session


def fill(name, value):
    def spoil(parameters):
        parameters[name][...] = value

    return spoil


LAYERS = "data: {{source: {{bundled: iris}}}}\nnetwork: [dense: 8, {0}, dense: 8, {0}, dense]\n"
ILL = [
    ("relu", fill("0.dense.bias", -1e3), "dead.1.relu", 1.0, ["dead"]),
    ("relu", fill("2.dense.bias", np.repeat([-1e3, 1e3], 4)), "dead.3.relu", 0.5, []),
    ("sigmoid", fill("2.dense.bias", 8), "saturated.3.sigmoid", 1.0, ["saturated"]),
    ("tanh", fill("2.dense.bias", 0), "saturated.3.tanh", None, []),
    ("hard_tanh", fill("0.dense.bias", 50), "dead.1.hard_tanh", 1.0, ["dead", "saturated"]),
    ("tanh", fill("2.dense.weight", 1e-9), "gradient_norm.0.dense", None, ["vanishing"]),
    ("tanh", fill("4.dense.weight", np.arange(24).reshape(8, 3) * 1e6), "gradient_norm.0.dense", None, ["exploding"]),
]


@pytest.mark.parametrize(("activation", "spoil", "figure", "value", "kinds"), ILL)
def test_unhealthy_layers_are_reported(activation, spoil, figure, value, kinds):
    session = measure(LAYERS.format(activation), spoil)
    assert figure in session.health
    if value is not None:
        assert session.health[figure] == value
    found = dict(find_problems(session))
    assert set(kinds) <= set(found)
    if not kinds:
        assert not found
    assert all("; try " in text for text in found.values())


def test_long_updates_are_reported():
    session = measure(LAYERS.format("relu"), lambda parameters: None)
    assert not dict(find_problems(session))
    session.health["update_ratio.2.dense"] = 1.5
    assert "2.dense" in dict(find_problems(session))["long"]


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_activation_is_measured(name):
    result = train(write_config(LAYERS.format(name)), ["training.epochs=1", "training.batch_size=4"])
    (record,) = read_history(result.run)
    assert 0 <= record[f"dead.1.{name}"] <= 1
    bounded = name in ("sigmoid", "tanh", "softsign", "hard_tanh", "relu6")
    assert (f"saturated.3.{name}" in record) == bounded


def test_a_measurement_changes_nothing_and_comes_every_64_steps(monkeypatch):
    result = train(write_config(), ["training.epochs=20"], run="one")
    seen = [record["epoch"] for record in read_history(result.run) if "gradient_norm.0.dense" in record]
    assert seen == [1, 17]
    monkeypatch.setattr("bptrain.training.health.is_due", lambda session: False)
    other = train("my.yaml", ["training.epochs=20"], run="two")
    assert (result.session.model.network.theta == other.session.model.network.theta).all()


def test_each_kind_of_warning_comes_once_a_run(bptrain_in, tmp_path):
    text = "data: {source: {bundled: iris}}\nnetwork: [dense: {units: 6, bias_init: {constant: -1e3}}, relu, dense]\n"
    (tmp_path / "c.yaml").write_text(text + "training: {epochs: 40}\n")
    done = bptrain_in("train", "c.yaml")
    warned = [line for line in done.stderr.splitlines() if "dead units" in line]
    # A plain log repeats it at the end, after many other lines.
    assert len(warned) == 2
    assert warned[0] == warned[1]
    assert warned[0].startswith("warning: dead units in epoch 1: 90% or more of those in 1.relu")
    assert "dead." not in done.stderr.replace(warned[0], "")
    assert find_layers({"dead.1.relu": 0.95, "dead.3.relu": 0.1, "saturated.1.tanh": 1.0}, "dead", 0.9) == ["1.relu"]


def test_a_dry_run_measures_everything_and_writes_nothing(bptrain_in, tmp_path):
    found = dry_run(write_config())
    assert (found.batch_rows, found.steps_per_epoch, found.epochs) == (32, 4, 3)
    assert min(found.step_seconds, found.epoch_seconds, found.save_seconds, found.restore_seconds) > 0
    assert found.checkpoint_bytes > 1000
    assert found.peak_bytes >= found.epoch_bytes > 2**20
    assert not Path("runs").exists()
    done = bptrain_in("train", "my.yaml", "--dry-run", "--json")
    assert json.loads(done.stdout)["epochs"] == 3
    text = bptrain_in("train", "my.yaml", "--dry-run").stdout
    assert re.search(r"^restored +bit-identical", text, re.M)
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_detects_state_that_was_not_restored(monkeypatch):
    from bptrain.run import rehearsal as module

    original = module.restore

    def forgetful(session, arrays, stored, path):
        original(session, arrays, stored, path)
        session.slots[0][0] += 1

    monkeypatch.setattr(module, "restore", forgetful)
    with pytest.raises(StorageError, match="the restored session differs from the saved one"):
        dry_run(write_config())
