"""Phases: folds and held-out rows find the number of epochs, and the network is then trained on all rows."""

import json
import warnings
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

import bptrain
from bptrain.columns.folds import draw_folds
from bptrain.columns.splits.split import Split
from bptrain.commands.verify_resume import COMPARED, train_with_interruptions
from bptrain.errors import BptrainNote, ConfigError, OptionError
from bptrain.model.assemble import assemble_file
from bptrain.model.scoring import predict_rows
from bptrain.nn import LOSSES
from bptrain.nn.losses import BinaryCrossEntropy, Poisson, SoftmaxCrossEntropy
from bptrain.run.checkpoint import load_checkpoint
from bptrain.run.open_run import create_run
from bptrain.run.train_run import train_run
from bptrain.tables.table import Selection, Table

CONFIG = """\
data:
  source: {csv: t.csv}
  target: y
  features: [a, b]
  scaling: none
  split: {validation: 0, test: 0.2}
network: [dense: 4, dropout: 0.1, tanh, batch_norm, dense]
optimizer: {adam: {lr: 0.05}}
dtype: float64
training:
  epochs: 30
  batch_size: 8
  early_stopping: {patience: 3}
  folds: 3
"""

REFIT = ["training.folds=null", "training.refit=true", "data.split.validation=0.2"]


@pytest.fixture
def config():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 80))
    y = np.where(a * b + rng.normal(0, 0.5, 80) > 0, "yes", "no")
    lines = [f"{a[k]:.4f},{b[k]:.4f},{k // 4},{k},{y[k]}" for k in range(80)]
    Path("t.csv").write_text("\n".join(["a,b,family,day,y", *lines]) + "\n")
    Path("c.yaml").write_text(CONFIG)
    return Path("c.yaml")


def read_records(run):
    return [json.loads(line) for line in (Path(run) / "history.jsonl").read_text().splitlines()]


def drop(record, *names):
    return {name: value for name, value in record.items() if name not in names}


def test_the_last_phase_is_a_plain_training_for_the_epochs_found(config):
    found = bptrain.train(config, run="folds")
    epochs = [one["epoch"] for one in found.session.found]
    assert len(epochs) == 3
    assert found.epochs == sorted(epochs)[1]
    options = ["training.folds=null", "training.early_stopping=null", f"training.epochs={found.epochs}"]
    plain = bptrain.train(config, options, run="plain")
    np.testing.assert_array_equal(found.session.model.network.theta, plain.session.model.network.theta)
    np.testing.assert_array_equal(found.session.model.network.state, plain.session.model.network.state)
    assert found.test == plain.test
    own = [drop(one, "phase", "step") for one in read_records("folds") if one["phase"] == 4]
    assert own == [drop(one, "step") for one in read_records("plain")]
    # What is kept as the score is that of the folds, on rows that were held out.
    lowest = [min(one["validation_loss"] for one in read_records("folds") if one["phase"] == k) for k in (1, 2, 3)]
    assert found.best.score.loss == pytest.approx(np.mean(lowest))


def test_a_fold_is_a_plain_training_with_its_rows_held_out(config):
    assembly = assemble_file(config)
    train, test = assembly.selections["train"].numbers, assembly.selections["test"].numbers
    parts = np.empty(80, object)
    parts[train], parts[test] = np.where(assembly.folds == 1, "validation", "train"), "test"
    lines = Path("t.csv").read_text().splitlines()
    Path("t.csv").write_text("\n".join([f"{lines[0]},part", *map(",".join, zip(lines[1:], parts, strict=True))]) + "\n")
    bptrain.train(config, run="folds")
    options = ["training.folds=null", "data.split={method: column, column: part}"]
    bptrain.train(config, options, run="plain")
    plain = read_records("plain")
    own = [drop(one, "phase", "step") for one in read_records("folds") if one["phase"] == 2]
    assert own == [drop(one, "step") for one in plain]


