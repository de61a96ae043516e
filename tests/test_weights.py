"""Weights of classes and of rows: they count in the loss, and never in metrics."""

from pathlib import Path

import numpy as np
import pytest

import bptrain
from bptrain.columns.targets import balance_weights
from bptrain.errors import InputError
from bptrain.model.assemble import assemble_file
from bptrain.model.scoring import score

ROWS = 60


def data(name="w.csv"):
    rng = np.random.default_rng(0)
    lines = ["a,b,w,label,amount"]
    for k in range(ROWS):
        lines.append(f"{rng.normal():.4f},{rng.normal():.4f},{k % 4},{'xxyz'[k % 4]},{rng.normal():.4f}")
    Path(name).write_text("\n".join(lines) + "\n")


def config(rest, target="label", more=""):
    data()
    Path("w.yaml").write_text(
        f"data:\n  source: {{csv: w.csv}}\n  target: {target}\n  features: [a, b]\n"
        f"  split: {{validation: 0.25, test: 0}}\n{rest}"
        f"hidden: [4]\ntraining: {{epochs: 3, batch_size: 8}}\ndtype: float64\n{more}"
    )
    return "w.yaml"


def test_balanced_weights_computed_by_hand():
    # 8 rows of 2 classes: 8 / (2 * 6) and 8 / (2 * 2)
    assert balance_weights(np.array([0, 0, 1, 0, 0, 1, 0, 0]), 2) == pytest.approx((2 / 3, 2))


def compute_softmax_losses(model, rows):
    """Return the cross-entropy of each row, from the scores."""
    batch = model.objective.batch(len(rows))
    batch.fill(rows.inputs, rows.targets, np.arange(len(rows)), rows.weights)
    batch.frame.forward(training=False)
    scores = batch.frame.scores
    return np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(rows)), rows.targets]


WEIGHTS = {
    "  class_weight: {x: 0.5, z: 3}\n": lambda labels, w: np.array([{"x": 0.5, "y": 1, "z": 3}[one] for one in labels]),
    "  sample_weight: w\n": lambda labels, w: w,
    "  class_weight: {y: 2}\n  sample_weight: w\n": lambda labels, w: w * np.where(labels == "y", 2, 1),
}


@pytest.mark.parametrize("rest", WEIGHTS)
def test_the_loss_is_the_weighted_mean_and_the_metrics_are_not(rest):
    assembly = assemble_file(config(rest))
    model, rows = assembly.model, assembly.splits["validation"]
    labels, w = (assembly.table.columns[name][rows.numbers] for name in ("label", "w"))
    weights, losses = WEIGHTS[rest](labels, w), compute_softmax_losses(model, rows)
    found = score(model, rows)
    assert found.loss == pytest.approx((weights * losses).sum() / weights.sum(), rel=1e-12)
    plain = assemble_file(config(""))
    assert found.metrics == score(plain.model, plain.splits["validation"]).metrics


def test_balanced_weights_are_those_of_the_training_rows():
    assembly = assemble_file(config("  class_weight: balanced\n"))
    counts = np.bincount(assembly.splits["train"].targets)
    assert assembly.model.columns.weighting.classes == pytest.approx(counts.sum() / (3 * counts))


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "focal", "hinge"])
def test_a_whole_weight_trains_like_that_many_copies_of_the_row(loss):
    """A row of weight 3 counts as three rows, one of weight 0 as none."""
    weighted = assemble_file(config("  sample_weight: w\n", more=f"loss: {loss}\n"))
    rows = weighted.splits["train"]
    objective = weighted.model.objective
    one = objective.batch(len(rows))
    one.fill(rows.inputs, rows.targets, np.arange(len(rows)), rows.weights)
    value, weight = objective.loss_and_grad(one)
    gradient = weighted.model.network.grad.copy()
    repeated = np.repeat(np.arange(len(rows)), rows.weights.astype(int))
    plain = assemble_file(config("", more=f"loss: {loss}\n"))
    again = plain.model.objective.batch(len(repeated))
    plain.model.network.theta[...] = weighted.model.network.theta
    again.fill(rows.inputs, rows.targets, repeated)
    expected, count = plain.model.objective.loss_and_grad(again)
    assert (value, weight) == (pytest.approx(expected, rel=1e-12), count)
    np.testing.assert_allclose(gradient, plain.model.network.grad, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("rest", "target", "more"),
    [
        ("  class_weight: balanced\n", "label", ""),
        ("  sample_weight: w\n", "label", "loss: {softmax_cross_entropy: {label_smoothing: 0.1}}\n"),
        ("  sample_weight: w\n", "amount", "regularization: {l2: 0.1}\n"),
        ("  sample_weight: w\n", "amount", "loss: huber\n"),
    ],
)
def test_the_gradient_of_the_weighted_loss_is_right(rest, target, more):
    assert bptrain.check_gradients(config(rest, target, more)).passed


