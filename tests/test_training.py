"""Training: what the bundled configs reach, when it stops, what it leaves behind, and that it can be repeated."""

import json
from itertools import pairwise
from math import cos, pi
from pathlib import Path

import numpy as np
import pytest
from samples import write_config

from bptrain.commands.evaluate import evaluate
from bptrain.commands.show import show
from bptrain.commands.train import train
from bptrain.commands.validate import validate
from bptrain.config import load
from bptrain.errors import DivergedError, InputError, OptionError, StorageError
from bptrain.model.assemble import assemble_file
from bptrain.model.scoring import score
from bptrain.run.checkpoint import load_checkpoint
from bptrain.training.events import EpochEnd

CONFIGS = Path(__file__).parents[1] / "configs"
NAMES = sorted(path.stem for path in CONFIGS.glob("*.yaml"))

REACHED = {
    "digits": ("accuracy", 0.97),
    "breast_cancer": ("accuracy", 0.95),
    "wine": ("accuracy", 0.95),
    "iris": ("accuracy", 0.93),
    "diabetes": ("r2", 0.40),
}


def quick(*extra):
    """A small run on iris."""
    text = "data: {source: {bundled: iris}}\nhidden: [4]\ntraining: {epochs: 3}\n"
    return train(write_config(text), extra)


def test_all_configs_are_known():
    assert set(NAMES) == {*REACHED, "xor", "linear_regression"}


@pytest.mark.parametrize("name", REACHED)
def test_a_bundled_config_reaches_its_mark(name):
    result = train(CONFIGS / f"{name}.yaml")
    metric, least = REACHED[name]
    assert result.test.metrics[metric] >= least


@pytest.mark.parametrize("seed", range(4))
def test_xor_is_solved_exactly(seed):
    result = train(CONFIGS / "xor.yaml", [f"seed={seed}"])
    assert result.best.score.metrics["accuracy"] == 1
    assert result.test is None


def test_linear_regression_recovers_the_line_and_reaches_the_noise_floor():
    result = train(CONFIGS / "linear_regression.yaml")
    parameters = result.session.model.network.parameters()
    assert parameters["0.dense.weight"].item() == pytest.approx(3, abs=0.05)
    assert parameters["0.dense.bias"].item() == pytest.approx(2, abs=0.05)
    assert result.stopped == "convergence"
    # The least squares solution is the floor; NumPy knows it without any training.
    rows = result.session.train
    design = np.hstack([rows.inputs, np.ones_like(rows.inputs)]).astype(float)
    _, residual, *_ = np.linalg.lstsq(design, rows.targets.astype(float), rcond=None)
    assert result.best.score.loss == pytest.approx(residual.item() / len(rows), rel=1e-4)
    assert result.best.score.loss == pytest.approx(0.1**2, rel=0.2)