def test_refit_trains_on_training_and_validation_rows(config):
    """In full batches and without dropout the order of the rows is nothing but rounding."""
    plain = ["network=[dense: 4, tanh, dense]", "training.batch_size=full", "data.split.test=0"]
    found = bptrain.train(config, [*plain, *REFIT], run="refit")
    first = [one for one in read_records("refit") if one["phase"] == 1]
    assert found.epochs == min(first, key=lambda one: one["validation_loss"])["epoch"]
    assert found.best.score.loss == min(one["validation_loss"] for one in first)
    options = ["training.folds=null", "training.early_stopping=null", f"training.epochs={found.epochs}"]
    other = bptrain.train(config, [*plain, *options, "data.split.validation=0"], run="plain")
    np.testing.assert_allclose(
        found.session.model.network.theta, other.session.model.network.theta, rtol=1e-9, atol=1e-12
    )


MEMBERS = ["training.members=3"]
SEVERAL = [
    ["training.members=2", *REFIT],
    *(
        pytest.param(options, marks=pytest.mark.slow)
        for options in (
            [],
            REFIT,
            [*REFIT, "training.average=0.9", "training.accumulate=2"],
            [*MEMBERS, "training.on_divergence=restore_and_halve"],
            [*MEMBERS, "training.folds=null", "data.split.validation=0.2"],
        )
    ),
]


@pytest.mark.parametrize("options", SEVERAL)
def test_a_run_interrupted_at_the_ends_of_its_phases_is_bit_identical(config, options):
    straight = bptrain.train(config, options, run="straight")
    ends, records = [], read_records("straight")
    for one, after in pairwise(records):
        if one["phase"] != after["phase"]:
            ends += [one["step"] - 1, one["step"], one["step"] + 1]
    assert len(ends) == 3 * (len(straight.session.phases) - 1)
    new = train_with_interruptions(assemble_file(config, options), Path("stopped"), ends, None)
    for name in COMPARED:
        assert (new / name).read_bytes() == (straight.run / name).read_bytes(), name


@pytest.mark.slow
def test_a_run_killed_in_a_phase_goes_on_from_its_last_checkpoint(config, bptrain_in):
    straight = bptrain.train(config, ["training.checkpoint.every_steps=7"], run="straight")
    with create_run(assemble_file(config, ["training.checkpoint.every_steps=7"]), "killed", perf_counter()) as run:

        class Killed(BaseException):
            pass

        def kill(event):
            if run.session.phase == 2 and run.session.epoch == 2:
                raise Killed

        with pytest.raises(Killed):
            train_run(run, [kill])
    assert bptrain_in("resume", "killed").returncode == 0
    for name in COMPARED:
        assert Path("killed", name).read_bytes() == (straight.run / name).read_bytes(), name


def test_test_rows_change_nothing_but_the_test_score(config):
    one = bptrain.train(config, run="one")
    lines = Path("t.csv").read_text().splitlines()
    for k in assemble_file(config).selections["test"].numbers:
        lines[k + 1] = "9,9," + lines[k + 1].split(",", 2)[2]
    Path("t.csv").write_text("\n".join(lines) + "\n")
    other = bptrain.train(config, run="other")
    np.testing.assert_array_equal(one.session.model.network.theta, other.session.model.network.theta)
    assert one.best.score == other.best.score
    assert one.test != other.test


def test_what_is_printed_and_stored(config, bptrain_in):
    done = bptrain_in("train", "c.yaml", "--run", "run")
    assert done.returncode == 0, done.stderr
    assert "fold 2, epoch 1/30" in done.stderr
    assert "note: fold 1: lowest validation loss" in done.stderr
    said = bptrain_in("resume", "run").stderr
    assert "it was trained anew for" in said
    assert bptrain_in("evaluate", "run").returncode == 0
    assert "the median of" in " ".join(done.stdout.split())
    refused = bptrain_in("resume", "run", "training.epochs=60")
    assert refused.returncode == 2
    assert "training.epochs: was 30 when the run began and cannot become 60" in refused.stderr


