"""Trackers: TensorBoard reads each epoch of the history once, even after interruptions."""

import json
import signal
import struct
from pathlib import Path

import pytest

import bptrain
from bptrain.errors import ConfigError, StoppedError
from bptrain.interruption import Interruption
from bptrain.run.trackers import build_scalars

CONFIG = """data: {source: {bundled: iris}}
hidden: [4]
training:
  epochs: 6
  log: {tensorboard: true}
"""


@pytest.fixture
def flowers():
    Path("flowers.yaml").write_text(CONFIG)
    return "flowers.yaml"


def read_events(run):
    """All events of a run's files, read by the layout of a TFRecord, with both checksums."""
    crc32c = pytest.importorskip("tensorboardX.crc32c").crc32c
    from tensorboardX.proto.event_pb2 import Event

    def check_sum(data, crc):
        value = crc32c(data)
        assert struct.unpack("<I", crc)[0] == (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF
        return data

    found = []
    paths = sorted((run / "tensorboard").iterdir())
    assert len(paths) == 1
    content = paths[0].read_bytes()
    while content:
        (length,) = struct.unpack("<Q", check_sum(content[:8], content[8:12]))
        found.append(Event.FromString(check_sum(content[12 : 12 + length], content[12 + length : 16 + length])))
        content = content[16 + length :]
    return found


def read_curves(run):
    """Tag -> the steps and values that were written for it."""
    curves = {}
    for event in read_events(run):
        for value in event.summary.value:
            curves.setdefault(value.tag, []).append((event.step, value.simple_value))
    return curves


def expect_curves(run):
    curves = {}
    for line in (run / "history.jsonl").read_text().splitlines():
        record = json.loads(line)
        for tag, value in build_scalars(record).items():
            curves.setdefault(tag, []).append((record["epoch"], pytest.approx(value, rel=1e-6)))
    return curves


@pytest.mark.slow
def test_the_scalars_equal_the_history(flowers):
    pytest.importorskip("tensorboardX")
    run = bptrain.train(flowers).run
    curves = read_curves(run)
    assert curves == expect_curves(run)
    assert {"loss/training", "loss/validation", "accuracy/validation", "lr", "gradient_norm/0.dense"} <= curves.keys()
    assert [step for step, _ in curves["loss/training"]] == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_after_a_resume_each_epoch_is_in_the_file_once(flowers):
    pytest.importorskip("tensorboardX")
    interruption = Interruption()

    def stop(event):
        if getattr(event, "record", {}).get("epoch") == 3:
            interruption.ask(signal.SIGINT)

    with pytest.raises(StoppedError):
        bptrain.train(flowers, run="r", sinks=[stop], interruption=interruption)
    before = {event.step: event.wall_time for event in read_events(Path("r")) if event.HasField("summary")}
    assert list(before) == [1, 2, 3]
    (path,) = Path("r/tensorboard").iterdir()
    # What a process that died left: the epochs after its checkpoint, and half an event.
    whole = path.read_bytes()
    path.write_bytes(whole + whole[-40:])
    with open("r/history.jsonl", "a") as file:
        file.write('{"epoch": 4, "step": 99, "lr": 1.0, "loss": 9.0, "validation_loss": 9.0}\n')
    bptrain.resume("r")
    assert read_curves(Path("r")) == expect_curves(Path("r"))
    after = {event.step: event.wall_time for event in read_events(Path("r")) if event.HasField("summary")}
    assert list(after) == [1, 2, 3, 4, 5, 6]
    assert {step: after[step] for step in before} == before


def test_tensorboard_itself_reads_it(flowers):
    pytest.importorskip("tensorboardX")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = bptrain.train(flowers).run
    bptrain.resume(run, ["training.epochs=8"])
    found = accumulator.EventAccumulator(str(run / "tensorboard"))
    found.Reload()
    for tag, points in expect_curves(run).items():
        assert [(point.step, point.value) for point in found.Scalars(tag)] == points


def test_tracking_can_start_at_a_resume(flowers):
    pytest.importorskip("tensorboardX")
    run = bptrain.train(flowers, ["training.log.tensorboard=false"]).run
    assert not (run / "tensorboard").exists()
    bptrain.resume(run, ["training.epochs=8", "training.log.tensorboard=true"])
    assert read_curves(run) == expect_curves(run)


def test_without_tensorboardx_the_error_says_how_to_install_it_and_nothing_is_written(flowers, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(ConfigError) as raised:
        bptrain.train(flowers)
    message = "tensorboardX is not installed; pip install 'bptrain[tensorboard]'"
    assert raised.value.lines == (f"flowers.yaml:5:22: training.log.tensorboard: {message}",)
    assert not Path("runs").exists()
    assert bptrain.validate([flowers]).valid
    run = bptrain.train(flowers, ["training.log.tensorboard=false"]).run
    with pytest.raises(ConfigError, match="tensorboardX is not installed"):
        bptrain.resume(run, ["training.log.tensorboard=true", "training.epochs=7"])


@pytest.mark.parametrize(
    ("record", "tags"),
    [
        (
            {"epoch": 1, "step": 2, "lr": 0.1, "loss": 1.0, "accuracy": 0.5},
            ["lr", "loss/training", "accuracy/training"],
        ),
        ({"loss": 1.0, "validation_loss": 2.0, "validation_f1": None}, ["loss/training", "loss/validation"]),
        ({"dead.1.relu": 0.5, "penalty": 1.0, "clipped": 0.0}, ["dead/1.relu", "penalty", "clipped"]),
    ],
)
def test_names_of_scalars(record, tags):
    assert sorted(build_scalars(record)) == sorted(tags)