@pytest.mark.parametrize("name", NAMES)
def test_two_runs_write_the_same_bytes_and_the_checkpoint_alone_gives_the_same_score(name):
    short = ["training.epochs=3"]
    one, two = (train(CONFIGS / f"{name}.yaml", short, run=run) for run in ("a", "b"))
    for file in ("checkpoints/best.npz", "checkpoints/last.npz", "history.jsonl", "config.yaml"):
        assert Path("a", file).read_bytes() == Path("b", file).read_bytes(), file
    alone = Path("elsewhere.npz")
    one.checkpoint.rename(alone)
    for path in sorted(Path("a").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    again = evaluate(alone)
    expected = one.test or one.best.score
    assert again.loss == expected.loss
    assert again.metrics.items() >= expected.metrics.items()
    assert two.checkpoint.exists()


def test_another_seed_gives_other_bytes():
    assert quick("seed=1").checkpoint.read_bytes() != quick("seed=2").checkpoint.read_bytes()


def test_dropout_does_not_change_the_start_or_the_order():
    """Each purpose has its stream."""
    text = "data: {source: {bundled: iris}}\nnetwork: [dense: 4, relu, dropout: {rate: 0}, dense]\n"
    with_masks, without = (
        assemble_file(write_config(text), [f"network.2.dropout.rate={rate}"]).model.network for rate in (0.5, 0.0)
    )
    assert (with_masks.theta == without.theta).all()


def test_training_follows_the_textbook_by_hand():
    """Two epochs of full-batch gradient descent on a line, computed without the package."""
    text = """
    dtype: float64
    data:
      source: {synthetic: {kind: line, rows: 40}}
      split: {validation: 0, test: 0}
      scaling: none
      target_scaling: none
    network: [dense: {units: 1, weight_init: zeros}]
    optimizer: {sgd: {lr: 0.1}}
    regularization: {l2: 0.5}
    training: {epochs: 2, batch_size: full}
    """
    network = train(write_config(text)).session.model.network
    table = assemble_file("my.yaml").model.experiment.data.source.load().columns
    x, y, w, b = table["x"], table["y"], 0.0, 0.0
    for _ in range(2):
        error = w * x + b - y
        w, b = w - 0.1 * (2 * np.mean(error * x) + 0.5 * w), b - 0.1 * 2 * np.mean(error)
    assert network.theta == pytest.approx([w, b], rel=1e-12)


def test_every_row_is_seen_once_an_epoch():
    seen = []

    def watch(event):
        if isinstance(event, EpochEnd):
            seen.append(event.record)

    text = "data: {source: {bundled: iris}}\nhidden: [4]\ntraining: {epochs: 2, batch_size: 7}\n"
    result = train(write_config(text), sinks=[watch])
    rows = len(result.session.train)
    assert sorted(result.session.order.tolist()) == list(range(rows))
    assert [record["step"] for record in seen] == [-(-rows // 7), 2 * -(-rows // 7)]
    assert [json.loads(line) for line in (result.run / "history.jsonl").read_text().splitlines()] == seen


def test_the_epoch_loss_is_a_mean_over_rows_not_over_batches():
    """With a learning rate of next to nothing, an epoch's loss is the loss of the start over all rows."""
    text = """
    dtype: float64
    data: {source: {bundled: iris}, split: {validation: 0, test: 0}}
    hidden: [4]
    optimizer: {sgd: {lr: 1e-300}}
    training: {epochs: 1, batch_size: 64}
    """
    start = assemble_file(write_config(text))
    expected = score(start.model, start.splits["train"]).loss
    result = train("my.yaml")
    record = json.loads((result.run / "history.jsonl").read_text())
    assert record["loss"] == pytest.approx(expected, rel=1e-12)


def test_early_stopping_keeps_the_best_weights():
    result = train(CONFIGS / "iris.yaml", ["training.early_stopping.patience=3", "optimizer.adam.lr=0.05"])
    assert result.stopped == "early_stopping"
    assert result.epochs == result.best.epoch + 3
    history = [json.loads(line) for line in (result.run / "history.jsonl").read_text().splitlines()]
    losses = [record["validation_loss"] for record in history]
    assert losses[result.best.epoch - 1] == min(losses) == result.best.score.loss
    assert evaluate(result.run, split="validation").loss == result.best.score.loss


def test_convergence_stops_when_the_loss_stands_still():
    result = train(CONFIGS / "linear_regression.yaml", ["training.convergence={tolerance: 0.001, patience: 4}"])
    losses = [json.loads(line)["loss"] for line in (result.run / "history.jsonl").read_text().splitlines()]
    window = [max(losses[k : k + 5]) - min(losses[k : k + 5]) for k in range(len(losses) - 4)]
    assert window[-1] <= 0.001
    assert min(window[:-1]) > 0.001


def test_cosine_schedule_reaches_the_history():
    result = quick("schedule=cosine")
    rates = [json.loads(line)["lr"] for line in (result.run / "history.jsonl").read_text().splitlines()]
    assert rates == pytest.approx([0.001 * (1 + cos(pi * t / 12)) / 2 for t in (3, 7, 11)], rel=1e-12)
    assert all(later < earlier for earlier, later in pairwise(rates))


def test_a_run_directory_holds_all_that_is_promised():
    first, second = quick(), quick()
    assert (first.run.as_posix(), second.run.as_posix()) == ("runs/my-001", "runs/my-002")
    names = {path.relative_to(first.run).as_posix() for path in first.run.rglob("*") if path.is_file()}
    assert {"config.yaml", "history.jsonl", "environment.json"} <= names
    assert {"checkpoints/best.npz", "checkpoints/last.npz"} <= names
    assert load(first.run / "config.yaml").experiment == first.session.model.experiment
    assert json.loads((first.run / "environment.json").read_text())["numpy"] == np.__version__


def test_a_run_as_shown_runs_the_same():
    one = quick()
    again = train(write_config(show("my.yaml"), "my2.yaml"), ["training.epochs=3", "name=my"])
    assert again.checkpoint.read_bytes() == one.checkpoint.read_bytes()
    assert load("my2.yaml").experiment == one.session.model.experiment


def test_a_directory_in_use_is_not_touched():
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="exists already"):
        train(CONFIGS / "iris.yaml", run="mine")
    assert [path.name for path in Path("mine").iterdir()] == ["thesis.txt"]


def test_numpy_opens_a_checkpoint():
    result = quick()
    with np.load(result.checkpoint, allow_pickle=False) as arrays:
        assert arrays["0.dense.weight"].shape == (4, 4)
        assert json.loads(bytes(arrays["document"]))["columns"]["target"]["labels"] == [
            "setosa",
            "versicolor",
            "virginica",
        ]


def test_a_checkpoint_has_all_that_resuming_will_need():
    result = quick()
    _, stored = load_checkpoint(result.run / "checkpoints" / "last.npz")
    assert set(stored["streams"]) == {"split", "init", "shuffle", "dropout", "augmentation"}
    assert stored["progress"]["step"] == result.steps
    with np.load(result.run / "checkpoints" / "last.npz") as arrays:
        assert {"slot.0", "slot.1", "order", "best.theta", "best.state"} <= set(arrays.files)


@pytest.mark.parametrize("kind", ["flip", "cut", "grow", "rename"])
def test_a_damaged_checkpoint_is_refused(kind):
    checkpoint = quick().checkpoint
    whole = checkpoint.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(4, len(whole), 60):
        damaged = {
            "flip": whole[:place] + bytes([whole[place] ^ (1 << int(rng.integers(8)))]) + whole[place + 1 :],
            "cut": whole[:place],
            "grow": whole[:place] + b"\0" + whole[place:],
            "rename": whole.replace(b"0.dense.weight", b"1.dense.weight"),
        }[kind]
        checkpoint.write_bytes(damaged)
        with pytest.raises(StorageError, match="damaged"):
            load_checkpoint(checkpoint)


def test_divergence_is_said_and_nothing_bad_is_kept():
    # A tenth of 1e30 would be no advice.
    advice = r"; try a smaller learning rate, such as optimizer.sgd.lr=0.3"
    with pytest.raises(DivergedError, match=rf"at step \d+ \(epoch 1, learning rate 1e\+30\); .*{advice}"):
        quick("optimizer={sgd: {lr: 1e30}}", "loss=mse", "data.task=classification")
    (last,) = Path("runs").rglob("last.npz")
    model, _ = load_checkpoint(last)
    assert np.isfinite(model.network.theta).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "data: {source: {bundled: iris}}\nhidden: [4]\nloss: binary_cross_entropy\n",
            r"my\.yaml:3:7: loss: binary_cross_entropy does not fit a target of 3 classes; use softmax_cross_entropy",
        ),
        (
            "data: {source: {bundled: diabetes}, task: regression}\nhidden: [4]\nloss: softmax_cross_entropy\n",
            r"my\.yaml:3:7: loss: softmax_cross_entropy does not fit a target of 1 numeric column; use mse",
        ),
        (
            "data: {source: {bundled: iris}}\nnetwork: [dense: 5]\n",
            r"my\.yaml:2:18: network\.0\.dense\.units: the network ends in 5 outputs; "
            r"softmax_cross_entropy on 3 classes needs 3",
        ),
        (
            "data: {source: {bundled: iris}, target: specie}\nhidden: [4]\n",
            r"my\.yaml:1:41: data\.target: iris has no column 'specie'; did you mean 'species'\?",
        ),
        (
            "data: {source: {bundled: iris}, features: [petal_length, species]}\nhidden: [4]\n",
            r"my\.yaml:1:58: data\.features\.1: the target 'species' is among the features; remove it",
        ),
        (
            "data: {source: {bundled: diabetes}, split: {method: stratified}}\nhidden: [4]\n",
            r"my\.yaml:1:53: data\.split\.method: stratified needs a target of classes; use random",
        ),
        (
            "data: {source: {synthetic: {kind: xor, rows: 4}}, split: {test: 0.1}}\nhidden: [4]\n",
            r"no row is left for (test|validation)",
        ),
        ("data: {source: {csv: my.csv}}\nhidden: [4]\n", r"my\.yaml:1:7: data\.target: is missing; name the column"),
        (
            "data: {source: {csv: gone.csv}, target: y}\nhidden: [4]\n",
            r"my\.yaml:1:22: data\.source\.csv\.path: no such file \(got .*gone\.csv\)",
        ),
        ("data: {source: {csv: my.csv}, target: b}\nhidden: [4]\n", r"my\.csv:3: c: a missing value or NaN"),
        (
            "data: {source: {csv: my.csv}, target: c, features: [a]}\nhidden: [4]\n",
            r"my\.csv:3: c: the target is missing",
        ),
        ("data: {source: {csv: my.csv}, target: one}\nhidden: [4]\n", r"one: the target has a single class, 1"),
    ],
)
def test_a_config_that_its_data_does_not_bear_out(text, message):
    Path("my.csv").write_text("a,b,c,one\n1,2,3.5,1\n4,5.5,,1\n7,8,9,1\n" + "1,2,3,1\n" * 20)
    with pytest.raises((InputError, OptionError), match=message):
        train(write_config(text))
    assert not Path("runs").exists()
    assert not validate(["my.yaml"]).valid


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["hidden=[100000000000]"], "hidden|network: the network and its batches need"),
        (
            ["data.source={synthetic: {kind: line, rows: 1000000000000}}"],
            "expected a whole number >= 4 and <= 100000000",
        ),
        (["data.features=[petal_length, petal_length]"], "names the column 'petal_length' twice"),
    ],
)
def test_sizes_and_names_that_cannot_be(overrides, message):
    with pytest.raises(InputError, match=message):
        quick(*overrides)
    assert not Path("runs").exists()