WRONG = [
    (["training.early_stopping=null"], "training.folds: early stopping finds the number of epochs", "add"),
    (["data.split.validation=0.2"], "training.folds: each fold is validated on in turn, and 16 rows more", "write"),
    (["training.refit=true"], "training.refit: folds trains on all training rows at the end by itself", "remove"),
    (["training.max_steps=9"], "training.max_steps: cannot limit a run that trains several times", "write"),
    (["training.folds=null", "training.refit=true"], "training.refit: there are no validation rows", "set"),
    (["training.folds=65"], "every fold needs rows of its own, and there are 64 training rows (got 65)", "write 64"),
    (
        ["data.split={validation: 0, test: 0.2, method: group, column: family}", "training.folds=17"],
        "every fold needs rows of its own, and there are 16 groups of training rows (got 17)",
        "write 16",
    ),
    (["training.folds=1"], "training.folds", ">= 2"),
]


@pytest.mark.parametrize(("options", "message", "advice"), WRONG)
def test_options_that_do_not_fit_together(config, options, message, advice):
    with pytest.raises(ConfigError) as caught:
        assemble_file(config, options)
    assert message in str(caught.value)
    assert advice in str(caught.value)


def test_a_mistake_has_its_place(config, bptrain_in):
    config.write_text(CONFIG.replace("  early_stopping: {patience: 3}\n", ""))
    done = bptrain_in("validate", "c.yaml")
    assert done.returncode == 2
    assert "c.yaml:13:10: training.folds: early stopping finds" in done.stderr


def test_the_advice_works(config):
    assemble_file(config, ["data.split.validation=0.2", "training.folds=null", "training.refit=true"])
    assemble_file(config, ["training.early_stopping={patience: 10}"])
    assemble_file(config, ["training.folds=64", "network=[dense]"])


def make_rows(name, values):
    table = Table({name: np.array(values, object if isinstance(values[0], str) else float)}, "t")
    return Selection(table)


@pytest.mark.parametrize("count", [10, 11, 14])
def test_folds_have_about_the_same_rows_and_share_of_each_class(count):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, count)
    folds = draw_folds(Split(method="stratified"), make_rows("a", [0.0] * count), codes, 5, rng)
    sizes = np.bincount(folds, minlength=5)
    assert sizes.max() - sizes.min() <= 1
    for code in range(3):
        each = np.bincount(folds[codes == code], minlength=5)
        assert each.max() - each.min() <= 1


def test_groups_stay_together_and_times_are_periods():
    rng = np.random.default_rng(0)
    family = [0, 0, 0, 1, 1, 2, 2, 3, 4, 4]
    folds = draw_folds(Split(method="group", column="f"), make_rows("f", family), None, 3, rng)
    assert all(len(set(folds[np.array(family) == one])) == 1 for one in family)
    assert sorted(np.bincount(folds)) == [3, 3, 4]
    days = ["2024-01-05", "2024-01-01", "2024-01-04", "2024-01-02", "2024-01-03", "2024-01-06"]
    folds = draw_folds(Split(method="time", column="d"), make_rows("d", days), None, 3, rng)
    assert folds.tolist() == [2, 0, 1, 0, 1, 2]
    with pytest.raises(OptionError, match="every fold needs rows"):
        draw_folds(Split(method="random"), make_rows("d", days), None, 7, rng)


def test_rows_in_a_file_are_refused(config):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BptrainNote)
        with pytest.raises(ConfigError, match=r"training\.folds: needs .* larger than data\.memory; raise that"):
            assemble_file(config, ["data.memory=1kB"])


def softmax(scores):
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def run_members(found, rows):
    """The raw scores of each network of a run, one after another."""
    model, scores = found.session.model, []
    for one in model.members:
        model.network.theta[...], model.network.state[...] = one.theta, one.state
        frame = model.network.frame(len(rows))
        frame.input[...] = rows.inputs
        frame.forward(training=False)
        scores.append(frame.scores.copy())
    return scores


# The options, and the outputs of a network for its scores.
AVERAGED = [
    (["data.target=family", "data.task=classification", "data.features=[a, b]", "data.split.method=random"], softmax),
    ([], lambda z: 1 / (1 + np.exp(-z))),
    (["data.target=day", "data.task=regression", "data.features=[a, b]"], lambda z: z),
    (["data.target=day", "data.features=[a, b]", "loss=poisson"], np.exp),
]