def test_a_gradient_that_ignores_the_weights_is_wrong(monkeypatch):
    from bptrain.nn.losses import regression

    right = regression.mean

    def wrong(terms, dscores, weights):
        kept = dscores / (len(terms) * (terms.size // len(terms)))
        value = right(terms, dscores, weights)
        dscores[...] = kept
        return value

    monkeypatch.setattr(regression, "mean", wrong)
    assert bptrain.check_gradients(config("", "amount")).passed
    assert not bptrain.check_gradients(config("  sample_weight: w\n", "amount")).passed


def test_a_weighted_run_resumes_bit_identically():
    check = bptrain.verify_resume(config("  class_weight: balanced\n  sample_weight: w\n"))
    assert check.interruptions
    assert check.identical


@pytest.mark.filterwarnings("ignore::bptrain.errors.BptrainNote")
def test_a_checkpoint_uses_the_weights_of_new_rows():
    bptrain.train(config("  class_weight: {z: 5}\n  sample_weight: w\n"))
    own = bptrain.evaluate("runs/w-001", split="validation")
    assembly = assemble_file("w.yaml")
    lines = Path("w.csv").read_text().splitlines()
    chosen = [lines[0], *(lines[k + 1] for k in assembly.splits["validation"].numbers)]
    Path("part.csv").write_text("\n".join(chosen) + "\n")
    again = bptrain.evaluate("runs/w-001", data="part.csv")
    assert (again.loss, again.metrics) == (pytest.approx(own.loss, rel=1e-12), own.metrics)
    Path("part.csv").write_text("\n".join(line.replace(",w,", ",weight,") for line in chosen) + "\n")
    with pytest.raises(InputError, match=r"part\.csv has no column 'w' \(did you mean 'weight'\?\)|has no column 'w'"):
        bptrain.evaluate("runs/w-001", data="part.csv")


def test_a_weight_that_is_text_is_an_error():
    data()
    Path("w.yaml").write_text(
        "data: {source: {csv: w.csv}, target: amount, sample_weight: label, features: [a, b]}\nhidden: [2]\n"
    )
    with pytest.raises(InputError, match=r"w\.csv: label: a weight must be a number, and the column is text"):
        assemble_file("w.yaml")


def test_the_column_of_weights_is_not_a_feature():
    data()
    Path("w.yaml").write_text(
        "data: {source: {csv: w.csv}, target: label, sample_weight: w, id: amount}\nhidden: [2]\n"
    )
    assert assemble_file("w.yaml").model.columns.input_names == ("a", "b")


WRONG = [
    ("1,2,-1,x,1\n", r"w\.csv:62: w: a weight must not be negative \(got -1\)"),
    ("1,2,,x,1\n", r"w\.csv:62: w: a missing value or NaN"),
    ("1,2,inf,x,1\n", r"w\.csv:62: w: an infinite value"),
]


@pytest.mark.parametrize(("line", "message"), WRONG)
def test_a_wrong_weight_is_an_error(line, message):
    path = config("  sample_weight: w\n")
    Path("w.csv").write_text(Path("w.csv").read_text() + line)
    with pytest.raises(InputError, match=message):
        assemble_file(path)


def test_weights_that_are_all_zero_are_an_error():
    path = config("  sample_weight: w\n")
    lines = Path("w.csv").read_text().splitlines()
    Path("w.csv").write_text(
        "\n".join([lines[0], *(",".join([*line.split(",")[:2], "0", *line.split(",")[3:]]) for line in lines[1:])])
        + "\n"
    )
    with pytest.raises(InputError, match=r"w\.yaml:6:18: data\.sample_weight: all train rows have weight 0"):
        assemble_file(path)


def test_class_weights_for_numbers_are_an_error():
    with pytest.raises(
        InputError, match=r"w\.yaml:6:17: data\.class_weight: is for classes, but the task is regression"
    ):
        assemble_file(config("  class_weight: balanced\n", "amount"))
