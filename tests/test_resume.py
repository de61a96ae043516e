"""Resuming: an interrupted run ends bit-identical to an uninterrupted one, and impossible requests are errors."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bptrain.columns.augmentation import AUGMENTATIONS
from bptrain.commands import verify_resume as verification_module
from bptrain.commands.resume import resume
from bptrain.commands.train import train
from bptrain.commands.verify_resume import verify_resume
from bptrain.errors import ConfigError, InputError, StoppedError, StorageError
from bptrain.interruption import Interruption
from bptrain.model.assemble import assemble_file
from bptrain.run import npz
from bptrain.run.directory import RunDirectory
from bptrain.run.npz import read
from bptrain.run.open_run import create_run
from bptrain.run.train_run import Started, train_run
from bptrain.training.events import EpochEnd, Notice, Progress

IRIS = "data: {source: {bundled: iris}}\nhidden: [6]\ntraining: {epochs: 4, batch_size: 16}\n"
DEEP = "hidden=null"
FILES = ("checkpoints/last.npz", "checkpoints/best.npz", "history.jsonl", "config.yaml")


def write_config(text=IRIS, name="my.yaml"):
    Path(name).write_text(text)
    return name


def read_files(run):
    return {name: (Path(run) / name).read_bytes() for name in FILES}


class Stop:
    """A sink that asks for a stop at the first event at which a condition holds, and keeps what it is told."""

    def __init__(self, condition):
        self.interruption = Interruption()
        self.condition = condition
        self.notices = []

    def __call__(self, event):
        if isinstance(event, Started):
            self.session = event.session
        if isinstance(event, Notice):
            self.notices.append(event.message)
        if isinstance(event, Progress | EpochEnd) and self.condition(self.session):
            self.interruption.ask()


def train_until(step, *overrides, run="stopped"):
    """Train a run, stop it after a step, and return its directory."""
    new = create_run(assemble_file("my.yaml", overrides), run, 0.0)
    with new, pytest.raises(StoppedError, match=f"resume it with: bptrain resume {run}"):
        train_run(new, pause=step)
    return Path(run)


def resume_for_notices(run, *overrides):
    stop = Stop(lambda session: False)
    resume(run, overrides, sinks=[stop])
    return stop.notices


DROPOUT = "network=[dense: 6, relu, dropout: 0.3, dense]"
NORM = "network=[dense: 6, batch_norm, tanh, gaussian_noise: 0.1, dense]"
TABLE = [
    [DEEP, DROPOUT, "optimizer={sgd: {momentum: 0.9, nesterov: true}}", "schedule=cosine"],
    [DEEP, NORM, "optimizer={adam: {amsgrad: true}}", "schedule={plateau: {patience: 0, threshold: 0.5}}"],
    [DEEP, DROPOUT, "optimizer=rmsprop", "training.early_stopping={patience: 2}", "optimizer.rmsprop.lr=0.05"],
    [DEEP, NORM, "training.average=0.9", "training.accumulate=2", "training.clipping={norm: 0.1}"],
    ["optimizer=nadam", "schedule={warmup: {epochs: 2}}", "dtype=float64", "training.accumulate=3"],
    ["optimizer=lbfgs", "training={batch_size: full, epochs: 12}"],
    ["optimizer=lion", "training.convergence={tolerance: 0.01, patience: 2}", "data.split.validation=0"],
    ["training.max_steps=17", "regularization={l1: 0.01, max_norm: 1}"],
]


@pytest.mark.parametrize("overrides", TABLE, ids=lambda row: "-".join(re.sub(r"\W+", "_", word) for word in row)[:60])
def test_an_interrupted_run_ends_bit_identical(overrides):
    check = verify_resume(write_config(), overrides)
    assert len(check.interruptions) >= 3
    assert check.identical, check.different


AUGMENTATION_OPTIONS = {"image_shift": "{height: 2, width: 2}"}


@pytest.mark.parametrize("name", list(AUGMENTATIONS))
def test_an_interrupted_run_ends_bit_identical_with_every_augmentation(name):
    options = AUGMENTATION_OPTIONS.get(name, "")
    check = verify_resume(write_config(), [f"augmentation=[{name}: {options}]"])
    assert len(check.interruptions) >= 3
    assert check.identical, check.different


def test_verify_resume_detects_state_that_was_not_restored(monkeypatch):
    """Each in turn: the streams, a moment of the optimizer, the position in the epoch."""
    text = "data: {source: {bundled: iris}}\nnetwork: [dense: 6, relu, dropout: 0.3, dense]\ntraining: {epochs: 4}\n"
    text += "augmentation: [gaussian_noise]\n"
    assert verify_resume(write_config(text)).identical

    def spoil_after_reopening(spoil):
        def reopen_run(run, overrides, began):
            reopened = original(run, overrides, began)
            spoil(reopened.session)
            return reopened

        return reopen_run

    def restart_masks(session):
        session.model.streams.dropout.bit_generator.state = np.random.PCG64(0).state

    def restart_order(session):
        session.model.streams.shuffle.bit_generator.state = np.random.PCG64(0).state

    def restart_noise(session):
        session.model.streams.augmentation.bit_generator.state = np.random.PCG64(0).state

    def forget_moments(session):
        session.slots[1].fill(0)

    def forget_best(session):
        session.best.theta.fill(0)

    original = verification_module.reopen_run
    for spoil in (restart_masks, restart_order, restart_noise, forget_moments):
        monkeypatch.setattr(verification_module, "reopen_run", spoil_after_reopening(spoil))
        assert not verify_resume("my.yaml").identical, spoil.__name__


@pytest.mark.parametrize("step", [1, 3, 7, 8, 20])
def test_a_run_stopped_at_any_step_resumes_bit_identical(step):
    straight = train(write_config(), run="straight")
    run = train_until(step)
    _, stored = read(run / "checkpoints" / "last.npz")
    assert stored["progress"]["step"] == step
    again = resume(run)
    assert (again.steps, again.epochs, again.stopped) == (straight.steps, straight.epochs, straight.stopped)
    assert again.test.to_json() == straight.test.to_json()
    assert read_files(run) == read_files("straight")
    assert not (run / "lock.json").exists()


def test_a_run_made_longer_equals_one_that_was_long_from_the_start():
    straight = train(write_config(), ["training.epochs=6"], run="straight")
    train("my.yaml", run="longer")
    again = resume("longer", ["training.epochs=6"])
    assert (again.epochs, again.steps) == (straight.epochs, straight.steps)
    assert read_files("longer") == read_files("straight")
    train("my.yaml", ["training.max_steps=9"], run="steps")
    assert resume("steps", ["training.max_steps=null"]).epochs == 4
    assert [json.loads(line)["epoch"] for line in Path("steps/history.jsonl").read_text().splitlines()] == [1, 2, 3, 4]


def test_resuming_a_finished_run_changes_nothing_and_says_how_to_train_longer(bptrain_in):
    result = train(write_config(), run="done")
    before = read_files("done")
    longer = "bptrain resume done training.epochs=8"
    assert resume_for_notices("done") == [f"done is finished: all 4 epochs are done; to train longer: {longer}"]
    again = resume("done")
    assert read_files("done") == before
    assert again.to_json() | {"seconds": 0} == result.to_json() | {"seconds": 0}
    assert "epoch 8/8" in bptrain_in(*longer.split()[1:]).stderr


@pytest.mark.parametrize("left", ["config", "folder", "checkpoint"])
def test_a_run_killed_before_its_first_step_resumes_from_its_start(left):
    """As the file system is when the process dies after writing its config, its folder, its first checkpoint."""
    train(write_config(), run="straight")
    train_until(1, run="killed")
    run = Path("killed")
    (run / "checkpoints" / "last.npz").unlink()
    if left == "checkpoint":
        # The predecessor of the only other checkpoint is the one from before the first step.
        _, stored = read(run / "checkpoints" / "last.previous.npz")
        assert stored["progress"]["step"] == 0
    else:
        (run / "checkpoints" / "last.previous.npz").unlink()
    if left == "config":
        (run / "checkpoints").rmdir()
        (run / "history.jsonl").unlink()
    resume("killed")
    assert read_files("killed") == read_files("straight")


def test_a_damaged_last_checkpoint_is_replaced_by_the_one_before_it():
    train(write_config(), run="straight")
    run = train_until(5)
    last = run / "checkpoints" / "last.npz"
    whole = last.read_bytes()
    last.write_bytes(whole[:-1])
    (notice,) = resume_for_notices(run)
    assert re.fullmatch(r"\S+/last\.npz: .*damaged.*; resuming from the checkpoint before it, \S+previous\.npz", notice)
    assert read_files(run) == read_files("straight")
    for file in ("last.npz", "last.previous.npz"):
        (run / "checkpoints" / file).write_bytes(b"")
    with pytest.raises(StorageError, match=r"last\.npz.*last\.previous\.npz"):
        resume(run)


def test_epochs_after_the_checkpoint_are_in_the_history_once():
    train(write_config(), run="straight")
    train_until(16, run="cut")
    run = Path("cut")
    assert len((run / "history.jsonl").read_text().splitlines()) == 2
    with open(run / "history.jsonl", "a") as file:
        file.write('{"epoch": 3, "step": 21}\n{"epoch": 4')
    resume(run)
    assert read_files(run) == read_files("straight")


def test_a_history_that_was_edited_causes_a_notice_and_is_appended_to():
    write_config()
    run = train_until(16)
    lines = (run / "history.jsonl").read_text().splitlines()
    (run / "history.jsonl").write_text(lines[0] + "\n" + lines[1][:10])
    (notice,) = resume_for_notices(run)
    assert "history.jsonl: was changed after this run wrote it" in notice
    epochs = [json.loads(line)["epoch"] for line in (run / "history.jsonl").read_text().splitlines()]
    assert epochs == [1, 3, 4]


REFUSED = [
    (["seed=3"], r"seed=3:1:6: seed: was 0 when the run began and cannot become 3; only training.epochs, .* may"),
    (["optimizer.adam.lr=0.1"], r"optimizer\.adam\.lr: was 0\.001 .* cannot become 0\.1"),
    (["training.batch_size=8"], r"training\.batch_size: was 16 .* cannot become 8"),
    (["training.epochs=1"], r"training\.epochs: the run is already in epoch 2 \(got 1\); write 2 or more"),
    (["training.max_steps=2"], r"training\.max_steps: the run has already done 9 steps \(got 2\)"),
    (["training.epochs=many"], r"training\.epochs: expected a whole number"),
    (["data.source={bundled: wine}"], r"data|target"),
]


@pytest.mark.parametrize(("overrides", "message"), REFUSED, ids=[row[0][0] for row in REFUSED])
def test_changing_any_other_key_is_an_error(overrides, message):
    write_config()
    run = train_until(9)
    before = read_files(run)
    with pytest.raises(InputError, match=message):
        resume(run, overrides)
    assert read_files(run) == before
    assert not (run / "lock.json").exists()


@pytest.mark.parametrize(("key", "few", "enough"), [("epochs", 1, 2), ("max_steps", 2, 10)])
def test_the_advice_for_a_run_that_is_too_long_works(key, few, enough):
    write_config()
    run = train_until(9)
    with pytest.raises(ConfigError, match=f"write {enough} or more"):
        resume(run, [f"training.{key}={few}"])
    result = resume(run, [f"training.{key}={enough}"])
    assert (result.steps, result.stopped) == ({"epochs": 14, "max_steps": 10}[key], key)


def test_all_forbidden_changes_are_reported_at_once():
    write_config()
    run = train_until(2)
    with pytest.raises(ConfigError) as caught:
        resume(run, ["seed=1", "dtype=float64"])
    assert [problem.field for problem in caught.value.problems] == ["dtype", "seed"]


def test_changed_data_is_an_error_and_moved_data_is_not():
    rows = "".join(f"{k % 9},{k * k % 7},{'ab'[k % 2]}\n" for k in range(60))
    Path("d.csv").write_text("x,z,y\n" + rows)
    write_config("data: {source: {csv: d.csv}, target: y}\nhidden: [4]\ntraining: {epochs: 3}\n")
    run = train_until(3)
    Path("d.csv").write_text("x,z,y\n" + rows.replace("8,", "9,", 1))
    with pytest.raises(InputError, match="the data has changed since the run began"):
        resume(run)
    Path("d.csv").unlink()
    with pytest.raises(InputError, match=r"data\.source\.csv\.path: no such file"):
        resume(run)
    Path("moved.csv").write_text("x,z,y\n" + rows)
    assert resume(run, ["data.source.csv.path=moved.csv"]).epochs == 3


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("gone", "gone: no such run directory"),
        (".", "not a run directory"),
        ("my.yaml", "my.yaml: not a run directory .got a file"),
    ],
)
def test_a_path_that_is_not_a_run_is_an_error(path, message):
    write_config()
    with pytest.raises(InputError, match=message):
        resume(path)
    assert not Path("lock.json").exists()


def test_a_changed_environment_is_reported_once():
    write_config()
    run = train_until(3)
    arrays, stored = read(run / "checkpoints" / "last.npz")
    stored["environment"]["numpy"] = "1.0"
    npz.write(run / "checkpoints" / "last.npz", arrays, stored)
    stop = Stop(lambda session: True)
    with pytest.raises(StoppedError):
        resume(run, sinks=[stop], interruption=stop.interruption)
    assert stop.notices == [
        f"the environment has changed (numpy 1.0, now {np.__version__}); the result may differ in its last bits"
    ]
    assert resume_for_notices(run) == []


@pytest.mark.parametrize("steps", [3, 7, 17, 28])
def test_max_steps(steps):
    result = train(write_config(), [f"training.max_steps={steps}"])
    assert (result.steps, result.stopped) == (steps, "epochs" if steps == 28 else "max_steps")
    assert result.test is not None
    last = read(result.run / "checkpoints" / "last.npz")[1]["progress"]
    assert last["step"] == steps


def test_a_run_stopped_by_max_seconds_can_be_resumed():
    text = IRIS.replace("epochs: 4", "epochs: 100000")
    result = train(write_config(text), ["training.max_seconds=0.3"])
    assert result.stopped == "max_seconds"
    assert 0 < result.epochs < 100000
    again = resume(result.run)
    assert again.stopped == "max_seconds"
    assert again.steps > result.steps


INTERVALS = [
    ("every_steps=5", [0, 5, 10, 15, 20, 25, 28]),
    ("every_epochs=2", [0, 14, 28]),
    ("every_seconds=1000", [0, 28]),
]


@pytest.mark.parametrize(("interval", "expected"), INTERVALS)
def test_intervals_between_checkpoints(monkeypatch, interval, expected):
    from bptrain.run import keeper

    saved = []
    original = keeper.save_last

    def note(path, session, history):
        saved.append(session.step)
        original(path, session, history)

    monkeypatch.setattr(keeper, "save_last", note)
    train(write_config(), [f"training.checkpoint.{interval}"])
    assert saved == expected


@pytest.mark.slow
def test_sigkill_and_resume_on_the_command_line(bptrain_in, tmp_path):
    """The process is killed by the system in the middle of an epoch, just after a checkpoint."""
    (tmp_path / "c.yaml").write_text(IRIS)
    assert bptrain_in("train", "c.yaml", "--run", "straight", "-q", "training.checkpoint.every_steps=3").returncode == 0
    code = """