def test_a_batch_larger_than_the_data_is_all_of_it():
    assert quick("training.batch_size=100000000000").steps == 3


HUGE = ["1e300", "1e39", "-1e308"]


@pytest.mark.parametrize("value", HUGE)
@pytest.mark.parametrize("column", ["x", "y"])
def test_numbers_beyond_float32_are_refused(value, column):
    rows = [f"{k},{k * 0.5}" for k in range(40)]
    rows[7] = f"{value},0.5" if column == "x" else f"7,{value}"
    Path("huge.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    text = "data: {source: {csv: huge.csv}, target: y, scaling: none, target_scaling: none}\nhidden: [2]\n"
    with pytest.raises(InputError, match=rf"huge\.csv:9: {column}: .* too large"):
        train(write_config(text))
    assert not Path("runs").exists()


def test_a_penalty_that_overflows_is_divergence():
    with pytest.raises(DivergedError, match=r"the penalty is|the validation loss|the loss is|the optimizer's state"):
        quick("optimizer.adam.lr=1e30", "regularization.l2=0.1", "hidden=[]")


def test_evaluation_refuses_data_that_changed():
    rows = [f"{k % 7},{'yes' if k % 2 else 'no'}" for k in range(40)]
    Path("d.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    result = train(write_config("data: {source: {csv: d.csv}, target: y}\nhidden: [2]\ntraining: {epochs: 1}\n"))
    assert evaluate(result.run).rows == 6
    Path("d.csv").write_text("x,y\n" + "\n".join(reversed(rows)) + "\n")
    with pytest.raises(InputError, match="has changed since the model was trained"):
        evaluate(result.run)
    assert evaluate(result.run, data="d.csv").rows == 40


def test_labels_are_the_same_whatever_a_file_has_of_them():
    Path("d.csv").write_text("x,y\n" + "".join(f"{k},{('0', '1', 'unknown')[k % 3]}\n" for k in range(60)))
    result = train(write_config("data: {source: {csv: d.csv}, target: y}\nhidden: [2]\ntraining: {epochs: 1}\n"))
    Path("numbers.csv").write_text("x,y\n1,0\n2,1\n3,1\n")
    assert evaluate(result.run, data="numbers.csv").rows == 3


def test_an_interrupted_run_keeps_its_best_weights():
    def stop(event):
        if isinstance(event, EpochEnd) and event.record["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(write_config("data: {source: {bundled: iris}}\nhidden: [4]\n"), sinks=[stop])
    assert evaluate("runs/my-001").rows == 22
    assert not list(Path("runs").rglob("*.tmp"))


def test_regression_is_scored_in_the_units_of_the_data():
    result = train(CONFIGS / "diabetes.yaml", ["training.epochs=2"])
    model = result.session.model
    rows = result.session.splits["test"]
    batch = model.objective.batch(len(rows))
    batch.fill(rows.inputs, rows.targets, np.arange(len(rows)))
    batch.frame.forward(training=False)
    mean, std = model.columns.target[0].statistics
    outputs, targets = batch.frame.scores * std + mean, rows.targets * std + mean
    assert result.test.metrics["rmse"] == pytest.approx(np.sqrt(np.mean((outputs - targets) ** 2)), rel=1e-5)
    assert 40 < result.test.metrics["rmse"] < 160


def test_mse_on_classes_takes_one_hot_targets():
    text = "data: {source: {bundled: iris}}\nhidden: [8]\nloss: mse\noptimizer: {adam: {lr: 0.01}}\n"
    result = train(write_config(text))
    assert result.session.train.targets.shape[1] == 3
    assert result.session.train.targets.sum(axis=1).tolist() == [1] * len(result.session.train)
    assert result.test.metrics["accuracy"] > 0.85