@pytest.mark.parametrize(("options", "output"), AVERAGED)
def test_the_outputs_of_members_are_averaged(config, options, output):
    options = [*options, *MEMBERS, "training.folds=null", "data.split.validation=0.2", "training.epochs=3"]
    found = bptrain.train(config, options, run="run")
    rows = found.session.whole["test"]
    scores = run_members(found, rows)
    assert len(scores) == 3
    assert not np.allclose(scores[0], scores[1])
    mean = np.mean([output(one) for one in scores], axis=0)
    model, _ = load_checkpoint(Path("run"))
    assert len(model.members) == 3
    (outputs,) = (one.copy() for one in predict_rows(model, rows.inputs))
    np.testing.assert_allclose(outputs, mean, rtol=1e-9, atol=1e-12)
    assert bptrain.evaluate("run").loss == pytest.approx(found.test.loss, rel=1e-12)
    if output is softmax:
        assert found.test.loss == pytest.approx(-np.log(mean[np.arange(len(mean)), rows.targets]).mean(), rel=1e-9)


def test_the_first_member_is_the_plain_network(config):
    options = ["training.folds=null", "data.split.validation=0.2"]
    found = bptrain.train(config, [*options, *MEMBERS], run="several")
    plain = bptrain.train(config, options, run="plain")
    np.testing.assert_array_equal(found.session.model.members[0].theta, plain.session.model.network.theta)


def test_several_targets_are_averaged_one_by_one(config):
    options = ["data.target={y: {}, day: {task: regression}}", "data.features=[a, b]", *MEMBERS, "training.epochs=2"]
    found = bptrain.train(config, [*options, "training.folds=null", "data.split.validation=0.2"], run="run")
    rows, heads = found.session.whole["test"], {one.name: one.scores for one in found.session.model.heads}
    scores = run_members(found, rows)
    (outputs,) = (one.copy() for one in predict_rows(load_checkpoint(Path("run"))[0], rows.inputs))
    probability = np.mean([1 / (1 + np.exp(-z[:, heads["y"]])) for z in scores], axis=0)
    np.testing.assert_allclose(outputs[:, heads["y"]], probability)
    np.testing.assert_allclose(outputs[:, heads["day"]], np.mean([z[:, heads["day"]] for z in scores], axis=0))


@pytest.mark.parametrize("name", list(LOSSES))
@pytest.mark.parametrize("width", [1, 3])
def test_every_loss_finds_scores_for_its_outputs(name, width):
    loss, scores = LOSSES.members[name](), np.random.default_rng(1).normal(0, 3, (6, width))
    outputs = loss.outputs(scores, np.empty_like(scores))
    again = np.empty_like(scores)
    loss.invert(outputs.copy(), again)
    np.testing.assert_allclose(loss.outputs(again, np.empty_like(again)), outputs, rtol=1e-9)


def test_probabilities_of_0_and_1_have_finite_scores():
    for loss, outputs in ((SoftmaxCrossEntropy(), [[0.0, 1.0]]), (BinaryCrossEntropy(), [[1.0]]), (Poisson(), [[0.0]])):
        scores = np.empty(np.shape(outputs), np.float32)
        loss.invert(np.array(outputs), scores)
        assert np.isfinite(scores).all()
        np.testing.assert_allclose(loss.outputs(scores, np.empty_like(scores)), outputs, atol=1e-30)


def test_a_row_left_over_in_a_fold_joins_the_batch_before_it(config):
    """Each fold trains on 301 rows in batches of 300, and batch norm needs two rows."""
    rng = np.random.default_rng(0)
    lines = [f"{a:.3f},{b:.3f},0,{k},{'yes' if a > 0 else 'no'}" for k, (a, b) in enumerate(rng.normal(size=(602, 2)))]
    Path("t.csv").write_text("\n".join(["a,b,family,day,y", *lines]) + "\n")
    options = ["data.split.test=0", "training.folds=2", "training.batch_size=300", "training.epochs=2"]
    assert len(bptrain.train(config, options, run="run").session.found) == 2