import os, signal, sys
from bptrain.run import keeper
original = keeper.save_last
def save(path, session, history):
    original(path, session, history)
    if session.step == 9:
        os.kill(os.getpid(), signal.SIGKILL)
keeper.save_last = save
sys.argv = ["bptrain", "train", "c.yaml", "--run", "killed", "-q", "training.checkpoint.every_steps=3"]
from bptrain.__main__ import main
main()
"""
    killed = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert json.loads((tmp_path / "killed" / "lock.json").read_text())["pid"]
    done = bptrain_in("resume", "killed", "--json")
    assert done.returncode == 0, done.stderr
    straight = json.loads(bptrain_in("resume", "straight", "--json").stdout)
    result = json.loads(done.stdout)
    assert {**result, "run": "", "checkpoint": "", "seconds": 0} == {
        **straight,
        "run": "",
        "checkpoint": "",
        "seconds": 0,
    }
    assert read_files(tmp_path / "killed") == read_files(tmp_path / "straight")


def test_verify_resume_on_the_command_line(bptrain_in, tmp_path):
    (tmp_path / "c.yaml").write_text(IRIS)
    done = bptrain_in("train", "c.yaml", "--verify-resume")
    assert re.search(
        r"^verified  interrupted after the steps [\d, ]+ and resumed, the run is bit-identical$", done.stdout, re.M
    )
    report = json.loads(bptrain_in("train", "c.yaml", "--verify-resume", "--json").stdout)
    assert report["resume"]["identical"] is True
    (tmp_path / "limited.yaml").write_text(IRIS.replace("training: {", "training: {max_seconds: 9, "))
    refused = bptrain_in("train", "limited.yaml", "--verify-resume", "--run", "limited")
    assert refused.returncode == 2
    assert "training.max_seconds: a time limit ends two runs at different steps" in refused.stderr
    assert not (tmp_path / "limited").exists()
    advice = refused.stderr.split("; add ")[1].strip()
    assert bptrain_in("train", "limited.yaml", "--verify-resume", advice).returncode == 0


def test_the_paths_in_a_run_directory():
    run = RunDirectory(Path("r"))
    assert {path.relative_to("r").as_posix() for path in (run.best, run.last, run.history, run.config)} == set(FILES)
    assert os.fspath(run.checkpoints) == "r/checkpoints"


@pytest.mark.parametrize(("schedule", "jump"), [
    # Half of a cosine over 12 epochs is half the rate; a line at half its way too; a constant rate does not jump.
    ("cosine", "from 0 to 0.0005"), ("linear", "from 0 to 0.0005"), ("constant", None), ("step", None),
])  # fmt: skip
def test_a_schedule_that_spans_more_epochs_says_how_the_rate_jumps(bptrain_in, tmp_path, schedule, jump):
    (tmp_path / "c.yaml").write_text(
        "data: {source: {bundled: iris}}\nhidden: [4]\noptimizer: {adam: {lr: 0.001}}\n"
        f"schedule: {schedule}\ntraining: {{epochs: 6}}\n"
    )
    assert bptrain_in("train", "c.yaml", "-q").returncode == 0
    done = bptrain_in("resume", "runs/c-001", "training.epochs=12")
    assert done.returncode == 0
    if jump is None:
        assert "jumps" not in done.stderr
    else:
        assert (
            f"the schedule {schedule} spans 12 epochs now, and 6 before: the learning rate jumps {jump}" in done.stderr
        )
